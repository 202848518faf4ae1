package scim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/scim"
)

const (
	account = "111122223333"
	home    = "us-east-1"
	storeID = "d-906716eb24"
	nobody  = "04c8e458-a021-702e-f9d1-7f430ff2c752"
)

// world is a local cloud whose identity store takes SCIM, in memory.
type world struct {
	t        testing.TB
	cloud    *localcloud.Cloud
	endpoint config.SCIM
	token    string
	http     *http.Client
}

func newWorld(t testing.TB, cloud *localcloud.Cloud) *world {
	t.Helper()
	t.Cleanup(cloud.Close)
	w := &world{t: t, cloud: cloud, http: &http.Client{Transport: localcloud.Transport{Cloud: cloud}}}
	w.must(cloud.CreateIdentityStore(account, home, storeID))
	tenant, token, err := cloud.EnableSCIM(account, home, storeID)
	w.must(err)
	w.endpoint, w.token = config.SCIM{Endpoint: "https://scim." + home + ".amazonaws.com/" + tenant + "/scim/v2/"}, token
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) client() *scim.Client { return scim.New(w.endpoint, w.token, w.http) }

// users are all users as the Identity Store API shows them.
func (w *world) users() (all []directory.Person) {
	w.t.Helper()
	api := identitystore.NewFromConfig(aws.Config{
		Region: home, HTTPClient: w.http, BaseEndpoint: aws.String("http://local.test"), Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
	out, err := api.ListUsers(context.Background(), &identitystore.ListUsersInput{IdentityStoreId: aws.String(storeID)})
	w.must(err)
	for _, u := range out.Users {
		p := directory.Person{
			ID: *u.UserId, UserName: *u.UserName, DisplayName: *u.DisplayName, GivenName: *u.Name.GivenName, FamilyName: *u.Name.FamilyName,
			Disabled: u.UserStatus == "DISABLED",
		}
		for _, e := range u.Emails {
			p.Email = *e.Value
		}
		for _, e := range u.ExternalIds {
			p.ExternalID = *e.Id
		}
		all = append(all, p)
	}
	return all
}

// members are the ids of a group's members, sorted.
func (w *world) members(groupID string) (all []string) {
	w.t.Helper()
	api := identitystore.NewFromConfig(aws.Config{
		Region: home, HTTPClient: w.http, BaseEndpoint: aws.String("http://local.test"), Credentials: credentials.NewStaticCredentialsProvider(account, "x", ""),
	})
	pages := identitystore.NewListGroupMembershipsPaginator(api, &identitystore.ListGroupMembershipsInput{IdentityStoreId: aws.String(storeID), GroupId: &groupID})
	for pages.HasMorePages() {
		out, err := pages.NextPage(context.Background())
		w.must(err)
		for _, m := range out.GroupMemberships {
			all = append(all, memberOf(m.MemberId))
		}
	}
	slices.Sort(all)
	return all
}

func person(name string) directory.Person {
	return directory.Person{
		ExternalID: "guid-" + name, UserName: name, Email: name + "@example.com", DisplayName: "The " + name, GivenName: "Given", FamilyName: "Family",
	}
}

func targets(ids ...string) (all []directory.TargetMember) {
	for _, id := range ids {
		all = append(all, directory.TargetMember{UserID: id, Membership: "unused"})
	}
	return all
}

func (w *world) seed(n int) []string {
	w.t.Helper()
	ids, err := w.cloud.Console(account, home, storeID).SeedUsers(n, func(i int) localcloud.Person {
		return localcloud.Person{UserName: fmt.Sprintf("user-%05d", i)}
	})
	w.must(err)
	slices.Sort(ids)
	return ids
}

func TestAUserIsMadeChangedAndDeletedOverASocket(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	server := httptest.NewServer(w.cloud)
	defer server.Close()
	_, path, _ := strings.Cut(w.endpoint.Endpoint, ".com")
	c := scim.New(config.SCIM{Endpoint: server.URL + strings.TrimSuffix(path, "/")}, w.token+"\n", nil)
	want := person("alice")
	id, err := c.CreateUser(ctx, want)
	w.must(err)
	want.ID = id
	if diff := cmp.Diff([]directory.Person{want}, w.users()); diff != "" {
		t.Fatalf("users (-want +got):\n%s", diff)
	}
	for _, change := range []func(*directory.Person){
		func(p *directory.Person) { p.UserName, p.Email = "alice.b", "alice.b@example.com" },
		func(p *directory.Person) { p.GivenName, p.FamilyName, p.DisplayName = "A", "<B> & \"C\"", "Ä" },
		func(p *directory.Person) { p.Disabled = true },
		func(p *directory.Person) { p.Disabled = false; p.Email = "" },
		func(p *directory.Person) { p.Email, p.ExternalID = "alice@example.com", "guid-2" },
		func(p *directory.Person) { p.ExternalID = "" },
		func(*directory.Person) {},
	} {
		before := want
		change(&want)
		w.must(c.UpdateUser(ctx, before, want))
		if diff := cmp.Diff([]directory.Person{want}, w.users()); diff != "" {
			t.Fatalf("users (-want +got):\n%s", diff)
		}
	}
	if n := w.cloud.CallCounts()["scim.PatchUser"]; n != 6 {
		t.Errorf("%d requests for six changes", n)
	}
	for range 2 {
		w.must(c.DeleteUser(ctx, id))
	}
	if left := w.users(); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

func TestWhatIsWrittenIsHeardAsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := newWorld(t, &localcloud.Cloud{})
		c := w.client()
		alice, err := c.CreateUser(ctx, person("alice"))
		w.must(err)
		group, err := c.CreateGroup(ctx, directory.TargetGroup{Name: "ml"})
		w.must(err)
		w.must(c.AddMembers(ctx, group, []string{alice}))
		w.must(c.UpdateUser(ctx, directory.Person{ID: alice}, directory.Person{Disabled: true}))
		var got []string
		for _, d := range w.cloud.Events() {
			looks, err := event.Parse(d.Event)
			w.must(err)
			got = append(got, fmt.Sprintf("%+v", looks))
		}
		want := []string{"[]", group, group, alice} // a new user is in no group yet
		for i := range want {
			if len(got) != len(want) || !strings.Contains(got[i], want[i]) {
				t.Fatalf("the events lead to %q, want each of %q in turn", got, want)
			}
		}
	})
}

