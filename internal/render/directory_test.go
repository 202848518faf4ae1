package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/render"
)

func TestADirectoryIsShownWithWhatIsAlikeTogether(t *testing.T) {
	d := directory.Document{StoreID: "d-1", Way: directory.BySCIM, Mode: "enforce", Held: []directory.Holding{{UserID: "id-bob", Decision: "held", Why: "too many at once"}}}
	d.Carried = 40
	d.Changes = []directory.Change{
		{Kind: directory.RemoveMember, UserID: "id-bob", UserName: "bob", Group: "studio-a", Reasons: []plan.Reason{{Text: "gone"}}},
		{Kind: directory.CreateUser, UserName: "eve", Reasons: []plan.Reason{{Text: "the account is a member of studio-b"}}},
	}
	for n := range 12 {
		d.Changes = append(d.Changes, directory.Change{Kind: directory.AddMember, UserName: fmt.Sprintf("u%d", n), Group: "studio-a", Reasons: []plan.Reason{{Text: "the account is a member"}}})
	}
	d.Notes = []plan.Reason{{Text: "a member is no user"}}
	var got strings.Builder
	if err := render.Directory(&got, render.Style{}, d); err != nil {
		t.Fatal(err)
	}
	want := `Active Directory → Identity Center (d-1), 40 people carried over, through SCIM
  - take bob out of group studio-a: gone
      held     too many at once
  + create user eve: the account is a member of studio-b
  + put 12 users into group studio-a (u0, u1, u2 …): each account is a member

note: a member is no user
Plan: 1 user to create, 12 memberships to add, 1 membership to remove, 1 person held.
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAResultNamesWhatFailed(t *testing.T) {
	r := directory.Result{Steps: []directory.Step{
		{Change: directory.Change{Kind: directory.CreateUser, UserName: "eve", Reasons: []plan.Reason{{Text: "new"}}}, Outcome: plan.FailedAt, Error: "no"},
		{Change: directory.Change{Kind: directory.CreateUser, UserName: "bob"}, Outcome: plan.Done},
	}}
	var got strings.Builder
	if err := render.DirectoryResult(&got, render.Style{}, r); err != nil {
		t.Fatal(err)
	}
	if want := "\n  failed   create user eve: no\nApplied: 1 done, 1 failed.\n"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}
