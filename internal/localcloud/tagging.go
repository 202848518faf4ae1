package localcloud

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/schemas"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
)

// tagTokenLife is how long a PaginationToken is valid.
const tagTokenLife = 15 * time.Minute

// taggedKinds are the resource types that the cloud has; "sagemaker" alone is all of them.
var taggedKinds = []string{"sagemaker:app", "sagemaker:domain", "sagemaker:space", "sagemaker:user-profile"}

// taggingService is the Resource Groups Tagging API, as far as it reads. It knows tags from Studio only.
func taggingService(*Cloud) service {
	return service{
		name: "tagging", target: "ResourceGroupsTaggingAPI_20170126", version: "1.1", source: "tagging.amazonaws.com",
		schema: schemas.ResourceGroupsTaggingAPI_20170126, errors: resourcegroupstaggingapi.TypeRegistry,
		ops: map[string]operation{
			"GetResources": handle(schemas.GetResourcesInput, schemas.GetResourcesOutput, getResources),
		},
	}
}

func invalidParameter(format string, args ...any) *apiError {
	return errf(http.StatusBadRequest, "InvalidParameterException", format, args...)
}

func getResources(c *call, in *resourcegroupstaggingapi.GetResourcesInput) (*resourcegroupstaggingapi.GetResourcesOutput, error) {
	if err := checkGetResources(in); err != nil {
		return nil, err
	}
	if in.ResourceARNList != nil {
		return c.resourcesNamed(in)
	}
	q, err := tagQueryOf(in)
	if err != nil {
		return nil, err
	}
	asked := append([]string{"resources", c.account, c.region}, q.text()...)
	position, err := tagPosition(in.PaginationToken, c.now, asked)
	if err != nil {
		return nil, err
	}
	tags := int(aws.ToInt32(in.TagsPerPage))
	if in.TagsPerPage == nil {
		tags = mostTags * 100
	}
	size := 50
	if in.ResourcesPerPage != nil {
		size = int(*in.ResourcesPerPage)
	}
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	x := &c.studio().index
	x.catchUp(c.now)
	found, next := x.page(q, position, size, tags)
	return shownResources(found, tagToken(next, c.now, asked)), nil
}

// resourcesNamed answers for a list of ARNs; what is not there, or never was tagged, is left out.
func (c *call) resourcesNamed(in *resourcegroupstaggingapi.GetResourcesInput) (*resourcegroupstaggingapi.GetResourcesOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	x := &c.studio().index
	x.catchUp(c.now)
	return shownResources(x.named(in.ResourceARNList), aws.String("")), nil
}

func shownResources(found []*taggedResource, token *string) *resourcegroupstaggingapi.GetResourcesOutput {
	out := &resourcegroupstaggingapi.GetResourcesOutput{
		PaginationToken: token, ResourceTagMappingList: make([]types.ResourceTagMapping, 0, len(found)),
	}
	for _, r := range found {
		tags := make([]types.Tag, 0, len(r.tags))
		for _, t := range r.tags {
			tags = append(tags, types.Tag{Key: t.Key, Value: t.Value})
		}
		out.ResourceTagMappingList = append(out.ResourceTagMappingList, types.ResourceTagMapping{ResourceARN: &r.arn, Tags: tags})
	}
	return out
}

// checkGetResources refuses what the model and its documentation refuse.
func checkGetResources(in *resourcegroupstaggingapi.GetResourcesInput) error {
	var v constraints
	v.length("paginationToken", in.PaginationToken, 0, 2048)
	v.size("tagFilters", len(in.TagFilters), 0, 50)
	for _, f := range in.TagFilters {
		v.length("tagFilters.member.key", f.Key, 1, 128)
		v.size("tagFilters.member.values", len(f.Values), 0, 20)
		for i := range f.Values {
			v.length("tagFilters.member.values", &f.Values[i], 0, 256)
		}
	}
	for i := range in.ResourceTypeFilters {
		v.length("resourceTypeFilters", &in.ResourceTypeFilters[i], 0, 256)
	}
	if in.ResourceARNList != nil {
		v.size("resourceARNList", len(in.ResourceARNList), 1, 100)
	}
	for i := range in.ResourceARNList {
		v.length("resourceARNList", &in.ResourceARNList[i], 1, 1011)
	}
	if err := v.verdict(); err != nil {
		return err
	}
	return checkTogether(in)
}

