package awscloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func settings(t *testing.T, text string) studio.Settings {
	t.Helper()
	s, err := studio.ParseSettings([]byte(text))
	must(t, err)
	return s
}

func aliceProfile(t *testing.T) studio.Profile {
	return studio.Profile{
		Name: "alice-example-com-abcdefghij", SSOUser: "alice@example.com", Role: roleNamed("ad-group-1"),
		Settings: settings(t, `{"SecurityGroups":["sg-0a1b2c3d"],"JupyterLabAppSettings":{"LifecycleConfigArns":[],
			"AppLifecycleManagement":{"IdleSettings":{"LifecycleManagement":"ENABLED","IdleTimeoutInMinutes":120}}}}`),
		Tags: map[string]string{studio.TagDeployment: "prod", studio.TagUserID: identity(1), studio.TagGroup: identity(1001)},
	}
}

func TestAProfileIsCreatedAndReadBackWhole(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, nil)
	d := studioDomain(t, s, Place{Region: region})
	profiles, want := &Profiles{s}, aliceProfile(t)
	must(t, profiles.Create(t.Context(), d, want))

	cloud.ResetCalls()
	got, err := profiles.Read(t.Context(), d, want.Name)
	must(t, err)
	want.ARN = "arn:aws:sagemaker:us-east-1:111122223333:user-profile/" + d.ID + "/" + want.Name
	want.Status = studio.InService
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(studio.Profile{}, "Created", "Modified", "HomeUID", "Settings")); diff != "" {
		t.Error(diff)
	}
	if missing := want.Settings.Differences(got.Settings); len(missing) > 0 {
		t.Errorf("settings %v are not as asked: %s", missing, got.Settings)
	}
	if age := time.Since(got.Created); age < 0 || age > time.Minute || got.HomeUID == "" {
		t.Errorf("created %v, home %q", got.Created, got.HomeUID)
	}
	if calls := cloud.Calls(); len(calls) != 2 {
		t.Errorf("%d calls to read a profile, want 2", len(calls))
	}
}

func TestUpdateAndTagChangeWhatTheyName(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, nil)
	d := studioDomain(t, s, Place{Region: region})
	profiles, p := &Profiles{s}, aliceProfile(t)
	must(t, profiles.Create(t.Context(), d, p))
	must(t, profiles.Update(t.Context(), d, p.Name, roleNamed("ad-group-2"), settings(t, `{"SecurityGroups":["sg-1"]}`)))
	got, err := profiles.Read(t.Context(), d, p.Name)
	must(t, err)
	for range 2 {
		must(t, profiles.Tag(t.Context(), d, got, map[string]string{studio.TagGroup: identity(1002), studio.TagApplied: "0a1b"}))
	}
	got, err = profiles.Read(t.Context(), d, p.Name)
	must(t, err)
	p.Tags[studio.TagGroup], p.Tags[studio.TagApplied] = identity(1002), "0a1b"
	if diff := cmp.Diff(p.Tags, got.Tags); diff != "" {
		t.Error(diff)
	}
	if got.Role != roleNamed("ad-group-2") || !strings.Contains(string(got.Settings), `["sg-1"]`) || !strings.Contains(string(got.Settings), "IdleTimeoutInMinutes") {
		t.Errorf("role %s, settings %s: a field left out must stay", got.Role, got.Settings)
	}
	must(t, profiles.Tag(t.Context(), d, studio.Profile{Name: p.Name, ARN: got.ARN}, nil))
	if err := profiles.Tag(t.Context(), d, studio.Profile{Name: p.Name}, p.Tags); err == nil {
		t.Error("tagging without an ARN: no error")
	}
}

