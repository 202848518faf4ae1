package directory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/directory"
)

func texts(p directory.Plan) []string {
	var all []string
	for _, c := range p.Changes {
		all = append(all, c.Text())
	}
	return all
}

func TestAChangeIsALineForPeople(t *testing.T) {
	w := synced(t, source(account("ann"), account("bob"), adGroup("studio-a", "ann", "bob"))).user(person("x", called("eve"), mailed("")))
	now := source(account("ann", disabled), account("bob", email("b@x")), account("cy"), account("dee", userName("")), account("eve", userName("eve")),
		renamed(adGroup("studio-a", "bob", "cy", "dee"), "studio-b"), adGroup("studio-c", "eve"))
	got := directory.Compare(now, w.target(), policy(adopting(directory.AdoptUserName)))
	want := []string{
		"take ann@corp.example out of group studio-b: the account is disabled in Active Directory",
		"disable user ann@corp.example: the account is disabled in Active Directory",
		"take over user eve: it has the account's user name",
		"change user bob@corp.example: the e-mail address bob@mail.example becomes b@x",
		"change user eve: the e-mail address becomes eve@mail.example; the display name ann Doe becomes eve Doe; the given name ann becomes eve",
		"create user cy@corp.example: the account is a member of studio-b",
		"rename a group to studio-b: it was called studio-a",
		"create group studio-c: it is not in Identity Center yet",
		"put cy@corp.example into group studio-b: the account is a member of the group in Active Directory",
		"put eve into group studio-c: the account is a member of the group in Active Directory",
		"conflict about an account without a user name: CN=dee,OU=People,DC=corp,DC=example has no user name in Active Directory: give it one in the attribute that is read",
	}
	if d := cmp.Diff(want, texts(got)); d != "" {
		t.Errorf("texts (-want +got):\n%s", d)
	}
}

func TestWhoLosesSomethingCountsOnce(t *testing.T) {
	w := synced(t, source(account("ann"), account("bob"), account("cy"), adGroup("studio-a", "ann", "bob", "cy"), adGroup("studio-b", "ann")))
	got := directory.Compare(source(account("bob"), account("cy"), adGroup("studio-a", "cy"), adGroup("studio-b", "cy", "bob")), w.target(), policy())
	if d := cmp.Diff([]string{"ann", "bob"}, got.Losing()); d != "" || got.Leavers != 2 || got.Carried != 3 {
		t.Errorf("losing (-want +got):\n%s%d leavers of %d", d, got.Leavers, got.Carried)
	}
	if !got.Pending() || (directory.Plan{Changes: []directory.Change{{Kind: directory.Conflict}}}).Pending() {
		t.Error("a plan is pending when anything but a conflict is in it")
	}
}
