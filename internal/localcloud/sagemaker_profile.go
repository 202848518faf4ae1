package localcloud

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// studioProfile is a user profile as DescribeUserProfile shows it.
type studioProfile struct {
	studioapi.DescribeUserProfileOutput
	lowerName string
	until     time.Time // when Status stops being Pending, Updating or Deleting
	failing   string    // why the state that passes now ends in failure; "": it does not
	tags      []studioapi.Tag
	stamps
}

// profileKey finds a profile by name whatever its case.
func profileKey(domain, name string) string { return domain + "/" + strings.ToLower(name) }

// label implements shelved; a profile belongs to its single sign-on user.
func (p *studioProfile) label() (domain, owner, name string) {
	return *p.DomainId, aws.ToString(p.SingleSignOnUserValue), p.lowerName
}

func (p *studioProfile) settle(now time.Time) {
	if now.Before(p.until) {
		return
	}
	switch {
	case p.failing != "" && p.Status == studioapi.UserProfileStatusUpdating:
		p.Status, p.FailureReason = studioapi.UserProfileStatusUpdateFailed, &p.failing
	case p.failing != "" && p.Status == studioapi.UserProfileStatusDeleting:
		p.Status, p.FailureReason = studioapi.UserProfileStatusDeleteFailed, &p.failing
	case p.Status == studioapi.UserProfileStatusPending || p.Status == studioapi.UserProfileStatusUpdating:
		p.Status = studioapi.UserProfileStatusInService
	}
}

// turn starts a state that takes a while.
func (p *studioProfile) turn(in *studioPlace, status studioapi.UserProfileStatus, now time.Time, delay time.Duration) {
	was := p.changed
	in.changes++
	p.Status, p.FailureReason, p.LastModifiedTime, p.changed = status, nil, &now, in.changes
	in.profiles.changed(p, was)
	p.until = now.Add(delay)
	if p.settle(now); p.idle() != nil {
		in.await(p.until, func(now time.Time) { in.look(p, now) })
	}
}

// look ends the state of a profile whose time is over, and removes it if it was being deleted.
func (p *studioPlace) look(profile *studioProfile, now time.Time) {
	profile.settle(now)
	if profile.Status == studioapi.UserProfileStatusDeleting && !now.Before(profile.until) {
		p.profiles.remove(profileKey(*profile.DomainId, *profile.UserProfileName))
		p.index.gone(*profile.UserProfileArn, profile.until)
	}
}

// idle refuses changes while another one is under way.
func (p *studioProfile) idle() error {
	switch p.Status {
	case studioapi.UserProfileStatusPending, studioapi.UserProfileStatusUpdating, studioapi.UserProfileStatusDeleting:
		return resourceInUse("UserProfile [%s/%s] is in %s status.", *p.DomainId, *p.UserProfileName, p.Status)
	}
	return nil
}

// profile finds domain and profile of a call.
func (p *studioPlace) profile(domain, name *string, now time.Time) (*studioDomain, *studioProfile, error) {
	var v constraints
	v.length("userProfileName", name, 0, 63)
	v.pattern("userProfileName", name, studioNamePattern)
	if err := v.verdict(); err != nil {
		return nil, nil, err
	}
	d, err := p.domain(domain, now)
	if err != nil {
		return nil, nil, err
	}
	found := p.profiles.get(profileKey(*d.DomainId, *name))
	if found == nil {
		return d, nil, resourceNotFound("UserProfile [%s/%s] does not exist.", *d.DomainId, *name)
	}
	found.settle(now)
	return d, found, nil
}

func createProfile(c *call, in *studioapi.CreateUserProfileInput) (*studioapi.CreateUserProfileOutput, error) {
	if err := checkProfile(in); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	d, existing, err := p.profile(in.DomainId, in.UserProfileName, c.now)
	switch {
	case d == nil:
		return nil, err
	case existing != nil:
		return nil, resourceInUse("UserProfile [%s/%s] already exists.", *d.DomainId, *existing.UserProfileName)
	}
	if err := c.cloud.mayCreateProfile(p, d, in); err != nil {
		return nil, err
	}
	made := c.cloud.makeProfile(p, d, in, c.now, c.cloud.delay())
	return &studioapi.CreateUserProfileOutput{UserProfileArn: made.UserProfileArn}, nil
}

// makeProfile enters a user profile that mayCreateProfile allowed; it is pending for the delay.
func (c *Cloud) makeProfile(p *studioPlace, d *studioDomain, in *studioapi.CreateUserProfileInput, now time.Time, delay time.Duration) *studioProfile {
	made := &studioProfile{lowerName: strings.ToLower(*in.UserProfileName), tags: in.Tags}
	copyMembers(&made.DescribeUserProfileOutput, in)
	made.UserProfileArn = aws.String("arn:aws:sagemaker:" + p.region + ":" + p.account + ":user-profile/" + *d.DomainId + "/" + *in.UserProfileName)
	made.HomeEfsFileSystemUid = aws.String(strconv.Itoa(d.nextUID))
	d.nextUID++
	made.CreationTime = &now
	made.turn(p, studioapi.UserProfileStatusPending, now, delay)
	made.created = made.changed
	p.profiles.add(profileKey(*d.DomainId, *in.UserProfileName), made)
	p.index.tagged(*made.UserProfileArn, made.tags, now)
	return made
}

func checkProfile(in *studioapi.CreateUserProfileInput) error {
	var v constraints
	v.pattern("singleSignOnUserIdentifier", in.SingleSignOnUserIdentifier, singleSignOnUserID)
	v.length("singleSignOnUserValue", in.SingleSignOnUserValue, 1, 256)
	v.checkSettings("userSettings", in.UserSettings)
	v.checkTags("tags", in.Tags)
	if err := v.verdict(); err != nil {
		return err
	}
	return duplicateTag(in.Tags)
}

