package reconcile_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
)

var wholeMatrix = flag.Bool("matrix", false, "strike each call of each story with every fault, also where another story makes the same call")

// chapter is a story that faults are to disturb.
type chapter struct {
	name  string
	begin func(w *world, alice string) (groups []string) // before any fault
	turn  func(w *world, alice string, groups []string) []event.Look
}

func chapters() []chapter {
	member := func(w *world, alice string) []string {
		g := w.group("ad-group-1", "a", 100, alice)
		w.play([]event.Look{added(alice, g)}, soon)
		return []string{g}
	}
	return []chapter{
		{
			name:  "joining",
			begin: func(w *world, _ string) []string { return []string{w.group("ad-group-1", "a", 100)} },
			turn: func(w *world, alice string, g []string) []event.Look {
				w.join(g[0], alice)
				return []event.Look{added(alice, g[0])}
			},
		},
		{
			name: "moving",
			begin: func(w *world, alice string) []string {
				return append(member(w, alice), w.group("ad-group-2", "b", 200))
			},
			turn: func(w *world, alice string, g []string) []event.Look {
				w.runApp(name(alice, "alice@example.com"))
				w.leave(g[0], alice)
				w.join(g[1], alice)
				return []event.Look{looked(alice), added(alice, g[1])}
			},
		},
		{
			name:  "leaving",
			begin: member,
			turn: func(w *world, alice string, g []string) []event.Look {
				w.runApp(name(alice, "alice@example.com"))
				w.leave(g[0], alice)
				return []event.Look{looked(alice)}
			},
		},
		{
			name:  "a pass",
			begin: member,
			turn: func(w *world, alice string, g []string) []event.Look {
				w.leave(g[0], alice)
				w.join(g[0], w.user("carol@example.com"))
				return []event.Look{everybody}
			},
		},
	}
}

// blow is one way in which a call comes to grief.
type blow struct {
	name  string
	fault localcloud.Fault
}

func blows() []blow {
	const long = 10 * time.Minute // longer than anybody waits
	return []blow{
		{"throttled", localcloud.Fault{Code: "ThrottlingException", Status: 400}},
		{"5xx", localcloud.Fault{Code: "InternalFailure", Status: 500}},
		{"timeout before", localcloud.Fault{Delay: long, Drop: true, Effect: localcloud.Before}},
		{"timeout after", localcloud.Fault{Delay: long, Drop: true, Effect: localcloud.After}},
		{"denied", localcloud.Fault{Code: "AccessDeniedException", Status: 400}},
		{"dropped", localcloud.Fault{Drop: true, Effect: localcloud.After}},
		{"cut short", localcloud.Fault{Truncate: true}},
		{"malformed", localcloud.Fault{Answer: `{"Nonsense":[`}},
	}
}

// Every call that joining, moving, leaving and a pass make meets with every
// fault, once and for good: what is wanted comes about, or an error says what
// stands in the way; nobody else is touched and nobody gets a role that is not
// theirs; and when the fault is over, what is wanted comes about without anybody's
// help. The table is what -v shows.
func TestEveryCallMeetsEveryFault(t *testing.T) {
	var lines [][]string
	struck := map[string]bool{}
	for _, c := range chapters() {
		is := c.undisturbed(t)
		for _, call := range is.calls {
			if struck[call] && !*wholeMatrix {
				continue
			}
			struck[call] = true
			lines = append(lines, append([]string{c.name, call}, make([]string, 2*len(blows()))...))
			line := lines[len(lines)-1][2:]
			t.Run(c.name+"/"+call, func(t *testing.T) {
				t.Parallel()
				for i, b := range blows() {
					for n, times := range []int{1, 0} {
						line[2*i+n] = c.struck(t, call, b, times, is)
					}
				}
			})
		}
	}
	t.Cleanup(func() { t.Log("once/for good\n" + drawn(lines)) })
}

func drawn(lines [][]string) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "story\tcall")
	for _, b := range blows() {
		fmt.Fprint(table, "\t", b.name)
	}
	for _, line := range lines {
		fmt.Fprintf(table, "\n%s\t%s", line[0], line[1])
		for pair := range slices.Chunk(line[2:], 2) {
			fmt.Fprintf(table, "\t%s/%s", pair[0], pair[1])
		}
	}
	_ = table.Flush() // into memory
	return text.String()
}

// ending is what a story comes to.
type ending struct {
	profiles []string
	apps     int
}

func (w *world) ending() ending { return ending{w.profiles(), w.runningApps()} }

// course is a story without faults: the calls it makes, what is there when its looks are over, and at its end.
type course struct {
	calls    []string
	mid, end ending
}

