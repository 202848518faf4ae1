package localcloud

import (
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
)

// mostGroups is how many groups may be assigned to one application.
const mostGroups = 100

func assignmentKey(a *types.ApplicationAssignment) string {
	return *a.ApplicationArn + "/" + string(a.PrincipalType) + "/" + *a.PrincipalId
}

// newAssignment checks the principal that a call names.
func newAssignment(arn *string, kind types.PrincipalType, id *string) (*types.ApplicationAssignment, error) {
	var v constraints
	v.length("principalId", id, 1, 47)
	v.pattern("principalId", id, identityIDPattern)
	return &types.ApplicationAssignment{ApplicationArn: arn, PrincipalType: kind, PrincipalId: id}, v.verdict()
}

// assign lets a user or group use an application. Assignments of principals that are deleted later stay,
// count and can be deleted.
func (s *identityStore) assign(a *types.ApplicationAssignment) error {
	if !s.principal(a.PrincipalType, *a.PrincipalId) {
		return ssoNotFound("%s with id %s not found", a.PrincipalType, *a.PrincipalId)
	}
	if s.center.assignments.get(assignmentKey(a)) != nil {
		return errf(http.StatusBadRequest, "ConflictException", "%s %s is already assigned to application %s",
			a.PrincipalType, *a.PrincipalId, *a.ApplicationArn)
	}
	if a.PrincipalType == types.PrincipalTypeGroup && s.groupsOn(*a.ApplicationArn) >= mostGroups {
		return errf(http.StatusBadRequest, "ServiceQuotaExceededException",
			"The number of groups assigned to application %s would exceed %d", *a.ApplicationArn, mostGroups)
	}
	s.center.assignments.add(assignmentKey(a), a)
	return nil
}

func (s *identityStore) groupsOn(arn string) int {
	n := 0
	for _, given := range s.center.assignments.all() {
		if *given.ApplicationArn == arn && given.PrincipalType == types.PrincipalTypeGroup {
			n++
		}
	}
	return n
}

