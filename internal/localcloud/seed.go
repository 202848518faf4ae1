package localcloud

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// What follows are doors that AWS does not have: they fill a cloud with a large organisation in seconds.
// What they make is held against the same rules as through the API, but not against quotas and rates; it is
// ready at once and leaves no CloudTrail records.

// SeedUsers enters n users, each as person tells, and gives their ids in the same order. At a user
// that is refused it stops: those before are there, and so are the ids returned.
func (o *Console) SeedUsers(n int, person func(i int) Person) (ids []string, err error) {
	return ids, o.seed(func(s *identityStore, m maker) error {
		for i := range n {
			p, id := person(i), newIdentityID()
			if err := s.addPerson(p, id, m); err != nil {
				return fmt.Errorf("seeding user %d, %q: %w", i, p.UserName, err)
			}
			ids = append(ids, id)
		}
		return nil
	})
}

// SeedMembers puts users into a group. At a user that is refused it stops: those before are members.
func (o *Console) SeedMembers(groupID string, userIDs []string) error {
	return o.seed(func(s *identityStore, m maker) error {
		for _, id := range userIDs {
			if _, err := s.addMember(groupID, id, m); err != nil {
				return fmt.Errorf("seeding member %s of group %s: %w", id, groupID, err)
			}
		}
		return nil
	})
}

func (o *Console) seed(do func(*identityStore, maker) error) error {
	if err := o.locked(do); err != nil {
		return fmt.Errorf("identity store %s: %w", o.storeID, err)
	}
	return nil
}

// ProfileSeed is a user profile to be made. What is left empty the profile does not have.
type ProfileSeed struct {
	Name     string            // UserProfileName
	UserName string            // SingleSignOnUserValue; required in an Identity Center domain
	Role     string            // execution role
	Tags     map[string]string // added in the order of their keys
}

// SeedProfiles makes user profiles in a domain, in service. At a profile that is refused it stops: those
// before are there.
func (c *Cloud) SeedProfiles(account, region, domainID string, profiles []ProfileSeed) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	p := c.studioIn(place{account: account, region: region}, now)
	d, err := p.domain(&domainID, now)
	if err != nil {
		return fmt.Errorf("seeding profiles: %w", err)
	}
	shared := seedTexts{settings: map[string]*studioapi.UserSettings{}, keys: map[string]*string{}}
	for i := range profiles {
		in := shared.input(&profiles[i], domainID)
		err := c.checkSeed(p, d, in)
		if err != nil {
			return fmt.Errorf("seeding profile %q in domain %s: %w", profiles[i].Name, domainID, err)
		}
		c.makeProfile(p, d, in, now, 0)
	}
	return nil
}

func (c *Cloud) checkSeed(p *studioPlace, d *studioDomain, in *studioapi.CreateUserProfileInput) error {
	if err := checkProfile(in); err != nil {
		return err
	}
	var v constraints
	v.studioName("userProfileName", in.UserProfileName)
	if err := v.verdict(); err != nil {
		return err
	}
	if p.profiles.get(profileKey(*in.DomainId, *in.UserProfileName)) != nil {
		return resourceInUse("UserProfile [%s/%s] already exists.", *in.DomainId, *in.UserProfileName)
	}
	return c.checkSignOn(p, d, in)
}

// seedTexts keeps one copy of what many profiles share.
type seedTexts struct {
	settings map[string]*studioapi.UserSettings // by role
	keys     map[string]*string                 // of tags
}

func (s seedTexts) input(seed *ProfileSeed, domainID string) *studioapi.CreateUserProfileInput {
	in := &studioapi.CreateUserProfileInput{DomainId: &domainID, UserProfileName: aws.String(seed.Name)}
	if seed.UserName != "" {
		in.SingleSignOnUserIdentifier, in.SingleSignOnUserValue = aws.String("UserName"), aws.String(seed.UserName)
	}
	if seed.Role != "" {
		if s.settings[seed.Role] == nil {
			s.settings[seed.Role] = &studioapi.UserSettings{ExecutionRole: aws.String(seed.Role)}
		}
		in.UserSettings = s.settings[seed.Role]
	}
	if len(seed.Tags) > 0 {
		in.Tags = make([]studioapi.Tag, 0, len(seed.Tags))
	}
	for key, value := range seed.Tags {
		if s.keys[key] == nil {
			s.keys[key] = &key
		}
		in.Tags = append(in.Tags, studioapi.Tag{Key: s.keys[key], Value: aws.String(value)})
	}
	slices.SortFunc(in.Tags, func(a, b studioapi.Tag) int { return cmp.Compare(*a.Key, *b.Key) })
	return in
}
