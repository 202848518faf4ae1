package conformance

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
)

// found lists the user profiles with the run's tag.
func (c *trial) found() map[string][]types.Tag {
	c.t.Helper()
	all := map[string][]types.Tag{}
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(c.tags(), &resourcegroupstaggingapi.GetResourcesInput{
		ResourceTypeFilters: []string{"sagemaker:user-profile"}, TagFilters: []types.TagFilter{{Key: aws.String(ownTag)}}, ResourcesPerPage: aws.Int32(100),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.ctx())
		c.must(err, "GetResources")
		for _, m := range page.ResourceTagMappingList {
			all[*m.ResourceARN] = m.Tags
		}
	}
	return all
}

func taggingContracts() []contract {
	return []contract{
		{says: "GetResources shows a profile with all its tags, in the end", hold: func(c *trial) {
			_, arn := c.tagged()
			c.must(c.tag(arn, "studiokeeper:group", "a"), "AddTags")
			err := c.until("GetResources shows "+arn+" with both tags", func() (bool, error) {
				return slices.ContainsFunc(c.found()[arn], func(t types.Tag) bool { return *t.Key == "studiokeeper:group" && *t.Value == "a" }), nil
			})
			c.want(err == nil, "%v", err)
			c.want(len(c.found()[arn]) == 2, "the tags are %v", c.found()[arn])
		}},
		{says: "GetResources shows a change of tags within a minute", open: true, hold: func(c *trial) {
			_, arn := c.tagged()
			c.must(c.until("GetResources shows "+arn, func() (bool, error) { return c.found()[arn] != nil, nil }), "waiting")
			c.must(c.tag(arn, "studiokeeper:applied", "now"), "AddTags")
			waited := c.waited
			c.must(c.until("GetResources shows the new tag", func() (bool, error) { return len(c.found()[arn]) == 2, nil }), "waiting")
			c.answer("it took %s", c.waited-waited)
			c.want(c.waited-waited <= time.Minute, "it took %s", c.waited-waited)
		}},
		{says: "GetResources does not show a profile without the key", hold: func(c *trial) {
			in := c.newProfile(c.named("untagged"), c.user("alice").name)
			in.Tags = nil
			arn, err := c.create(in)
			c.must(err, "CreateUserProfile")
			c.ready(*in.UserProfileName)
			c.want(c.found()[arn] == nil, "it shows %s", arn)
		}},
		{says: "GetResources stops showing a profile that was deleted, in the end", hold: func(c *trial) {
			name, arn := c.tagged()
			c.must(c.until("GetResources shows "+arn, func() (bool, error) { return c.found()[arn] != nil, nil }), "waiting")
			c.must(c.removeProfile(c.ctx(), name), "DeleteUserProfile")
			c.must(c.untilGone(name), "waiting")
			err := c.until("GetResources no longer shows "+arn, func() (bool, error) { return c.found()[arn] == nil, nil })
			c.want(err == nil, "%v", err)
		}},
		{says: "a page of GetResources has 100 at most: InvalidParameterException", hold: func(c *trial) {
			_, err := c.tags().GetResources(c.ctx(), &resourcegroupstaggingapi.GetResourcesInput{ResourcesPerPage: aws.Int32(101)})
			c.refused("GetResources", err, "InvalidParameterException", "ValidationException")
		}},
		{says: "the last page of GetResources has an empty token", hold: func(c *trial) {
			out, err := c.tags().GetResources(c.ctx(), &resourcegroupstaggingapi.GetResourcesInput{
				ResourceTypeFilters: []string{"sagemaker:user-profile"}, TagFilters: []types.TagFilter{{Key: aws.String(ownTag), Values: []string{"no-run"}}},
			})
			c.must(err, "GetResources")
			c.want(aws.ToString(out.PaginationToken) == "" && len(out.ResourceTagMappingList) == 0, "it has %d resources and token %q", len(out.ResourceTagMappingList), aws.ToString(out.PaginationToken))
		}},
	}
}
