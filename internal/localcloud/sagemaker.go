package localcloud

import (
	"net/http"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"studiokeeper/internal/localcloud/studioapi"
)

// DefaultProfileDelay is how long a profile or domain takes to change when Cloud.ProfileDelay says nothing.
const DefaultProfileDelay = 1500 * time.Millisecond

// How long apps and spaces take when Cloud.AppDelay, Cloud.AppStopDelay and Cloud.SpaceDelay say nothing.
const (
	DefaultAppDelay     = 3 * time.Second
	DefaultAppStopDelay = 10 * time.Second
	DefaultSpaceDelay   = 1500 * time.Millisecond
)

// DefaultProfileQuota is how many user profiles an account may have in a Region before somebody raises
// quota L-AC46C40F.
const DefaultProfileQuota = 60

var (
	domainIDPattern    = whole(`d-(-*[a-z0-9]){1,61}`)
	studioNamePattern  = whole(`[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`)
	studioRolePattern  = whole(`arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	securityGroupID    = whole(`[-0-9a-zA-Z]+`)
	singleSignOnUserID = whole(`UserName`)
)

// sagemakerState is everything of Studio, by account and Region; guarded by Cloud.mu.
type sagemakerState struct {
	places map[place]*studioPlace
}

// studioPlace is Studio in one account and Region.
type studioPlace struct {
	place
	domains  roster[studioDomain]
	profiles shelf[studioProfile, *studioProfile] // by profileKey
	spaces   shelf[studioSpace, *studioSpace]     // by spaceKey
	apps     shelf[studioApp, *studioApp]         // by appKey
	agenda   agenda                               // when states end
	changes  uint64                               // counts modifications, to sort by them
	index    tagIndex                             // what GetResources shows
}

// studio is Studio where a call goes to, with every state ended whose time is over. Cloud.mu is held.
func (c *call) studio() *studioPlace {
	return c.cloud.studioIn(c.place(), c.now)
}

func (c *Cloud) studioIn(at place, now time.Time) *studioPlace {
	if c.studio.places == nil {
		c.studio.places = map[place]*studioPlace{}
	}
	p := c.studio.places[at]
	if p == nil {
		p = &studioPlace{place: at, index: tagIndex{lag: c.TagLag}}
		c.studio.places[at] = p
	}
	p.reap(now)
	return p
}

// delay is how long Studio takes to change a domain or user profile.
func (c *Cloud) delay() time.Duration { return lasting(c.ProfileDelay, DefaultProfileDelay) }

// lasting is a duration that was set, or the usual one for 0; a negative one is no time at all.
func lasting(set, usual time.Duration) time.Duration {
	if set == 0 {
		return usual
	}
	return max(set, 0)
}

func (c *Cloud) profileQuota() int {
	if c.ProfileQuota > 0 {
		return c.ProfileQuota
	}
	return DefaultProfileQuota
}

// studioTypes are those of the API's structures.
var studioTypes = &ownTypes{namespace: "com.amazonaws.sagemaker", variants: studioapi.Variants()}

// studioModel is what reading and writing the API's structures takes of its service.
func studioModel() service {
	failure := studioTypes.of(reflect.TypeFor[studioapi.Failure]()).schema
	errors := &smithy.TypeRegistry{Entries: map[string]*smithy.TypeRegistryEntry{}}
	for _, code := range studioapi.FailureCodes() {
		errors.Entries[code] = &smithy.TypeRegistryEntry{Schema: failure}
	}
	name := smithy.ShapeID{Namespace: studioTypes.namespace, Name: "SageMaker"}
	return service{
		schema: smithy.NewServiceSchema(smithy.NewSchema(name, smithy.ShapeTypeService, 0), ""),
		errors: errors, unions: studioTypes.variants,
	}
}

func sagemakerService(*Cloud) service {
	s := studioModel()
	s.name, s.target, s.version, s.source = "sagemaker", "SageMaker", "1.1", "sagemaker.amazonaws.com"
	s.ops = map[string]operation{
		"CreateDomain":        own(studioTypes, createDomain, "DomainName", "AuthMode", "DefaultUserSettings"),
		"DescribeDomain":      own(studioTypes, describeDomain, "DomainId"),
		"UpdateDomain":        own(studioTypes, updateDomain, "DomainId"),
		"DeleteDomain":        own(studioTypes, deleteDomain, "DomainId"),
		"ListDomains":         own(studioTypes, listDomains),
		"CreateUserProfile":   own(studioTypes, createProfile, "DomainId", "UserProfileName"),
		"DescribeUserProfile": own(studioTypes, describeProfile, "DomainId", "UserProfileName"),
		"UpdateUserProfile":   own(studioTypes, updateProfile, "DomainId", "UserProfileName"),
		"DeleteUserProfile":   own(studioTypes, deleteProfile, "DomainId", "UserProfileName"),
		"ListUserProfiles":    own(studioTypes, listProfiles),
		"CreateSpace":         own(studioTypes, createSpace, "DomainId", "SpaceName"),
		"DescribeSpace":       own(studioTypes, describeSpace, "DomainId", "SpaceName"),
		"UpdateSpace":         own(studioTypes, updateSpace, "DomainId", "SpaceName"),
		"DeleteSpace":         own(studioTypes, deleteSpace, "DomainId", "SpaceName"),
		"ListSpaces":          own(studioTypes, listSpaces),
		"CreateApp":           own(studioTypes, createApp, "DomainId", "AppType", "AppName"),
		"DescribeApp":         own(studioTypes, describeApp, "DomainId", "AppType", "AppName"),
		"DeleteApp":           own(studioTypes, deleteApp, "DomainId", "AppType", "AppName"),
		"ListApps":            own(studioTypes, listApps),
		"AddTags":             own(studioTypes, addTags, "ResourceArn", "Tags"),
		"ListTags":            own(studioTypes, listTags, "ResourceArn"),
		"DeleteTags":          own(studioTypes, deleteTags, "ResourceArn", "TagKeys"),
	}
	return s
}

func resourceNotFound(format string, args ...any) *apiError {
	return errf(http.StatusBadRequest, "ResourceNotFound", format, args...)
}

func resourceInUse(format string, args ...any) *apiError {
	return errf(http.StatusBadRequest, "ResourceInUse", format, args...)
}

// studioPage reads MaxResults and NextToken of a list; pages hold 1 to 100 and 10 unless asked for more.
func studioPage(most *int32, token *string, query ...string) (size int, after uint64, err error) {
	var v constraints
	v.between("maxResults", most, 1, 100)
	if err := v.verdict(); err != nil {
		return 0, 0, err
	}
	after, ok := pageStart(token, query...)
	if !ok {
		return 0, 0, validation("Invalid pagination token.")
	}
	if most == nil {
		return 10, after, nil
	}
	return int(*most), after, nil
}

// checkSettings refuses user settings that SageMaker would refuse; path leads to them in the request.
func (v *constraints) checkSettings(path string, s *studioapi.UserSettings) {
	if s == nil {
		return
	}
	v.length(path+".executionRole", s.ExecutionRole, 20, 2048)
	v.pattern(path+".executionRole", s.ExecutionRole, studioRolePattern)
	v.size(path+".securityGroups", len(s.SecurityGroups), 0, 5)
	for i := range s.SecurityGroups {
		v.length(path+".securityGroups", aws.String(s.SecurityGroups[i]), 0, 32)
		v.pattern(path+".securityGroups", &s.SecurityGroups[i], securityGroupID)
	}
	v.size(path+".customFileSystemConfigs", len(s.CustomFileSystemConfigs), 0, 10)
}

// checkDefaultSpace refuses settings for shared spaces that SageMaker would refuse.
func (v *constraints) checkDefaultSpace(path string, s *studioapi.DefaultSpaceSettings) {
	if s == nil {
		return
	}
	v.length(path+".executionRole", s.ExecutionRole, 20, 2048)
	v.pattern(path+".executionRole", s.ExecutionRole, studioRolePattern)
}

// merged lays an update over settings: what the update leaves out stays as it was.
func merged[T any](is, update *T) (*T, error) {
	switch {
	case update == nil:
		return is, nil
	case is == nil:
		return update, nil
	}
	s, t := studioModel(), studioTypes.of(reflect.TypeFor[T]())
	under, err := treeOf(&s, t.schema, &ownValue{t, is})
	if err != nil {
		return nil, err
	}
	over, err := treeOf(&s, t.schema, &ownValue{t, update})
	if err != nil {
		return nil, err
	}
	both := new(T)
	if err := fromTree(&s, t.schema, mergeTrees(under, over), both); err != nil {
		return nil, err
	}
	return both, nil
}
