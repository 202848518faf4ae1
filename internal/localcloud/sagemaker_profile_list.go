package localcloud

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// listProfiles finds names whatever their case.
func listProfiles(c *call, in *studioapi.ListUserProfilesInput) (*studioapi.ListUserProfilesOutput, error) {
	var v constraints
	v.length("userProfileNameContains", in.UserProfileNameContains, 0, 63)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	query := []string{
		"profiles", c.account, c.region, aws.ToString(in.DomainIdEquals), aws.ToString(in.UserProfileNameContains),
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
	order := studioOrder{modified: in.SortBy == studioapi.UserProfileSortKeyLastModifiedTime, descending: in.SortOrder == studioapi.SortOrderDescending}
	lowerPart := strings.ToLower(aws.ToString(in.UserProfileNameContains))
	page, next := p.profiles.page(shelfQuery{domain: in.DomainIdEquals, part: lowerPart, order: order, position: position, size: size})
	out := &studioapi.ListUserProfilesOutput{UserProfiles: []studioapi.UserProfileDetails{}, NextToken: pageToken(next, query...)}
	for _, profile := range page {
		out.UserProfiles = append(out.UserProfiles, studioapi.UserProfileDetails{
			DomainId: profile.DomainId, UserProfileName: profile.UserProfileName, Status: profile.Status,
			CreationTime: profile.CreationTime, LastModifiedTime: profile.LastModifiedTime,
		})
	}
	return out, nil
}
