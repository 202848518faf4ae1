package localcloud

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

func listApps(c *call, in *studioapi.ListAppsInput) (*studioapi.ListAppsOutput, error) {
	if err := checkAppList(in); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	query := []string{
		"apps", c.account, c.region, aws.ToString(in.DomainIdEquals), aws.ToString(in.UserProfileNameEquals),
		aws.ToString(in.SpaceNameEquals), string(in.SortOrder),
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
	var owners []string
	switch {
	case in.UserProfileNameEquals != nil:
		owners = []string{ofProfile(*in.UserProfileNameEquals)}
	case in.SpaceNameEquals != nil:
		owners = []string{ofSpace(*in.SpaceNameEquals)}
	}
	order := studioOrder{descending: in.SortOrder == studioapi.SortOrderDescending}
	page, next := p.apps.page(shelfQuery{domain: in.DomainIdEquals, owners: owners, order: order, position: position, size: size})
	out := &studioapi.ListAppsOutput{Apps: []studioapi.AppDetails{}, NextToken: pageToken(next, query...)}
	for _, a := range page {
		out.Apps = append(out.Apps, studioapi.AppDetails{
			DomainId: a.DomainId, UserProfileName: a.UserProfileName, SpaceName: a.SpaceName, AppType: a.AppType,
			AppName: a.AppName, Status: a.Status, CreationTime: a.CreationTime, ResourceSpec: a.ResourceSpec,
		})
	}
	return out, nil
}

func checkAppList(in *studioapi.ListAppsInput) error {
	var v constraints
	v.studioName("userProfileNameEquals", in.UserProfileNameEquals)
	v.studioName("spaceNameEquals", in.SpaceNameEquals)
	if err := v.verdict(); err != nil {
		return err
	}
	if in.UserProfileNameEquals != nil && in.SpaceNameEquals != nil {
		return validation("UserProfileNameEquals and SpaceNameEquals cannot be specified together.")
	}
	return nil
}
