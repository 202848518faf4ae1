package localcloud_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
)

const spaceRole = "arn:aws:iam::111122223333:role/studio-spaces"

// studioDomain makes a domain with a role for shared spaces, and a profile in service for each name.
func (w *world) studioDomain(profiles ...string) string {
	w.t.Helper()
	in := newDomain("research", types.AuthModeSso)
	in.DefaultSpaceSettings = &types.DefaultSpaceSettings{ExecutionRole: aws.String(spaceRole)}
	out, err := w.studio().CreateDomain(context.Background(), in)
	domain := *must(w, out, err).DomainId
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	for _, name := range profiles {
		w.user(name + "@example.com")
		_, err := w.studio().CreateUserProfile(context.Background(), newProfile(domain, name, name+"@example.com"))
		w.wantCode("creating profile "+name, err, "")
	}
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	return domain
}

func newSpace(domain, name, owner string, sharing types.SharingType) *sagemaker.CreateSpaceInput {
	return &sagemaker.CreateSpaceInput{
		DomainId: &domain, SpaceName: &name,
		OwnershipSettings:    &types.OwnershipSettings{OwnerUserProfileName: &owner},
		SpaceSharingSettings: &types.SpaceSharingSettings{SharingType: sharing},
		SpaceSettings:        &types.SpaceSettings{AppType: types.AppTypeJupyterLab},
	}
}

// space makes a space in service.
func (w *world) space(domain, name, owner string, sharing types.SharingType) {
	w.t.Helper()
	_, err := w.studio().CreateSpace(context.Background(), newSpace(domain, name, owner, sharing))
	w.wantCode("creating space "+name, err, "")
	w.cloud.Advance(localcloud.DefaultSpaceDelay)
}

func (w *world) describeSpace(domain, name string) *sagemaker.DescribeSpaceOutput {
	w.t.Helper()
	out, err := w.studio().DescribeSpace(context.Background(), &sagemaker.DescribeSpaceInput{DomainId: &domain, SpaceName: &name})
	return must(w, out, err)
}

func (w *world) deleteSpace(domain, name string) error {
	_, err := w.studio().DeleteSpace(context.Background(), &sagemaker.DeleteSpaceInput{DomainId: &domain, SpaceName: &name})
	return err
}

func (w *world) updateSpace(domain, name string, settings *types.SpaceSettings) error {
	_, err := w.studio().UpdateSpace(context.Background(), &sagemaker.UpdateSpaceInput{
		DomainId: &domain, SpaceName: &name, SpaceSettings: settings,
	})
	return err
}

// wantRefusal checks the code of a refused call and that its message holds text.
func (w *world) wantRefusal(what string, err error, code, text string) {
	w.t.Helper()
	w.wantCode(what, err, code)
	if err != nil && !strings.Contains(err.Error(), text) {
		w.t.Errorf("%s: got %v, want a message with %q", what, err, text)
	}
}

