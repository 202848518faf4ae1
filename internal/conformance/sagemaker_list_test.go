package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func (c *trial) list(part string, most *int32, token *string) (*sagemaker.ListUserProfilesOutput, error) {
	return c.studio().ListUserProfiles(c.ctx(), &sagemaker.ListUserProfilesInput{
		DomainIdEquals: &c.domain, UserProfileNameContains: &part, MaxResults: most, NextToken: token,
	})
}

func namesOf(profiles []types.UserProfileDetails) []string {
	var names []string
	for _, p := range profiles {
		names = append(names, *p.UserProfileName)
	}
	slices.Sort(names)
	return names
}

func profileLists() []contract {
	return []contract{
		{says: "the default page has 10 profiles, and a token for the rest", hold: func(c *trial) {
			part := c.named("many")
			for n := range 11 {
				_, err := c.create(c.newProfile(fmt.Sprintf("%s-%02d", part, n), c.user(fmt.Sprint("u", n)).name))
				c.must(err, "making profile %d", n)
			}
			first, err := c.list(part, nil, nil)
			c.must(err, "the first page")
			c.want(len(first.UserProfiles) == 10 && aws.ToString(first.NextToken) != "", "the first page has %d profiles and token %q", len(first.UserProfiles), aws.ToString(first.NextToken))
			second, err := c.list(part, nil, first.NextToken)
			c.must(err, "the second page")
			all := slices.Compact(namesOf(append(first.UserProfiles, second.UserProfiles...)))
			c.want(len(all) == 11 && aws.ToString(second.NextToken) == "", "both pages have %v, and then comes token %q", all, aws.ToString(second.NextToken))
		}},
		{says: "a page has 100 profiles at most: 101 is ValidationException", hold: func(c *trial) {
			_, err := c.list(ownPrefix, aws.Int32(100), nil)
			c.must(err, "a page of 100")
			_, err = c.list(ownPrefix, aws.Int32(101), nil)
			c.refused("ListUserProfiles", err, "ValidationException")
		}},
		{says: "UserProfileNameContains finds a part of a name", hold: func(c *trial) {
			name, _ := c.profile("needle")
			out, err := c.list(name[len(ownPrefix):], nil, nil)
			c.must(err, "ListUserProfiles")
			c.want(slices.Equal(namesOf(out.UserProfiles), []string{name}), "it finds %v, want %s", namesOf(out.UserProfiles), name)
		}},
		{says: "UserProfileNameContains does not tell capitals", open: true, hold: func(c *trial) {
			name, _ := c.profile("needle")
			out, err := c.list(strings.ToUpper(name), nil, nil)
			c.must(err, "ListUserProfiles")
			c.want(len(out.UserProfiles) == 1, "it finds %v, want %s", namesOf(out.UserProfiles), name)
		}},
		{says: "a profile is listed right after its creation, with state and times", open: true, hold: func(c *trial) {
			name := c.named("fresh")
			_, err := c.create(c.newProfile(name, c.user("fresh").name))
			c.must(err, "CreateUserProfile")
			out, err := c.list(name, nil, nil)
			c.must(err, "ListUserProfiles")
			if len(out.UserProfiles) != 1 {
				c.want(false, "it lists %d profiles", len(out.UserProfiles))
				return
			}
			is := out.UserProfiles[0]
			c.want(is.Status != "" && is.CreationTime != nil && is.LastModifiedTime != nil, "it lists %v", is)
		}},
	}
}

func (c *trial) tagsOf(arn string) map[string]string {
	c.t.Helper()
	out, err := c.studio().ListTags(c.ctx(), &sagemaker.ListTagsInput{ResourceArn: &arn})
	c.must(err, "ListTags of %s", arn)
	tags := map[string]string{}
	for _, tag := range out.Tags {
		tags[*tag.Key] = *tag.Value
	}
	return tags
}

func (c *trial) tag(arn string, pairs ...string) error {
	var tags []types.Tag
	for n := 0; n < len(pairs); n += 2 {
		tags = append(tags, types.Tag{Key: &pairs[n], Value: &pairs[n+1]})
	}
	_, err := c.studio().AddTags(c.ctx(), &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: tags})
	return err
}

