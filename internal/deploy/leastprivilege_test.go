package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"text/tabwriter"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
)

// life is one way in which the story is lived.
type life struct {
	name, config string
	assignFrom   localcloud.AssignmentAccount
}

func lives() []life {
	return []life{
		{name: "rows", config: lifecycle},
		{name: "naming standard", config: standard},
		{name: "assigned from the domain's account", config: lifecycle, assignFrom: localcloud.ApplicationAccount},
	}
}

// stage is how things stand in a life: who has what, and how much went wrong.
type stage struct {
	name, state string
	wrong       int
}

// permission is an action of one of the roles.
type permission struct{ role, action string }

func (p permission) compare(o permission) int {
	return strings.Compare(p.role+" "+p.action, o.role+" "+o.action)
}

// lived lives a life under changed policies, for as long as it goes as before;
// before nil: to the end.
func (l life) lived(t *testing.T, change without, before []stage) (stages []stage, log []string, denied []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, l, change)
		a.live(func(name, state string) bool {
			is := stage{name, state, len(a.log.told())}
			stages = append(stages, is)
			return before == nil || is == before[len(stages)-1]
		})
		log = a.log.told()
		for _, call := range a.cloud.Calls() {
			if call.Denied != "" {
				denied = append(denied, call.Denied)
			}
		}
		a.cloud.Close()
	})
	return stages, log, denied
}

func unchanged(_ string, p []deploy.Policy) []deploy.Policy { return p }

// lacking takes one action from one role.
func lacking(take permission) without {
	return func(role string, policies []deploy.Policy) []deploy.Policy {
		if role != take.role {
			return policies
		}
		var left []deploy.Policy
		for _, p := range policies {
			var statements []deploy.Statement
			for _, s := range p.Document.Statement {
				s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(action string) bool { return action == take.action })
				if len(s.Action) > 0 {
					statements = append(statements, s)
				}
			}
			p.Document.Statement = statements
			left = append(left, p)
		}
		return left
	}
}

// byLambdaItself are actions that Lambda takes in the role's name and that the
// local cloud, which keeps no logs, never asks for.
var byLambdaItself = []string{"logs:CreateLogStream", "logs:PutLogEvents"}

// Everything that the function does, it does under exactly the generated
// policies; and of these nothing can be taken away without something going
// wrong.
func TestThePoliciesAreEnoughAndNoneIsTooMuch(t *testing.T) {
	needed := map[permission]string{} // what goes wrong without it; "": nothing yet
	for _, l := range lives() {
		t.Run(l.name, func(t *testing.T) {
			good, log, denied := l.lived(t, unchanged, nil)
			if len(denied) > 0 {
				t.Fatalf("refused: %q\n%s", denied, strings.Join(log, ""))
			}
			l.wantGood(t, good)
			var mu sync.Mutex
			for _, p := range l.permissions(t) {
				if needed[p] != "" || slices.Contains(byLambdaItself, p.action) {
					continue
				}
				t.Run(p.role+" "+p.action, func(t *testing.T) {
					t.Parallel()
					stages, _, denied := l.lived(t, lacking(p), good)
					mu.Lock()
					defer mu.Unlock()
					needed[p] = what(stages, good, denied, p)
				})
			}
		})
	}
	for p, wrong := range needed {
		if wrong == "" {
			t.Errorf("%s does without %s", p.role, p.action)
		}
	}
	t.Log("what goes wrong without\n" + tabled(needed))
}

// tabled says what goes wrong without each permission.
func tabled(needed map[permission]string) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, p := range slices.SortedFunc(maps.Keys(needed), permission.compare) {
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.role[strings.LastIndex(p.role, "/")+1:], p.action, needed[p])
	}
	_ = table.Flush() // to memory
	return b.String()
}

// what says where a life without a permission goes another way than before.
func what(stages, good []stage, denied []string, p permission) string {
	last := stages[len(stages)-1]
	if last == good[len(good)-1] || !slices.Contains(denied, p.action) {
		return ""
	}
	if last.state == good[len(stages)-1].state {
		return last.name + ": errors"
	}
	return last.name + ": another outcome"
}

// permissions are all that a life's roles have.
func (l life) permissions(t *testing.T) []permission {
	t.Helper()
	all := map[permission]bool{}
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, l, func(role string, policies []deploy.Policy) []deploy.Policy {
			for _, p := range policies {
				for _, s := range p.Document.Statement {
					for _, action := range s.Action {
						all[permission{role, action}] = true
					}
				}
			}
			return policies
		})
		a.cloud.Close()
	})
	return slices.SortedFunc(maps.Keys(all), permission.compare)
}

// wantGood makes sure that the story is the one that it should be.
func (l life) wantGood(t *testing.T, stages []stage) {
	t.Helper()
	for name, parts := range map[string][]string{
		"joined":               {"alice@example.com in research: ad-group-1", "bob@example.com in research: ad-group-1, 4 tags", "erin@example.com in sandbox: ad-group-3", "1 assigned to sandbox", "grace@example.com in sandbox: ad-group-3, 4 tags;"},
		"alice moved":          {"alice@example.com in research: ad-group-2, 4 tags;", "2 assigned to sandbox"},
		"carol and grace left": {"carol@example.com in research: studiokeeper-quarantine, 5 tags, leaving", "grace@example.com in sandbox: studiokeeper-quarantine, 5 tags, leaving", "1 assigned to sandbox"},
		"they are back":        {"carol@example.com in research: ad-group-1, 4 tags;", "grace@example.com in sandbox: ad-group-3, 4 tags;"},
		"alice and erin left":  {"alice@example.com in research: studiokeeper-quarantine", "erin@example.com in sandbox: studiokeeper-quarantine", "1 assigned to sandbox", "1 spaces in research", "1 spaces in sandbox"},
		"after the grace":      {"0 spaces in research", "0 spaces in sandbox", "studiokeeper-pass dead letters: 0"},
		"a row less":           {"dave@example.com in research: studiokeeper-quarantine", "studiokeeper-events dead letters: 0"},
		"a change of a row that nobody could be told of": {"studiokeeper-events dead letters: 1"},
	} {
		at := slices.IndexFunc(stages, func(s stage) bool { return s.name == name })
		if at < 0 {
			t.Fatalf("the story has no stage %q", name)
		}
		for _, part := range parts {
			if !strings.Contains(stages[at].state, part) {
				t.Errorf("%s: %s\nlacks %q", name, stages[at].state, part)
			}
		}
	}
	if last := stages[len(stages)-1]; strings.Contains(last.state, "alice") || strings.Contains(last.state, "erin") {
		t.Errorf("at the end: %s; want neither alice nor erin", last.state)
	}
}
