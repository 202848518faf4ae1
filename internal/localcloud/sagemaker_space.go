package localcloud

import (
	"strings"
	"time"

	"studiokeeper/internal/localcloud/studioapi"
)

var spaceDisplayName = whole(`(?:.*\S.*)`)

// studioSpace is a space as DescribeSpace shows it.
type studioSpace struct {
	studioapi.DescribeSpaceOutput
	lowerName string
	until     time.Time // when Status stops being Pending, Updating or Deleting
	failing   string    // why the deletion that passes now ends in failure; "": it does not
	tags      []studioapi.Tag
	stamps
}

// spaceKey finds a space by name whatever its case.
func spaceKey(domain, name string) string { return domain + "/" + strings.ToLower(name) }

// private reports whether only its owner works in the space. Spaces without sharing settings are shared:
// they are what Studio Classic calls a shared space.
func (s *studioSpace) private() bool {
	return s.SpaceSharingSettings != nil && s.SpaceSharingSettings.SharingType == studioapi.SharingTypePrivate
}

// label implements shelved; a space belongs to a profile, whatever the case of its name, or to nobody.
func (s *studioSpace) label() (domain, owner, name string) {
	if s.OwnershipSettings != nil {
		owner = ofProfile(*s.OwnershipSettings.OwnerUserProfileName)
	}
	return *s.DomainId, owner, s.lowerName
}

func (s *studioSpace) settle(now time.Time) {
	if now.Before(s.until) {
		return
	}
	switch {
	case s.failing != "" && s.Status == studioapi.SpaceStatusDeleting:
		s.Status, s.FailureReason = studioapi.SpaceStatusDeleteFailed, &s.failing
	case s.Status == studioapi.SpaceStatusPending || s.Status == studioapi.SpaceStatusUpdating:
		s.Status = studioapi.SpaceStatusInService
	}
}

// turn starts a state that takes a while.
func (s *studioSpace) turn(in *studioPlace, status studioapi.SpaceStatus, now time.Time, delay time.Duration) {
	was := s.changed
	in.changes++
	s.Status, s.FailureReason, s.LastModifiedTime, s.changed = status, nil, &now, in.changes
	in.spaces.changed(s, was)
	s.until = now.Add(delay)
	if s.settle(now); s.idle("change") != nil {
		in.await(s.until, func(now time.Time) { in.lookAtSpace(s, now) })
	}
}

// lookAtSpace ends the state of a space whose time is over, and removes it if it was being deleted.
func (p *studioPlace) lookAtSpace(s *studioSpace, now time.Time) {
	s.settle(now)
	if s.Status == studioapi.SpaceStatusDeleting && !now.Before(s.until) {
		p.spaces.remove(spaceKey(*s.DomainId, *s.SpaceName))
		p.index.gone(*s.SpaceArn, s.until)
	}
}

// idle refuses to do something to a space while another change is under way.
func (s *studioSpace) idle(what string) error {
	switch s.Status {
	case studioapi.SpaceStatusPending, studioapi.SpaceStatusUpdating, studioapi.SpaceStatusDeleting:
		return validation("Unable to %s Space [%s] because it is in %s status.", what, *s.SpaceArn, s.Status)
	}
	return nil
}

// ownsSpaces reports whether a profile owns spaces.
func (p *studioPlace) ownsSpaces(profile *studioProfile) bool {
	for range p.spaces.of(*profile.DomainId, ofProfile(*profile.UserProfileName)) {
		return true
	}
	return false
}

// space finds domain and space of a call.
func (p *studioPlace) space(domain, name *string, now time.Time) (*studioDomain, *studioSpace, error) {
	var v constraints
	v.studioName("spaceName", name)
	if err := v.verdict(); err != nil {
		return nil, nil, err
	}
	d, err := p.domain(domain, now)
	if err != nil {
		return nil, nil, err
	}
	found := p.spaces.get(spaceKey(*d.DomainId, *name))
	if found == nil {
		return d, nil, resourceNotFound("Space [%s/%s] does not exist.", *d.DomainId, *name)
	}
	return d, found, nil
}

