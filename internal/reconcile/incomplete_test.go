package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
)

// Incomplete reads remove nobody. Somebody has left, and something that would show
// it cannot be read: nothing is taken away, what failed is named, and once it can
// be read again they leave.
func TestIncompleteReadsRemoveNobody(t *testing.T) {
	named := configured("  table: mapping\n", namingRule)
	for what, c := range map[string]struct {
		edit  func(string) string
		fault localcloud.Fault
		says  string
	}{
		"a 5xx on memberships, always":    {nil, localcloud.Fault{Operation: "IsMemberInGroups", Code: "InternalServerException", Status: 500}, "ask which groups user"},
		"memberships denied":              {nil, localcloud.Fault{Operation: "IsMemberInGroups", Code: "AccessDeniedException"}, "identitystore:IsMemberInGroups"},
		"memberships dropped":             {nil, localcloud.Fault{Operation: "IsMemberInGroups", Drop: true}, "identitystore:IsMemberInGroups"},
		"memberships cut in the middle":   {nil, localcloud.Fault{Operation: "IsMemberInGroups", Truncate: true}, "identitystore:IsMemberInGroups"},
		"the user cannot be described":    {nil, localcloud.Fault{Operation: "DescribeUser", Code: "AccessDeniedException"}, "describe user"},
		"the user without a status":       {nil, localcloud.Fault{Operation: "DescribeUser", Answer: `{}`}, "describe user"},
		"the store is missing":            {nil, localcloud.Fault{Operation: "DescribeUser", Code: "ResourceNotFoundException"}, "describe user"},
		"the token expired":               {nil, localcloud.Fault{Service: "identitystore", Code: "ExpiredTokenException"}, "get new credentials"},
		"the token expired on the way":    {nil, localcloud.Fault{Service: "identitystore", After: 1, Code: "ExpiredTokenException"}, "get new credentials"},
		"rows cannot be read":             {nil, localcloud.Fault{Service: "dynamodb", Operation: "Scan", Code: "AccessDeniedException"}, "dynamodb:Scan"},
		"rows break off":                  {nil, localcloud.Fault{Service: "dynamodb", Operation: "Scan", Truncate: true}, "dynamodb:Scan"},
		"a group cannot be resolved":      {nil, localcloud.Fault{Operation: "GetGroupId", Code: "InternalServerException", Status: 500}, "identitystore:GetGroupId"},
		"profiles cannot be listed":       {nil, localcloud.Fault{Operation: "ListUserProfiles", Code: "InternalFailure", Status: 500}, "list the profiles of user"},
		"the profile cannot be described": {nil, localcloud.Fault{Operation: "DescribeUserProfile", Code: "InternalFailure", Status: 500}, "read profile"},
		"its tags cannot be read":         {nil, localcloud.Fault{Operation: "ListTags", Drop: true}, "read profile"},
		"the second page of memberships":  {named, localcloud.Fault{Operation: "ListGroupMembershipsForMember", After: 1, Code: "InternalServerException", Status: 500}, "ask which groups user"},
		"the group that they were in":     {named, localcloud.Fault{Operation: "IsMemberInGroups", Code: "AccessDeniedException"}, "identitystore:IsMemberInGroups"},
	} {
		t.Run(what, virtually(c.edit, func(t *testing.T, w *world) {
			alice, group := member(w, "alice@example.com")
			if c.edit != nil { // more groups than fit on a page, and none has a row
				for i := range 101 {
					w.group(fmt.Sprintf("other-%03d", i), "", 0, alice)
				}
			}
			w.leave(group, alice)
			w.cloud.Inject(c.fault)
			w.cloud.ResetCalls()
			if _, err := w.try(looked(alice)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error does not say %q: %v", c.says, err)
			}
			want(t, "writes", w.writes(), 0)
			w.cloud.ClearFaults()
			want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
			w.handle(looked(alice))
			w.settle()
			want(t, "profiles once it can be read", w.profiles(), []string{"alice@example.com " + quarantined})
		}))
	}
}