func TestSpaceTakesTimeForEveryChange(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("Alice")
	ctx := context.Background()
	in := newSpace(domain, "Alice-lab", "alice", types.SharingTypePrivate)
	in.SpaceSettings.SpaceStorageSettings = &types.SpaceStorageSettings{EbsStorageSettings: &types.EbsStorageSettings{EbsVolumeSizeInGb: aws.Int32(5)}}
	in.SpaceSettings.CustomFileSystems = []types.CustomFileSystem{&types.CustomFileSystemMemberEFSFileSystem{
		Value: types.EFSFileSystem{FileSystemId: aws.String("fs-0123456789abcdef0")},
	}}
	out, err := w.studio().CreateSpace(ctx, in)
	if got, want := *must(w, out, err).SpaceArn, "arn:aws:sagemaker:us-east-1:111122223333:space/"+domain+"/Alice-lab"; got != want {
		t.Errorf("ARN: got %s, want %s", got, want)
	}
	if got := w.describeSpace(domain, "alice-lab").Status; got != types.SpaceStatusPending {
		t.Errorf("right after the creation: %s, want Pending", got)
	}
	w.wantRefusal("deleting a pending space", w.deleteSpace(domain, "Alice-lab"), "ValidationException", "in Pending status")
	w.wantCode("updating a pending space", w.updateSpace(domain, "Alice-lab", nil), "ValidationException")

	w.cloud.Advance(localcloud.DefaultSpaceDelay)
	got := w.describeSpace(domain, "Alice-lab")
	if got.Status != types.SpaceStatusInService || *got.OwnershipSettings.OwnerUserProfileName != "Alice" ||
		got.SpaceSharingSettings.SharingType != types.SharingTypePrivate || *got.HomeEfsFileSystemUid == "" {
		t.Errorf("after the delay: %+v, want Alice's private space InService", got)
	}
	if efs, ok := got.SpaceSettings.CustomFileSystems[0].(*types.CustomFileSystemMemberEFSFileSystem); !ok || *efs.Value.FileSystemId != "fs-0123456789abcdef0" {
		t.Errorf("the space's file system is %+v", got.SpaceSettings.CustomFileSystems)
	}

	w.wantCode("updating", w.updateSpace(domain, "Alice-lab", &types.SpaceSettings{RemoteAccess: types.FeatureStatusEnabled}), "")
	if got := w.describeSpace(domain, "Alice-lab").Status; got != types.SpaceStatusUpdating {
		t.Errorf("right after the update: %s, want Updating", got)
	}
	w.cloud.Advance(localcloud.DefaultSpaceDelay)
	set := w.describeSpace(domain, "Alice-lab").SpaceSettings
	if set.RemoteAccess != types.FeatureStatusEnabled || set.AppType != types.AppTypeJupyterLab || *set.SpaceStorageSettings.EbsStorageSettings.EbsVolumeSizeInGb != 5 {
		t.Errorf("the update did not leave alone what it does not name: %+v", set)
	}

	w.wantCode("deleting", w.deleteSpace(domain, "Alice-lab"), "")
	if got := w.describeSpace(domain, "Alice-lab").Status; got != types.SpaceStatusDeleting {
		t.Errorf("right after the deletion: %s, want Deleting", got)
	}
	w.wantCode("deleting it while it is deleting", w.deleteSpace(domain, "Alice-lab"), "ValidationException")
	w.cloud.Advance(localcloud.DefaultSpaceDelay)
	w.wantCode("deleting it when it is gone", w.deleteSpace(domain, "Alice-lab"), "ResourceNotFound")
}

func TestCreateSpaceRefuses(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice", "bob")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	plain := w.domain("plain", types.AuthModeIam)
	if err := w.cloud.SetProfileStatus(account, home, domain, "bob", studioapi.UserProfileStatusDeleting, ""); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name string
		edit func(*sagemaker.CreateSpaceInput)
		want string
	}{
		{"a name in use", func(in *sagemaker.CreateSpaceInput) { in.SpaceName = aws.String("LAB") }, "ResourceInUse"},
		{"a name with an underscore", func(in *sagemaker.CreateSpaceInput) { in.SpaceName = aws.String("my_lab") }, "ValidationException"},
		{"a name of 64 characters", func(in *sagemaker.CreateSpaceInput) { in.SpaceName = aws.String(strings.Repeat("a", 64)) }, "ValidationException"},
		{"a domain that is not there", func(in *sagemaker.CreateSpaceInput) { in.DomainId = aws.String("d-none") }, "ResourceNotFound"},
		{"an owner who is not there", func(in *sagemaker.CreateSpaceInput) {
			in.OwnershipSettings.OwnerUserProfileName = aws.String("eve")
		}, "ResourceNotFound"},
		{"an owner who is being deleted", func(in *sagemaker.CreateSpaceInput) {
			in.OwnershipSettings.OwnerUserProfileName = aws.String("bob")
		}, "ResourceInUse"},
		{"an owner without sharing settings", func(in *sagemaker.CreateSpaceInput) { in.SpaceSharingSettings = nil }, "ValidationException"},
		{"sharing settings without an owner", func(in *sagemaker.CreateSpaceInput) { in.OwnershipSettings = nil }, "ValidationException"},
		{"a sharing type that is none", func(in *sagemaker.CreateSpaceInput) { in.SpaceSharingSettings.SharingType = "Public" }, "ValidationException"},
		{"a volume of 4 GB", func(in *sagemaker.CreateSpaceInput) {
			in.SpaceSettings.SpaceStorageSettings = &types.SpaceStorageSettings{EbsStorageSettings: &types.EbsStorageSettings{EbsVolumeSizeInGb: aws.Int32(4)}}
		}, "ValidationException"},
		{"a blank display name", func(in *sagemaker.CreateSpaceInput) { in.SpaceDisplayName = aws.String("  ") }, "ValidationException"},
		{"a tag twice", func(in *sagemaker.CreateSpaceInput) { in.Tags = append(manyTags(1), manyTags(1)...) }, "ValidationException"},
		{"a shared space where the domain has no role for it", func(in *sagemaker.CreateSpaceInput) {
			in.DomainId, in.OwnershipSettings, in.SpaceSharingSettings = &plain, nil, nil
		}, "ValidationException"},
		{"nothing wrong", func(*sagemaker.CreateSpaceInput) {}, ""},
		{"a space of Studio Classic", func(in *sagemaker.CreateSpaceInput) {
			in.SpaceName, in.OwnershipSettings, in.SpaceSharingSettings = aws.String("classic"), nil, nil
		}, ""},
	}
	for _, row := range rows {
		in := newSpace(domain, "notebook", "alice", types.SharingTypePrivate)
		row.edit(in)
		_, err := w.studio().CreateSpace(context.Background(), in)
		w.wantCode(row.name, err, row.want)
	}
}

