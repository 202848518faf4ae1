package awscloud

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func (l *lab) remover() *Remover   { return &Remover{l.apps.Session} }
func (l *lab) profiles() *Profiles { return &Profiles{l.apps.Session} }
func (l *lab) deleteSpace() error  { return l.remover().DeleteSpace(l.t.Context(), l.domain, "work") }
func (l *lab) deleteProfile() error {
	return l.remover().DeleteProfile(l.t.Context(), l.domain, "alice")
}
func (l *lab) pass(d time.Duration) { l.cloud.Advance(d) }
func (l *lab) alice() studio.Profile {
	return studio.Profile{Name: "alice", ARN: profileARN(l.domain, "alice")}
}

func (l *lab) busy(what string, err error) {
	l.t.Helper()
	if !errors.Is(err, reconcile.ErrBusy) {
		l.t.Errorf("%s: got %v, want ErrBusy", what, err)
	}
}

// slow makes spaces and profiles take as long as on AWS, from here on.
func (l *lab) slow() { l.cloud.SpaceDelay, l.cloud.ProfileDelay = 0, 0 }

func TestAppsThenSpacesThenTheProfileAreRemoved(t *testing.T) {
	l := newLab(t, "alice")
	l.space("work", "alice", types.SharingTypePrivate)
	l.run("", "work", types.AppTypeJupyterLab, "default")
	l.slow()
	l.busy("a space with an app", l.deleteSpace())
	l.busy("a profile with a space", l.deleteProfile())
	apps, err := l.spaces().SpaceApps(t.Context(), l.domain, "work")
	must(t, err)
	must(t, l.apps.StopApp(t.Context(), l.domain, apps[0]))
	l.busy("a space whose app is deleting", l.deleteSpace())
	l.pass(localcloud.DefaultAppStopDelay)
	for _, state := range []string{"in service", "deleting", "gone"} {
		if err := l.deleteSpace(); err != nil {
			t.Errorf("a space that is %s: %v", state, err)
		}
		if state == "deleting" {
			l.busy("a profile with a space that is deleting", l.deleteProfile())
			l.pass(localcloud.DefaultSpaceDelay)
		}
	}
	for _, state := range []string{"in service", "deleting", "gone"} {
		if err := l.deleteProfile(); err != nil {
			t.Errorf("a profile that is %s: %v", state, err)
		}
		if state == "deleting" {
			l.pass(localcloud.DefaultProfileDelay)
		}
	}
	if _, err := l.profiles().Describe(t.Context(), l.domain, "alice"); !errors.Is(err, reconcile.ErrGone) {
		t.Errorf("the profile is still there: %v", err)
	}
}

func TestWhatIsStillChangingIsBusyAndWhatFailedIsNot(t *testing.T) {
	tests := []struct {
		space   types.SpaceStatus
		profile types.UserProfileStatus
		busy    bool
	}{
		{types.SpaceStatusPending, types.UserProfileStatusPending, true},
		{types.SpaceStatusUpdating, types.UserProfileStatusUpdating, true},
		{types.SpaceStatusFailed, types.UserProfileStatusFailed, false},
		{types.SpaceStatusUpdateFailed, types.UserProfileStatusUpdateFailed, false},
		{types.SpaceStatusDeleteFailed, types.UserProfileStatusDeleteFailed, false},
	}
	for _, test := range tests {
		t.Run(string(test.space), func(t *testing.T) {
			l := newLab(t, "alice", "bob")
			l.space("work", "bob", types.SharingTypePrivate)
			must(t, l.cloud.SetSpaceStatus(account, region, l.domain.ID, "work", studioapi.SpaceStatus(test.space), ""))
			must(t, l.cloud.SetProfileStatus(account, region, l.domain.ID, "alice", studioapi.UserProfileStatus(test.profile), ""))
			for what, err := range map[string]error{"the space": l.deleteSpace(), "the profile": l.deleteProfile()} {
				if errors.Is(err, reconcile.ErrBusy) != test.busy || (err != nil) != test.busy {
					t.Errorf("%s: got %v, want busy %v", what, err, test.busy)
				}
			}
		})
	}
}