func createAssignment(c *call, in *ssoadmin.CreateApplicationAssignmentInput) (*ssoadmin.CreateApplicationAssignmentOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, a, err := c.changeable(in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	wanted, err := newAssignment(a.ApplicationArn, in.PrincipalType, in.PrincipalId)
	if err != nil {
		return nil, err
	}
	return &ssoadmin.CreateApplicationAssignmentOutput{}, s.assign(wanted)
}

// deleteAssignment is idempotent: what is not assigned is deleted already.
func deleteAssignment(c *call, in *ssoadmin.DeleteApplicationAssignmentInput) (*ssoadmin.DeleteApplicationAssignmentOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, a, err := c.changeable(in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	unwanted, err := newAssignment(a.ApplicationArn, in.PrincipalType, in.PrincipalId)
	if err != nil {
		return nil, err
	}
	s.center.assignments.remove(assignmentKey(unwanted))
	return &ssoadmin.DeleteApplicationAssignmentOutput{}, nil
}

func describeAssignment(c *call, in *ssoadmin.DescribeApplicationAssignmentInput) (*ssoadmin.DescribeApplicationAssignmentOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, a, err := c.application(in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	wanted, err := newAssignment(a.ApplicationArn, in.PrincipalType, in.PrincipalId)
	if err != nil {
		return nil, err
	}
	if s.center.assignments.get(assignmentKey(wanted)) == nil {
		return nil, ssoNotFound("%s %s is not assigned to application %s", in.PrincipalType, *in.PrincipalId, *a.ApplicationArn)
	}
	var out ssoadmin.DescribeApplicationAssignmentOutput
	copyMembers(&out, wanted)
	return &out, nil
}

func listAssignments(c *call, in *ssoadmin.ListApplicationAssignmentsInput) (*ssoadmin.ListApplicationAssignmentsOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, a, err := c.application(in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	size, after, err := identityPage(in.MaxResults, in.NextToken, "assignments", *a.ApplicationArn)
	if err != nil {
		return nil, err
	}
	page, next := s.center.assignments.page(after, size, func(given *types.ApplicationAssignment) bool {
		return *given.ApplicationArn == *a.ApplicationArn
	})
	return &ssoadmin.ListApplicationAssignmentsOutput{
		ApplicationAssignments: copies(page), NextToken: pageToken(next, "assignments", *a.ApplicationArn),
	}, nil
}

// listAssignmentsForPrincipal lists a group's assignments, or a user's own and those of the user's groups.
// A member account has to name one of its applications.
func listAssignmentsForPrincipal(c *call, in *ssoadmin.ListApplicationAssignmentsForPrincipalInput) (*ssoadmin.ListApplicationAssignmentsForPrincipalOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.instance(in.InstanceArn)
	if err != nil {
		return nil, err
	}
	wanted, err := newAssignment(nil, in.PrincipalType, in.PrincipalId)
	if err != nil {
		return nil, err
	}
	if in.Filter != nil {
		wanted.ApplicationArn = in.Filter.ApplicationArn
	}
	if err := c.mayList(s, wanted); err != nil {
		return nil, err
	}
	query := []string{"assignmentsOf", s.id, string(in.PrincipalType), *in.PrincipalId, aws.ToString(wanted.ApplicationArn)}
	size, after, err := identityPage(in.MaxResults, in.NextToken, query...)
	if err != nil {
		return nil, err
	}
	page, next := s.center.assignments.page(after, size, func(given *types.ApplicationAssignment) bool { return s.concerns(given, wanted) })
	out := &ssoadmin.ListApplicationAssignmentsForPrincipalOutput{
		ApplicationAssignments: []types.ApplicationAssignmentForPrincipal{}, NextToken: pageToken(next, query...),
	}
	for _, given := range page {
		var shown types.ApplicationAssignmentForPrincipal
		copyMembers(&shown, given)
		out.ApplicationAssignments = append(out.ApplicationAssignments, shown)
	}
	return out, nil
}

func (c *call) mayList(s *identityStore, wanted *types.ApplicationAssignment) error {
	if wanted.ApplicationArn != nil {
		if _, _, err := c.application(wanted.ApplicationArn); err != nil {
			return err
		}
	} else if c.account != s.account {
		return c.forbidden(s.instanceARN())
	}
	if !s.principal(wanted.PrincipalType, *wanted.PrincipalId) {
		return ssoNotFound("%s with id %s not found", wanted.PrincipalType, *wanted.PrincipalId)
	}
	return nil
}

// concerns reports whether an assignment gives the wanted principal an application; with no ARN wanted, any
// that sso-admin knows.
func (s *identityStore) concerns(given, wanted *types.ApplicationAssignment) bool {
	if wanted.ApplicationArn != nil && *wanted.ApplicationArn != *given.ApplicationArn {
		return false
	}
	if s.center.applications.get(*given.ApplicationArn).old {
		return false
	}
	if wanted.PrincipalType == types.PrincipalTypeUser {
		return s.covers(given, *wanted.PrincipalId)
	}
	return given.PrincipalType == types.PrincipalTypeGroup && *given.PrincipalId == *wanted.PrincipalId
}

func getAssignmentConfiguration(c *call, in *ssoadmin.GetApplicationAssignmentConfigurationInput) (*ssoadmin.GetApplicationAssignmentConfigurationOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	_, a, err := c.application(in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	return &ssoadmin.GetApplicationAssignmentConfigurationOutput{AssignmentRequired: aws.Bool(!a.open)}, nil
}

func putAssignmentConfiguration(c *call, in *ssoadmin.PutApplicationAssignmentConfigurationInput) (*ssoadmin.PutApplicationAssignmentConfigurationOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	_, a, err := c.changeable(in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	a.open = !*in.AssignmentRequired
	return &ssoadmin.PutApplicationAssignmentConfigurationOutput{}, nil
}

// AssignToDomain assigns a user or group to a Studio domain's application, as people do in the console. It
// is the only door to domains that ForgetApplication made old.
func (o *Console) AssignToDomain(domainID string, kind types.PrincipalType, principalID string) error {
	return o.assignment("AssociateProfile", domainID, kind, principalID, (*identityStore).assign)
}

// UnassignFromDomain takes a user's or group's assignment to a Studio domain's application away.
func (o *Console) UnassignFromDomain(domainID string, kind types.PrincipalType, principalID string) error {
	return o.assignment("DisassociateProfile", domainID, kind, principalID, func(s *identityStore, a *types.ApplicationAssignment) error {
		if s.center.assignments.get(assignmentKey(a)) == nil {
			return ssoNotFound("%s %s is not assigned", kind, principalID)
		}
		s.center.assignments.remove(assignmentKey(a))
		return nil
	})
}

func (o *Console) assignment(event, domainID string, kind types.PrincipalType, principalID string, do func(*identityStore, *types.ApplicationAssignment) error) error {
	r := o.record(event, "accessorType", string(kind), "accessorId", principalID)
	r.EventSource = "sso.amazonaws.com"
	what := fmt.Sprintf("%s of %s %s and domain %s", event, kind, principalID, domainID)
	return o.change(what, r, func(s *identityStore, _ maker) error {
		a := s.applicationOf(domainID)
		if a == nil {
			return ssoNotFound("Domain %s has no application in IAM Identity Center", domainID)
		}
		return do(s, &types.ApplicationAssignment{ApplicationArn: a.ApplicationArn, PrincipalType: kind, PrincipalId: &principalID})
	})
}
