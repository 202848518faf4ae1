package localcloud_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
)

func TestLeavingInTheOnlyOrderThatWorks(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	own, lab := underProfile(domain, "alice"), inSpace(domain, "lab")
	w.runApp(own)
	w.runApp(lab)
	appsOfProfile := "Unable to delete UserProfile [arn:aws:sagemaker:us-east-1:111122223333:user-profile/" + domain + "/alice] because App(s) are associated with it"
	spacesOfProfile := "Unable to delete UserProfile [arn:aws:sagemaker:us-east-1:111122223333:user-profile/" + domain + "/alice] because Space(s) are associated with it"
	appsOfSpace := "Unable to delete Space [arn:aws:sagemaker:us-east-1:111122223333:space/" + domain + "/lab] because App(s) are associated with it"

	w.wantRefusal("the profile with everything there", w.deleteProfile(domain, "alice"), "ResourceInUse", appsOfProfile)
	w.wantRefusal("the space with its app running", w.deleteSpace(domain, "lab"), "ResourceInUse", appsOfSpace)
	w.wantCode("the profile's app", w.stopApp(own), "")
	w.wantRefusal("the profile with its app still deleting", w.deleteProfile(domain, "alice"), "ResourceInUse", appsOfProfile)
	w.cloud.Advance(localcloud.DefaultAppStopDelay)
	w.wantRefusal("the profile with its space there", w.deleteProfile(domain, "alice"), "ResourceInUse", spacesOfProfile)

	w.wantCode("the space's app", w.stopApp(lab), "")
	w.wantRefusal("the space with its app still deleting", w.deleteSpace(domain, "lab"), "ResourceInUse", appsOfSpace)
	w.cloud.Advance(localcloud.DefaultAppStopDelay)
	w.runApp(lab)
	w.wantRefusal("the space with its app started again", w.deleteSpace(domain, "lab"), "ResourceInUse", appsOfSpace)
	w.wantCode("the app that was started again", w.stopApp(lab), "")
	w.cloud.Advance(localcloud.DefaultAppStopDelay)
	w.wantCode("the space", w.deleteSpace(domain, "lab"), "")
	w.wantRefusal("the profile with its space still deleting", w.deleteProfile(domain, "alice"), "ResourceInUse", spacesOfProfile)
	w.wantCode("an app in a space that is deleting", w.startApp(lab), "ResourceInUse")
	w.cloud.Advance(localcloud.DefaultSpaceDelay)

	w.runApp(own)
	w.wantRefusal("the profile with an app started in between", w.deleteProfile(domain, "alice"), "ResourceInUse", appsOfProfile)
	w.wantCode("that app", w.stopApp(own), "")
	w.cloud.Advance(localcloud.DefaultAppStopDelay)
	w.wantCode("the profile", w.deleteProfile(domain, "alice"), "")
	w.wantCode("an app under a profile that is deleting", w.startApp(own), "ResourceInUse")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	w.wantCode("an app under a profile that is gone", w.startApp(own), "ResourceNotFound")
	w.wantRefusal("the app of a profile that is gone", w.stopApp(own), "ValidationException", "has already been deleted")
	_, err := w.studio().DeleteDomain(context.Background(), &sagemaker.DeleteDomainInput{DomainId: &domain})
	w.wantCode("the empty domain", err, "")
}

func TestFailedAppsDoNotStandInTheWay(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	for _, app := range []localcloud.AppKey{underProfile(domain, "alice"), inSpace(domain, "lab")} {
		w.wantCode("starting", w.startApp(app), "")
		if err := w.cloud.SetAppStatus(account, home, app, studioapi.AppStatusFailed, "no capacity"); err != nil {
			t.Fatal(err)
		}
	}
	w.wantCode("deleting the space", w.deleteSpace(domain, "lab"), "")
	w.cloud.Advance(localcloud.DefaultSpaceDelay)
	w.wantCode("deleting the profile", w.deleteProfile(domain, "alice"), "")
}

func TestSharedSpaceKeepsItsOwnersProfile(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice", "bob")
	w.space(domain, "team", "alice", types.SharingTypeShared)
	w.runApp(inSpace(domain, "team"))
	w.wantRefusal("deleting the owner", w.deleteProfile(domain, "alice"), "ResourceInUse", "Space(s) are associated with it")
	w.wantCode("deleting somebody else", w.deleteProfile(domain, "bob"), "")
}

func TestDeleteDomainWithASpaceNobodyOwns(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain()
	name := "classic"
	_, err := w.studio().CreateSpace(ctx, &sagemaker.CreateSpaceInput{DomainId: &domain, SpaceName: &name})
	w.wantCode("creating", err, "")
	w.cloud.Advance(localcloud.DefaultSpaceDelay)
	_, err = w.studio().DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: &domain})
	w.wantRefusal("the domain with the space", err, "ResourceInUse", "Space(s) are associated with it")
	w.wantCode("the space", w.deleteSpace(domain, name), "")
	w.cloud.Advance(localcloud.DefaultSpaceDelay)
	_, err = w.studio().DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: &domain})
	w.wantCode("the domain", err, "")
}

func TestAppsAndSpacesLeaveCloudTrailRecords(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice")
	before := len(w.cloud.Records(account, home))
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	app := inSpace(domain, "lab")
	w.runApp(app)
	w.wantCode("deleting the space too early", w.deleteSpace(domain, "lab"), "ResourceInUse")
	w.wantCode("deleting the app", w.stopApp(app), "")
	w.cloud.Advance(localcloud.DefaultAppStopDelay)
	w.wantCode("deleting the space", w.deleteSpace(domain, "lab"), "")

	type trace struct {
		name, failure string
		request       map[string]any
	}
	space := map[string]any{"domainId": domain, "spaceName": "lab"}
	inLab := map[string]any{"domainId": domain, "spaceName": "lab", "appType": "JupyterLab", "appName": "default"}
	want := []trace{
		{"CreateSpace", "", map[string]any{
			"domainId": domain, "spaceName": "lab", "ownershipSettings": map[string]any{"ownerUserProfileName": "alice"},
			"spaceSharingSettings": map[string]any{"sharingType": "Private"}, "spaceSettings": map[string]any{"appType": "JupyterLab"},
		}},
		{"CreateApp", "", inLab},
		{"DeleteSpace", "ResourceInUse", space},
		{"DeleteApp", "", inLab},
		{"DeleteSpace", "", space},
	}
	var got []trace
	for _, r := range w.cloud.Records(account, home)[before:] {
		if r.EventSource != "sagemaker.amazonaws.com" {
			t.Errorf("%s comes from %s", r.EventName, r.EventSource)
		}
		got = append(got, trace{r.EventName, r.ErrorCode, r.RequestParameters})
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(trace{})); diff != "" {
		t.Errorf("CloudTrail records (-want +got):\n%s", diff)
	}
}

func TestThrottledApps(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{Throttle: true, AppDelay: -1, AppStopDelay: -1})
	domain := w.studioDomain("alice")
	codes := map[string]int{}
	for range 12 {
		codes[codeOf(w.stopApp(underProfile(domain, "alice")))]++
	}
	if want := map[string]int{"ResourceNotFound": 10, "ThrottlingException": 2}; !cmp.Equal(codes, want) {
		t.Errorf("twelve calls at once: %v, want %v", codes, want)
	}
}
