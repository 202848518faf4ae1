package localcloud_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// profileNames is every page of ListUserProfiles.
func (w *world) profileNames(in sagemaker.ListUserProfilesInput) []string {
	w.t.Helper()
	var names []string
	for {
		out, err := w.studio().ListUserProfiles(w.t.Context(), &in)
		for _, p := range must(w, out, err).UserProfiles {
			names = append(names, *p.UserProfileName)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return names
		}
	}
}

// TestListsAgreeWithAPlainSort holds every order and selection against the same made of the whole list.
func TestListsAgreeWithAPlainSort(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("research", types.AuthModeSso)
	other := w.domain("teaching", types.AuthModeSso)
	var byChange []string // "domain name"
	add := func(domain, name string) {
		w.taggedProfile(domain, name)
		byChange = append(byChange, domain+" "+name)
	}
	for i := range 8 {
		add(domain, fmt.Sprintf("ana-%d", i))
		add(domain, fmt.Sprintf("banana-%d", i))
		add(other, fmt.Sprintf("anat-%d", i))
	}
	byCreation := slices.Clone(byChange)
	for _, name := range []string{"ana-3", "banana-0", "ana-7", "ana-3"} {
		w.wantCode("changing "+name, w.setRole(domain, name, studyRole), "")
		byChange = append(slices.DeleteFunc(byChange, func(s string) bool { return s == domain+" "+name }), domain+" "+name)
	}
	for _, name := range []string{"ana-1", "banana-7"} {
		w.wantCode("deleting "+name, w.deleteProfile(domain, name), "")
		gone := func(s string) bool { return s == domain+" "+name }
		byChange, byCreation = slices.DeleteFunc(byChange, gone), slices.DeleteFunc(byCreation, gone)
	}
	for _, part := range []string{"", "a", "na-", "ANA", "anan", "ana-3", "nobody"} {
		for _, in := range []*string{nil, &domain, &other} {
			for sorted, all := range map[types.UserProfileSortKey][]string{"CreationTime": byCreation, "LastModifiedTime": byChange} {
				for _, order := range []types.SortOrder{types.SortOrderAscending, types.SortOrderDescending} {
					var want []string
					for _, s := range all {
						at, name, _ := strings.Cut(s, " ")
						if (in == nil || *in == at) && strings.Contains(name, strings.ToLower(part)) {
							want = append(want, name)
						}
					}
					if order == types.SortOrderDescending {
						slices.Reverse(want)
					}
					got := w.profileNames(sagemaker.ListUserProfilesInput{
						DomainIdEquals: in, UserProfileNameContains: present(part), SortBy: sorted, SortOrder: order, MaxResults: aws.Int32(5),
					})
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%q in %v by %s %s (-want +got):\n%s", part, aws.ToString(in), sorted, order, diff)
					}
				}
			}
		}
	}
}