// studioName checks the name of a space, an app or a profile that is present.
func (v *constraints) studioName(path string, name *string) {
	v.length(path, name, 0, 63)
	v.pattern(path, name, studioNamePattern)
}

func (c *Cloud) spaceDelay() time.Duration { return lasting(c.SpaceDelay, DefaultSpaceDelay) }

func describeSpace(c *call, in *studioapi.DescribeSpaceInput) (*studioapi.DescribeSpaceOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	_, space, err := c.studio().space(in.DomainId, in.SpaceName, c.now)
	if err != nil {
		return nil, err
	}
	shown := space.DescribeSpaceOutput
	return &shown, nil
}

// updateSpace changes display name and settings; the operation has no member for the owner.
func updateSpace(c *call, in *studioapi.UpdateSpaceInput) (*studioapi.UpdateSpaceOutput, error) {
	var v constraints
	v.pattern("spaceDisplayName", in.SpaceDisplayName, spaceDisplayName)
	v.length("spaceDisplayName", in.SpaceDisplayName, 0, 64)
	v.checkSpaceSettings("spaceSettings", in.SpaceSettings)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	_, space, err := p.space(in.DomainId, in.SpaceName, c.now)
	if err != nil {
		return nil, err
	}
	if err := space.mayUpdate(in); err != nil {
		return nil, err
	}
	settings, err := merged(space.SpaceSettings, in.SpaceSettings)
	if err != nil {
		return nil, err
	}
	space.SpaceSettings = settings
	if in.SpaceDisplayName != nil {
		space.SpaceDisplayName = in.SpaceDisplayName
	}
	space.turn(p, studioapi.SpaceStatusUpdating, c.now, c.cloud.spaceDelay())
	return &studioapi.UpdateSpaceOutput{SpaceArn: space.SpaceArn}, nil
}

// mayUpdate refuses another app type, and any change to a space that is busy or half deleted.
func (s *studioSpace) mayUpdate(in *studioapi.UpdateSpaceInput) error {
	if err := s.idle("update"); err != nil {
		return err
	}
	if s.Status == studioapi.SpaceStatusDeleteFailed {
		return validation("Unable to update Space [%s] because it is in %s status.", *s.SpaceArn, s.Status)
	}
	if in.SpaceSettings != nil && in.SpaceSettings.AppType != "" && in.SpaceSettings.AppType != s.appType() {
		return validation("The AppType of Space [%s] cannot be changed.", *s.SpaceArn)
	}
	return nil
}

// appType is the one type of app that the space is for; empty when it has none.
func (s *studioSpace) appType() studioapi.AppType {
	if s.SpaceSettings == nil {
		return ""
	}
	return s.SpaceSettings.AppType
}

func deleteSpace(c *call, in *studioapi.DeleteSpaceInput) (*nothing, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	_, space, err := p.space(in.DomainId, in.SpaceName, c.now)
	if err != nil {
		return nil, err
	}
	if err := space.idle("delete"); err != nil {
		return nil, err
	}
	if p.hasApps(space.apps()) {
		return nil, resourceInUse("Unable to delete Space [%s] because App(s) are associated with it.", *space.SpaceArn)
	}
	space.failing = c.failing
	space.turn(p, studioapi.SpaceStatusDeleting, c.now, c.cloud.spaceDelay())
	return &nothing{}, nil
}

// SetSpaceStatus puts a space into a state such as Failed or Delete_Failed, which stays until something
// changes the space.
func (c *Cloud) SetSpaceStatus(account, region, domainID, name string, status studioapi.SpaceStatus, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	_, space, err := c.studioIn(place{account: account, region: region}, now).space(&domainID, &name, now)
	if err != nil {
		return err
	}
	space.Status, space.FailureReason, space.until = status, optional(reason), forever(now)
	return nil
}
