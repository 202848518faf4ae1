package studio

import "time"

// Glance is what is kept of a profile where there are very many: as much as a
// plan rests on, in a fifth of a Profile's memory. Of its tags it has our own.
type Glance struct {
	Name          string
	Status        ProfileStatus
	FailureReason string
	SSOUser       string
	Role          string
	Settings      Settings
	Modified      int64 // LastModifiedTime in milliseconds since 1970
	Tags          OurTags
}

// OurTags are the tags of a managed profile; "" stands for one that is not there.
type OurTags struct {
	Owned      bool // TagDeployment is there, whatever its value
	Deployment string
	UserID     string
	Group      string
	Applied    string
	Leaving    string
}

// GlanceOf leaves out of a profile what a Glance has no place for.
func GlanceOf(p Profile) Glance {
	return Glance{
		Name: p.Name, Status: p.Status, FailureReason: p.FailureReason, SSOUser: p.SSOUser, Role: p.Role, Settings: p.Settings,
		Modified: p.Modified.UnixMilli(), Tags: OurTagsOf(p.Tags),
	}
}

// OurTagsOf picks our own tags.
func OurTagsOf(tags map[string]string) OurTags {
	_, owned := tags[TagDeployment]
	return OurTags{
		Owned: owned, Deployment: tags[TagDeployment], UserID: tags[TagUserID], Group: tags[TagGroup],
		Applied: tags[TagApplied], Leaving: tags[TagLeaving],
	}
}

// Map is the inverse of OurTagsOf.
func (t OurTags) Map() map[string]string {
	tags := make(map[string]string, 5)
	if t.Owned {
		tags[TagDeployment] = t.Deployment
	}
	for key, value := range map[string]string{TagUserID: t.UserID, TagGroup: t.Group, TagApplied: t.Applied, TagLeaving: t.Leaving} {
		if value != "" {
			tags[key] = value
		}
	}
	return tags
}

// Profile is the profile as far as the glance tells.
func (g Glance) Profile() Profile {
	return Profile{
		Name: g.Name, Status: g.Status, FailureReason: g.FailureReason, SSOUser: g.SSOUser, Role: g.Role, Settings: g.Settings,
		Modified: time.UnixMilli(g.Modified).UTC(), Tags: g.Tags.Map(),
	}
}

// Owner tells whose the profile is, as Profile.Owner does.
func (g Glance) Owner(deployment string, formerly []string) Owner {
	if !g.Tags.Owned {
		return Nobody
	}
	return Profile{Tags: map[string]string{TagDeployment: g.Tags.Deployment}}.Owner(deployment, formerly)
}
