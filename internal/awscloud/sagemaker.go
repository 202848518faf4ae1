package awscloud

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// sagemakerID is the SDK's service id of SageMaker.
const sagemakerID = "SageMaker"

// studioPage is the longest page of SageMaker's lists; left out, pages have 10.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListUserProfiles.html
const studioPage = 100

func sagemakerAPI() jsonAPI {
	return jsonAPI{id: sagemakerID, target: "SageMaker", signing: "sagemaker", host: "api.sagemaker"}
}

// Profiles is reconcile.ProfileReader and ProfileWriter on SageMaker, in the accounts and Regions that the
// domains name.
type Profiles struct {
	Session *Session
}

var (
	_ reconcile.ProfileReader = (*Profiles)(nil)
	_ reconcile.ProfileWriter = (*Profiles)(nil)
)

// call asks SageMaker in the domain's place; on is what the error says it was about.
func (p *Profiles) call(ctx context.Context, d studio.Domain, operation, on string, in, out any) error {
	return callStudio(ctx, p.Session, d, operation, on, in, out)
}

func callStudio(ctx context.Context, s *Session, d studio.Domain, operation, on string, in, out any) error {
	if err := s.jsonAt(sagemakerAPI(), placeOf(d)).call(ctx, operation, in, out); err != nil {
		return studioRequest(d, operation, on).failed(err, meaning(operation, err))
	}
	return nil
}

func studioRequest(d studio.Domain, operation, on string) request {
	return request{action: "sagemaker:" + operation, on: on, at: placeOf(d)}
}

func profileIn(d studio.Domain, name string) string {
	return fmt.Sprintf("user profile %q in domain %s", name, d.ID)
}

// describeProfile and the types below are DescribeUserProfile's and its neighbours' wire forms.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeUserProfile.html
type describeProfile struct {
	DomainID        string `json:"DomainId"`
	UserProfileName string
}

type describedProfile struct {
	UserProfileArn        string
	UserProfileName       string
	Status                string
	FailureReason         string
	HomeEfsFileSystemUid  string
	SingleSignOnUserValue string
	CreationTime          epoch
	LastModifiedTime      epoch
	UserSettings          json.RawMessage
}

type listProfiles struct {
	DomainIDEquals          string `json:"DomainIdEquals"`
	UserProfileNameContains string `json:",omitempty"`
	MaxResults              int
	NextToken               *string `json:",omitempty"`
}

type listedProfiles struct {
	UserProfiles []struct {
		UserProfileName  string
		Status           string
		CreationTime     epoch
		LastModifiedTime epoch
	}
	NextToken *string
}

type listTags struct {
	ResourceArn string
	NextToken   *string `json:",omitempty"`
}

type listedTags struct {
	Tags      []tag
	NextToken *string
}

type tag struct{ Key, Value string }

// epoch is a time as AWS JSON has it: seconds since 1970, with a fraction.
type epoch float64

func (e epoch) time() time.Time {
	if e == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(float64(e) * 1000))).UTC()
}

