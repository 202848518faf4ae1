package awscloud

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	gocmp "github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
	"studiokeeper/internal/studio"
)

func (l *lab) spaces() *Spaces { return &Spaces{l.apps.Session} }

func TestAProfilesSpacesAreThoseItOwnsInEveryState(t *testing.T) {
	l := newLab(t, "alice", "bob")
	want := []studio.Space{}
	for n, status := range types.SpaceStatus("").Values() {
		name, sharing := fmt.Sprint("Space-", n), types.SharingTypePrivate
		if n%2 == 1 {
			sharing = types.SharingTypeShared
		}
		l.space(name, "alice", sharing)
		must(t, l.cloud.SetSpaceStatus(account, region, l.domain.ID, name, studioapi.SpaceStatus(status), ""))
		want = append(want, studio.Space{Name: name, Owner: "alice", Shared: n%2 == 1, Status: studio.ProfileStatus(status)})
	}
	l.space("bobs", "bob", types.SharingTypePrivate)
	_, err := l.client.CreateSpace(t.Context(), &sagemaker.CreateSpaceInput{DomainId: &l.domain.ID, SpaceName: aws.String("nobodys")})
	must(t, err)
	for _, profile := range []string{"alice", "ALICE"} {
		got, err := l.spaces().Spaces(t.Context(), l.domain, profile)
		must(t, err)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("spaces of %s: %s", profile, diff)
		}
	}
	for _, profile := range []string{"carol", ""} {
		if got, err := l.spaces().Spaces(t.Context(), l.domain, profile); len(got) != 0 || err != nil {
			t.Errorf("profile %q owns nothing: got %v, %v", profile, got, err)
		}
	}
}

func TestTheAppsOfASpaceAreThoseThatRunInIt(t *testing.T) {
	l := newLab(t, "alice")
	l.space("Team", "alice", types.SharingTypeShared)
	l.space("work", "alice", types.SharingTypePrivate)
	l.run("alice", "", types.AppTypeJupyterServer, "default")
	l.run("", "work", types.AppTypeJupyterLab, "default")
	l.run("", "Team", types.AppTypeJupyterLab, "default")
	ended := l.run("", "Team", types.AppTypeCodeEditor, "default")
	must(t, l.cloud.SetAppStatus(account, region, ended, studioapi.AppStatusDeleted, ""))
	for _, space := range []string{"Team", "team"} {
		apps, err := l.spaces().SpaceApps(t.Context(), l.domain, space)
		must(t, err)
		if len(apps) != 1 || apps[0].Space != "Team" || apps[0].Type != "JupyterLab" || apps[0].Status != studio.AppInService || apps[0].Created.IsZero() {
			t.Errorf("apps of %s: %+v", space, apps)
		}
	}
	if got, err := l.spaces().SpaceApps(t.Context(), l.domain, "gone"); len(got) != 0 || err != nil {
		t.Errorf("a space that is not there: got %v, %v", got, err)
	}
	l.cloud.ResetCalls()
	if got, err := l.spaces().SpaceApps(t.Context(), l.domain, ""); err == nil || len(l.cloud.Calls()) != 0 {
		t.Errorf("a space without a name: got %v after %d calls", got, len(l.cloud.Calls()))
	}
}

func TestSpacesAreReadOverAllPagesOrNotAtAll(t *testing.T) {
	l := newLab(t, "alice", "bob")
	for n := range 110 {
		l.space(fmt.Sprint("space-", n), []string{"alice", "bob"}[n%2], types.SharingTypePrivate)
	}
	for profile, want := range map[string]int{"alice": 55, "bob": 55} {
		if got, err := l.spaces().Spaces(t.Context(), l.domain, profile); len(got) != want || err != nil {
			t.Errorf("%s has %d spaces, %v; want %d", profile, len(got), err, want)
		}
	}
	l.cloud.Inject(localcloud.Fault{Operation: "ListSpaces", After: 1, Code: "AccessDeniedException"})
	if got, err := l.spaces().Spaces(t.Context(), l.domain, "alice"); FaultOf(err) != Denied || got != nil {
		t.Errorf("the second page failed: got %d spaces and %v", len(got), err)
	}
}

func TestEveryListOfSpacesFailsRatherThanAnswerLess(t *testing.T) {
	t.Parallel() // it mostly waits for the request rates
	l := newLab(t, "alice")
	l.space("work", "alice", types.SharingTypePrivate)
	spaces := func() error { _, err := l.spaces().Spaces(t.Context(), l.domain, "alice"); return err }
	apps := func() error { _, err := l.spaces().SpaceApps(t.Context(), l.domain, "work"); return err }
	failsOnEveryFailure(t, l.cloud, "sagemaker", "ListSpaces", spaces)
	failsOnEveryFailure(t, l.cloud, "sagemaker", "ListApps", apps)
	l.domain.ID = "d-otherdomain1"
	for name, read := range map[string]func() error{"spaces": spaces, "apps": apps} {
		if err := read(); FaultOf(err) != Missing {
			t.Errorf("%s of a domain that is not there: got %v", name, err)
		}
	}
}

func TestASpaceIsPrivateOnlyWhenItSaysSo(t *testing.T) {
	tests := []struct {
		name, space  string
		shared, fail bool
	}{
		{"private", `"SpaceName":"s","Status":"InService","SpaceSharingSettingsSummary":{"SharingType":"Private"}`, false, false},
		{"shared", `"SpaceName":"s","Status":"InService","SpaceSharingSettingsSummary":{"SharingType":"Shared"}`, true, false},
		{"a sharing type that nobody knows yet", `"SpaceName":"s","Status":"InService","SpaceSharingSettingsSummary":{"SharingType":"private-ish"}`, true, false},
		{"no sharing settings", `"SpaceName":"s","Status":"InService"`, true, false},
		{"no name", `"Status":"InService"`, false, true},
		{"no status", `"SpaceName":"s"`, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := served(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"Spaces":[{"OwnershipSettingsSummary":{"OwnerUserProfileName":"alice"},`+test.space+`}]}`)
			})
			got, err := (&Spaces{s}).Spaces(t.Context(), research(), "alice")
			if test.fail {
				if err == nil || !strings.Contains(err.Error(), "cannot be relied on") {
					t.Errorf("got %v, %v", got, err)
				}
				return
			}
			if err != nil || len(got) != 1 || got[0].Shared != test.shared {
				t.Errorf("got %+v, %v; want shared %v", got, err, test.shared)
			}
		})
	}
}
