package localcloud

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud/studioapi"
)

// mostTags is how many tags a resource may have.
const mostTags = 50

var (
	tagTextPattern  = whole(`([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`)
	studioARNFormat = whole(`arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:.+`)
)

func (v *constraints) checkTags(path string, tags []studioapi.Tag) {
	v.size(path, len(tags), 0, mostTags)
	for _, tag := range tags {
		if tag.Key == nil || tag.Value == nil {
			v.violate("Value at '%s' failed to satisfy constraint: Member must not be null", path+".member.key and value")
		}
		v.length(path+".member.key", tag.Key, 1, 128)
		v.tagText(path+".member.key", tag.Key)
		v.length(path+".member.value", tag.Value, 0, 256)
		v.tagText(path+".member.value", tag.Value)
	}
}

// tagText is a pattern for tags, which looks at plain ones by hand: the expression is slow, and tags are many.
func (v *constraints) tagText(path string, value *string) {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(" _.:/=+-@", r))
	}
	if value != nil && strings.IndexFunc(*value, odd) >= 0 {
		v.pattern(path, value, tagTextPattern)
	}
}

// duplicateTag refuses keys that occur twice or are reserved for AWS.
func duplicateTag(tags []studioapi.Tag) error {
	seen := map[string]bool{}
	for _, tag := range tags {
		key := *tag.Key
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return validation("Tag keys that begin with aws: are reserved: %s", key)
		}
		if seen[key] {
			return validation("Duplicate tag key: %s", key)
		}
		seen[key] = true
	}
	return nil
}

// taggable is a resource that can have tags: its ARN, and where they are kept.
type taggable struct {
	arn  *string
	tags *[]studioapi.Tag
}

// tagged finds what an ARN names, whatever the case of names: a domain, user profile, space or app of the
// caller's account and Region.
func (p *studioPlace) tagged(c *call, arn *string) (taggable, error) {
	var v constraints
	v.length("resourceArn", arn, 0, 256)
	v.pattern("resourceArn", arn, studioARNFormat)
	if err := v.verdict(); err != nil {
		return taggable{}, err
	}
	parts := strings.SplitN(*arn, ":", 6)
	missing := resourceNotFound("Could not find resource with ARN %s", *arn)
	if parts[3] != c.region || parts[4] != c.account {
		return taggable{}, missing
	}
	kind, rest, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "domain":
		if d := p.domains.get(rest); d != nil {
			return taggable{d.DomainArn, &d.tags}, nil
		}
	case "space":
		domain, name, _ := strings.Cut(rest, "/")
		if space := p.spaces.get(spaceKey(domain, name)); space != nil {
			return taggable{space.SpaceArn, &space.tags}, nil
		}
	case "app":
		if app := p.appOfARN(rest); app != nil {
			return taggable{app.AppArn, &app.tags}, nil
		}
	case "user-profile":
		domain, name, _ := strings.Cut(rest, "/")
		if profile := p.profiles.get(profileKey(domain, name)); profile != nil {
			return taggable{profile.UserProfileArn, &profile.tags}, nil
		}
	}
	return taggable{}, missing
}

// retag gives a resource other tags.
func (p *studioPlace) retag(r taggable, tags []studioapi.Tag, now time.Time) {
	*r.tags = tags
	p.index.tagged(*r.arn, tags, now)
}

func addTags(c *call, in *studioapi.AddTagsInput) (*studioapi.AddTagsOutput, error) {
	var v constraints
	v.checkTags("tags", in.Tags)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	if err := duplicateTag(in.Tags); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	resource, err := p.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	merged := slices.Clone(*resource.tags)
	for _, tag := range in.Tags {
		at := slices.IndexFunc(merged, func(t studioapi.Tag) bool { return *t.Key == *tag.Key })
		if at < 0 {
			merged = append(merged, tag)
			continue
		}
		merged[at] = tag
	}
	if len(merged) > mostTags {
		return nil, validation("A resource can have at most %d tags; %s would have %d", mostTags, *in.ResourceArn, len(merged))
	}
	p.retag(resource, merged, c.now)
	return &studioapi.AddTagsOutput{Tags: slices.Clone(merged)}, nil
}

// listTags answers in one page: its smallest page, 50, holds all tags a resource can have.
func listTags(c *call, in *studioapi.ListTagsInput) (*studioapi.ListTagsOutput, error) {
	if in.MaxResults != nil && *in.MaxResults < 50 {
		return nil, validation("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 50", *in.MaxResults)
	}
	if aws.ToString(in.NextToken) != "" {
		return nil, validation("Invalid pagination token.")
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	resource, err := c.studio().tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &studioapi.ListTagsOutput{Tags: append([]studioapi.Tag{}, *resource.tags...)}, nil
}

func deleteTags(c *call, in *studioapi.DeleteTagsInput) (*studioapi.DeleteTagsOutput, error) {
	var v constraints
	v.size("tagKeys", len(in.TagKeys), 1, mostTags)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	p := c.studio()
	resource, err := p.tagged(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(*resource.tags), func(t studioapi.Tag) bool { return slices.Contains(in.TagKeys, *t.Key) })
	p.retag(resource, kept, c.now)
	return &studioapi.DeleteTagsOutput{}, nil
}
