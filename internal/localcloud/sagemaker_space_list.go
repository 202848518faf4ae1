package localcloud

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// listSpaces finds names whatever their case.
func listSpaces(c *call, in *studioapi.ListSpacesInput) (*studioapi.ListSpacesOutput, error) {
	var v constraints
	v.studioName("spaceNameContains", in.SpaceNameContains)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	query := []string{
		"spaces", c.account, c.region, aws.ToString(in.DomainIdEquals), aws.ToString(in.SpaceNameContains),
		string(in.SortBy), string(in.SortOrder),
	}
	size, position, err := studioPage(in.MaxResults, in.NextToken, query...)
	if err != nil {
		return nil, err
	}
	if in.DomainIdEquals != nil {
		if _, err := p.domain(in.DomainIdEquals, c.now); err != nil {
			return nil, err
		}
	}
	order := studioOrder{modified: in.SortBy == studioapi.SpaceSortKeyLastModifiedTime, descending: in.SortOrder == studioapi.SortOrderDescending}
	lowerPart := strings.ToLower(aws.ToString(in.SpaceNameContains))
	page, next := p.spaces.page(shelfQuery{domain: in.DomainIdEquals, part: lowerPart, order: order, position: position, size: size})
	out := &studioapi.ListSpacesOutput{Spaces: []studioapi.SpaceDetails{}, NextToken: pageToken(next, query...)}
	for _, s := range page {
		out.Spaces = append(out.Spaces, s.details())
	}
	return out, nil
}

// details is what a list shows of a space.
func (s *studioSpace) details() studioapi.SpaceDetails {
	d := studioapi.SpaceDetails{
		DomainId: s.DomainId, SpaceName: s.SpaceName, SpaceDisplayName: s.SpaceDisplayName,
		Status: s.Status, CreationTime: s.CreationTime, LastModifiedTime: s.LastModifiedTime,
	}
	if s.OwnershipSettings != nil {
		d.OwnershipSettingsSummary = &studioapi.OwnershipSettingsSummary{OwnerUserProfileName: s.OwnershipSettings.OwnerUserProfileName}
	}
	if s.SpaceSharingSettings != nil {
		d.SpaceSharingSettingsSummary = &studioapi.SpaceSharingSettingsSummary{SharingType: s.SpaceSharingSettings.SharingType}
	}
	if set := s.SpaceSettings; set != nil {
		d.SpaceSettingsSummary = &studioapi.SpaceSettingsSummary{
			AppType: set.AppType, RemoteAccess: set.RemoteAccess, SpaceStorageSettings: set.SpaceStorageSettings,
		}
	}
	return d
}
