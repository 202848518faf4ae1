package awscloud

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	gocmp "github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// lab is a domain with profiles, made by a client that nothing holds back.
type lab struct {
	t      *testing.T
	cloud  *localcloud.Cloud
	client *sagemaker.Client
	apps   *Apps
	domain studio.Domain
}

func newLab(t *testing.T, profiles ...string) *lab {
	t.Helper()
	cloud, s := newCloud(t)
	directory(t, cloud, profiles, nil)
	l := &lab{t, cloud, sagemaker.NewFromConfig(s.base), &Apps{s}, studioDomain(t, s, Place{Region: region})}
	for _, name := range profiles {
		_, err := l.client.CreateUserProfile(t.Context(), &sagemaker.CreateUserProfileInput{
			DomainId: &l.domain.ID, UserProfileName: &name, SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &name,
		})
		must(t, err)
	}
	return l
}

func (l *lab) space(name, owner string, sharing types.SharingType) {
	l.t.Helper()
	_, err := l.client.CreateSpace(l.t.Context(), &sagemaker.CreateSpaceInput{
		DomainId: &l.domain.ID, SpaceName: &name, OwnershipSettings: &types.OwnershipSettings{OwnerUserProfileName: &owner},
		SpaceSharingSettings: &types.SpaceSharingSettings{SharingType: sharing},
	})
	must(l.t, err)
}

// run starts an app of a profile, or in a space.
func (l *lab) run(profile, space string, kind types.AppType, name string) localcloud.AppKey {
	l.t.Helper()
	in := &sagemaker.CreateAppInput{DomainId: &l.domain.ID, AppType: kind, AppName: &name}
	if profile != "" {
		in.UserProfileName = &profile
	}
	if space != "" {
		in.SpaceName = &space
	}
	if kind == types.AppTypeKernelGateway {
		in.ResourceSpec = &types.ResourceSpec{InstanceType: types.AppInstanceTypeMlT3Medium}
	}
	_, err := l.client.CreateApp(l.t.Context(), in)
	must(l.t, err)
	return localcloud.AppKey{DomainID: l.domain.ID, UserProfile: profile, Space: space, Type: studioapi.AppType(kind), Name: name}
}

// running lists a profile's apps as owner/type/name status.
func (l *lab) running(profile string) []string {
	l.t.Helper()
	apps, err := l.apps.Apps(l.t.Context(), l.domain, profile)
	must(l.t, err)
	var list []string
	for _, a := range apps {
		if age := time.Since(a.Created); age < 0 || age > time.Minute {
			l.t.Errorf("%s was created %v", a.Name, a.Created)
		}
		list = append(list, fmt.Sprintf("%s/%s/%s %s", cmp.Or(a.Space, a.Profile), a.Type, a.Name, a.Status))
	}
	return list
}

func TestAProfilesAppsAreItsOwnAndThoseOfItsPrivateSpaces(t *testing.T) {
	l := newLab(t, "alice", "bob")
	l.space("Work", "ALICE", types.SharingTypePrivate)
	l.space("idle", "alice", types.SharingTypePrivate)
	l.space("team", "alice", types.SharingTypeShared)
	l.space("bobs", "bob", types.SharingTypePrivate)
	l.run("alice", "", types.AppTypeJupyterServer, "default")
	l.run("", "Work", types.AppTypeJupyterLab, "default")
	l.run("", "team", types.AppTypeJupyterLab, "default")
	l.run("", "bobs", types.AppTypeCodeEditor, "default")
	for status, name := range map[types.AppStatus]string{types.AppStatusDeleted: "ended", types.AppStatusFailed: "broken", types.AppStatusDeleting: "going"} {
		key := l.run("alice", "", types.AppTypeKernelGateway, name)
		must(t, l.cloud.SetAppStatus(account, region, key, studioapi.AppStatus(status), ""))
	}
	want := []string{"alice/JupyterServer/default InService", "alice/KernelGateway/going Deleting", "Work/JupyterLab/default InService"}
	if diff := gocmp.Diff(want, l.running("alice")); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff([]string{"bobs/CodeEditor/default InService"}, l.running("bob")); diff != "" {
		t.Error(diff)
	}
	if got := l.running("nobody"); len(got) != 0 {
		t.Errorf("a profile without apps: %v", got)
	}
}

func TestAppsAndSpacesAreReadOverAllPages(t *testing.T) {
	l := newLab(t, "alice", "bob")
	for n := range 105 {
		l.run("alice", "", types.AppTypeKernelGateway, fmt.Sprint("kernel-", n))
		l.space(fmt.Sprint("bobs-", n), "bob", types.SharingTypePrivate)
	}
	l.space("last", "alice", types.SharingTypePrivate)
	l.run("", "last", types.AppTypeJupyterLab, "default")
	if got := l.running("alice"); len(got) != 106 || got[105] != "last/JupyterLab/default InService" {
		t.Errorf("%d apps, the last is %v", len(got), got[len(got)-1:])
	}
	for _, operation := range []string{"ListApps", "ListSpaces"} {
		l.cloud.ClearFaults()
		l.cloud.Inject(localcloud.Fault{Operation: operation, After: 1, Code: "AccessDeniedException"})
		if got, err := l.apps.Apps(t.Context(), l.domain, "alice"); err == nil || got != nil {
			t.Errorf("the second page of %s failed: got %d apps and %v", operation, len(got), err)
		}
	}
}