// A group that cannot be read might be the one that keeps somebody: it is named, and
// nothing is changed.
func TestGroupThatCannotBeReadRemovesNobody(t *testing.T) {
	for what, c := range map[string]struct {
		fault localcloud.Fault
		says  string
	}{
		"it is denied":                {localcloud.Fault{Operation: "IsMemberInGroups", Code: "AccessDeniedException"}, "identitystore:IsMemberInGroups"},
		"it is none that AWS takes":   {localcloud.Fault{Operation: "IsMemberInGroups", Code: "ValidationException", Message: "bad group id"}, "group secret"},
		"the answer leaves it out":    {localcloud.Fault{Operation: "IsMemberInGroups", Answer: `{"Results":[]}`}, "group secret"},
		"its name cannot be resolved": {localcloud.Fault{Operation: "GetGroupId", Code: "AccessDeniedException"}, "identitystore:GetGroupId"},
	} {
		t.Run(what, virtually(nil, func(t *testing.T, w *world) {
			secret := w.group("secret", "b", 200)
			alice, group := member(w, "alice@example.com")
			w.leave(group, alice)
			c.fault.Resource = secret
			if c.fault.Operation == "GetGroupId" {
				c.fault.Resource = "secret"
			}
			w.cloud.Inject(c.fault)
			w.cloud.ResetCalls()
			results, err := w.keeper.Handle(t.Context(), looked(alice))
			if said := fmt.Sprint(results[0].Changes, err); !strings.Contains(said, c.says) {
				t.Errorf("nothing says %q: %s", c.says, said)
			}
			want(t, "writes", w.writes(), 0)
			w.cloud.ClearFaults()
			w.handle(looked(alice))
			w.settle()
			want(t, "profiles once it can be read", w.profiles(), []string{"alice@example.com " + quarantined})
		}))
	}
}

// The pass finds people in lists of members: what is missing from one is not missing
// from the group.
func TestPassOverMembersThatCannotBeListedRemovesNobody(t *testing.T) {
	const people = 101 // more than a page
	for what, fault := range map[string]localcloud.Fault{
		"the second page fails":     {Operation: "ListGroupMemberships", After: 1, Code: "InternalServerException", Status: 500},
		"the list is dropped":       {Operation: "ListGroupMemberships", Drop: true},
		"suddenly nobody is listed": {Operation: "ListGroupMemberships", Answer: `{"GroupMemberships":[]}`},
	} {
		t.Run(what, virtually(nil, func(t *testing.T, w *world) {
			w.cloud.ProfileQuota = people
			group := w.group("ad-group-1", "a", 100)
			w.managedPeople(group, people)
			w.cloud.Inject(fault)
			w.cloud.ResetCalls()
			w.handle(event.Look{Scope: event.Everybody, StoreID: store})
			l, due, _ := w.queue.next()
			w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
			_, err := w.try(l)
			if failed := fault.Answer == ""; failed != (err != nil && strings.Contains(err.Error(), "list the members of group "+group)) {
				t.Errorf("the error: %v", err)
			}
			w.within(time.Hour)
			want(t, "writes", w.writes(), 0)
			want(t, "people with their role", w.withRole("a"), people)
		}))
	}
}

// A store that finds nothing any more, without saying that it is the user who is
// missing, is not believed.
func TestStoreThatSuddenlyKnowsNobodyRemovesNobody(t *testing.T) {
	const people = 40
	virtually(nil, func(t *testing.T, w *world) {
		group := w.group("ad-group-1", "a", 100)
		w.managedPeople(group, people)
		w.cloud.Inject(localcloud.Fault{Operation: "DescribeUser", Code: "ResourceNotFoundException", Message: "USER not found."})
		w.cloud.ResetCalls()
		w.handle(event.Look{Scope: event.Everybody, StoreID: store})
		w.within(time.Hour)
		want(t, "writes", w.writes(), 0)
		w.cloud.ClearFaults()
		w.handle(event.Look{Scope: event.Everybody, StoreID: store})
		w.settle()
		want(t, "people with their role", w.withRole("a"), people)
	})(t)
}
