package localcloud

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/schemas"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
)

var (
	instancePattern    = whole(`arn:aws(-[a-z]{1,5}){0,3}:sso:::instance/(sso)?ins-[a-zA-Z0-9-.]{16}`)
	applicationPattern = whole(`arn:aws(-[a-z]{1,5}){0,3}:sso::\d{12}:application/(sso)?ins-[a-zA-Z0-9-.]{16}/apl-[a-zA-Z0-9]{16}`)
)

// identityCenter is what an Identity Center instance holds beside its identity store; guarded by Cloud.mu.
type identityCenter struct {
	created      time.Time
	applications roster[application]                 // by ARN
	assignments  roster[types.ApplicationAssignment] // by assignmentKey
}

func ssoAdminService(*Cloud) service {
	return service{
		name: "sso", target: "SWBExternalService", version: "1.1", source: "sso.amazonaws.com",
		schema: schemas.SWBExternalService, errors: ssoadmin.TypeRegistry,
		ops: map[string]operation{
			"ListInstances":    handle(schemas.ListInstancesRequest, schemas.ListInstancesResponse, listInstances),
			"DescribeInstance": handle(schemas.DescribeInstanceRequest, schemas.DescribeInstanceResponse, describeInstance, "InstanceArn"),
			"ListApplications": handle(schemas.ListApplicationsRequest, schemas.ListApplicationsResponse, listApplications, "InstanceArn"),
			"DescribeApplication": handle(schemas.DescribeApplicationRequest, schemas.DescribeApplicationResponse,
				describeApplication, "ApplicationArn"),
			"ListApplicationAssignments": handle(schemas.ListApplicationAssignmentsRequest, schemas.ListApplicationAssignmentsResponse,
				listAssignments, "ApplicationArn"),
			"ListApplicationAssignmentsForPrincipal": handle(schemas.ListApplicationAssignmentsForPrincipalRequest, schemas.ListApplicationAssignmentsForPrincipalResponse,
				listAssignmentsForPrincipal, "InstanceArn", "PrincipalId", "PrincipalType"),
			"CreateApplicationAssignment": handle(schemas.CreateApplicationAssignmentRequest, schemas.CreateApplicationAssignmentResponse,
				createAssignment, "ApplicationArn", "PrincipalId", "PrincipalType"),
			"DescribeApplicationAssignment": handle(schemas.DescribeApplicationAssignmentRequest, schemas.DescribeApplicationAssignmentResponse,
				describeAssignment, "ApplicationArn", "PrincipalId", "PrincipalType"),
			"DeleteApplicationAssignment": handle(schemas.DeleteApplicationAssignmentRequest, schemas.DeleteApplicationAssignmentResponse,
				deleteAssignment, "ApplicationArn", "PrincipalId", "PrincipalType"),
			"GetApplicationAssignmentConfiguration": handle(schemas.GetApplicationAssignmentConfigurationRequest, schemas.GetApplicationAssignmentConfigurationResponse,
				getAssignmentConfiguration, "ApplicationArn"),
			"PutApplicationAssignmentConfiguration": handle(schemas.PutApplicationAssignmentConfigurationRequest, schemas.PutApplicationAssignmentConfigurationResponse,
				putAssignmentConfiguration, "ApplicationArn", "AssignmentRequired"),
		},
	}
}

// ssoNotFound is an application, assignment or principal that is not there.
func ssoNotFound(format string, args ...any) *apiError {
	return errf(http.StatusBadRequest, "ResourceNotFoundException", format, args...)
}

// forbidden is a call on a resource that the caller's account has no say in.
func (c *call) forbidden(resource string) *apiError {
	return errf(http.StatusBadRequest, "AccessDeniedException",
		"User: %s is not authorized to perform: %s:%s on resource: %s", c.principal, c.service, c.operation, resource)
}

func (s *identityStore) instanceARN() string { return "arn:aws:sso:::instance/" + s.instanceID() }

func (s *identityStore) arn() string {
	return "arn:aws:identitystore::" + s.account + ":identitystore/" + s.id
}