func TestADisabledUserIsMadeDisabled(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	p := person("alice")
	p.Disabled = true
	_, err := w.client().CreateUser(context.Background(), p)
	w.must(err)
	if got := w.users(); !got[0].Disabled {
		t.Errorf("alice is %+v", got)
	}
	if !w.client().CanDisable() {
		t.Error("CanDisable is false")
	}
}

func TestMembersGoInRequestsOfAHundredAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := newWorld(t, &localcloud.Cloud{})
		c, ids := w.client(), w.seed(40)
		many := slices.Concat(ids, ids, ids)
		group, err := c.CreateGroup(ctx, directory.TargetGroup{Name: "ml", ExternalID: "guid-ml"})
		w.must(err)
		w.must(c.AddMembers(ctx, group, ids[:3]))
		w.must(c.AddMembers(ctx, group, nil))
		w.must(c.AddMembers(ctx, group, many))
		if diff := cmp.Diff(ids, w.members(group)); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		w.must(c.RemoveMembers(ctx, group, targets(ids[:30]...)))
		w.must(c.RemoveMembers(ctx, group, targets(ids[:30]...)))
		if diff := cmp.Diff(ids[30:], w.members(group)); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		w.must(c.RenameGroup(ctx, group, "ml 2"))
		if n := w.cloud.CallCounts()["scim.PatchGroup"]; n != 6 {
			t.Errorf("%d requests, want 6", n)
		}
		if id, err := c.CreateGroup(ctx, directory.TargetGroup{Name: "ml"}); err != nil || id == group {
			t.Errorf("the old name: %s, %v", id, err)
		}
	})
}

func TestWhoIsGoneKeepsNobodyElseOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := newWorld(t, &localcloud.Cloud{})
		c, ids := w.client(), w.seed(3)
		group, err := c.CreateGroup(ctx, directory.TargetGroup{Name: "ml"})
		w.must(err)
		err = c.AddMembers(ctx, group, []string{ids[0], nobody, ids[1], ids[2]})
		if !errors.Is(err, provision.ErrGone) || !strings.Contains(err.Error(), nobody) || strings.Contains(err.Error(), ids[0]) {
			t.Errorf("adding somebody who is gone: %v", err)
		}
		if diff := cmp.Diff(ids, w.members(group)); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		w.must(c.RemoveMembers(ctx, group, targets(nobody, ids[0])))
		w.must(c.RemoveMembers(ctx, group, targets(nobody)))
		if diff := cmp.Diff(ids[1:], w.members(group)); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		w.must(c.RemoveMembers(ctx, nobody, targets(ids...)))
		if err := c.AddMembers(ctx, nobody, ids); !errors.Is(err, provision.ErrGone) {
			t.Errorf("adding to a group that is gone: %v", err)
		}
	})
}

