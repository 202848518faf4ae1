package localcloud_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func (w *world) tagging() *tagging.Client { return tagging.NewFromConfig(w.as(account, home)) }

// resources is every page of GetResources: what follows the kind in each ARN, with its tags.
func (w *world) resources(in tagging.GetResourcesInput) []string {
	w.t.Helper()
	var found []string
	for {
		out, err := w.tagging().GetResources(context.Background(), &in)
		for _, r := range must(w, out, err).ResourceTagMappingList {
			found = append(found, shownTags(r))
		}
		if out.PaginationToken == nil {
			w.t.Fatal("GetResources answered without a PaginationToken: it is empty on the last page")
		}
		if *out.PaginationToken == "" {
			return found
		}
		in.PaginationToken = out.PaginationToken
	}
}

func shownTags(r tagtypes.ResourceTagMapping) string {
	parts := strings.Split(*r.ResourceARN, "/")
	name := strings.TrimPrefix(parts[0], "arn:aws:sagemaker:us-east-1:111122223333:")
	if len(parts) > 2 {
		name += " " + strings.Join(parts[2:], "/")
	}
	for _, t := range r.Tags {
		name += fmt.Sprintf(" %s=%s", *t.Key, *t.Value)
	}
	return name
}

func tagFilter(key string, values ...string) tagtypes.TagFilter {
	return tagtypes.TagFilter{Key: &key, Values: values}
}

// taggedProfile makes a profile with tags, given as keys and values in turn.
func (w *world) taggedProfile(domain, name string, tags ...string) string {
	w.t.Helper()
	w.user(name + "@example.com")
	in := newProfile(domain, name, name+"@example.com")
	in.Tags = studioTags(tags...)
	out, err := w.studio().CreateUserProfile(context.Background(), in)
	return *must(w, out, err).UserProfileArn
}

func studioTags(tags ...string) []types.Tag {
	var list []types.Tag
	for pair := range slices.Chunk(tags, 2) {
		list = append(list, types.Tag{Key: &pair[0], Value: &pair[1]})
	}
	return list
}