func TestSettingsOfTomorrowPassThrough(t *testing.T) {
	var sent string
	s := served(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "UpdateUserProfile") {
			sent = string(body)
			_, _ = io.WriteString(w, `{}`)
			return
		}
		_, _ = io.WriteString(w, `{"UserProfileName":"alice","UserProfileArn":"arn","Status":"InService","LastModifiedTime":1.664231058123E9,
			"UserSettings":{"ExecutionRole":"r","HoloDeck":{"Level":12345678901234567890}}}`)
	})
	profiles := &Profiles{s}
	got, err := profiles.Describe(t.Context(), research(), "alice")
	must(t, err)
	want := studio.Profile{
		Name: "alice", ARN: "arn", Status: studio.InService, Role: "r", Settings: `{"HoloDeck":{"Level":12345678901234567890}}`,
		Modified: time.Date(2022, 9, 26, 22, 24, 18, 123e6, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	must(t, profiles.Update(t.Context(), research(), "alice", "r", got.Settings))
	if want := `{"DomainId":"d-abcdefghijkl","UserProfileName":"alice","UserSettings":{"ExecutionRole":"r","HoloDeck":{"Level":12345678901234567890}}}`; sent != want {
		t.Errorf("sent %s, want %s", sent, want)
	}
}

func TestProfilesAreListedOverAllPages(t *testing.T) {
	cloud, s := newCloud(t)
	var names []string
	for n := range 230 {
		names = append(names, fmt.Sprintf("user%d@example.com", n))
	}
	directory(t, cloud, names, nil)
	d := studioDomain(t, s, Place{Region: region})
	profiles := &Profiles{s}
	unlimited := sagemaker.NewFromConfig(s.base)
	for n, name := range names {
		_, err := unlimited.CreateUserProfile(t.Context(), &sagemaker.CreateUserProfileInput{
			DomainId: &d.ID, UserProfileName: aws.String(fmt.Sprintf("User-%d-ab", n)),
			SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &name,
		})
		must(t, err)
	}
	for part, want := range map[string]int{"": 230, "user-1": 111, "USER-22-": 1, "nobody": 0} {
		got, err := profiles.List(t.Context(), d, part)
		must(t, err)
		if len(got) != want {
			t.Errorf("%q: %d profiles, want %d", part, len(got), want)
		}
		for _, p := range got {
			if p.Status != studio.InService || p.Created.IsZero() || p.Modified.IsZero() {
				t.Fatalf("%q: %+v", part, p)
			}
		}
	}
	cloud.Inject(localcloud.Fault{Operation: "ListUserProfiles", After: 2, Code: "ValidationException"})
	if got, err := profiles.List(t.Context(), d, ""); err == nil {
		t.Errorf("the third page failed: got %d profiles and no error", len(got))
	}
}

func TestWhatIsMissingIsToldApart(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, nil, nil)
	d := studioDomain(t, s, Place{Region: region})
	other, abroad := d, d
	other.ID, abroad.Region = "d-otherdomain1", "eu-west-1"
	profiles := &Profiles{s}
	tests := []struct {
		name string
		d    studio.Domain
		gone bool
	}{{"the profile", d, true}, {"the domain", other, false}, {"the domain in this Region", abroad, false}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, describe := profiles.Describe(t.Context(), test.d, "alice")
			_, read := profiles.Read(t.Context(), test.d, "alice")
			update := profiles.Update(t.Context(), test.d, "alice", roleNamed("x"), "")
			for call, err := range map[string]error{"Describe": describe, "Read": read, "Update": update} {
				if err == nil || errors.Is(err, reconcile.ErrGone) != test.gone {
					t.Errorf("%s: got %v", call, err)
				}
			}
			if _, err := profiles.List(t.Context(), test.d, ""); (err == nil) != test.gone {
				t.Errorf("List: got %v", err)
			}
		})
	}
	tag := profiles.Tag(t.Context(), d, studio.Profile{Name: "alice", ARN: profileARN(d, "alice")}, map[string]string{"a": "b"})
	if !errors.Is(tag, reconcile.ErrGone) {
		t.Errorf("Tag: got %v, want ErrGone", tag)
	}
}

func TestRefusedCreationsSayWhy(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com", "bob@example.com"}, nil)
	d := studioDomain(t, s, Place{Region: region})
	profiles, alice := &Profiles{s}, aliceProfile(t)
	must(t, profiles.Create(t.Context(), d, alice))

	again := alice
	again.Name = "another-name"
	if err := profiles.Create(t.Context(), d, again); !errors.Is(err, reconcile.ErrUserHasProfile) {
		t.Errorf("a second profile: got %v", err)
	}
	taken := alice
	taken.Name, taken.SSOUser = strings.ToUpper(alice.Name), "bob@example.com"
	if err := profiles.Create(t.Context(), d, taken); !errors.Is(err, reconcile.ErrNameTaken) {
		t.Errorf("the same name in capitals: got %v", err)
	}
	cloud.Inject(localcloud.Fault{Operation: "CreateUserProfile", Code: "ResourceLimitExceeded"})
	if err := profiles.Create(t.Context(), d, taken); !errors.Is(err, reconcile.ErrQuota) || !strings.Contains(err.Error(), "quota of user profiles (L-AC46C40F)") {
		t.Errorf("at the quota: got %v", err)
	}
	cloud.ClearFaults()
	must(t, cloud.SetProfileStatus(account, region, d.ID, alice.Name, studioapi.UserProfileStatusUpdating, ""))
	if err := profiles.Update(t.Context(), d, alice.Name, alice.Role, ""); !errors.Is(err, reconcile.ErrBusy) {
		t.Errorf("while it changes: got %v", err)
	}
}

func TestACreationWhoseAnswerWasLostEndsInANameThatIsTaken(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, nil)
	d := studioDomain(t, s, Place{Region: region})
	profiles, alice := &Profiles{s}, aliceProfile(t)
	cloud.Inject(localcloud.Fault{Operation: "CreateUserProfile", Times: 1, Drop: true, Effect: localcloud.After})
	if err := profiles.Create(t.Context(), d, alice); !errors.Is(err, reconcile.ErrNameTaken) {
		t.Errorf("got %v", err)
	}
	if _, err := profiles.Read(t.Context(), d, alice.Name); err != nil {
		t.Error(err)
	}
}

