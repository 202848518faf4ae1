package localcloud_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
)

// inSpace is the JupyterLab app of a space.
func inSpace(domain, space string) localcloud.AppKey {
	return localcloud.AppKey{DomainID: domain, Space: space, Type: studioapi.AppTypeJupyterLab, Name: "default"}
}

// underProfile is the JupyterServer app of a profile.
func underProfile(domain, profile string) localcloud.AppKey {
	return localcloud.AppKey{DomainID: domain, UserProfile: profile, Type: studioapi.AppTypeJupyterServer, Name: "default"}
}

func present(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func newApp(k localcloud.AppKey) *sagemaker.CreateAppInput {
	return &sagemaker.CreateAppInput{
		DomainId: &k.DomainID, UserProfileName: present(k.UserProfile), SpaceName: present(k.Space), AppType: types.AppType(k.Type), AppName: &k.Name,
	}
}

func (w *world) startApp(k localcloud.AppKey) error {
	_, err := w.studio().CreateApp(context.Background(), newApp(k))
	return err
}

// runApp starts an app and waits until it is in service.
func (w *world) runApp(k localcloud.AppKey) {
	w.t.Helper()
	w.wantCode("starting "+k.String(), w.startApp(k), "")
	w.cloud.Advance(localcloud.DefaultAppDelay)
}

func (w *world) stopApp(k localcloud.AppKey) error {
	_, err := w.studio().DeleteApp(context.Background(), &sagemaker.DeleteAppInput{
		DomainId: &k.DomainID, UserProfileName: present(k.UserProfile), SpaceName: present(k.Space), AppType: types.AppType(k.Type), AppName: &k.Name,
	})
	return err
}

func (w *world) describeApp(k localcloud.AppKey) (*sagemaker.DescribeAppOutput, error) {
	return w.studio().DescribeApp(context.Background(), &sagemaker.DescribeAppInput{
		DomainId: &k.DomainID, UserProfileName: present(k.UserProfile), SpaceName: present(k.Space), AppType: types.AppType(k.Type), AppName: &k.Name,
	})
}

func (w *world) wantApp(when string, k localcloud.AppKey, want types.AppStatus) {
	w.t.Helper()
	got, err := w.describeApp(k)
	if must(w, got, err).Status != want {
		w.t.Errorf("%s: %s is %s, want %s", when, k, got.Status, want)
	}
}

func (w *world) wantRole(when string, k localcloud.AppKey, want string) {
	w.t.Helper()
	got, err := w.cloud.AppRole(account, home, k)
	if must(w, got, err) != want {
		w.t.Errorf("%s: %s has %s, want %s", when, k, got, want)
	}
}

func (w *world) setRole(domain, profile, role string) error {
	_, err := w.studio().UpdateUserProfile(context.Background(), &sagemaker.UpdateUserProfileInput{
		DomainId: &domain, UserProfileName: &profile, UserSettings: &types.UserSettings{ExecutionRole: &role},
	})
	return err
}

func (w *world) deleteProfile(domain, name string) error {
	_, err := w.studio().DeleteUserProfile(context.Background(), &sagemaker.DeleteUserProfileInput{DomainId: &domain, UserProfileName: &name})
	return err
}

func TestAppFromItsStartToAfterItsEnd(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{AppStopDelay: 20 * time.Minute})
	domain := w.studioDomain("Alice")
	app := underProfile(domain, "alice")
	began := w.cloud.Now()
	w.wantCode("starting", w.startApp(app), "")
	w.wantApp("right after the start", app, types.AppStatusPending)
	w.wantCode("starting it again while it is pending", w.startApp(app), "ResourceInUse")
	w.cloud.Advance(localcloud.DefaultAppDelay)
	got, err := w.describeApp(app)
	must(w, got, err)
	if got.Status != types.AppStatusInService || *got.UserProfileName != "Alice" || got.SpaceName != nil ||
		!got.CreationTime.Equal(began) || !got.LastUserActivityTimestamp.Equal(began.Add(localcloud.DefaultAppDelay)) {
		t.Errorf("the running app is described as %+v", got)
	}
	w.wantCode("starting it while it runs", w.startApp(app), "ResourceInUse")

	w.wantCode("deleting", w.stopApp(app), "")
	w.cloud.Advance(20*time.Minute - time.Second)
	w.wantApp("nearly twenty minutes later", app, types.AppStatusDeleting)
	w.wantCode("deleting it while it is deleting", w.stopApp(app), "ResourceInUse")
	w.wantCode("starting it while it is deleting", w.startApp(app), "ResourceInUse")
	w.cloud.Advance(time.Second)
	w.wantApp("twenty minutes later", app, types.AppStatusDeleted)
	w.wantRefusal("deleting it once more", w.stopApp(app), "ValidationException", "has already been deleted")

	w.cloud.Advance(24*time.Hour - time.Second)
	w.wantApp("nearly a day later", app, types.AppStatusDeleted)
	w.cloud.Advance(time.Second)
	_, err = w.describeApp(app)
	w.wantCode("describing it a day later", err, "ResourceNotFound")
	w.wantCode("deleting it a day later", w.stopApp(app), "ResourceNotFound")
}

