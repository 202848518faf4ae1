package localcloud

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

func createSpace(c *call, in *studioapi.CreateSpaceInput) (*studioapi.CreateSpaceOutput, error) {
	if err := checkSpace(in); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	d, existing, err := p.space(in.DomainId, in.SpaceName, c.now)
	switch {
	case d == nil:
		return nil, err
	case existing != nil:
		return nil, resourceInUse("Space [%s/%s] already exists.", *d.DomainId, *existing.SpaceName)
	}
	made := &studioSpace{lowerName: strings.ToLower(*in.SpaceName), tags: in.Tags}
	copyMembers(&made.DescribeSpaceOutput, in)
	if err := p.mayCreateSpace(d, made, c.now); err != nil {
		return nil, err
	}
	made.SpaceArn = aws.String("arn:aws:sagemaker:" + c.region + ":" + c.account + ":space/" + *d.DomainId + "/" + *in.SpaceName)
	made.Url = d.Url
	made.HomeEfsFileSystemUid = aws.String(strconv.Itoa(d.nextUID))
	d.nextUID++
	made.CreationTime = &c.now
	made.turn(p, studioapi.SpaceStatusPending, c.now, c.cloud.spaceDelay())
	made.created = made.changed
	p.spaces.add(spaceKey(*d.DomainId, *in.SpaceName), made)
	p.index.tagged(*made.SpaceArn, made.tags, c.now)
	return &studioapi.CreateSpaceOutput{SpaceArn: made.SpaceArn}, nil
}

// checkSpace refuses what can be told from the request alone. Owner and sharing come together or not at
// all; without them the space is one of Studio Classic.
func checkSpace(in *studioapi.CreateSpaceInput) error {
	var v constraints
	v.pattern("spaceDisplayName", in.SpaceDisplayName, spaceDisplayName)
	v.length("spaceDisplayName", in.SpaceDisplayName, 0, 64)
	v.checkSpaceSettings("spaceSettings", in.SpaceSettings)
	v.checkTags("tags", in.Tags)
	if in.OwnershipSettings != nil && in.OwnershipSettings.OwnerUserProfileName == nil {
		v.violate("Value at 'ownershipSettings.ownerUserProfileName' failed to satisfy constraint: Member must not be null")
	}
	if in.SpaceSharingSettings != nil && in.SpaceSharingSettings.SharingType == "" {
		v.violate("Value at 'spaceSharingSettings.sharingType' failed to satisfy constraint: Member must not be null")
	}
	if err := v.verdict(); err != nil {
		return err
	}
	if (in.OwnershipSettings == nil) != (in.SpaceSharingSettings == nil) {
		return validation("OwnershipSettings and SpaceSharingSettings must be specified together.")
	}
	return duplicateTag(in.Tags)
}

func (v *constraints) checkSpaceSettings(path string, s *studioapi.SpaceSettings) {
	if s == nil {
		return
	}
	v.size(path+".customFileSystems", len(s.CustomFileSystems), 0, 5)
	if s.SpaceStorageSettings != nil && s.SpaceStorageSettings.EbsStorageSettings != nil {
		size := s.SpaceStorageSettings.EbsStorageSettings.EbsVolumeSizeInGb
		v.between(path+".spaceStorageSettings.ebsStorageSettings.ebsVolumeSizeInGb", size, 5, 16384)
	}
}

// mayCreateSpace holds a new space against its domain and its owner. A shared space needs a domain with a
// role for shared spaces.
func (p *studioPlace) mayCreateSpace(d *studioDomain, s *studioSpace, now time.Time) error {
	if d.Status != studioapi.DomainStatusInService {
		return resourceInUse("Domain [%s] is in %s status.", *d.DomainId, d.Status)
	}
	if !s.private() && d.spaceRole() == "" {
		return validation("Domain [%s] has no DefaultSpaceSettings.ExecutionRole, which shared spaces need.", *d.DomainId)
	}
	if s.OwnershipSettings == nil {
		return nil
	}
	_, owner, err := p.profile(d.DomainId, s.OwnershipSettings.OwnerUserProfileName, now)
	if err != nil {
		return err
	}
	s.OwnershipSettings = &studioapi.OwnershipSettings{OwnerUserProfileName: owner.UserProfileName}
	return owner.usable()
}