func TestEveryProfileReadFailsRatherThanAnswerLess(t *testing.T) {
	t.Parallel() // it mostly waits for the request rates
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, nil)
	d := studioDomain(t, s, Place{Region: region})
	profiles, alice := &Profiles{s}, aliceProfile(t)
	must(t, profiles.Create(t.Context(), d, alice))
	read := func() error { _, err := profiles.Read(t.Context(), d, alice.Name); return err }
	failsOnEveryFailure(t, cloud, "sagemaker", "DescribeUserProfile", read)
	failsOnEveryFailure(t, cloud, "sagemaker", "ListTags", read)
	failsOnEveryFailure(t, cloud, "sagemaker", "ListUserProfiles", func() error {
		_, err := profiles.List(t.Context(), d, "")
		return err
	})
}

// tagService answers DescribeUserProfile with arn, and ListTags from tags by ARN, in pages of one.
func tagService(t *testing.T, arn string, tags map[string][]string, asked *sync.Map) *Session {
	return served(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "DescribeUserProfile") {
			_, _ = fmt.Fprintf(w, `{"UserProfileName":"alice","UserProfileArn":%q,"Status":"InService"}`, arn)
			return
		}
		var in struct{ ResourceArn, NextToken string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		asked.Store(in.ResourceArn, true)
		list, known := tags[in.ResourceArn]
		if !known {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"__type":"ResourceNotFound","message":"no such resource"}`)
			return
		}
		page := 0
		_, _ = fmt.Sscan(in.NextToken, &page)
		if page >= len(list) {
			_, _ = io.WriteString(w, `{"Tags":[]}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"Tags":[{"Key":%q,"Value":"v"}],"NextToken":"%d"}`, list[page], page+1)
	})
}

func TestTagsAreThoseOfTheProfileThatWasDescribed(t *testing.T) {
	const ours = "arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-abcdefghijkl/alice"
	const theirs = "arn:aws:sagemaker:us-east-1:444455556666:user-profile/d-abcdefghijkl/alice"
	tests := []struct {
		name, ask, arn string
		tags           map[string][]string
		want           map[string]string
		gone           bool
	}{
		{"all pages", "alice", ours, map[string][]string{ours: {"a", "b", "c"}}, map[string]string{"a": "v", "b": "v", "c": "v"}, false},
		{"none", "alice", ours, map[string][]string{ours: {}}, map[string]string{}, false},
		{"another ARN than guessed, which has no tags", "alice", theirs, map[string][]string{ours: {}, theirs: {"a"}}, map[string]string{"a": "v"}, false},
		{"another ARN than guessed, which is unknown", "alice", theirs, map[string][]string{theirs: {"a"}}, map[string]string{"a": "v"}, false},
		{"a name in capitals", "Alice", ours, map[string][]string{ours: {"a"}}, map[string]string{"a": "v"}, false},
		{"vanished in between", "alice", ours, nil, nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var asked sync.Map
			got, err := (&Profiles{tagService(t, test.arn, test.tags, &asked)}).Read(t.Context(), research(), test.ask)
			if errors.Is(err, reconcile.ErrGone) != test.gone || (err != nil) != test.gone {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(test.want, got.Tags); diff != "" {
				t.Error(diff)
			}
			if _, guessed := asked.Load(strings.ToLower(ours)); test.ask == "Alice" && guessed && test.arn != ours {
				t.Error("an ARN was guessed from a name in capitals")
			}
		})
	}
}

func TestDescriptionAndTagsAreReadAtTheSameTime(t *testing.T) {
	var under, most atomic.Int32
	both := make(chan struct{})
	s := served(t, func(w http.ResponseWriter, r *http.Request) {
		if now := under.Add(1); now == 2 {
			most.Store(now)
			close(both)
		}
		select {
		case <-both:
		case <-time.After(5 * time.Second):
		}
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ListTags") {
			_, _ = io.WriteString(w, `{"Tags":[]}`)
			return
		}
		_, _ = io.WriteString(w, `{"UserProfileName":"alice","UserProfileArn":"arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-abcdefghijkl/alice","Status":"InService"}`)
	})
	_, err := (&Profiles{s}).Read(t.Context(), research(), "alice")
	must(t, err)
	if most.Load() != 2 {
		t.Error("the second call waited for the first")
	}
}

func TestARNsAreGuessedOnlyWhereTheyAreKnown(t *testing.T) {
	d := research()
	china, gov, without := d, d, d
	china.Region, gov.Region, without.Account = "cn-north-1", "us-gov-west-1", ""
	tests := []struct {
		d          studio.Domain
		name, want string
	}{
		{d, "alice", "arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-abcdefghijkl/alice"},
		{china, "alice", "arn:aws-cn:sagemaker:cn-north-1:111122223333:user-profile/d-abcdefghijkl/alice"},
		{gov, "alice", "arn:aws-us-gov:sagemaker:us-gov-west-1:111122223333:user-profile/d-abcdefghijkl/alice"},
		{without, "alice", ""},
		{d, "Alice", ""},
	}
	for _, test := range tests {
		if got := profileARN(test.d, test.name); got != test.want {
			t.Errorf("%s in %s: got %q, want %q", test.name, test.d.Region, got, test.want)
		}
	}
}
