package awscloud

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// taggingID is the SDK's service id of the Resource Groups Tagging API.
const taggingID = "Resource Groups Tagging API"

func taggingAPI() jsonAPI {
	return jsonAPI{id: taggingID, target: "ResourceGroupsTaggingAPI_20170126", signing: "tagging", host: "tagging"}
}

// Tagged is reconcile.TagLister on the Resource Groups Tagging API.
type Tagged struct {
	Session *Session
}

var _ reconcile.TagLister = (*Tagged)(nil)

// getResources and the type below are GetResources' wire forms.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
type getResources struct {
	ResourceTypeFilters []string
	TagFilters          []tagFilter
	ResourcesPerPage    int
	PaginationToken     *string `json:",omitempty"`
}

type tagFilter struct{ Key string }

type gotResources struct {
	PaginationToken        *string
	ResourceTagMappingList []struct {
		ResourceARN string
		Tags        []tag
	}
}

// EachTagged implements reconcile.TagLister. Resources whose ARN is not that of a user profile are passed over:
// the list is a hint.
func (t *Tagged) EachTagged(ctx context.Context, d studio.Domain, each func(domainID, name string, tags studio.OurTags)) error {
	r := request{action: "tag:GetResources", on: "user profiles with the tag " + studio.TagDeployment, at: placeOf(d)}
	return everyPage(r, func(token *string) (*string, error) {
		in := getResources{
			ResourceTypeFilters: []string{"sagemaker:user-profile"}, TagFilters: []tagFilter{{studio.TagDeployment}},
			ResourcesPerPage: studioPage, PaginationToken: token,
		}
		var page gotResources
		if err := t.Session.jsonAt(taggingAPI(), placeOf(d)).call(ctx, "GetResources", in, &page); err != nil {
			return nil, r.failed(err, nil)
		}
		for _, m := range page.ResourceTagMappingList {
			_, resource, _ := strings.Cut(m.ResourceARN, ":user-profile/")
			domainID, name, ok := strings.Cut(resource, "/")
			if !ok {
				continue
			}
			tags := make(map[string]string, len(m.Tags))
			for _, one := range m.Tags {
				tags[one.Key] = one.Value
			}
			each(domainID, name, studio.OurTagsOf(tags))
		}
		return aws.String(aws.ToString(page.PaginationToken)), nil
	})
}