func TestARemovalWhoseAnswerWasLostIsNoError(t *testing.T) {
	l := newLab(t, "alice")
	l.space("work", "alice", types.SharingTypePrivate)
	must(t, l.profiles().Tag(t.Context(), l.domain, l.alice(), map[string]string{"a": "1", "b": "2"}))
	l.slow()
	for _, operation := range []string{"DeleteTags", "DeleteSpace", "DeleteUserProfile"} {
		l.cloud.Inject(localcloud.Fault{Operation: operation, Times: 1, Drop: true, Effect: localcloud.After})
	}
	must(t, l.remover().Untag(t.Context(), l.domain, l.alice(), "a"))
	must(t, l.deleteSpace())
	l.pass(localcloud.DefaultSpaceDelay)
	must(t, l.deleteProfile())
	for _, operation := range []string{"DeleteTags", "DeleteSpace", "DeleteUserProfile"} {
		if calls := l.cloud.CallCounts()["sagemaker."+operation]; calls != 2 {
			t.Errorf("%s was called %d times, want 2: its first answer was to be lost", operation, calls)
		}
	}
}

func TestOnlyTheTagsThatAreNamedAreTakenAway(t *testing.T) {
	l := newLab(t, "alice")
	must(t, l.profiles().Tag(t.Context(), l.domain, l.alice(), map[string]string{
		studio.TagDeployment: "prod", studio.TagLeaving: "2026-01-02T03:04:05Z", studio.TagGroup: identity(1001), "theirs": "x",
	}))
	for range 2 {
		must(t, l.remover().Untag(t.Context(), l.domain, l.alice(), studio.TagLeaving, studio.TagGroup))
	}
	is, err := l.profiles().Read(t.Context(), l.domain, "alice")
	must(t, err)
	if diff := cmp.Diff(map[string]string{studio.TagDeployment: "prod", "theirs": "x"}, is.Tags); diff != "" {
		t.Error(diff)
	}
	nobody := studio.Profile{Name: "nobody", ARN: profileARN(l.domain, "nobody")}
	must(t, l.remover().Untag(t.Context(), l.domain, nobody, studio.TagLeaving))
	l.cloud.ResetCalls()
	must(t, l.remover().Untag(t.Context(), l.domain, l.alice()))
	if err := l.remover().Untag(t.Context(), l.domain, studio.Profile{Name: "alice"}, "a"); err == nil || !strings.Contains(err.Error(), "ARN is not known") {
		t.Errorf("a profile without an ARN: got %v", err)
	}
	if calls := l.cloud.Calls(); len(calls) != 0 {
		t.Errorf("no keys and no ARN need no calls: %v", calls)
	}
}

func TestWhatCannotBeRemovedIsAnError(t *testing.T) {
	t.Parallel() // it mostly waits for the request rates
	l := newLab(t, "alice")
	l.space("work", "alice", types.SharingTypePrivate)
	failsOnEveryFailure(t, l.cloud, "sagemaker", "DeleteSpace", l.deleteSpace)
	failsOnEveryFailure(t, l.cloud, "sagemaker", "DeleteUserProfile", l.deleteProfile)
	failsOnEveryFailure(t, l.cloud, "sagemaker", "DeleteTags", func() error {
		return l.remover().Untag(t.Context(), l.domain, l.alice(), "a")
	})
	l.domain.ID = "d-otherdomain1"
	for what, err := range map[string]error{`space "work"`: l.deleteSpace(), `user profile "alice"`: l.deleteProfile()} {
		if FaultOf(err) != Missing || !strings.Contains(err.Error(), what+" in domain d-otherdomain1") {
			t.Errorf("%s of a domain that is not there: got %v", what, err)
		}
	}
}
