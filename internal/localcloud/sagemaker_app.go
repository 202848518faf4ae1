package localcloud

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// endedAppListed is how long SageMaker shows an app after its end.
const endedAppListed = 24 * time.Hour

// studioApp is an app as DescribeApp shows it.
type studioApp struct {
	studioapi.DescribeAppOutput
	role  string    // its execution role, for as long as it runs
	until time.Time // when Status ends: Deleted and Failed apps are then no longer known
	tags  []studioapi.Tag
	stamps
}

// AppKey names an app, which belongs to a user profile or to a space.
type AppKey struct {
	DomainID string
	// One of these is set, the other one is empty.
	UserProfile, Space string
	Type               studioapi.AppType
	Name               string
}

// id finds the app whatever the case of its owner's name and of its type, which ARNs write in lower case.
func (k AppKey) id() string {
	return k.DomainID + "/" + k.owner() + "/" + strings.ToLower(string(k.Type)) + "/" + k.Name
}

func (k AppKey) owner() string {
	if k.Space != "" {
		return ofSpace(k.Space)
	}
	return ofProfile(k.UserProfile)
}

// ofProfile and ofSpace are how a shelf knows an owner, whatever the case of its name.
func ofProfile(name string) string { return "profile/" + strings.ToLower(name) }
func ofSpace(name string) string   { return "space/" + strings.ToLower(name) }

// label implements shelved; apps are not found by parts of their names.
func (a *studioApp) label() (domain, owner, name string) { return *a.DomainId, a.key().owner(), "" }

func (k AppKey) String() string {
	return k.DomainID + "/" + k.UserProfile + k.Space + "/" + string(k.Type) + "/" + k.Name
}

func (a *studioApp) key() AppKey {
	return AppKey{
		DomainID: *a.DomainId, UserProfile: aws.ToString(a.UserProfileName), Space: aws.ToString(a.SpaceName),
		Type: a.AppType, Name: *a.AppName,
	}
}

// appOfARN finds an app by the last part of its ARN, which does not tell a profile from a space.
func (p *studioPlace) appOfARN(rest string) *studioApp {
	parts := strings.Split(rest, "/")
	if len(parts) != 4 {
		return nil
	}
	k := AppKey{DomainID: parts[0], UserProfile: parts[1], Type: studioapi.AppType(parts[2]), Name: parts[3]}
	if app := p.apps.get(k.id()); app != nil {
		return app
	}
	k.UserProfile, k.Space = "", parts[1]
	return p.apps.get(k.id())
}

// there reports whether the app is not yet gone.
func (a *studioApp) there() bool {
	return a.Status != studioapi.AppStatusDeleted && a.Status != studioapi.AppStatusFailed
}

// runs reports whether the app has started or is about to.
func (a *studioApp) runs() bool {
	return a.Status == studioapi.AppStatusInService || a.Status == studioapi.AppStatusPending
}

func (a *studioApp) settle(now time.Time) {
	switch {
	case now.Before(a.until):
	case a.Status == studioapi.AppStatusPending:
		at := a.until
		a.Status, a.LastHealthCheckTimestamp, a.LastUserActivityTimestamp = studioapi.AppStatusInService, &at, &at
	case a.Status == studioapi.AppStatusDeleting:
		a.Status, a.until = studioapi.AppStatusDeleted, a.until.Add(endedAppListed)
	}
}

// turn starts a state that takes a while.
func (a *studioApp) turn(in *studioPlace, status studioapi.AppStatus, now time.Time, delay time.Duration) {
	a.Status, a.FailureReason, a.until = status, nil, now.Add(delay)
	if a.settle(now); a.Status != studioapi.AppStatusInService {
		a.await(in)
	}
}

// look ends the state of an app whose time is over, and forgets an app that ended a day ago.
func (a *studioApp) look(in *studioPlace, now time.Time) {
	was := a.Status
	a.settle(now)
	switch {
	case a.there():
	case !now.Before(a.until):
		in.apps.remove(a.key().id())
		in.index.gone(*a.AppArn, a.until)
	case a.Status != was:
		a.await(in)
	}
}

// await has the app looked at when its state ends.
func (a *studioApp) await(in *studioPlace) {
	in.await(a.until, func(now time.Time) { a.look(in, now) })
}

// hasApps reports whether an owner in a domain has apps that are not yet gone.
func (p *studioPlace) hasApps(domain, owner string) bool {
	for app := range p.apps.of(domain, owner) {
		if app.there() {
			return true
		}
	}
	return false
}

// appKey checks and makes the key of the app that a call names. An app has one owner.
func appKey(domain, profile, space *string, kind studioapi.AppType, name *string) (AppKey, error) {
	var v constraints
	v.length("domainId", domain, 0, 63)
	v.pattern("domainId", domain, domainIDPattern)
	v.studioName("userProfileName", profile)
	v.studioName("spaceName", space)
	v.studioName("appName", name)
	if err := v.verdict(); err != nil {
		return AppKey{}, err
	}
	if (profile == nil) == (space == nil) {
		return AppKey{}, validation("Either UserProfileName or SpaceName must be specified, and not both.")
	}
	return AppKey{DomainID: *domain, UserProfile: aws.ToString(profile), Space: aws.ToString(space), Type: kind, Name: *name}, nil
}