func TestUpdateSpaceKeepsOwnerAndAppType(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{SpaceDelay: -1})
	domain := w.studioDomain("alice", "bob")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	w.wantCode("another app type", w.updateSpace(domain, "lab", &types.SpaceSettings{AppType: types.AppTypeCodeEditor}), "ValidationException")
	w.wantCode("the same app type", w.updateSpace(domain, "lab", &types.SpaceSettings{AppType: types.AppTypeJupyterLab}), "")
	w.wantCode("a space that is not there", w.updateSpace(domain, "none", nil), "ResourceNotFound")

	body := fmt.Sprintf(`{"DomainId":%q,"SpaceName":"lab","SpaceDisplayName":"Lab","OwnershipSettings":{"OwnerUserProfileName":"bob"}}`, domain)
	request, err := http.NewRequest(http.MethodPost, w.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", "SageMaker.UpdateSpace")
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260301/"+home+"/sagemaker/aws4_request, SignedHeaders=host, Signature=00")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if said, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("an update that names an owner: %s", said)
	}
	got := w.describeSpace(domain, "lab")
	if *got.OwnershipSettings.OwnerUserProfileName != "alice" || *got.SpaceDisplayName != "Lab" {
		t.Errorf("after an update that names another owner: owner %s, display name %s; want alice and Lab",
			*got.OwnershipSettings.OwnerUserProfileName, *got.SpaceDisplayName)
	}
}

func TestListSpaces(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{SpaceDelay: -1})
	domain := w.studioDomain("alice", "bob")
	for i := range 12 {
		w.cloud.Advance(time.Second)
		w.space(domain, fmt.Sprintf("Alice-%02d", i), "alice", types.SharingTypePrivate)
	}
	w.space(domain, "team", "bob", types.SharingTypeShared)
	w.wantCode("updating", w.updateSpace(domain, "Alice-03", nil), "")
	rows := []struct {
		name        string
		in          sagemaker.ListSpacesInput
		first, last string
		count       int
	}{
		{"ten a page unless asked for more", sagemaker.ListSpacesInput{}, "Alice-00", "Alice-09", 10},
		{"a hundred", sagemaker.ListSpacesInput{MaxResults: aws.Int32(100)}, "Alice-00", "team", 13},
		{"newest first", sagemaker.ListSpacesInput{SortOrder: types.SortOrderDescending}, "team", "Alice-03", 10},
		{"last changed last", sagemaker.ListSpacesInput{SortBy: types.SpaceSortKeyLastModifiedTime, MaxResults: aws.Int32(100)}, "Alice-00", "Alice-03", 13},
		{"part of a name in another case", sagemaker.ListSpacesInput{SpaceNameContains: aws.String("ALICE-1")}, "Alice-10", "Alice-11", 2},
		{"one domain", sagemaker.ListSpacesInput{DomainIdEquals: &domain, SpaceNameContains: aws.String("team")}, "team", "team", 1},
	}
	for _, row := range rows {
		out, err := w.studio().ListSpaces(ctx, &row.in)
		got := must(w, out, err).Spaces
		if len(got) != row.count || *got[0].SpaceName != row.first || *got[len(got)-1].SpaceName != row.last {
			t.Errorf("%s: got %d spaces, want %d from %s to %s: %+v", row.name, len(got), row.count, row.first, row.last, got)
		}
	}
	out, err := w.studio().ListSpaces(ctx, &sagemaker.ListSpacesInput{SpaceNameContains: aws.String("team")})
	team := must(w, out, err).Spaces[0]
	if *team.OwnershipSettingsSummary.OwnerUserProfileName != "bob" || team.SpaceSharingSettingsSummary.SharingType != types.SharingTypeShared ||
		team.SpaceSettingsSummary.AppType != types.AppTypeJupyterLab || team.Status != types.SpaceStatusInService {
		t.Errorf("the listed space lacks owner, sharing type or settings: %+v", team)
	}
	seen := map[string]bool{}
	pages := sagemaker.NewListSpacesPaginator(w.studio(), &sagemaker.ListSpacesInput{DomainIdEquals: &domain, MaxResults: aws.Int32(5)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		for _, s := range must(w, page, err).Spaces {
			seen[*s.SpaceName] = true
		}
	}
	if len(seen) != 13 {
		t.Errorf("paging finds %d spaces, want 13", len(seen))
	}
	for name, row := range map[string]struct {
		in   *sagemaker.ListSpacesInput
		want string
	}{
		"101 a page":                 {&sagemaker.ListSpacesInput{MaxResults: aws.Int32(101)}, "ValidationException"},
		"a token that is garbage":    {&sagemaker.ListSpacesInput{NextToken: aws.String("x")}, "ValidationException"},
		"part of a name with a dot":  {&sagemaker.ListSpacesInput{SpaceNameContains: aws.String("a.b")}, "ValidationException"},
		"a domain that is not there": {&sagemaker.ListSpacesInput{DomainIdEquals: aws.String("d-none")}, "ResourceNotFound"},
	} {
		_, err := w.studio().ListSpaces(ctx, row.in)
		w.wantCode(name, err, row.want)
	}
}