// mayCreateProfile holds a new profile against its domain, the identity store and the quota.
func (c *Cloud) mayCreateProfile(p *studioPlace, d *studioDomain, in *studioapi.CreateUserProfileInput) error {
	if d.Status != studioapi.DomainStatusInService {
		return resourceInUse("Domain [%s] is in %s status.", *d.DomainId, d.Status)
	}
	if err := c.checkSignOn(p, d, in); err != nil {
		return err
	}
	if p.profiles.len() >= c.profileQuota() {
		return errf(400, "ResourceLimitExceeded",
			"The account-level service limit 'Maximum number of user profiles allowed per account' is %d UserProfiles, with current utilization of %d UserProfiles and a request delta of 1 UserProfiles. Please use AWS Service Quotas to request an increase for this quota.",
			c.profileQuota(), p.profiles.len())
	}
	return nil
}

// checkSignOn refuses a profile whose single sign-on user does not fit the domain: an Identity Center
// domain needs one, which exists and has no profile yet; an IAM domain takes none.
func (c *Cloud) checkSignOn(p *studioPlace, d *studioDomain, in *studioapi.CreateUserProfileInput) error {
	identifier, value := in.SingleSignOnUserIdentifier, in.SingleSignOnUserValue
	if d.AuthMode != studioapi.AuthModeSso {
		if identifier != nil || value != nil {
			return validation("SingleSignOnUserIdentifier and SingleSignOnUserValue cannot be specified for Domain [%s] with AuthMode IAM.", *d.DomainId)
		}
		return nil
	}
	if identifier == nil || value == nil {
		return validation("SingleSignOnUserIdentifier and SingleSignOnUserValue are required for Domain [%s] with AuthMode SSO.", *d.DomainId)
	}
	store := c.stores.byID[d.store]
	if store == nil || store.userNames[*value] == "" {
		return validation("SingleSignOnUserValue [%s] does not exist in IAM Identity Center.", *value)
	}
	if other := p.profileOf(*d.DomainId, *value); other != nil {
		return resourceInUse("SingleSignOnUserValue [%s] already has UserProfile [%s/%s].", *value, *d.DomainId, *other.UserProfileName)
	}
	if c.RequireAssignment && !store.admits(store.applicationOf(*d.DomainId), store.userNames[*value]) {
		return validation("SingleSignOnUserValue [%s] is not assigned to the application of Domain [%s] in IAM Identity Center.", *value, *d.DomainId)
	}
	return nil
}

// profileOf finds the profile of a single sign-on user, by UserName as SageMaker does.
func (p *studioPlace) profileOf(domainID, userName string) *studioProfile {
	for profile := range p.profiles.of(domainID, userName) {
		return profile
	}
	return nil
}

func describeProfile(c *call, in *studioapi.DescribeUserProfileInput) (*studioapi.DescribeUserProfileOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	_, profile, err := c.studio().profile(in.DomainId, in.UserProfileName, c.now)
	if err != nil {
		return nil, err
	}
	shown := profile.DescribeUserProfileOutput
	return &shown, nil
}

func updateProfile(c *call, in *studioapi.UpdateUserProfileInput) (*studioapi.UpdateUserProfileOutput, error) {
	var v constraints
	v.checkSettings("userSettings", in.UserSettings)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	_, profile, err := p.profile(in.DomainId, in.UserProfileName, c.now)
	if err != nil {
		return nil, err
	}
	if err := profile.idle(); err != nil {
		return nil, err
	}
	if !c.cloud.AppsAllowUpdates && p.runsApps(profile) {
		return nil, resourceInUse("Unable to update UserProfile [%s] because App(s) are associated with it.", *profile.UserProfileArn)
	}
	settings, err := merged(profile.UserSettings, in.UserSettings)
	if err != nil {
		return nil, err
	}
	profile.UserSettings, profile.failing = settings, c.failing
	profile.turn(p, studioapi.UserProfileStatusUpdating, c.now, c.cloud.delay())
	return &studioapi.UpdateUserProfileOutput{UserProfileArn: profile.UserProfileArn}, nil
}

func deleteProfile(c *call, in *studioapi.DeleteUserProfileInput) (*nothing, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	_, profile, err := p.profile(in.DomainId, in.UserProfileName, c.now)
	if err != nil {
		return nil, err
	}
	if err := profile.idle(); err != nil {
		return nil, err
	}
	if err := p.unused(profile); err != nil {
		return nil, err
	}
	profile.failing = c.failing
	profile.turn(p, studioapi.UserProfileStatusDeleting, c.now, c.cloud.delay())
	return &nothing{}, nil
}

// unused refuses to delete a profile that has apps which are not gone, or owns spaces.
func (p *studioPlace) unused(profile *studioProfile) error {
	used := ""
	switch {
	case p.hasApps(profile.apps()):
		used = "App(s)"
	case p.ownsSpaces(profile):
		used = "Space(s)"
	default:
		return nil
	}
	return resourceInUse("Unable to delete UserProfile [%s] because %s are associated with it.", *profile.UserProfileArn, used)
}

// SetProfileStatus puts a user profile into a state such as Failed or Update_Failed, which stays until
// something changes the profile.
func (c *Cloud) SetProfileStatus(account, region, domainID, name string, status studioapi.UserProfileStatus, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	_, profile, err := c.studioIn(place{account: account, region: region}, now).profile(&domainID, &name, now)
	if err != nil {
		return err
	}
	profile.Status, profile.FailureReason, profile.until = status, optional(reason), forever(now)
	return nil
}