// tagged is a profile in service, by its ARN.
func (c *trial) tagged() (name, arn string) {
	c.t.Helper()
	name, _ = c.profile("tagged")
	is, err := c.describe(name)
	c.must(err, "DescribeUserProfile")
	return name, *is.UserProfileArn
}

func profileTags() []contract {
	return []contract{
		{says: "tags given at creation are listed", hold: func(c *trial) {
			_, arn := c.tagged()
			c.want(c.tagsOf(arn)[ownTag] == c.run, "the tags are %v", c.tagsOf(arn))
		}},
		{says: "AddTags adds, and replaces the value of a key that is there", hold: func(c *trial) {
			_, arn := c.tagged()
			c.must(c.tag(arn, "studiokeeper:applied", "one", "studiokeeper:group", "a"), "AddTags")
			c.must(c.tag(arn, "studiokeeper:applied", "two"), "AddTags again")
			got := c.tagsOf(arn)
			c.want(got["studiokeeper:applied"] == "two" && got["studiokeeper:group"] == "a" && got[ownTag] == c.run, "the tags are %v", got)
		}},
		{says: "AddTags does not move LastModifiedTime", open: true, hold: func(c *trial) {
			name, arn := c.tagged()
			before, err := c.describe(name)
			c.must(err, "DescribeUserProfile")
			c.pause(5 * time.Second)
			c.must(c.tag(arn, "studiokeeper:applied", "one"), "AddTags")
			after, err := c.describe(name)
			c.must(err, "DescribeUserProfile")
			c.answer("LastModifiedTime was %s and is %s", before.LastModifiedTime, after.LastModifiedTime)
			c.want(after.LastModifiedTime.Equal(*before.LastModifiedTime), "LastModifiedTime went from %s to %s", before.LastModifiedTime, after.LastModifiedTime)
		}},
		{says: "a tag's value takes 256 characters, letters of any script among them, and no ampersand", hold: func(c *trial) {
			_, arn := c.tagged()
			c.must(c.tag(arn, "studiokeeper:group", strings.Repeat("x", 256)), "a value of 256 characters")
			c.must(c.tag(arn, "studiokeeper:group", "Zürich 東京 _.:/=+-@"), "letters, spaces and _.:/=+-@")
			c.refused("a value of 257 characters", c.tag(arn, "studiokeeper:group", strings.Repeat("x", 257)), "ValidationException")
			c.refused("a value with an ampersand", c.tag(arn, "studiokeeper:group", "R&D"), "ValidationException")
		}},
		{says: "a key that begins with aws: is ValidationException", hold: func(c *trial) {
			_, arn := c.tagged()
			c.refused("AddTags", c.tag(arn, "aws:mine", "x"), "ValidationException")
		}},
		{says: "DeleteTags takes keys away, also such as are not there", hold: func(c *trial) {
			_, arn := c.tagged()
			c.must(c.tag(arn, "studiokeeper:leaving", "now"), "AddTags")
			_, err := c.studio().DeleteTags(c.ctx(), &sagemaker.DeleteTagsInput{ResourceArn: &arn, TagKeys: []string{"studiokeeper:leaving", "studiokeeper:none"}})
			c.must(err, "DeleteTags")
			_, there := c.tagsOf(arn)["studiokeeper:leaving"]
			c.want(!there, "the tags are %v", c.tagsOf(arn))
		}},
		{says: "the tags of a profile that does not exist are refused, and taken for gone", open: true, hold: func(c *trial) {
			name, arn := c.tagged()
			c.must(c.removeProfile(c.ctx(), name), "DeleteUserProfile")
			c.must(c.untilGone(name), "waiting")
			err := c.profiles().Tag(c.ctx(), c.place(), profileAt(name, arn), map[string]string{"studiokeeper:applied": "x"})
			c.means("AddTags", err, reconcile.ErrGone)
			_, err = c.studio().ListTags(c.ctx(), &sagemaker.ListTagsInput{ResourceArn: &arn})
			c.refused("ListTags", err, "ResourceNotFound")
		}},
	}
}

func profileAt(name, arn string) studio.Profile { return studio.Profile{Name: name, ARN: arn} }
