package awscloud

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func TestUsersAreDescribed(t *testing.T) {
	cloud, s := newCloud(t)
	console := directory(t, cloud, []string{"alice@example.com", "bob@example.com"}, nil)
	must(t, console.DisableUser(identity(2)))
	tests := []struct {
		name string
		id   string
		want studio.User
	}{
		{"enabled", identity(1), studio.User{ID: identity(1), UserName: "alice@example.com", DisplayName: "alice@example.com", Status: studio.Enabled}},
		{"disabled", identity(2), studio.User{ID: identity(2), UserName: "bob@example.com", DisplayName: "bob@example.com", Status: studio.Disabled}},
		{"absent", identity(3), studio.User{ID: identity(3), Status: studio.Absent}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := identityStore(s).User(t.Context(), test.id)
			must(t, err)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAMissingStoreIsNoMissingUserOrGroup(t *testing.T) {
	_, s := newCloud(t)
	i := identityStore(s)
	i.StoreID = "d-0123456789"
	_, user := i.User(t.Context(), identity(1))
	_, userID := i.UserNamed(t.Context(), "alice@example.com")
	_, groupID := i.GroupNamed(t.Context(), "ad-group-1")
	_, members := i.Members(t.Context(), identity(1001))
	_, groupsOf := i.GroupsOf(t.Context(), identity(1))
	_, memberOf := i.MemberOf(t.Context(), identity(1), []string{identity(1001)})
	for name, err := range map[string]error{"User": user, "UserNamed": userID, "GroupNamed": groupID, "Members": members, "MemberOf": memberOf, "GroupsOf": groupsOf} {
		if err == nil || errors.Is(err, reconcile.ErrGone) {
			t.Errorf("%s: got %v, want an error that is not ErrGone", name, err)
		}
	}
}

func TestAUserWithoutAStatusIsEnabledAndAnUnknownStatusIsPassedOn(t *testing.T) {
	for status, want := range map[types.UserStatus]studio.UserStatus{"": studio.Enabled, "ENABLED": studio.Enabled, "DISABLED": studio.Disabled, "LOCKED": "LOCKED"} {
		if got := statusOf(status); got != want {
			t.Errorf("%q: got %q, want %q", status, got, want)
		}
	}
}

func TestNamesAreResolved(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, []string{"R&D (ML)"})
	i := identityStore(s)
	for name, want := range map[string]string{"alice@example.com": identity(1), "nobody@example.com": ""} {
		if got, err := i.UserNamed(t.Context(), name); got != want || err != nil {
			t.Errorf("user %s: got %q, %v; want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"R&D (ML)": identity(1001), "no such group": ""} {
		if got, err := i.GroupNamed(t.Context(), name); got != want || err != nil {
			t.Errorf("group %s: got %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestMembersAreReadOverAllPages(t *testing.T) {
	cloud, s := newCloud(t)
	var names, want []string
	for n := range 250 {
		names, want = append(names, fmt.Sprintf("user%d@example.com", n)), append(want, identity(n+1))
	}
	console := directory(t, cloud, names, []string{"ad-group-1", "empty"})
	for _, id := range want {
		must(t, console.SeedMember(identity(1001), id))
	}
	got, err := identityStore(s).Members(t.Context(), identity(1001))
	must(t, err)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := identityStore(s).Members(t.Context(), identity(1002)); len(got) != 0 || err != nil {
		t.Errorf("the empty group: got %v, %v", got, err)
	}
	if _, err := identityStore(s).Members(t.Context(), identity(1003)); !errors.Is(err, reconcile.ErrGone) {
		t.Errorf("a group that does not exist: got %v, want ErrGone", err)
	}
	cloud.Inject(localcloud.Fault{Operation: "ListGroupMemberships", After: 2, Code: "AccessDeniedException"})
	if got, err := identityStore(s).Members(t.Context(), identity(1001)); err == nil {
		t.Errorf("the third page failed: got %d members and no error", len(got))
	}
}

func TestGroupsOfAUserAreReadOverAllPages(t *testing.T) {
	cloud, s := newCloud(t)
	var groups, want []string
	for n := range 230 {
		groups, want = append(groups, fmt.Sprintf("ad-group-%d", n)), append(want, identity(1001+n))
	}
	console := directory(t, cloud, []string{"alice@example.com", "bob@example.com"}, groups)
	for _, id := range want {
		must(t, console.SeedMember(id, identity(1)))
	}
	got, err := identityStore(s).GroupsOf(t.Context(), identity(1))
	must(t, err)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := identityStore(s).GroupsOf(t.Context(), identity(2)); len(got) != 0 || err != nil {
		t.Errorf("a user in no group: got %v, %v", got, err)
	}
	if got, err := identityStore(s).GroupsOf(t.Context(), identity(3)); got != nil || !errors.Is(err, reconcile.ErrGone) {
		t.Errorf("a user who does not exist: got %v, %v; want ErrGone", got, err)
	}
	cloud.Inject(localcloud.Fault{Operation: "ListGroupMembershipsForMember", After: 2, Code: "AccessDeniedException"})
	if got, err := identityStore(s).GroupsOf(t.Context(), identity(1)); err == nil || got != nil {
		t.Errorf("the third page failed: got %d groups, %v", len(got), err)
	}
}

func TestAGroupsNameIsReadById(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, nil, []string{"R&D (ML)"})
	if got, err := identityStore(s).GroupName(t.Context(), identity(1001)); got != "R&D (ML)" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := identityStore(s).GroupName(t.Context(), identity(1002)); !errors.Is(err, reconcile.ErrGone) {
		t.Errorf("a group that does not exist: got %q, %v", got, err)
	}
}

func TestMembershipIsAnsweredForEveryGroup(t *testing.T) {
	cloud, s := newCloud(t)
	var groups, asked []string
	want := map[string]reconcile.Membership{}
	for n := range 230 {
		groups = append(groups, fmt.Sprintf("ad-group-%d", n))
	}
	console := directory(t, cloud, []string{"alice@example.com"}, groups)
	for n := range groups {
		id := identity(1001 + n)
		asked = append(asked, id)
		want[id] = reconcile.Membership{Member: n%7 == 0}
		if n%7 == 0 {
			must(t, console.SeedMember(id, identity(1)))
		}
	}
	got, err := identityStore(s).MemberOf(t.Context(), identity(1), append(asked, asked[0]))
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if calls := cloud.CallCounts()["identitystore.IsMemberInGroups"]; calls != 3 {
		t.Errorf("%d calls for 230 groups, want 3", calls)
	}
	if got, err := identityStore(s).MemberOf(t.Context(), identity(1), nil); len(got) != 0 || err != nil {
		t.Errorf("no group: got %v, %v", got, err)
	}
}

func TestTheMembershipsOfAUserWhoDoesNotExistAreGone(t *testing.T) {
	cloud, s := newCloud(t)
	var names, many []string
	for n := range 230 {
		names, many = append(names, fmt.Sprintf("ad-group-%d", n)), append(many, identity(1001+n))
	}
	directory(t, cloud, nil, names)
	for name, groups := range map[string][]string{
		"a group that exists":           {identity(1001)},
		"one that does not beside it":   {identity(1001), identity(1900)},
		"more groups than one call has": many,
	} {
		if got, err := identityStore(s).MemberOf(t.Context(), identity(9), groups); got != nil || !errors.Is(err, reconcile.ErrGone) {
			t.Errorf("%s: got %v, %v; want ErrGone", name, got, err)
		}
	}
}

// An identity store that is encrypted with a key of the customer's refuses with the same exceptions when
// it cannot use the key.
func TestAKeyThatCannotBeUsedIsNoMissingOrInvalidName(t *testing.T) {
	for name, body := range map[string]string{
		"it is disabled":  `{"__type":"ValidationException","Message":"the key is disabled","Reason":"KMS_DISABLED"}`,
		"it is not found": `{"__type":"ResourceNotFoundException","Message":"no such key","ResourceType":"GROUP","Reason":"KMS_KEY_NOT_FOUND"}`,
	} {
		s := served(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, body)
		})
		_, err := identityStore(s).GroupNamed(t.Context(), "ad-group-1")
		if err == nil || errors.Is(err, reconcile.ErrInvalid) || errors.Is(err, reconcile.ErrGone) {
			t.Errorf("%s: got %v, want an error of no such meaning", name, err)
		}
	}
}

func TestANameThatNoGroupCanHaveIsInvalid(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, nil, []string{"ad-group-1"})
	cloud.Inject(localcloud.Fault{Operation: "GetGroupId", Resource: "tab", Code: "ValidationException", Message: "it has a tab"})
	got, err := identityStore(s).GroupNamed(t.Context(), "tab")
	if got != "" || !errors.Is(err, reconcile.ErrInvalid) || !strings.Contains(err.Error(), "correct it") {
		t.Errorf("got %q, %v; want ErrInvalid and what to do", got, err)
	}
	if got, err := identityStore(s).GroupNamed(t.Context(), "ad-group-1"); got != identity(1001) || err != nil {
		t.Errorf("another name: got %q, %v", got, err)
	}
}

func TestOneBadGroupSpoilsNoOther(t *testing.T) {
	tests := []struct {
		name  string
		fault *localcloud.Fault // strikes whenever the last group is asked about
		bad   string
		gone  bool
		calls int // at most
	}{
		{"it does not exist, and AWS says which", nil, identity(1900), true, 3},
		{"its id is none", nil, "not-an-id-of-a-group", false, 20},
		{"it does not exist, and AWS does not say which",
			&localcloud.Fault{Code: "ValidationException", Message: "Value at 'groupIds' failed to satisfy constraint"}, identity(1100), false, 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cloud, s := newCloud(t)
			var groups []string
			for n := range 100 {
				groups = append(groups, fmt.Sprintf("ad-group-%d", n))
			}
			console := directory(t, cloud, []string{"alice@example.com"}, groups)
			must(t, console.SeedMember(identity(1050), identity(1)))
			asked := []string{test.bad}
			for n := range 99 {
				asked = append(asked, identity(1001+n))
			}
			if test.fault != nil {
				test.fault.Resource = test.bad
				cloud.Inject(*test.fault)
			}
			got, err := identityStore(s).MemberOf(t.Context(), identity(1), asked)
			must(t, err)
			if len(got) != 100 || got[test.bad].Unread == "" || got[test.bad].Gone != test.gone || got[test.bad].Member {
				t.Errorf("%d answers, the bad group's is %+v", len(got), got[test.bad])
			}
			for id, m := range got {
				if id != test.bad && (m.Unread != "" || m.Gone || m.Member != (id == identity(1050))) {
					t.Errorf("group %s: %+v", id, m)
				}
			}
			if calls := cloud.CallCounts()["identitystore.IsMemberInGroups"]; calls > test.calls {
				t.Errorf("%d calls, want %d at most", calls, test.calls)
			}
		})
	}
}

func TestAnAnswerThatLeavesAGroupOutIsUnread(t *testing.T) {
	user := &types.MemberIdMemberUserId{Value: "u"}
	other := &types.MemberIdMemberUserId{Value: "v"}
	id := func(s string) *string { return &s }
	got := membershipsIn([]types.GroupMembershipExistenceResult{
		{GroupId: id("a"), MemberId: user, MembershipExists: true},
		{GroupId: id("b"), MemberId: other, MembershipExists: true},
		{GroupId: id("unasked"), MemberId: user, MembershipExists: true},
	}, "u", []string{"a", "b", "c"})
	want := map[string]reconcile.Membership{
		"a": {Member: true},
		"b": {Unread: `AWS's answer is about user "v"`},
		"c": {Unread: "AWS's answer leaves this group out"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryIdentityReadFailsRatherThanAnswerLess(t *testing.T) {
	t.Parallel() // it mostly waits for the request rates
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, []string{"ad-group-1"})
	i := identityStore(s)
	reads := map[string]func() error{
		"DescribeUser":                  func() error { _, err := i.User(t.Context(), identity(1)); return err },
		"GetUserId":                     func() error { _, err := i.UserNamed(t.Context(), "alice@example.com"); return err },
		"GetGroupId":                    func() error { _, err := i.GroupNamed(t.Context(), "ad-group-1"); return err },
		"ListGroupMemberships":          func() error { _, err := i.Members(t.Context(), identity(1001)); return err },
		"DescribeGroup":                 func() error { _, err := i.GroupName(t.Context(), identity(1001)); return err },
		"ListGroupMembershipsForMember": func() error { _, err := i.GroupsOf(t.Context(), identity(1)); return err },
		"IsMemberInGroups": func() error {
			_, err := i.MemberOf(t.Context(), identity(1), []string{identity(1001)})
			return err
		},
	}
	for operation, read := range reads {
		failsOnEveryFailure(t, cloud, "identitystore", operation, read)
	}
}

func TestAPageThatComesRoundAgainIsAnError(t *testing.T) {
	tokens := []string{"a", "b", "a"}
	asked := 0
	err := everyPage(request{action: "x:List"}, func(*string) (*string, error) {
		asked++
		return &tokens[asked-1], nil
	})
	if err == nil || asked != 3 {
		t.Errorf("got %v after %d pages", err, asked)
	}
}