func checkTogether(in *resourcegroupstaggingapi.GetResourcesInput) error {
	switch n := in.ResourcesPerPage; {
	case n != nil && (*n < 1 || *n > 100):
		return invalidParameter("ResourcesPerPage must be between 1 and 100; it is %d", *n)
	case in.TagsPerPage != nil && (*in.TagsPerPage < 100 || *in.TagsPerPage > 500):
		return invalidParameter("TagsPerPage must be between 100 and 500; it is %d", *in.TagsPerPage)
	case len(in.ResourceTypeFilters) > 100:
		return invalidParameter("ResourceTypeFilters can have at most 100 elements; it has %d", len(in.ResourceTypeFilters))
	case in.IncludeComplianceDetails != nil && *in.IncludeComplianceDetails:
		return invalidParameter("the local cloud has no tag policies: leave IncludeComplianceDetails out")
	case in.ExcludeCompliantResources != nil && *in.ExcludeCompliantResources:
		return invalidParameter("ExcludeCompliantResources needs IncludeComplianceDetails")
	case in.ResourceARNList == nil:
		return nil
	case len(in.ResourceTypeFilters)+len(in.TagFilters) > 0:
		return invalidParameter("ResourceARNList cannot be specified together with ResourceTypeFilters or TagFilters")
	case n != nil || in.TagsPerPage != nil || aws.ToString(in.PaginationToken) != "":
		return invalidParameter("ResourceARNList cannot be specified together with ResourcesPerPage, TagsPerPage or PaginationToken")
	}
	for _, arn := range in.ResourceARNList {
		if parts := strings.SplitN(arn, ":", 6); len(parts) < 6 || parts[0] != "arn" || parts[5] == "" {
			return invalidParameter("%s is not a valid AmazonResourceName (ARN)", arn)
		}
	}
	return nil
}

// tagQueryOf reads the filters of a request. Types that the cloud does not have are refused as AWS refuses
// services it does not know.
func tagQueryOf(in *resourcegroupstaggingapi.GetResourcesInput) (tagQuery, error) {
	var q tagQuery
	for _, kind := range in.ResourceTypeFilters {
		service, _, typed := strings.Cut(kind, ":")
		switch {
		case service != "sagemaker":
			return q, invalidParameter("Unsupported service=%s in ResourceTypeFilter - %s:", service, kind)
		case typed && !slices.Contains(taggedKinds, kind):
			return q, invalidParameter("Unsupported resource type in ResourceTypeFilter - %s: the local cloud has %s", kind, strings.Join(taggedKinds, ", "))
		case typed:
			q.kinds = append(q.kinds, kind)
		default:
			q.kinds = append(q.kinds, taggedKinds...)
		}
	}
	for _, f := range in.TagFilters {
		if f.Key == nil {
			return q, invalidParameter("A TagFilter must have a Key")
		}
		q.filters = append(q.filters, tagFilter{key: *f.Key, values: f.Values})
	}
	return q, nil
}

// text is the query as a token remembers it.
func (q tagQuery) text() []string {
	lines := append([]string{"types"}, q.kinds...)
	for _, f := range q.filters {
		lines = append(append(lines, "filter", f.key), f.values...)
	}
	return lines
}

// tagToken is where GetResources goes on, readable for a while and for the same filters only; empty when
// there is nothing more.
func tagToken(next uint64, now time.Time, query []string) *string {
	if next == 0 {
		return aws.String("")
	}
	raw := binary.BigEndian.AppendUint64(queryDigest(query), next)
	raw = binary.BigEndian.AppendUint64(raw, uint64(now.Add(tagTokenLife).UnixMilli()))
	return aws.String(base64.RawURLEncoding.EncodeToString(raw))
}

func tagPosition(token *string, now time.Time, query []string) (uint64, error) {
	if aws.ToString(token) == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	digest := queryDigest(query)
	if err != nil || len(raw) != len(digest)+16 || !slices.Equal(raw[:len(digest)], digest) {
		return 0, invalidParameter("The PaginationToken is not one of a request with the same filters")
	}
	rest := raw[len(digest):]
	if now.UnixMilli() >= int64(binary.BigEndian.Uint64(rest[8:])) {
		return 0, errf(http.StatusBadRequest, "PaginationTokenExpiredException", "The PaginationToken has expired: it is valid for at most 15 minutes")
	}
	return binary.BigEndian.Uint64(rest), nil
}
