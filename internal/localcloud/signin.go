package localcloud

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	identitytypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/uuid"

	"studiokeeper/internal/localcloud/studioapi"
)

// SignInDenied is why a person may not open a Studio domain. Its text says Access Denied, as the portal does.
type SignInDenied struct {
	DomainID, UserID string
	Reason           string
}

// Error tells the reason, which the portal keeps to itself.
func (e *SignInDenied) Error() string {
	return fmt.Sprintf("Access Denied: user %s cannot open domain %s: %s", e.UserID, e.DomainID, e.Reason)
}

// SignIn is what a person does in the access portal: opening a Studio domain. It gives the name of the user
// profile they land in. That is the one made for their UserName, whoever it was made for; if there is none,
// SageMaker makes one without settings, which has the domain's default role, and without tags. A person who
// is unknown, disabled or not assigned to the domain's application gets a *SignInDenied; a domain or profile
// that cannot be opened is another error.
func (c *Cloud) SignIn(account, region, domainID, userID string) (profileName string, err error) {
	profile, record, err := c.signIn(place{account, region}, domainID, userID)
	if err != nil {
		return "", fmt.Errorf("signing in: %w", err)
	}
	if record != nil {
		c.record(account, region, *record)
	}
	return profile, nil
}

// signIn also gives the record of the profile SageMaker made, if it did.
func (c *Cloud) signIn(at place, domainID, userID string) (string, *Record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	p := c.studioIn(at, now)
	d, err := p.domain(&domainID, now)
	if err != nil {
		return "", nil, err
	}
	user, err := c.admitted(d, userID)
	if err != nil {
		return "", nil, err
	}
	if profile := p.profileOf(domainID, *user.UserName); profile != nil {
		profile.settle(now)
		return *profile.UserProfileName, nil, profile.openable()
	}
	in := &studioapi.CreateUserProfileInput{
		DomainId: &domainID, UserProfileName: d.freeName(p, *user.UserName),
		SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: user.UserName,
	}
	if err := c.mayCreateProfile(p, d, in); err != nil {
		return "", nil, err
	}
	made := c.makeProfile(p, d, in, now, c.delay())
	r, err := serviceRecord(at, in, made, now)
	return *made.UserProfileName, r, err
}

// admitted finds the user and checks that the domain is open to them.
func (c *Cloud) admitted(d *studioDomain, userID string) (*identitytypes.User, error) {
	store := c.stores.byID[d.store]
	if store == nil {
		return nil, fmt.Errorf("domain %s is in AuthMode %s: nobody opens it from the access portal", *d.DomainId, d.AuthMode)
	}
	denied := &SignInDenied{DomainID: *d.DomainId, UserID: userID}
	user := store.users.get(userID)
	switch {
	case user == nil:
		denied.Reason = "the user does not exist"
	case user.UserStatus == identitytypes.UserStatusDisabled:
		denied.Reason = "the user is disabled"
	case !store.admits(store.applicationOf(*d.DomainId), userID):
		denied.Reason = "neither the user nor one of the user's groups is assigned to the domain's application"
	default:
		return user, nil
	}
	return nil, denied
}

// openable refuses profiles that Studio does not open. A pending one makes the person wait.
func (p *studioProfile) openable() error {
	switch p.Status {
	case studioapi.UserProfileStatusDeleting, studioapi.UserProfileStatusFailed, studioapi.UserProfileStatusDeleteFailed:
		return fmt.Errorf("profile %s in domain %s is in %s status", *p.UserProfileName, *p.DomainId, p.Status)
	}
	return nil
}

// freeName is what SageMaker calls a profile that it makes itself: the UserName as far as a profile's name
// can hold it, and a number. SageMaker's numbers are random, these count.
func (d *studioDomain) freeName(p *studioPlace, userName string) *string {
	base := readable(userName)
	for {
		d.signedIn++
		name := fmt.Sprintf("%s-%03d", base, d.signedIn)
		if p.profiles.get(profileKey(*d.DomainId, name)) == nil {
			return &name
		}
	}
}

// readable is a UserName with a hyphen for whatever a profile's name cannot hold, short enough for a number.
func readable(userName string) string {
	parts := strings.FieldsFunc(userName, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
	name := strings.Join(parts, "-")
	if name == "" {
		return "user"
	}
	return strings.TrimRight(name[:min(len(name), 50)], "-")
}

// serviceRecord is the record of a profile that SageMaker made for a person who signed in.
func serviceRecord(at place, in *studioapi.CreateUserProfileInput, made *studioProfile, now time.Time) (*Record, error) {
	const studio = "sagemaker.amazonaws.com"
	s, t := studioModel(), studioTypes.of(reflect.TypeFor[studioapi.CreateUserProfileInput]())
	asked, err := encodeOutput(&s, &operation{output: t.schema}, &ownValue{t, in})
	if err != nil {
		return nil, err
	}
	r := newRecord(now, studio, "CreateUserProfile")
	r.UserIdentity = UserIdentity{Type: "AWSService", AccountID: at.account, InvokedBy: studio}
	r.AWSRegion, r.RecipientAccountID, r.RequestID = at.region, at.account, uuid.NewString()
	r.SourceIPAddress, r.UserAgent = studio, studio
	r.RequestParameters = trailMembers(asked, t.schema)
	r.ResponseElements = map[string]any{"userProfileArn": *made.UserProfileArn}
	return &r, nil
}
