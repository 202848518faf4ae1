package localcloud

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// appOwner is what an app runs under: a profile, a private space with the profile that owns it, or a shared
// space, whose profile is nil.
type appOwner struct {
	domain  *studioDomain
	profile *studioProfile
	space   *studioSpace
}

// apps is where a shelf has the profile's own apps, without those in its spaces.
func (p *studioProfile) apps() (domain, owner string) {
	return *p.DomainId, ofProfile(*p.UserProfileName)
}

// apps is where a shelf has the space's apps.
func (s *studioSpace) apps() (domain, owner string) { return *s.DomainId, ofSpace(*s.SpaceName) }

// runsApps reports whether apps run, or are about to, under the profile or in a private space of its own.
func (p *studioPlace) runsApps(profile *studioProfile) bool {
	if p.running(profile.apps()) {
		return true
	}
	for s := range p.spaces.of(*profile.DomainId, ofProfile(*profile.UserProfileName)) {
		if s.private() && p.running(s.apps()) {
			return true
		}
	}
	return false
}

func (p *studioPlace) running(domain, owner string) bool {
	for app := range p.apps.of(domain, owner) {
		if app.runs() {
			return true
		}
	}
	return false
}

// usable refuses a profile that nothing can be started under.
func (p *studioProfile) usable() error {
	switch p.Status {
	case studioapi.UserProfileStatusInService, studioapi.UserProfileStatusUpdateFailed:
		return nil
	}
	return resourceInUse("UserProfile [%s] is in %s status.", *p.UserProfileArn, p.Status)
}

// usable refuses a space that nothing can be started in.
func (s *studioSpace) usable() error {
	switch s.Status {
	case studioapi.SpaceStatusInService, studioapi.SpaceStatusUpdateFailed:
		return nil
	}
	return resourceInUse("Space [%s] is in %s status.", *s.SpaceArn, s.Status)
}

// appOwner finds what a new app is to run under, all of it ready.
func (p *studioPlace) appOwner(k AppKey, now time.Time) (*appOwner, error) {
	d, err := p.domain(&k.DomainID, now)
	if err != nil {
		return nil, err
	}
	if d.Status != studioapi.DomainStatusInService {
		return nil, resourceInUse("Domain [%s] is in %s status.", *d.DomainId, d.Status)
	}
	owner, profile := &appOwner{domain: d}, k.UserProfile
	if k.Space != "" {
		if _, owner.space, err = p.space(&k.DomainID, &k.Space, now); err != nil {
			return nil, err
		}
		if err := owner.space.usable(); err != nil || !owner.space.private() {
			return owner, err
		}
		profile = *owner.space.OwnershipSettings.OwnerUserProfileName
	}
	if _, owner.profile, err = p.profile(&k.DomainID, &profile, now); err != nil {
		return nil, err
	}
	return owner, owner.profile.usable()
}

// mayRun refuses apps that are out of place: JupyterLab and Code Editor run in spaces, the apps of Studio
// Classic under profiles and in shared spaces, Canvas anywhere, everything else under profiles.
func (o *appOwner) mayRun(in *studioapi.CreateAppInput) error {
	allowed := o.space == nil
	switch in.AppType {
	case studioapi.AppTypeJupyterLab, studioapi.AppTypeCodeEditor:
		allowed = o.space != nil
	case studioapi.AppTypeJupyterServer, studioapi.AppTypeKernelGateway:
		allowed = o.space == nil || !o.space.private()
	case studioapi.AppTypeCanvas:
		allowed = true
	}
	switch {
	case !allowed && o.space == nil:
		return validation("AppType %s needs a SpaceName instead of a UserProfileName.", in.AppType)
	case !allowed:
		return validation("AppType %s is not supported in Space [%s].", in.AppType, *o.space.SpaceArn)
	case o.space != nil && o.space.appType() != "" && o.space.appType() != in.AppType:
		return validation("AppType %s differs from the AppType %s of Space [%s].", in.AppType, o.space.appType(), *o.space.SpaceArn)
	case in.AppType == studioapi.AppTypeKernelGateway && !o.kernelInstance(in.ResourceSpec):
		return validation("InstanceType must be specified for a KernelGateway app: the request has none, nor has a default of its owner or domain.")
	}
	return nil
}

// kernelInstance reports whether request, owner or domain say what instance a KernelGateway app runs on.
func (o *appOwner) kernelInstance(asked *studioapi.ResourceSpec) bool {
	from := []*studioapi.KernelGatewayAppSettings{{DefaultResourceSpec: asked}}
	if o.space != nil && o.space.SpaceSettings != nil {
		from = append(from, o.space.SpaceSettings.KernelGatewayAppSettings)
	}
	if o.profile != nil && o.profile.UserSettings != nil {
		from = append(from, o.profile.UserSettings.KernelGatewayAppSettings)
	}
	if o.profile == nil && o.domain.DefaultSpaceSettings != nil {
		from = append(from, o.domain.DefaultSpaceSettings.KernelGatewayAppSettings)
	}
	if o.profile != nil && o.domain.DefaultUserSettings != nil {
		from = append(from, o.domain.DefaultUserSettings.KernelGatewayAppSettings)
	}
	for _, s := range from {
		if s != nil && s.DefaultResourceSpec != nil && s.DefaultResourceSpec.InstanceType != "" {
			return true
		}
	}
	return false
}

// role is what an app gets: the role of the profile, by default that of the domain. In shared spaces
// profiles do not count, only the domain's role for spaces does.
func (o *appOwner) role() string {
	if o.profile == nil {
		return o.domain.spaceRole()
	}
	if s := o.profile.UserSettings; s != nil && s.ExecutionRole != nil {
		return *s.ExecutionRole
	}
	return aws.ToString(o.domain.DefaultUserSettings.ExecutionRole)
}

// spaceRole is the execution role of apps in the domain's shared spaces; empty when there is none.
func (d *studioDomain) spaceRole() string {
	if d.DefaultSpaceSettings == nil {
		return ""
	}
	return aws.ToString(d.DefaultSpaceSettings.ExecutionRole)
}
