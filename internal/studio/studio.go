// Package studio holds the nouns of studiokeeper: users and groups as IAM
// Identity Center knows them, mapping rows, and Amazon SageMaker Studio
// domains and user profiles. It is pure: values and functions of values only.
package studio

import (
	"slices"
	"time"
)

// UserStatus is what the identity store says of a user.
type UserStatus string

const (
	// Enabled users may sign in.
	Enabled UserStatus = "ENABLED"
	// Disabled users stay members of their groups but must not have access.
	Disabled UserStatus = "DISABLED"
	// Absent is our own word: the store answered that this user does not exist.
	Absent UserStatus = "ABSENT"
)

// User is a user of the identity store.
type User struct {
	ID          string     `json:"id"`
	UserName    string     `json:"userName,omitempty"` // 1 to 128 characters of any script
	DisplayName string     `json:"displayName,omitempty"`
	Status      UserStatus `json:"status"`
}

// Label is the name a person would recognise, falling back to the id.
func (u User) Label() string {
	if u.UserName != "" {
		return u.UserName
	}
	return u.ID
}

// SignIn says who is assigned to a domain's Identity Center application.
type SignIn string

// The values of signIn in the configuration.
const (
	SignInGroup SignIn = "group"
	SignInUser  SignIn = "user"
	SignInNone  SignIn = "none"
)

// Adopt says which unmanaged profiles of mapped users are taken over.
type Adopt string

// The values of adopt in the configuration.
const (
	AdoptUnset Adopt = "unset" // only profiles without an execution role of their own
	AdoptAll   Adopt = "all"
	AdoptNone  Adopt = "none"
)

// RoleChange says what happens to running apps when a role changes.
type RoleChange string

// The values of onRoleChange in the configuration.
const (
	StopApps RoleChange = "stopApps"
	WhenIdle RoleChange = "whenIdle"
)

// DomainState says whether a domain is kept or wound down.
type DomainState string

// The values of state in the configuration.
const (
	Managed DomainState = "managed"
	Retire  DomainState = "retire" // offboard everybody, guarded
)

// Mode says whether anything is written.
type Mode string

// The values of mode in the configuration.
const (
	Enforce Mode = "enforce"
	Observe Mode = "observe" // reads, plans, journals, alarms; writes nothing
)

// Domain is one Studio domain as the configuration describes it.
type Domain struct {
	Name         string // the configuration's own name for it
	ID           string // d-…, as SageMaker made it
	Region       string
	Account      string // 12 digits
	AssumeRole   AssumeRole
	SignIn       SignIn
	Adopt        Adopt
	OnRoleChange RoleChange
	State        DomainState
	Mode         Mode
}

// AssumeRole is how another account is reached; the zero value means with the
// credentials at hand.
type AssumeRole struct {
	RoleARN    string
	ExternalID string
}

// ProfileStatus is a user profile's status as DescribeUserProfile spells it.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeUserProfile.html
type ProfileStatus string

// The states of a user profile.
const (
	Pending      ProfileStatus = "Pending"
	InService    ProfileStatus = "InService"
	Updating     ProfileStatus = "Updating"
	Deleting     ProfileStatus = "Deleting"
	Failed       ProfileStatus = "Failed"
	UpdateFailed ProfileStatus = "Update_Failed"
	DeleteFailed ProfileStatus = "Delete_Failed"
)

// Busy reports whether SageMaker is still changing the profile, so that
// nothing can be asked of it yet.
func (s ProfileStatus) Busy() bool {
	return s == Pending || s == Updating || s == Deleting
}

// Profile is a Studio user profile as it was read, or as it should be made.
type Profile struct {
	Name          string
	ARN           string
	Status        ProfileStatus
	FailureReason string
	SSOUser       string // SingleSignOnUserValue: immutable
	Role          string // execution role of the profile itself; "" means the domain's default
	Settings      Settings
	Tags          map[string]string
	HomeUID       string // HomeEfsFileSystemUid
	Created       time.Time
	Modified      time.Time
}

// AppStatus is an app's status as DescribeApp spells it.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeApp.html
type AppStatus string

// The states of an app that still takes resources.
const (
	AppPending   AppStatus = "Pending"
	AppInService AppStatus = "InService"
	AppDeleting  AppStatus = "Deleting"
)

// App is something that runs under a profile, or in a space.
type App struct {
	Profile string // owner when the app is the profile's own
	Space   string // the space it runs in; else ""
	Type    string // JupyterLab, CodeEditor, …
	Name    string
	Status  AppStatus
	Created time.Time
}

// Space is a Studio space: where apps of today run, with a volume of its own.
type Space struct {
	Name   string
	Owner  string // profile; cannot be changed
	Shared bool   // several people work in it; its apps use the domain's role
	Status ProfileStatus
}

// Tag keys of a managed profile. IAM conditions rest on TagDeployment.
const (
	TagDeployment = "studiokeeper:deployment"
	TagUserID     = "studiokeeper:user-id"
	TagGroup      = "studiokeeper:group"   // the group's id: tag values cannot hold every display name
	TagApplied    = "studiokeeper:applied" // Digest of role and settings last applied
	TagLeaving    = "studiokeeper:leaving" // since when, while offboarding
)

// Owner says whose a profile is, seen from one deployment.
type Owner string

// The answers of Profile.Owner.
const (
	Ours    Owner = "ours"
	Former  Owner = "former"  // of a deployment this one takes over
	Foreign Owner = "foreign" // of another deployment: never touched
	Nobody  Owner = "nobody"  // carries no deployment tag
)

// Owner tells whose the profile is by its deployment tag.
func (p Profile) Owner(deployment string, formerly []string) Owner {
	switch tag, tagged := p.Tags[TagDeployment]; {
	case !tagged:
		return Nobody
	case tag == deployment:
		return Ours
	case slices.Contains(formerly, tag):
		return Former
	default:
		return Foreign
	}
}