func TestAppStartedAgain(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{AppDelay: -1, AppStopDelay: -1})
	domain := w.studioDomain("alice")
	app := underProfile(domain, "alice")
	began := w.cloud.Now()
	in := newApp(app)
	in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("ml")}}
	made, err := w.studio().CreateApp(context.Background(), in)
	must(w, made, err)
	w.wantApp("without a delay", app, types.AppStatusInService)
	w.wantCode("deleting", w.stopApp(app), "")
	w.wantApp("without a delay", app, types.AppStatusDeleted)

	w.cloud.Advance(time.Hour)
	w.wantCode("starting it again", w.startApp(app), "")
	got, err := w.describeApp(app)
	if must(w, got, err).Status != types.AppStatusInService || !got.CreationTime.Equal(began) {
		t.Errorf("started again within a day it is %s, created %s; want InService, created %s", got.Status, got.CreationTime, began)
	}
	if got, want := w.tags(*made.AppArn), map[string]string{"team": "ml"}; !cmp.Equal(got, want) {
		t.Errorf("started again it has the tags %v, want %v", got, want)
	}
	w.wantCode("deleting it again", w.stopApp(app), "")
	w.cloud.Advance(25 * time.Hour)
	w.wantCode("starting it after a day", w.startApp(app), "")
	got, err = w.describeApp(app)
	if must(w, got, err).CreationTime.Equal(began) {
		t.Error("started again after more than a day it still has its old creation time")
	}
}

func TestFailedApp(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice")
	app := underProfile(domain, "alice")
	w.wantCode("starting", w.startApp(app), "")
	if err := w.cloud.SetAppStatus(account, home, app, studioapi.AppStatusFailed, "no capacity"); err != nil {
		t.Fatal(err)
	}
	w.cloud.Advance(time.Hour)
	if got, err := w.describeApp(app); must(w, got, err).Status != types.AppStatusFailed || *got.FailureReason != "no capacity" {
		t.Errorf("an hour later: %s, want Failed with its reason", got.Status)
	}
	w.wantRefusal("deleting it", w.stopApp(app), "ValidationException", "previously failed and was automatically deleted")
	w.wantCode("starting it again", w.startApp(app), "")
	if got, err := w.describeApp(app); must(w, got, err).Status != types.AppStatusPending || got.FailureReason != nil {
		t.Errorf("started again: %s because of %v, want Pending without a reason", got.Status, got.FailureReason)
	}
	if err := w.cloud.SetAppStatus(account, home, app, studioapi.AppStatusPending, ""); err != nil {
		t.Fatal(err)
	}
	w.cloud.Advance(48 * time.Hour)
	w.wantApp("stuck for two days", app, types.AppStatusPending)
	w.wantCode("deleting a pending app", w.stopApp(app), "")
	if err := w.cloud.SetAppStatus(account, home, underProfile(domain, "eve"), studioapi.AppStatusFailed, ""); err == nil {
		t.Error("an app that is not there has been put into a state")
	}
}