func TestEveryListOfAppsFailsRatherThanAnswerLess(t *testing.T) {
	t.Parallel() // it mostly waits for the request rates
	l := newLab(t, "alice")
	l.space("work", "alice", types.SharingTypePrivate)
	read := func() error { _, err := l.apps.Apps(t.Context(), l.domain, "alice"); return err }
	failsOnEveryFailure(t, l.cloud, "sagemaker", "ListApps", read)
	failsOnEveryFailure(t, l.cloud, "sagemaker", "ListSpaces", read)
	l.cloud.Inject(localcloud.Fault{Operation: "ListApps", Resource: "SpaceNameEquals", Code: "AccessDeniedException"})
	if err := read(); FaultOf(err) != Denied || !strings.Contains(err.Error(), `space "work"`) {
		t.Errorf("the apps of a space cannot be listed: got %v", err)
	}
	l.domain.ID = "d-otherdomain1"
	if err := read(); err == nil || errors.Is(err, reconcile.ErrGone) {
		t.Errorf("a domain that is not there: got %v", err)
	}
}

func TestAnAppThatHasNoNameIsAnError(t *testing.T) {
	s := served(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ListSpaces") {
			_, _ = io.WriteString(w, `{"Spaces":[]}`)
			return
		}
		_, _ = io.WriteString(w, `{"Apps":[{"UserProfileName":"alice","AppType":"JupyterServer","Status":"InService"}]}`)
	})
	if got, err := (&Apps{s}).Apps(t.Context(), research(), "alice"); err == nil {
		t.Errorf("got %v", got)
	}
}

func TestAnAppIsStoppedOnceAndForAll(t *testing.T) {
	l := newLab(t, "alice")
	l.space("work", "alice", types.SharingTypePrivate)
	l.run("alice", "", types.AppTypeJupyterServer, "default")
	l.run("", "work", types.AppTypeJupyterLab, "default")
	apps, err := l.apps.Apps(t.Context(), l.domain, "alice")
	must(t, err)
	for _, state := range []string{"in service", "deleting"} {
		for _, app := range apps {
			if err := l.apps.StopApp(t.Context(), l.domain, app); err != nil {
				t.Errorf("%s: %v", state, err)
			}
		}
	}
	if diff := gocmp.Diff([]string{"alice/JupyterServer/default Deleting", "work/JupyterLab/default Deleting"}, l.running("alice")); diff != "" {
		t.Error(diff)
	}
	for _, state := range []string{"deleted", "forgotten"} {
		l.cloud.Advance(13 * time.Hour)
		for _, app := range apps {
			if err := l.apps.StopApp(t.Context(), l.domain, app); err != nil {
				t.Errorf("%s: %v", state, err)
			}
		}
	}
	if got := l.running("alice"); len(got) != 0 {
		t.Errorf("still there: %v", got)
	}
}

func TestAFailedAppNeedsNoStopping(t *testing.T) {
	l := newLab(t, "alice")
	key := l.run("alice", "", types.AppTypeJupyterServer, "default")
	must(t, l.cloud.SetAppStatus(account, region, key, studioapi.AppStatusFailed, "no capacity"))
	must(t, l.apps.StopApp(t.Context(), l.domain, studio.App{Profile: "alice", Type: "JupyterServer", Name: "default"}))
}

func TestAnAppThatCannotBeStoppedIsAnError(t *testing.T) {
	l := newLab(t, "alice")
	l.run("alice", "", types.AppTypeJupyterServer, "default")
	app := studio.App{Profile: "alice", Type: "JupyterServer", Name: "default"}
	l.cloud.Inject(localcloud.Fault{Operation: "DeleteApp", Code: "AccessDeniedException"})
	if err := l.apps.StopApp(t.Context(), l.domain, app); FaultOf(err) != Denied || !strings.Contains(err.Error(), `JupyterServer app "default" of user profile "alice"`) {
		t.Errorf("got %v", err)
	}
	l.cloud.ClearFaults()
	l.domain.ID = "d-otherdomain1"
	l.cloud.Inject(localcloud.Fault{Operation: "DeleteApp", Code: "ResourceNotFound", Message: "Domain [d-otherdomain1] does not exist."})
	if err := l.apps.StopApp(t.Context(), l.domain, app); FaultOf(err) != Missing {
		t.Errorf("a domain that is not there: got %v", err)
	}
}
