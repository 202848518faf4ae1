package localcloud

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/schemas"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"
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

func sagemakerService(*Cloud) service {
	return service{
		name: "sagemaker", target: "SageMaker", version: "1.1", source: "sagemaker.amazonaws.com",
		schema: schemas.SageMaker, errors: sagemaker.TypeRegistry,
		unions: []any{
			(*types.CustomFileSystemConfigMemberEFSFileSystemConfig)(nil),
			(*types.CustomFileSystemConfigMemberFSxLustreFileSystemConfig)(nil),
			(*types.CustomFileSystemConfigMemberS3FileSystemConfig)(nil),
			(*types.CustomFileSystemMemberEFSFileSystem)(nil),
			(*types.CustomFileSystemMemberFSxLustreFileSystem)(nil),
			(*types.CustomFileSystemMemberS3FileSystem)(nil),
		},
		ops: map[string]operation{
			"CreateDomain":        handle(schemas.CreateDomainRequest, schemas.CreateDomainResponse, createDomain, "DomainName", "AuthMode", "DefaultUserSettings"),
			"DescribeDomain":      handle(schemas.DescribeDomainRequest, schemas.DescribeDomainResponse, describeDomain, "DomainId"),
			"UpdateDomain":        handle(schemas.UpdateDomainRequest, schemas.UpdateDomainResponse, updateDomain, "DomainId"),
			"DeleteDomain":        handle(schemas.DeleteDomainRequest, nil, deleteDomain, "DomainId"),
			"ListDomains":         handle(schemas.ListDomainsRequest, schemas.ListDomainsResponse, listDomains),
			"CreateUserProfile":   handle(schemas.CreateUserProfileRequest, schemas.CreateUserProfileResponse, createProfile, "DomainId", "UserProfileName"),
			"DescribeUserProfile": handle(schemas.DescribeUserProfileRequest, schemas.DescribeUserProfileResponse, describeProfile, "DomainId", "UserProfileName"),
			"UpdateUserProfile":   handle(schemas.UpdateUserProfileRequest, schemas.UpdateUserProfileResponse, updateProfile, "DomainId", "UserProfileName"),
			"DeleteUserProfile":   handle(schemas.DeleteUserProfileRequest, nil, deleteProfile, "DomainId", "UserProfileName"),
			"ListUserProfiles":    handle(schemas.ListUserProfilesRequest, schemas.ListUserProfilesResponse, listProfiles),
			"CreateSpace":         handle(schemas.CreateSpaceRequest, schemas.CreateSpaceResponse, createSpace, "DomainId", "SpaceName"),
			"DescribeSpace":       handle(schemas.DescribeSpaceRequest, schemas.DescribeSpaceResponse, describeSpace, "DomainId", "SpaceName"),
			"UpdateSpace":         handle(schemas.UpdateSpaceRequest, schemas.UpdateSpaceResponse, updateSpace, "DomainId", "SpaceName"),
			"DeleteSpace":         handle(schemas.DeleteSpaceRequest, nil, deleteSpace, "DomainId", "SpaceName"),
			"ListSpaces":          handle(schemas.ListSpacesRequest, schemas.ListSpacesResponse, listSpaces),
			"CreateApp":           handle(schemas.CreateAppRequest, schemas.CreateAppResponse, createApp, "DomainId", "AppType", "AppName"),
			"DescribeApp":         handle(schemas.DescribeAppRequest, schemas.DescribeAppResponse, describeApp, "DomainId", "AppType", "AppName"),
			"DeleteApp":           handle(schemas.DeleteAppRequest, nil, deleteApp, "DomainId", "AppType", "AppName"),
			"ListApps":            handle(schemas.ListAppsRequest, schemas.ListAppsResponse, listApps),
			"AddTags":             handle(schemas.AddTagsInput, schemas.AddTagsOutput, addTags, "ResourceArn", "Tags"),
			"ListTags":            handle(schemas.ListTagsInput, schemas.ListTagsOutput, listTags, "ResourceArn"),
			"DeleteTags":          handle(schemas.DeleteTagsInput, schemas.DeleteTagsOutput, deleteTags, "ResourceArn", "TagKeys"),
		},
	}
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
func (v *constraints) checkSettings(path string, s *types.UserSettings) {
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
func (v *constraints) checkDefaultSpace(path string, s *types.DefaultSpaceSettings) {
	if s == nil {
		return
	}
	v.length(path+".executionRole", s.ExecutionRole, 20, 2048)
	v.pattern(path+".executionRole", s.ExecutionRole, studioRolePattern)
}

// settings is a pointer to a structure that the SDK can write.
type settings[T any] interface {
	*T
	smithy.Serializable
}

// merged lays an update over settings: what the update leaves out stays as it was.
func merged[T any, P settings[T]](schema *smithy.Schema, is, update P) (P, error) {
	switch {
	case update == nil:
		return is, nil
	case is == nil:
		return update, nil
	}
	s := sagemakerService(nil)
	under, err := treeOf(&s, schema, is)
	if err != nil {
		return nil, err
	}
	over, err := treeOf(&s, schema, update)
	if err != nil {
		return nil, err
	}
	both := P(new(T))
	if err := fromTree(&s, schema, mergeTrees(under, over), both); err != nil {
		return nil, err
	}
	return both, nil
}