func TestCreateAppRefuses(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{SpaceDelay: -1})
	domain := w.studioDomain("alice", "bob", "carol")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	w.space(domain, "team", "alice", types.SharingTypeShared)
	w.space(domain, "bobs", "bob", types.SharingTypePrivate)
	_, err := w.studio().CreateSpace(context.Background(), &sagemaker.CreateSpaceInput{DomainId: &domain, SpaceName: aws.String("classic")})
	w.wantCode("creating a space of Studio Classic", err, "")
	for name, status := range map[string]types.UserProfileStatus{"bob": types.UserProfileStatusUpdating, "carol": types.UserProfileStatusFailed} {
		if err := w.cloud.SetProfileStatus(account, home, domain, name, studioapi.UserProfileStatus(status), ""); err != nil {
			t.Fatal(err)
		}
	}
	profile := func(kind types.AppType) localcloud.AppKey {
		return localcloud.AppKey{DomainID: domain, UserProfile: "alice", Type: studioapi.AppType(kind), Name: "a"}
	}
	space := func(name string, kind types.AppType) localcloud.AppKey {
		return localcloud.AppKey{DomainID: domain, Space: name, Type: studioapi.AppType(kind), Name: "a"}
	}
	rows := []struct {
		name string
		key  localcloud.AppKey
		want string
	}{
		{"JupyterLab under a profile", profile(types.AppTypeJupyterLab), "ValidationException"},
		{"Code Editor under a profile", profile(types.AppTypeCodeEditor), "ValidationException"},
		{"JupyterServer in a private space", space("lab", types.AppTypeJupyterServer), "ValidationException"},
		{"Code Editor in a space for JupyterLab", space("lab", types.AppTypeCodeEditor), "ValidationException"},
		{"RStudio in a space", space("classic", types.AppTypeRStudioServerPro), "ValidationException"},
		{"KernelGateway without an instance type", profile(types.AppTypeKernelGateway), "ValidationException"},
		{"a type that is none", profile("Emacs"), "ValidationException"},
		{"profile and space", localcloud.AppKey{DomainID: domain, UserProfile: "alice", Space: "lab", Type: studioapi.AppTypeJupyterLab, Name: "a"}, "ValidationException"},
		{"neither profile nor space", localcloud.AppKey{DomainID: domain, Type: studioapi.AppTypeJupyterLab, Name: "a"}, "ValidationException"},
		{"a name with a dot", localcloud.AppKey{DomainID: domain, UserProfile: "alice", Type: studioapi.AppTypeCanvas, Name: "a.b"}, "ValidationException"},
		{"a profile that is not there", underProfile(domain, "eve"), "ResourceNotFound"},
		{"a space that is not there", inSpace(domain, "none"), "ResourceNotFound"},
		{"a domain that is not there", underProfile("d-none", "alice"), "ResourceNotFound"},
		{"a profile that is updating", underProfile(domain, "bob"), "ResourceInUse"},
		{"the private space of a profile that is updating", inSpace(domain, "bobs"), "ResourceInUse"},
		{"a profile that failed", underProfile(domain, "carol"), "ResourceInUse"},
		{"JupyterLab in a private space", space("lab", types.AppTypeJupyterLab), ""},
		{"JupyterLab in a shared space", space("team", types.AppTypeJupyterLab), ""},
		{"JupyterServer in a space of Studio Classic", space("classic", types.AppTypeJupyterServer), ""},
		{"Canvas under a profile", profile(types.AppTypeCanvas), ""},
		{"RStudio under a profile", profile(types.AppTypeRStudioServerPro), ""},
	}
	for _, row := range rows {
		w.wantCode(row.name, w.startApp(row.key), row.want)
	}
	in := newApp(profile(types.AppTypeKernelGateway))
	in.Tags = append(manyTags(1), manyTags(1)...)
	in.ResourceSpec = &types.ResourceSpec{InstanceType: types.AppInstanceTypeMlT3Medium}
	_, err = w.studio().CreateApp(context.Background(), in)
	w.wantCode("a tag twice", err, "ValidationException")
	in.Tags = nil
	_, err = w.studio().CreateApp(context.Background(), in)
	w.wantCode("KernelGateway with an instance type", err, "")

	defaults := &types.KernelGatewayAppSettings{DefaultResourceSpec: in.ResourceSpec}
	w.wantCode("giving a space a default", w.updateSpace(domain, "classic", &types.SpaceSettings{KernelGatewayAppSettings: defaults}), "")
	w.wantCode("KernelGateway with its space's instance type", w.startApp(space("classic", types.AppTypeKernelGateway)), "")
	kernel := profile(types.AppTypeKernelGateway)
	kernel.Name = "b"
	_, err = w.studio().UpdateDomain(context.Background(), &sagemaker.UpdateDomainInput{
		DomainId: &domain, DefaultUserSettings: &types.UserSettings{KernelGatewayAppSettings: defaults},
	})
	w.wantCode("giving the domain a default", err, "")
	w.wantCode("KernelGateway in a domain that is updating", w.startApp(kernel), "ResourceInUse")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	w.wantCode("KernelGateway with the domain's instance type", w.startApp(kernel), "")
}

