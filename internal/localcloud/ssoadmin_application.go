package localcloud

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"studiokeeper/internal/localcloud/studioapi"
)

// studioProvider is the application provider of Studio domains. AWS does not publish its name.
const studioProvider = "arn:aws:sso::aws:applicationProvider/sagemaker"

// AssignmentAccount says which account's credentials may change who is assigned to a Studio domain's
// application, when the domain lies in another account than the Identity Center instance. What AWS does
// there is not documented: a program has to get along with each.
type AssignmentAccount int

// The zero value lets both accounts assign.
const (
	EitherAccount      AssignmentAccount = iota
	InstanceAccount                      // only the account that owns the instance
	ApplicationAccount                   // only the domain's account
)

// application is the Identity Center application of one Studio domain.
type application struct {
	types.Application        // as DescribeApplication shows it
	domain            string // id of the Studio domain
	old               bool   // sso-admin does not know it: only the console can assign to it
	open              bool   // nobody needs an assignment
}

// addApplication makes the application of a new Studio domain and returns its ARN. The domain's own
// account may be another than the instance's, whose number the ARN carries.
func (s *identityStore) addApplication(c *call, d *studioDomain) *string {
	arn := "arn:aws:sso::" + s.account + ":application/" + s.instanceID() + "/apl-" + randomHex(16)
	s.center.applications.add(arn, &application{domain: *d.DomainId, Application: types.Application{
		ApplicationArn: &arn, ApplicationAccount: aws.String(c.account), ApplicationProviderArn: aws.String(studioProvider),
		InstanceArn: aws.String(s.instanceARN()), IdentityStoreArn: aws.String(s.arn()),
		Name: d.DomainName, CreatedDate: &c.now, CreatedFrom: aws.String(s.region), Status: types.ApplicationStatusEnabled,
		PortalOptions: &types.PortalOptions{
			Visibility:    types.ApplicationVisibilityEnabled,
			SignInOptions: &types.SignInOptions{Origin: types.SignInOriginApplication, ApplicationUrl: d.Url},
		},
	}})
	return &arn
}

// dropApplication removes the application of a deleted domain, and who was assigned to it. Cloud.mu is held.
func (c *Cloud) dropApplication(d *studioDomain) {
	s := c.stores.byID[d.store]
	if s == nil {
		return
	}
	a := s.applicationOf(*d.DomainId)
	if a == nil {
		return
	}
	for _, given := range s.center.assignments.all() {
		if *given.ApplicationArn == *a.ApplicationArn {
			s.center.assignments.remove(assignmentKey(given))
		}
	}
	s.center.applications.remove(*a.ApplicationArn)
}

func (s *identityStore) applicationOf(domainID string) *application {
	for _, a := range s.center.applications.all() {
		if a.domain == domainID {
			return a
		}
	}
	return nil
}

// application finds an application by the ARN a call names, for the instance's account and the domain's.
// Cloud.mu is held.
func (c *call) application(arn *string) (*identityStore, *application, error) {
	var v constraints
	v.length("applicationArn", arn, 10, 1224)
	v.pattern("applicationArn", arn, applicationPattern)
	if err := v.verdict(); err != nil {
		return nil, nil, err
	}
	for _, s := range c.cloud.stores.byID {
		a := s.center.applications.get(*arn)
		switch {
		case a == nil || a.old || s.region != c.region:
		case c.account != s.account && c.account != *a.ApplicationAccount:
			return nil, nil, c.forbidden(*arn)
		default:
			return s, a, nil
		}
	}
	return nil, nil, ssoNotFound("Application with ARN %s not found", *arn)
}

// changeable is application for calls that change it.
func (c *call) changeable(arn *string) (*identityStore, *application, error) {
	s, a, err := c.application(arn)
	if err != nil {
		return nil, nil, err
	}
	who := c.cloud.AssignFrom
	if (who == InstanceAccount && c.account != s.account) || (who == ApplicationAccount && c.account != *a.ApplicationAccount) {
		return nil, nil, c.forbidden(*arn)
	}
	return s, a, nil
}

// admits reports whether an application lets a user in: assigned directly, or through a group. A domain
// that is being deleted has none any more.
func (s *identityStore) admits(a *application, userID string) bool {
	if a == nil || a.open {
		return a != nil
	}
	for _, given := range s.center.assignments.all() {
		if *given.ApplicationArn == *a.ApplicationArn && s.covers(given, userID) {
			return true
		}
	}
	return false
}

// covers reports whether an assignment is the user's own or that of one of the user's groups.
func (s *identityStore) covers(given *types.ApplicationAssignment, userID string) bool {
	if given.PrincipalType == types.PrincipalTypeUser {
		return *given.PrincipalId == userID
	}
	return s.pairs[[2]string{*given.PrincipalId, userID}] != ""
}

// principal reports whether the directory has a user or group.
func (s *identityStore) principal(kind types.PrincipalType, id string) bool {
	if kind == types.PrincipalTypeUser {
		return s.users.get(id) != nil
	}
	return s.groups.get(id) != nil
}

// ForgetApplication makes a Studio domain as old as those from before October 2023: DescribeDomain shows no
// SingleSignOnApplicationArn and sso-admin does not find the application, which goes on to work. Who may
// sign in is then decided in the console only.
func (c *Cloud) ForgetApplication(account, region, domainID string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	d, err := c.studioIn(place{account: account, region: region}, now).domain(&domainID, now)
	if err != nil {
		return fmt.Errorf("forgetting the application of domain %s: %w", domainID, err)
	}
	var a *application
	if s := c.stores.byID[d.store]; s != nil {
		a = s.applicationOf(domainID)
	}
	if a == nil {
		return fmt.Errorf("forgetting the application of domain %s: it has none, being in AuthMode %s and %s", domainID, d.AuthMode, d.Status)
	}
	a.old = true
	d.SingleSignOnApplicationArn, d.SingleSignOnManagedApplicationInstanceId = nil, aws.String("ins-"+randomHex(16))
	return nil
}

// MoveToUnifiedStudio gives a Studio domain the settings of one that belongs to SageMaker Unified Studio.
func (c *Cloud) MoveToUnifiedStudio(account, region, domainID string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	d, err := c.studioIn(place{account: account, region: region}, now).domain(&domainID, now)
	if err != nil {
		return fmt.Errorf("moving domain %s to Unified Studio: %w", domainID, err)
	}
	var settings studioapi.DomainSettings
	if d.DomainSettings != nil {
		settings = *d.DomainSettings
	}
	settings.UnifiedStudioSettings = &studioapi.UnifiedStudioSettings{
		DomainAccountId: &account, DomainRegion: &region, DomainId: aws.String("dzd-" + randomLower(14)),
		ProjectId: aws.String(randomLower(14)), EnvironmentId: aws.String(randomLower(14)),
		StudioWebPortalAccess: studioapi.FeatureStatusDisabled,
	}
	d.DomainSettings, d.LastModifiedTime = &settings, &now
	return nil
}