// List implements reconcile.ProfileReader.
func (p *Profiles) List(ctx context.Context, d studio.Domain, part string) ([]studio.Profile, error) {
	var found []studio.Profile
	err := p.each(ctx, d, part, func(one studio.Profile) { found = append(found, one) })
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Each implements reconcile.ProfileReader.
func (p *Profiles) Each(ctx context.Context, d studio.Domain, each func(studio.Profile)) error {
	return p.each(ctx, d, "", each)
}

func (p *Profiles) each(ctx context.Context, d studio.Domain, part string, each func(studio.Profile)) error {
	on := fmt.Sprintf("domain %s, user profiles named *%s*", d.ID, part)
	r := studioRequest(d, "ListUserProfiles", on)
	return everyPage(r, func(token *string) (*string, error) {
		var page listedProfiles
		in := listProfiles{DomainIDEquals: d.ID, UserProfileNameContains: part, MaxResults: studioPage, NextToken: token}
		if err := p.call(ctx, d, "ListUserProfiles", on, in, &page); err != nil {
			return nil, err
		}
		for _, item := range page.UserProfiles {
			if item.UserProfileName == "" {
				return nil, r.broken("a user profile has no name")
			}
			if !strings.Contains(strings.ToLower(item.UserProfileName), strings.ToLower(part)) {
				continue
			}
			each(studio.Profile{
				Name: item.UserProfileName, Status: studio.ProfileStatus(item.Status),
				Created: item.CreationTime.time(), Modified: item.LastModifiedTime.time(),
			})
		}
		return page.NextToken, nil
	})
}

// Describe implements reconcile.ProfileReader.
func (p *Profiles) Describe(ctx context.Context, d studio.Domain, name string) (studio.Profile, error) {
	const operation = "DescribeUserProfile"
	var is describedProfile
	if err := p.call(ctx, d, operation, profileIn(d, name), describeProfile{d.ID, name}, &is); err != nil {
		return studio.Profile{}, err
	}
	r := studioRequest(d, operation, profileIn(d, name))
	if !strings.EqualFold(is.UserProfileName, name) || is.UserProfileArn == "" || is.Status == "" {
		return studio.Profile{}, r.broken("it describes %q with ARN %q and status %q", is.UserProfileName, is.UserProfileArn, is.Status)
	}
	profile := studio.Profile{
		Name: is.UserProfileName, ARN: is.UserProfileArn, Status: studio.ProfileStatus(is.Status),
		FailureReason: is.FailureReason, SSOUser: is.SingleSignOnUserValue, HomeUID: is.HomeEfsFileSystemUid,
		Created: is.CreationTime.time(), Modified: is.LastModifiedTime.time(),
	}
	if len(is.UserSettings) == 0 {
		return profile, nil
	}
	var err error
	if profile.Role, profile.Settings, err = studio.SplitSettings(is.UserSettings); err != nil {
		return studio.Profile{}, r.broken("%w", err)
	}
	return profile, nil
}

// Read implements reconcile.ProfileReader: description and tags are asked for at the same time, because
// the ARN of a profile is known from its name.
func (p *Profiles) Read(ctx context.Context, d studio.Domain, name string) (studio.Profile, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	guess := profileARN(d, name)
	early := make(chan taglist, 1)
	if guess != "" {
		go func() { early <- p.tags(ctx, d, guess) }()
	}
	profile, err := p.Describe(ctx, d, name)
	if err != nil {
		return studio.Profile{}, err
	}
	var answer taglist
	if guess == profile.ARN {
		answer = <-early
	} else {
		// Nothing that was said about another ARN is believed, least of all that it has no tags.
		answer = p.tags(ctx, d, profile.ARN)
	}
	profile.Tags = answer.tags
	return profile, answer.err
}

// profileARN is the ARN that a profile of this name has; "" where it cannot be known. Names are not case
// sensitive and the ARN has them in lower case, so one with capitals is not guessed.
func profileARN(d studio.Domain, name string) string {
	if d.Account == "" || d.Region == "" || name != strings.ToLower(name) {
		return ""
	}
	return "arn:" + studio.PartitionOf(d.Region) + ":sagemaker:" + d.Region + ":" + d.Account + ":user-profile/" + d.ID + "/" + name
}

type taglist struct {
	tags map[string]string
	err  error
}

// tags reads all tags of a profile. One that is gone by now is ErrGone.
func (p *Profiles) tags(ctx context.Context, d studio.Domain, arn string) taglist {
	tags := map[string]string{}
	err := everyPage(studioRequest(d, "ListTags", arn), func(token *string) (*string, error) {
		var page listedTags
		if err := p.call(ctx, d, "ListTags", arn, listTags{arn, token}, &page); err != nil {
			return nil, err
		}
		for _, t := range page.Tags {
			tags[t.Key] = t.Value
		}
		return page.NextToken, nil
	})
	if err != nil {
		return taglist{err: err}
	}
	return taglist{tags: tags}
}