func TestARealFailureIsNotTakenForSomebodyGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		w := newWorld(t, &localcloud.Cloud{})
		c, ids := w.client(), w.seed(2)
		group, err := c.CreateGroup(ctx, directory.TargetGroup{Name: "ml"})
		w.must(err)
		w.cloud.Inject(localcloud.Fault{Service: "scim", Operation: "PatchGroup", After: 2, Code: "AccessDeniedException"})
		if err := c.RemoveMembers(ctx, group, targets(nobody, ids[0])); err == nil || errors.Is(err, provision.ErrGone) {
			t.Errorf("removing: %v", err)
		}
	})
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	alice, err := w.client().CreateUser(ctx, person("alice"))
	w.must(err)
	group, err := w.client().CreateGroup(ctx, directory.TargetGroup{Name: "ml"})
	w.must(err)
	bob, err := w.client().CreateUser(ctx, person("bob"))
	w.must(err)
	taken := person("alice")
	taken.ExternalID, taken.Email = "other", ""
	sameMail := person("carol")
	sameMail.Email = "ALICE@example.com"
	for _, row := range []struct {
		what string
		do   func(c *scim.Client) error
		is   error
		says []string
	}{
		{"a taken user name", func(c *scim.Client) error { _, err := c.CreateUser(ctx, taken); return err }, provision.ErrTaken, []string{`creating user "alice"`, "409"}},
		{"a taken address", func(c *scim.Client) error { _, err := c.CreateUser(ctx, sameMail); return err }, provision.ErrTaken, []string{"somebody's already"}},
		{"a taken group name", func(c *scim.Client) error {
			_, err := c.CreateGroup(ctx, directory.TargetGroup{Name: "ml"})
			return err
		}, provision.ErrTaken, []string{`creating group "ml"`}},
		{"renaming to a taken name", func(c *scim.Client) error {
			return c.UpdateUser(ctx, directory.Person{ID: bob, UserName: "bob"}, directory.Person{UserName: "alice"})
		}, provision.ErrTaken, []string{bob}},
		{"a user who is gone", func(c *scim.Client) error {
			return c.UpdateUser(ctx, directory.Person{ID: nobody}, directory.Person{Disabled: true})
		}, provision.ErrGone, []string{nobody, "no such user"}},
		{"a group that is gone", func(c *scim.Client) error { return c.RenameGroup(ctx, nobody, "x") }, provision.ErrGone, []string{nobody}},
		{"a user without a name", func(c *scim.Client) error {
			_, err := c.CreateUser(ctx, directory.Person{UserName: "x"})
			return err
		}, nil, []string{"400", "CloudTrail", "(request "}},
		{"no id", func(c *scim.Client) error { return c.DeleteUser(ctx, "") }, nil, []string{"without an id"}},
	} {
		err := row.do(w.client())
		if err == nil || (row.is != nil && !errors.Is(err, row.is)) || (row.is == nil && (errors.Is(err, provision.ErrGone) || errors.Is(err, provision.ErrTaken))) {
			t.Errorf("%s: %v, want %v", row.what, err, row.is)
			continue
		}
		for _, text := range row.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v does not say %q", row.what, err, text)
			}
		}
	}
	if got := w.members(group); len(got) != 0 || len(w.users()) != 2 || w.users()[0].ID != alice {
		t.Error("a refusal changed something")
	}
}

func TestATokenThatIsOverOrNotPermittedIsExplained(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	err := w.client().DeleteUser(ctx, nobody)
	w.must(err)
	bad := scim.New(w.endpoint, "not-the-token", w.http)
	if err := bad.DeleteUser(ctx, nobody); err == nil || !strings.Contains(err.Error(), "a year at most") || strings.Contains(err.Error(), "not-the-token") {
		t.Errorf("a wrong token: %v", err)
	}
	w.must(w.cloud.SetIdentitySource(account, home, storeID, localcloud.ActiveDirectory))
	if err := w.client().DeleteUser(ctx, nobody); err == nil || !strings.Contains(err.Error(), "external identity provider") {
		t.Errorf("with Active Directory as the source: %v", err)
	}
	if n := w.cloud.CallCounts()["scim.DeleteUser"]; n != 3 {
		t.Errorf("%d requests: a refusal was asked again", n)
	}
}