func (c chapter) undisturbed(t *testing.T) (is course) {
	synctest.Test(t, func(t *testing.T) {
		w, alice, groups := c.start(t)
		looks := c.turn(w, alice, groups)
		w.cloud.ResetCalls()
		if said := w.play(looks, soon); len(said) > 0 {
			t.Fatal(said)
		}
		is.calls = slices.Sorted(maps.Keys(w.cloud.CallCounts()))
		is.mid = w.ending()
		c.over(w)
		is.end = w.ending()
	})
	return is
}

// start makes the story's world, with somebody in it whom it does not concern.
func (c chapter) start(t *testing.T) (w *world, alice string, groups []string) {
	w = newWorld(t, configured("offboarding: {", "offboarding: {grace: 50m, "))
	w.joined(w.group("others", "other", 100), "other", "bob@example.com")
	alice = w.user("alice@example.com")
	return w, alice, c.begin(w, alice)
}

// soon is when a story's looks are over, if nothing is in their way.
const soon = 20 * time.Minute

// over lets time pass until what the story began is over, grace included, with the
// schedule's passes.
func (c chapter) over(w *world) {
	for range 2 {
		w.play([]event.Look{everybody}, time.Hour)
	}
}

// play makes all looks that are due within a time, as the queue has them made:
// those that fail come again after a minute, five times at most. It answers every
// error, and ends at the end of that time.
func (w *world) play(looks []event.Look, within time.Duration) (said []error) {
	const receives = 5
	until := w.cloud.Now().Add(within)
	for _, l := range looks {
		w.queue.put(dueLook{look: l, due: w.cloud.Now()})
	}
	for {
		at, ok := w.queue.take(until)
		if !ok {
			time.Sleep(until.Sub(w.cloud.Now()))
			return said
		}
		time.Sleep(at.due.Sub(w.cloud.Now()))
		ctx, cancel := context.WithTimeout(context.Background(), functionTime(at.look))
		_, err := w.keeper.Handle(ctx, at.look)
		cancel()
		if err == nil {
			continue
		}
		said = append(said, err)
		if at.tries++; at.tries < receives {
			at.due = w.cloud.Now().Add(time.Minute)
			w.queue.put(at)
		}
	}
}

// functionTime is the timeout of the function that a look is made in.
func functionTime(l event.Look) time.Duration {
	if l.Scope == event.Everybody {
		return 15 * time.Minute
	}
	return time.Minute
}

// struck plays the story with a fault, and says what came of it: ok, what was
// wanted came about as if nothing had been; error, somebody was told.
func (c chapter) struck(t *testing.T, call string, b blow, times int, is course) (verdict string) {
	service, operation, _ := strings.Cut(call, ".")
	synctest.Test(t, func(t *testing.T) {
		w, alice, groups := c.start(t)
		looks := c.turn(w, alice, groups)
		f := b.fault
		f.Service, f.Operation, f.Times = service, operation, times
		w.cloud.Inject(f)
		said := w.play(looks, soon)
		w.cloud.ClearFaults()
		what := fmt.Sprintf("%s, %s %s, %d times", c.name, call, b.name, times)
		mid := w.ending()
		w.unharmed(what, mid)
		verdict = "ok"
		switch {
		case len(said) > 0:
			verdict = "error"
			if text := errors.Join(said...).Error(); !strings.Contains(text, operation) {
				t.Errorf("%s: no error names the call: %s", what, text)
			}
		case cmp.Diff(is.mid, mid, cmp.AllowUnexported(ending{})) != "":
			verdict = "later"
			if w.queue.len() == 0 {
				t.Errorf("%s: nothing came of it, nobody was told, and nothing is planned: %v", what, mid)
			}
		}
		c.over(w)
		want(t, what+": the profiles in the end", w.profiles(), is.end.profiles)
		want(t, what+": the apps in the end", w.runningApps(), is.end.apps)
	})
	return verdict
}

// unharmed wants nobody to have what is not theirs, and the bystander's as it was.
func (w *world) unharmed(what string, is ending) {
	w.t.Helper()
	may := []string{"alice@example.com", "alice@example.com a", "alice@example.com b", "alice@example.com " + quarantined, "bob@example.com other", "carol@example.com a"}
	for _, p := range is.profiles {
		if !slices.Contains(may, p) {
			w.t.Errorf("%s: %s", what, p)
		}
	}
	if !slices.Contains(is.profiles, "bob@example.com other") {
		w.t.Errorf("%s: bob lost his profile: %v", what, is.profiles)
	}
}