func TestSpaceWhoseDeletionFailed(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	w.wantCode("deleting", w.deleteSpace(domain, "lab"), "")
	if err := w.cloud.SetSpaceStatus(account, home, domain, "lab", studioapi.SpaceStatusDeleteFailed, "volume in use"); err != nil {
		t.Fatal(err)
	}
	w.cloud.Advance(time.Hour)
	if got := w.describeSpace(domain, "lab"); got.Status != types.SpaceStatusDeleteFailed || *got.FailureReason != "volume in use" {
		t.Errorf("an hour later: %s, want Delete_Failed with its reason", got.Status)
	}
	w.wantCode("updating a half deleted space", w.updateSpace(domain, "lab", nil), "ValidationException")
	w.wantCode("starting an app in it", w.startApp(inSpace(domain, "lab")), "ResourceInUse")
	w.wantCode("deleting the profile", w.deleteProfile(domain, "alice"), "ResourceInUse")
	w.wantCode("deleting it again", w.deleteSpace(domain, "lab"), "")
	if got := w.describeSpace(domain, "lab"); got.Status != types.SpaceStatusDeleting || got.FailureReason != nil {
		t.Errorf("while it is deleted again: %s because of %v, want Deleting without a reason", got.Status, got.FailureReason)
	}
	w.cloud.Advance(localcloud.DefaultSpaceDelay)
	w.wantCode("deleting the profile without it", w.deleteProfile(domain, "alice"), "")
	if err := w.cloud.SetSpaceStatus(account, home, domain, "lab", studioapi.SpaceStatusFailed, ""); err == nil {
		t.Error("a space that is not there has been put into a state")
	}
}

func TestTagsOfSpacesAndApps(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice")
	space := newSpace(domain, "lab", "alice", types.SharingTypePrivate)
	space.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("ml")}}
	made, err := w.studio().CreateSpace(ctx, space)
	must(w, made, err)
	w.cloud.Advance(localcloud.DefaultSpaceDelay)
	for _, key := range []localcloud.AppKey{inSpace(domain, "lab"), underProfile(domain, "alice")} {
		in := newApp(key)
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String(string(key.Type))}}
		out, err := w.studio().CreateApp(ctx, in)
		arn := must(w, out, err).AppArn
		owner := key.UserProfile + key.Space
		if want := "arn:aws:sagemaker:us-east-1:111122223333:app/" + domain + "/" + owner + "/" + strings.ToLower(string(key.Type)) + "/default"; *arn != want {
			t.Errorf("ARN: got %s, want %s", *arn, want)
		}
		if got, want := w.tags(*arn), map[string]string{"team": string(key.Type)}; !cmp.Equal(got, want) {
			t.Errorf("tags of %s: %v, want %v", *arn, got, want)
		}
	}
	_, err = w.studio().AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: made.SpaceArn, Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("test")}}})
	w.wantCode("adding", err, "")
	_, err = w.studio().DeleteTags(ctx, &sagemaker.DeleteTagsInput{ResourceArn: made.SpaceArn, TagKeys: []string{"team"}})
	w.wantCode("deleting", err, "")
	if got, want := w.tags(*made.SpaceArn), map[string]string{"stage": "test"}; !cmp.Equal(got, want) {
		t.Errorf("tags of the space: %v, want %v", got, want)
	}
	for _, rest := range []string{"space/" + domain + "/none", "app/" + domain + "/alice/jupyterserver/none", "app/" + domain + "/alice"} {
		_, err := w.studio().ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: aws.String("arn:aws:sagemaker:us-east-1:111122223333:" + rest)})
		w.wantCode(rest, err, "ResourceNotFound")
	}
}
