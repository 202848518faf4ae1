package awscloud

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"studiokeeper/internal/studio"
)

// createProfile and the types below are the wire forms of what changes a profile.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateUserProfile.html
type createProfile struct {
	DomainID                   string `json:"DomainId"`
	UserProfileName            string
	SingleSignOnUserIdentifier string          `json:",omitempty"`
	SingleSignOnUserValue      string          `json:",omitempty"`
	Tags                       []tag           `json:",omitempty"`
	UserSettings               json.RawMessage `json:",omitempty"`
}

type updateProfile struct {
	DomainID        string `json:"DomainId"`
	UserProfileName string
	UserSettings    json.RawMessage
}

type addTags struct {
	ResourceArn string
	Tags        []tag
}

// Create implements reconcile.ProfileWriter. The SSO user is immutable from here on, and the identifier is
// UserName because SageMaker knows no other. A call whose answer was lost is repeated, and may then end in
// ErrNameTaken although it was ours.
func (p *Profiles) Create(ctx context.Context, d studio.Domain, profile studio.Profile) error {
	in := createProfile{
		DomainID: d.ID, UserProfileName: profile.Name, SingleSignOnUserValue: profile.SSOUser,
		Tags: tagList(profile.Tags), UserSettings: profile.Settings.WithRole(profile.Role),
	}
	if profile.SSOUser != "" {
		in.SingleSignOnUserIdentifier = "UserName"
	}
	return p.call(ctx, d, "CreateUserProfile", profileIn(d, profile.Name), in, &struct{}{})
}

// Update implements reconcile.ProfileWriter.
func (p *Profiles) Update(ctx context.Context, d studio.Domain, name, role string, s studio.Settings) error {
	in := updateProfile{DomainID: d.ID, UserProfileName: name, UserSettings: s.WithRole(role)}
	return p.call(ctx, d, "UpdateUserProfile", profileIn(d, name), in, &struct{}{})
}

// Tag implements reconcile.ProfileWriter.
func (p *Profiles) Tag(ctx context.Context, d studio.Domain, profile studio.Profile, tags map[string]string) error {
	on := profileIn(d, profile.Name)
	if profile.ARN == "" {
		return studioRequest(d, "AddTags", on).failed(errors.New("the profile's ARN is not known; read it before tagging it"), nil)
	}
	if len(tags) == 0 {
		return nil
	}
	return p.call(ctx, d, "AddTags", on, addTags{profile.ARN, tagList(tags)}, &struct{}{})
}

func tagList(tags map[string]string) []tag {
	list := make([]tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tag{key, tags[key]})
	}
	return list
}
