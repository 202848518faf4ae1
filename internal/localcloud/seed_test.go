package localcloud_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func numbered(i int) localcloud.Person {
	return localcloud.Person{UserName: fmt.Sprintf("user-%06d@example.com", i)}
}

// profileOfUser is a profile with the tags that a managed one has.
func profileOfUser(i int, userID, groupID string) localcloud.ProfileSeed {
	return localcloud.ProfileSeed{
		Name: fmt.Sprintf("user-%06d-example-com", i), UserName: numbered(i).UserName, Role: studyRole,
		Tags: map[string]string{
			"studiokeeper:deployment": "prod", "studiokeeper:user-id": userID, "studiokeeper:group": groupID,
			"studiokeeper:applied": fmt.Sprintf("%016x", i%5),
		},
	}
}

func TestSeededWorldIsAsIfMadeThroughTheAPI(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileQuota: 1})
	domain, group := w.domain("research", types.AuthModeSso), w.group("ad-group-1")
	before := len(w.cloud.Records(account, home))
	console := w.cloud.Console(account, home, storeID)
	ids, err := console.SeedUsers(3, numbered)
	w.wantCode("users", err, "")
	w.wantCode("members", console.SeedMembers(group, ids), "")
	var seeds []localcloud.ProfileSeed
	for i, id := range ids {
		seeds = append(seeds, profileOfUser(i, id, group))
	}
	w.wantCode("profiles", w.cloud.SeedProfiles(account, home, domain, seeds), "")

	user, err := w.identity().DescribeUser(t.Context(), &identitystore.DescribeUserInput{IdentityStoreId: aws.String(storeID), UserId: &ids[1]})
	if got := *must(w, user, err).UserName; got != "user-000001@example.com" {
		t.Errorf("the second user is %s", got)
	}
	if got := w.memberOf(ids[2], group); !cmp.Equal(got, []bool{true}) {
		t.Errorf("the third user is a member: %v", got)
	}
	profile := w.profile(domain, "user-000002-example-com")
	if profile.Status != types.UserProfileStatusInService || *profile.UserSettings.ExecutionRole != studyRole {
		t.Errorf("the third profile: %s with %v", profile.Status, profile.UserSettings)
	}
	if diff := cmp.Diff(seeds[2].Tags, w.tags(*profile.UserProfileArn)); diff != "" {
		t.Errorf("its tags (-want +got):\n%s", diff)
	}
	if got := w.resources(tagging.GetResourcesInput{}); len(got) != 3 {
		t.Errorf("GetResources shows %q, want 3 profiles", got)
	}
	if after := len(w.cloud.Records(account, home)); after != before {
		t.Errorf("seeding wrote %d CloudTrail records", after-before)
	}
	_, err = w.studio().CreateUserProfile(t.Context(), newProfile(domain, "late", numbered(0).UserName))
	w.wantCode("a second profile for a seeded user", err, "ResourceInUse")
}

func TestSeedsAreHeldAgainstTheRules(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain, group := w.domain("research", types.AuthModeSso), w.group("ad-group-1")
	console := w.cloud.Console(account, home, storeID)
	ids, err := console.SeedUsers(2, func(int) localcloud.Person { return numbered(7) })
	w.wantSeed("the same UserName twice", err, `seeding user 1, "user-000007@example.com": ConflictException: Duplicate UserName`)
	if len(ids) != 1 {
		t.Fatalf("ids of %d users, want that of the first", len(ids))
	}
	w.wantSeed("the same member twice", console.SeedMembers(group, []string{ids[0], ids[0]}), "already exists")
	w.wantSeed("an unknown member", console.SeedMembers(group, []string{group}), "USER not found")

	seed := profileOfUser(7, ids[0], group)
	unknown, odd, badly := seed, seed, seed
	unknown.UserName, unknown.Name, odd.Name, badly.Tags = "nobody@example.com", "nobody", "user_7", map[string]string{"a": "b*c"}
	for what, row := range map[string]struct {
		domain string
		seeds  []localcloud.ProfileSeed
		want   string
	}{
		"an unknown domain":     {"d-nothing", []localcloud.ProfileSeed{seed}, "does not exist"},
		"an unknown user":       {domain, []localcloud.ProfileSeed{unknown}, "does not exist in IAM Identity Center"},
		"a name that is none":   {domain, []localcloud.ProfileSeed{odd}, "userProfileName"},
		"a tag value with star": {domain, []localcloud.ProfileSeed{badly}, "tags.member.value"},
		"the same twice":        {domain, []localcloud.ProfileSeed{seed, seed}, "already exists"},
	} {
		w.wantSeed(what, w.cloud.SeedProfiles(account, home, row.domain, row.seeds), row.want)
	}
	out, err := w.studio().ListUserProfiles(t.Context(), &sagemaker.ListUserProfilesInput{})
	if got := must(w, out, err).UserProfiles; len(got) != 1 {
		t.Errorf("%d profiles, want the one before the refused one", len(got))
	}
}

func (w *world) wantSeed(what string, err error, want string) {
	w.t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		w.t.Errorf("%s: got %v, want an error about %q", what, err, want)
	}
}