func TestAppCallsNameOneOwner(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice")
	both := underProfile(domain, "alice")
	both.Space = "lab"
	for name, k := range map[string]localcloud.AppKey{
		"profile and space": both, "neither": {DomainID: domain, Type: studioapi.AppTypeCanvas, Name: "default"},
	} {
		_, err := w.describeApp(k)
		w.wantCode("describing with "+name, err, "ValidationException")
		w.wantCode("deleting with "+name, w.stopApp(k), "ValidationException")
	}
}

func TestRunningAppKeepsItsRole(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{AppsAllowUpdates: true, ProfileDelay: -1})
	domain := w.studioDomain("alice")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	w.space(domain, "team", "alice", types.SharingTypeShared)
	own, lab, team := underProfile(domain, "alice"), inSpace(domain, "lab"), inSpace(domain, "team")
	for _, app := range []localcloud.AppKey{own, lab, team} {
		w.runApp(app)
	}
	w.wantRole("under the profile", own, studyRole)
	w.wantRole("in a private space", lab, studyRole)
	w.wantRole("in a shared space", team, spaceRole)

	const quarantine = "arn:aws:iam::111122223333:role/studiokeeper-quarantine"
	w.wantCode("changing the role", w.setRole(domain, "alice", quarantine), "")
	w.wantRole("after the profile's role changed", own, studyRole)
	w.wantRole("after the profile's role changed", lab, studyRole)
	w.wantCode("deleting", w.stopApp(lab), "")
	w.cloud.Advance(localcloud.DefaultAppStopDelay)
	w.runApp(lab)
	w.wantRole("started again", lab, quarantine)
	if _, err := w.cloud.AppRole(account, home, inSpace(domain, "none")); err == nil {
		t.Error("an app that is not there has a role")
	}
}

func TestAppWithoutRoleOfItsProfileGetsTheDomains(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("plain", types.AuthModeIam)
	_, err := w.studio().CreateUserProfile(context.Background(), &sagemaker.CreateUserProfileInput{DomainId: &domain, UserProfileName: aws.String("alice")})
	w.wantCode("creating a profile without settings", err, "")
	w.runApp(underProfile(domain, "alice"))
	w.wantRole("running", underProfile(domain, "alice"), plainRole)
}

func TestUpdateUserProfileWhileAppsRun(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.studioDomain("alice", "bob")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	w.space(domain, "team", "alice", types.SharingTypeShared)
	w.runApp(underProfile(domain, "bob"))
	w.runApp(inSpace(domain, "team"))
	w.wantCode("with apps of others, and in a shared space, running", w.setRole(domain, "alice", plainRole), "")
	for name, app := range map[string]localcloud.AppKey{"its own app": underProfile(domain, "alice"), "an app in its private space": inSpace(domain, "lab")} {
		w.wantCode("starting "+name, w.startApp(app), "")
		w.wantCode("with "+name+" pending", w.setRole(domain, "alice", plainRole), "ResourceInUse")
		w.cloud.Advance(localcloud.DefaultAppDelay)
		w.wantCode("with "+name+" running", w.setRole(domain, "alice", plainRole), "ResourceInUse")
		w.wantCode("deleting "+name, w.stopApp(app), "")
		w.wantCode("with "+name+" deleting", w.setRole(domain, "alice", plainRole), "")
		w.cloud.Advance(localcloud.DefaultAppStopDelay)
	}
}

func (w *world) listApps(in *sagemaker.ListAppsInput) []string {
	w.t.Helper()
	out, err := w.studio().ListApps(context.Background(), in)
	var names []string
	for _, a := range must(w, out, err).Apps {
		names = append(names, aws.ToString(a.UserProfileName)+aws.ToString(a.SpaceName)+"/"+string(a.AppType)+"/"+*a.AppName+" "+string(a.Status))
	}
	return names
}