// sees reports whether an account may look at an instance: its own, or else its organisation's. Cloud.mu
// is held.
func (c *Cloud) sees(account string, s *identityStore) bool {
	return s.account == account || c.storeIn(account, s.region) == s
}

// instance finds an instance by its ARN, in its Region. Cloud.mu is held.
func (c *call) instance(arn *string) (*identityStore, error) {
	var v constraints
	v.length("instanceArn", arn, 10, 1224)
	v.pattern("instanceArn", arn, instancePattern)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	for _, s := range c.cloud.stores.byID {
		if s.region == c.region && s.instanceARN() == *arn && c.cloud.sees(c.account, s) {
			return s, nil
		}
	}
	return nil, c.forbidden(*arn)
}

// instanceMetadata describes an instance, in types that DescribeInstance shares.
func (s *identityStore) instanceMetadata() types.InstanceMetadata {
	return types.InstanceMetadata{
		InstanceArn: aws.String(s.instanceARN()), IdentityStoreId: &s.id, IdentityStoreArn: aws.String(s.arn()),
		OwnerAccountId: &s.account, PrimaryRegion: &s.region, CreatedDate: &s.center.created, Status: types.InstanceStatusActive,
	}
}

func listInstances(c *call, in *ssoadmin.ListInstancesInput) (*ssoadmin.ListInstancesOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	query := []string{"instances", c.account, c.region, string(in.RegionScope)}
	size, after, err := identityPage(in.MaxResults, in.NextToken, query...)
	if err != nil {
		return nil, err
	}
	out := &ssoadmin.ListInstancesOutput{Instances: []types.InstanceMetadata{}}
	var seen uint64
	for _, id := range sortedKeys(c.cloud.stores.byID) {
		s := c.cloud.stores.byID[id]
		if !c.cloud.sees(c.account, s) || (in.RegionScope != types.RegionScopeAllRegions && s.region != c.region) {
			continue
		}
		if len(out.Instances) == size {
			out.NextToken = pageToken(seen, query...)
			break
		}
		if seen++; seen > after {
			out.Instances = append(out.Instances, s.instanceMetadata())
		}
	}
	return out, nil
}

func describeInstance(c *call, in *ssoadmin.DescribeInstanceInput) (*ssoadmin.DescribeInstanceOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.instance(in.InstanceArn)
	if err != nil {
		return nil, err
	}
	var out ssoadmin.DescribeInstanceOutput
	shown := s.instanceMetadata()
	copyMembers(&out, &shown)
	return &out, nil
}

// listApplications lists an instance's applications. A member account has to ask for its own.
func listApplications(c *call, in *ssoadmin.ListApplicationsInput) (*ssoadmin.ListApplicationsOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.instance(in.InstanceArn)
	if err != nil {
		return nil, err
	}
	var filter types.ListApplicationsFilter
	if in.Filter != nil {
		filter = *in.Filter
	}
	if c.account != s.account && aws.ToString(filter.ApplicationAccount) != c.account {
		return nil, c.forbidden(*in.InstanceArn)
	}
	query := []string{"applications", s.id, aws.ToString(filter.ApplicationAccount), aws.ToString(filter.ApplicationProvider)}
	size, after, err := identityPage(in.MaxResults, in.NextToken, query...)
	if err != nil {
		return nil, err
	}
	page, next := s.center.applications.page(after, size, func(a *application) bool {
		wanted := func(filter, value *string) bool { return filter == nil || *filter == *value }
		return !a.old && wanted(filter.ApplicationAccount, a.ApplicationAccount) && wanted(filter.ApplicationProvider, a.ApplicationProviderArn)
	})
	out := &ssoadmin.ListApplicationsOutput{Applications: []types.Application{}, NextToken: pageToken(next, query...)}
	for _, a := range page {
		out.Applications = append(out.Applications, a.Application)
	}
	return out, nil
}

func describeApplication(c *call, in *ssoadmin.DescribeApplicationInput) (*ssoadmin.DescribeApplicationOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	_, a, err := c.application(in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	var out ssoadmin.DescribeApplicationOutput
	copyMembers(&out, &a.Application)
	return &out, nil
}