// app finds an app, which may have outlived its owner.
func (p *studioPlace) app(k AppKey) (*studioApp, error) {
	if found := p.apps.get(k.id()); found != nil {
		return found, nil
	}
	return nil, resourceNotFound("App [%s] does not exist.", k)
}

func createApp(c *call, in *studioapi.CreateAppInput) (*studioapi.CreateAppOutput, error) {
	k, err := appKey(in.DomainId, in.UserProfileName, in.SpaceName, in.AppType, in.AppName)
	if err != nil {
		return nil, err
	}
	if err := checkAppTags(in.Tags); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	owner, err := p.appOwner(k, c.now)
	if err != nil {
		return nil, err
	}
	if err := owner.mayRun(in); err != nil {
		return nil, err
	}
	app := p.apps.get(k.id())
	switch {
	case app == nil:
		p.changes++
		app = &studioApp{stamps: stamps{created: p.changes}, tags: in.Tags}
		app.CreationTime = &c.now
		app.start(c, owner, in)
		p.apps.add(k.id(), app)
	case app.there():
		return nil, resourceInUse("App [%s] already exists in %s status.", k, app.Status)
	default:
		app.start(c, owner, in)
	}
	app.turn(p, studioapi.AppStatusPending, c.now, lasting(c.cloud.AppDelay, DefaultAppDelay))
	p.index.tagged(*app.AppArn, app.tags, c.now)
	return &studioapi.CreateAppOutput{AppArn: app.AppArn}, nil
}

func checkAppTags(tags []studioapi.Tag) error {
	var v constraints
	v.checkTags("tags", tags)
	if err := v.verdict(); err != nil {
		return err
	}
	return duplicateTag(tags)
}

// start runs an app, new or again. To SageMaker an app that is started again within a day of its end is the
// old one: it keeps its CreationTime, and its tags unless new ones come along.
func (a *studioApp) start(c *call, owner *appOwner, in *studioapi.CreateAppInput) {
	copyMembers(&a.DescribeAppOutput, in)
	if in.Tags != nil {
		a.tags = in.Tags
	}
	a.DomainId, a.UserProfileName, a.SpaceName = owner.domain.DomainId, nil, nil
	name := ""
	if owner.space != nil {
		a.SpaceName, name = owner.space.SpaceName, *owner.space.SpaceName
	} else {
		a.UserProfileName, name = owner.profile.UserProfileName, *owner.profile.UserProfileName
	}
	a.AppArn = aws.String("arn:aws:sagemaker:" + c.region + ":" + c.account + ":app/" + *a.DomainId + "/" + name + "/" +
		strings.ToLower(string(a.AppType)) + "/" + *a.AppName)
	a.LastHealthCheckTimestamp, a.LastUserActivityTimestamp = nil, nil
	a.role = owner.role()
}

func describeApp(c *call, in *studioapi.DescribeAppInput) (*studioapi.DescribeAppOutput, error) {
	k, err := appKey(in.DomainId, in.UserProfileName, in.SpaceName, in.AppType, in.AppName)
	if err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	app, err := c.studio().app(k)
	if err != nil {
		return nil, err
	}
	shown := app.DescribeAppOutput
	return &shown, nil
}

// deleteApp stops an app that runs or is about to. SageMaker answers that an app is gone with
// ValidationException as long as it remembers the app, and with ResourceNotFound later.
func deleteApp(c *call, in *studioapi.DeleteAppInput) (*nothing, error) {
	k, err := appKey(in.DomainId, in.UserProfileName, in.SpaceName, in.AppType, in.AppName)
	if err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	app, err := p.app(k)
	if err != nil {
		return nil, err
	}
	switch app.Status {
	case studioapi.AppStatusDeleted:
		return nil, validation("App [%s] has already been deleted.", *app.AppArn)
	case studioapi.AppStatusFailed:
		return nil, validation("App [%s] previously failed and was automatically deleted.", *app.AppArn)
	case studioapi.AppStatusDeleting:
		return nil, resourceInUse("App [%s] is in %s status.", *app.AppArn, app.Status)
	}
	app.turn(p, studioapi.AppStatusDeleting, c.now, lasting(c.cloud.AppStopDelay, DefaultAppStopDelay))
	return &nothing{}, nil
}

// AppRole is the execution role an app got when it was last created; what has become of its profile, space
// or domain since makes no difference to it.
func (c *Cloud) AppRole(account, region string, key AppKey) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	app, err := c.studioIn(place{account: account, region: region}, c.nowLocked()).app(key)
	if err != nil {
		return "", err
	}
	return app.role, nil
}

// SetAppStatus puts an app into a state such as Failed. Deleted and Failed apps are shown for a day; any
// other state stays until something changes the app.
func (c *Cloud) SetAppStatus(account, region string, key AppKey, status studioapi.AppStatus, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.nowLocked()
	p := c.studioIn(place{account: account, region: region}, now)
	app, err := p.app(key)
	if err != nil {
		return err
	}
	app.Status, app.FailureReason, app.until = status, optional(reason), forever(now)
	if !app.there() {
		app.until = now.Add(endedAppListed)
		app.await(p)
	}
	return nil
}