func TestListApps(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{SpaceDelay: -1})
	domain := w.studioDomain("Alice", "bob")
	w.space(domain, "lab", "alice", types.SharingTypePrivate)
	w.runApp(underProfile(domain, "alice"))
	w.runApp(inSpace(domain, "lab"))
	w.runApp(underProfile(domain, "bob"))
	w.wantCode("deleting bob's app", w.stopApp(underProfile(domain, "bob")), "")
	w.cloud.Advance(localcloud.DefaultAppStopDelay)
	mine, labs, bobs := "Alice/JupyterServer/default InService", "lab/JupyterLab/default InService", "bob/JupyterServer/default Deleted"
	rows := []struct {
		name string
		in   sagemaker.ListAppsInput
		want []string
	}{
		{"everything", sagemaker.ListAppsInput{}, []string{mine, labs, bobs}},
		{"the whole domain", sagemaker.ListAppsInput{DomainIdEquals: &domain}, []string{mine, labs, bobs}},
		{"newest first", sagemaker.ListAppsInput{SortOrder: types.SortOrderDescending}, []string{bobs, labs, mine}},
		{"of a profile, without those of its spaces", sagemaker.ListAppsInput{DomainIdEquals: &domain, UserProfileNameEquals: aws.String("alice")}, []string{mine}},
		{"of a space", sagemaker.ListAppsInput{DomainIdEquals: &domain, SpaceNameEquals: aws.String("lab")}, []string{labs}},
		{"of a space that is not there", sagemaker.ListAppsInput{SpaceNameEquals: aws.String("none")}, nil},
	}
	for _, row := range rows {
		if got := w.listApps(&row.in); !cmp.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	for name, row := range map[string]struct {
		in   *sagemaker.ListAppsInput
		want string
	}{
		"of a profile and a space":      {&sagemaker.ListAppsInput{UserProfileNameEquals: aws.String("alice"), SpaceNameEquals: aws.String("lab")}, "ValidationException"},
		"101 a page":                    {&sagemaker.ListAppsInput{MaxResults: aws.Int32(101)}, "ValidationException"},
		"a token that is garbage":       {&sagemaker.ListAppsInput{NextToken: aws.String("x")}, "ValidationException"},
		"of a profile with a dot":       {&sagemaker.ListAppsInput{UserProfileNameEquals: aws.String("a.b")}, "ValidationException"},
		"of a domain that is not there": {&sagemaker.ListAppsInput{DomainIdEquals: aws.String("d-none")}, "ResourceNotFound"},
	} {
		_, err := w.studio().ListApps(context.Background(), row.in)
		w.wantCode(name, err, row.want)
	}
	w.cloud.Advance(24 * time.Hour)
	if got, want := w.listApps(&sagemaker.ListAppsInput{}), []string{mine, labs}; !cmp.Equal(got, want) {
		t.Errorf("a day later: %v, want %v", got, want)
	}
	other := sagemaker.NewFromConfig(w.as(member, home))
	out, err := other.ListApps(context.Background(), &sagemaker.ListAppsInput{})
	if got := must(w, out, err).Apps; len(got) != 0 {
		t.Errorf("another account sees %+v", got)
	}
}

func TestMoreThanAHundredApps(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{AppDelay: -1})
	domain := w.studioDomain("alice")
	for i := range 105 {
		k := underProfile(domain, "alice")
		k.Name = fmt.Sprintf("app-%03d", i)
		w.wantCode("starting", w.startApp(k), "")
	}
	if got := w.listApps(&sagemaker.ListAppsInput{DomainIdEquals: &domain}); len(got) != 10 {
		t.Errorf("a page that nobody sized has %d apps, want 10", len(got))
	}
	for _, order := range []types.SortOrder{types.SortOrderAscending, types.SortOrderDescending} {
		pages := sagemaker.NewListAppsPaginator(w.studio(), &sagemaker.ListAppsInput{DomainIdEquals: &domain, MaxResults: aws.Int32(100), SortOrder: order})
		seen, sizes := map[string]bool{}, []int{}
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			for _, a := range must(w, page, err).Apps {
				seen[*a.AppName] = true
			}
			sizes = append(sizes, len(page.Apps))
		}
		if want := []int{100, 5}; len(seen) != 105 || !cmp.Equal(sizes, want) {
			t.Errorf("%s: pages of %v with %d different apps, want %v with 105", order, sizes, len(seen), want)
		}
	}
}