func TestResourcesByTag(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("research", types.AuthModeSso)
	w.taggedProfile(domain, "alice", "team", "ml", "stage", "prod")
	w.taggedProfile(domain, "bob", "team", "ml", "stage", "test")
	w.taggedProfile(domain, "carol", "team", "web")
	w.taggedProfile(domain, "dave")
	domainARN := "arn:aws:sagemaker:us-east-1:111122223333:domain/" + domain
	_, err := w.studio().AddTags(t.Context(), &sagemaker.AddTagsInput{ResourceArn: &domainARN, Tags: studioTags("team", "ml")})
	w.wantCode("tagging the domain", err, "")

	alice, bob, carol := "user-profile alice team=ml stage=prod", "user-profile bob team=ml stage=test", "user-profile carol team=web"
	theDomain := "domain team=ml"
	profiles := []string{"sagemaker:user-profile"}
	rows := map[string]struct {
		kinds   []string
		filters []tagtypes.TagFilter
		want    []string
	}{
		"everything ever tagged":        {nil, nil, []string{alice, bob, carol, theDomain}},
		"a service":                     {[]string{"sagemaker"}, nil, []string{alice, bob, carol, theDomain}},
		"profiles":                      {profiles, nil, []string{alice, bob, carol}},
		"two types":                     {[]string{"sagemaker:domain", "sagemaker:user-profile"}, nil, []string{alice, bob, carol, theDomain}},
		"a type without resources":      {[]string{"sagemaker:space"}, nil, nil},
		"a key":                         {nil, []tagtypes.TagFilter{tagFilter("stage")}, []string{alice, bob}},
		"a key and a value":             {profiles, []tagtypes.TagFilter{tagFilter("team", "ml")}, []string{alice, bob}},
		"one of several values":         {profiles, []tagtypes.TagFilter{tagFilter("team", "ml", "web", "ops")}, []string{alice, bob, carol}},
		"two filters":                   {nil, []tagtypes.TagFilter{tagFilter("team", "ml"), tagFilter("stage", "prod")}, []string{alice}},
		"filters nothing satisfies":     {nil, []tagtypes.TagFilter{tagFilter("team", "web"), tagFilter("stage")}, nil},
		"values are case sensitive":     {nil, []tagtypes.TagFilter{tagFilter("team", "ML")}, nil},
		"a value without its own key":   {nil, []tagtypes.TagFilter{tagFilter("stage", "ml")}, nil},
		"a key that nobody ever had":    {nil, []tagtypes.TagFilter{tagFilter("nothing")}, nil},
		"an empty value nobody gave it": {nil, []tagtypes.TagFilter{tagFilter("team", "")}, nil},
	}
	for name, row := range rows {
		for _, size := range []*int32{nil, aws.Int32(1)} {
			got := w.resources(tagging.GetResourcesInput{ResourceTypeFilters: row.kinds, TagFilters: row.filters, ResourcesPerPage: size})
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	if other, err := tagging.NewFromConfig(w.as(member, home)).GetResources(t.Context(), &tagging.GetResourcesInput{}); err != nil || len(other.ResourceTagMappingList) > 0 {
		t.Errorf("another account sees %v (%v), want nothing", other, err)
	}
}

func TestResourcesOnceTaggedStay(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("research", types.AuthModeSso)
	alice := w.taggedProfile(domain, "alice", "team", "ml")
	_, err := w.studio().DeleteTags(t.Context(), &sagemaker.DeleteTagsInput{
		ResourceArn: aws.String(strings.Replace(alice, "alice", "ALICE", 1)), TagKeys: []string{"team"},
	})
	w.wantCode("taking the tag away", err, "")
	if got, want := w.resources(tagging.GetResourcesInput{}), []string{"user-profile alice"}; !slices.Equal(got, want) {
		t.Errorf("without its tag: %q, want %q", got, want)
	}
	if got := w.resources(tagging.GetResourcesInput{TagFilters: []tagtypes.TagFilter{tagFilter("team")}}); got != nil {
		t.Errorf("by the tag it had: %q, want nothing", got)
	}
	w.wantCode("deleting it", w.deleteProfile(domain, "alice"), "")
	if got := w.resources(tagging.GetResourcesInput{}); got != nil {
		t.Errorf("after its deletion: %q, want nothing", got)
	}
}

func TestTagsShowAfterALag(t *testing.T) {
	const lag = time.Minute
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1, TagLag: lag})
	domain := w.domain("research", types.AuthModeSso)
	want := func(when string, want ...string) {
		t.Helper()
		if got := w.resources(tagging.GetResourcesInput{}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	alice := w.taggedProfile(domain, "alice", "team", "ml")
	want("at once")
	w.cloud.Advance(lag / 2)
	w.taggedProfile(domain, "bob", "team", "web")
	w.cloud.Advance(lag / 2)
	want("when the first lag is over", "user-profile alice team=ml")

	_, err := w.studio().AddTags(t.Context(), &sagemaker.AddTagsInput{ResourceArn: &alice, Tags: studioTags("team", "ops")})
	w.wantCode("retagging", err, "")
	if got := w.tags(alice); got["team"] != "ops" {
		t.Errorf("ListTags shows %v, want ops at once", got)
	}
	w.cloud.Advance(lag / 2)
	want("when the second lag is over", "user-profile alice team=ml", "user-profile bob team=web")
	w.cloud.Advance(lag / 2)
	want("when the third lag is over", "user-profile alice team=ops", "user-profile bob team=web")

	w.wantCode("deleting", w.deleteProfile(domain, "alice"), "")
	want("deleted within the lag", "user-profile alice team=ops", "user-profile bob team=web")
	w.cloud.Advance(lag)
	want("deleted", "user-profile bob team=web")
}

func TestResourcesByARN(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("research", types.AuthModeSso)
	alice, bob := w.taggedProfile(domain, "alice", "team", "ml"), w.taggedProfile(domain, "bob")
	got := w.resources(tagging.GetResourcesInput{ResourceARNList: []string{alice + "x", bob, alice, alice}})
	if want := []string{"user-profile alice team=ml"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: what is not there or was never tagged is left out", got, want)
	}
}

func TestResourcePagesByTags(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("research", types.AuthModeSso)
	many := make([]string, 0, 96)
	for i := range 48 {
		many = append(many, fmt.Sprintf("key-%02d", i), "x")
	}
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		w.taggedProfile(domain, name, many...)
	}
	var sizes []int
	in := &tagging.GetResourcesInput{TagsPerPage: aws.Int32(100)}
	for in.PaginationToken == nil || *in.PaginationToken != "" {
		out, err := w.tagging().GetResources(t.Context(), in)
		sizes = append(sizes, len(must(w, out, err).ResourceTagMappingList))
		in.PaginationToken = out.PaginationToken
	}
	if want := []int{2, 2}; !slices.Equal(sizes, want) {
		t.Errorf("pages of %v resources with 48 tags each, want %v", sizes, want)
	}
}

func TestResourcesRefused(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	const arn = "arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-abcdefghijkl/alice"
	filters := []tagtypes.TagFilter{tagFilter("team")}
	rows := map[string]struct {
		in   tagging.GetResourcesInput
		want string
	}{
		"no resource on a page":    {tagging.GetResourcesInput{ResourcesPerPage: aws.Int32(0)}, "InvalidParameterException"},
		"101 on a page":            {tagging.GetResourcesInput{ResourcesPerPage: aws.Int32(101)}, "InvalidParameterException"},
		"99 tags on a page":        {tagging.GetResourcesInput{TagsPerPage: aws.Int32(99)}, "InvalidParameterException"},
		"501 tags on a page":       {tagging.GetResourcesInput{TagsPerPage: aws.Int32(501)}, "InvalidParameterException"},
		"an unknown service":       {tagging.GetResourcesInput{ResourceTypeFilters: []string{"neptune-db"}}, "InvalidParameterException"},
		"an unknown type":          {tagging.GetResourcesInput{ResourceTypeFilters: []string{"sagemaker:profile"}}, "InvalidParameterException"},
		"a filter without a key":   {tagging.GetResourcesInput{TagFilters: []tagtypes.TagFilter{{Values: []string{"ml"}}}}, "InvalidParameterException"},
		"51 filters":               {tagging.GetResourcesInput{TagFilters: slices.Repeat(filters, 51)}, "ValidationException"},
		"21 values":                {tagging.GetResourcesInput{TagFilters: []tagtypes.TagFilter{tagFilter("team", slices.Repeat([]string{"ml"}, 21)...)}}, "ValidationException"},
		"a token that is none":     {tagging.GetResourcesInput{PaginationToken: aws.String("bm9uZQ")}, "InvalidParameterException"},
		"101 ARNs":                 {tagging.GetResourcesInput{ResourceARNList: slices.Repeat([]string{arn}, 101)}, "ValidationException"},
		"an ARN that is none":      {tagging.GetResourcesInput{ResourceARNList: []string{"alice"}}, "InvalidParameterException"},
		"ARNs and a type":          {tagging.GetResourcesInput{ResourceARNList: []string{arn}, ResourceTypeFilters: []string{"sagemaker"}}, "InvalidParameterException"},
		"ARNs and a filter":        {tagging.GetResourcesInput{ResourceARNList: []string{arn}, TagFilters: filters}, "InvalidParameterException"},
		"ARNs and a page size":     {tagging.GetResourcesInput{ResourceARNList: []string{arn}, ResourcesPerPage: aws.Int32(10)}, "InvalidParameterException"},
		"compliance with policies": {tagging.GetResourcesInput{IncludeComplianceDetails: aws.Bool(true)}, "InvalidParameterException"},
	}
	for name, row := range rows {
		_, err := w.tagging().GetResources(t.Context(), &row.in)
		w.wantCode(name, err, row.want)
	}
}

func TestPaginationTokenIsForTheSameFiltersAndAWhile(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("research", types.AuthModeSso)
	w.taggedProfile(domain, "alice", "team", "ml")
	w.taggedProfile(domain, "bob", "team", "ml")
	first, err := w.tagging().GetResources(t.Context(), &tagging.GetResourcesInput{ResourcesPerPage: aws.Int32(1)})
	w.wantCode("the first page", err, "")
	again := func(filters ...tagtypes.TagFilter) error {
		_, err := w.tagging().GetResources(t.Context(), &tagging.GetResourcesInput{PaginationToken: first.PaginationToken, TagFilters: filters})
		return err
	}
	w.wantCode("with a filter that was not there", again(tagFilter("team")), "InvalidParameterException")
	w.cloud.Advance(15*time.Minute - time.Second)
	w.wantCode("within a quarter of an hour", again(), "")
	w.cloud.Advance(time.Second)
	w.wantCode("after it", again(), "PaginationTokenExpiredException")
}

func TestGetResourcesIsThrottled(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{Throttle: true})
	var err error
	for range 15 {
		if _, err = w.tagging().GetResources(t.Context(), &tagging.GetResourcesInput{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.tagging().GetResources(t.Context(), &tagging.GetResourcesInput{})
	w.wantCode("the 16th within a second", err, "ThrottledException")
	w.cloud.Advance(time.Second)
	_, err = w.tagging().GetResources(t.Context(), &tagging.GetResourcesInput{})
	w.wantCode("a second later", err, "")
}
