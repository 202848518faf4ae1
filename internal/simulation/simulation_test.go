package simulation

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"studiokeeper/internal/localcloud"
)

var (
	seeds   = flag.Int("seeds", 500, "how many stories to tell")
	alone   = flag.Bool("alone", false, "tell them in this process, on one processor, and not in one for each")
	from    = flag.Uint64("from", 1, "the first seed")
	every   = flag.Int("every", 1, "tell one of so many only")
	callsTo = flag.String("calls", "", "with -seed: the file that all calls are written to")
	seed    = flag.Uint64("seed", 0, "tell the story of this seed only, with its log")
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://aws.local", "AWS_REGION": region, "AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "x", "AWS_CA_BUNDLE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		// The SDK waits at random before it tries again, which no seed could repeat: stories do without it.
		"AWS_MAX_ATTEMPTS": "1",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	// Goroutines that go on at the same moment, after a read that they shared, go on in the same order
	// each time only where there is one processor, and no collection stops them: that is done between stories.
	runtime.GOMAXPROCS(1)
	localcloud.OneProcessor(256)
	debug.SetGCPercent(-1)
	os.Exit(m.Run())
}

// ending is what came of a story.
type ending struct {
	broken []string
	digest uint64
	trace  []string
}

// tell runs a story.
func tell(t *testing.T, s story) (e ending) {
	runtime.GC()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, s, dir)
		defer w.end()
		w.busy.Go(w.schedule)
		for _, a := range s.Actions {
			time.Sleep(a.At - time.Since(w.begun))
			w.mu.Lock()
			w.perform(a)
			w.mu.Unlock()
		}
		time.Sleep(length - time.Since(w.begun))
		w.rest()
		slices.Sort(w.trace)
		e = ending{w.broken, w.digest, w.trace}
	})
	return e
}

func TestSimulation(t *testing.T) {
	if *seed != 0 {
		s := newStory(*seed)
		s.loud, s.traced = testing.Verbose(), *callsTo != ""
		e := tell(t, s)
		if *callsTo != "" {
			if err := os.WriteFile(*callsTo, []byte(strings.Join(e.trace, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		report(t, s, e)
		return
	}
	if n := runtime.NumCPU(); n > 1 && !*alone {
		t.Parallel() // after what keeps one processor only
		apart(t, min(n, stories()))
		return
	}
	for i := 0; i < stories(); i += max(1, *every) {
		s := newStory(*from + uint64(i))
		if e := tell(t, s); len(e.broken) > 0 {
			report(t, s, e)
			return
		}
	}
}

// apart tells the stories in n processes, each of which uses one processor only and
// tells every n-th: so that all end at about the same time.
func apart(t *testing.T, n int) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSimulation$", "-test.timeout=0",
				"-alone", fmt.Sprintf("-from=%d", *from+uint64(i)), fmt.Sprintf("-seeds=%d", stories()-i), fmt.Sprintf("-every=%d", n))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("one story in %d, from seed %d on: %v\n%s", n, *from+uint64(i), err, out)
			}
		})
	}
	all.Wait()
}

// stories is how many are told.
func stories() int {
	if testing.Short() {
		return min(*seeds, 40)
	}
	return *seeds
}

// report fails with a story that went wrong, made as short as it gets.
func report(t *testing.T, s story, e ending) {
	if len(e.broken) == 0 {
		return
	}
	t.Logf("seed %d went wrong, and is made shorter: %s", s.Seed, first(e.broken))
	short, broken := shrink(t, s, e.broken)
	text, err := json.MarshalIndent(short, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Errorf("seed %d went wrong; again: go test ./internal/simulation -run Simulation -seed %d\n%s\nshortened:\n%s%s\nto be kept in testdata/stories:\n%s",
		s.Seed, s.Seed, first(e.broken), show(short), first(broken), text)
}

func first(broken []string) string { return strings.Join(broken[:min(len(broken), 3)], "\n") }

// shrinkRounds bounds how often a story is told again to shorten it.
const shrinkRounds = 150

// kind is what goes wrong, whenever and with whomever it does.
func kind(broken string) string {
	words := slices.DeleteFunc(strings.Fields(broken), func(word string) bool { return strings.ContainsAny(word, "0123456789") })
	return strings.Join(words[:min(len(words), 4)], " ")
}

// shrink leaves out actions, in ever smaller chunks, as long as the story still goes wrong in the same way.
func shrink(t *testing.T, s story, broken []string) (story, []string) {
	left := shrinkRounds
	for size := len(s.Actions) / 2; size > 0; size /= 2 {
		for at := 0; at < len(s.Actions) && left > 0; {
			left--
			shorter := s
			shorter.loud = false
			shorter.Actions = slices.Concat(s.Actions[:at], s.Actions[min(at+size, len(s.Actions)):])
			if e := tell(t, shorter); len(e.broken) > 0 && kind(e.broken[0]) == kind(broken[0]) {
				s, broken = shorter, e.broken
				continue
			}
			at += size
		}
	}
	return s, broken
}

// TestStories tells again what once went wrong.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/stories/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s story
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
			s.loud = testing.Verbose()
			if e := tell(t, s); len(e.broken) > 0 {
				t.Errorf("%s%s", show(s), first(e.broken))
			}
		})
	}
}

func show(s story) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d domains, %d groups, %d users, batches of %d, signIn %s, onRoleChange %s, cache %s, shared spaces %s, at once %v, adopt %q, pages of %d, named %v\n", s.Domains, s.Groups, s.Users, s.Batch, s.SignIn, s.OnRoleChange, s.Cache, s.SharedSpaces, s.AtOnce, s.Adopt, s.Page, s.Named)
	for _, a := range s.Actions {
		fmt.Fprintln(&out, "  ", a)
	}
	return out.String()
}

// TestSimulationRepeats tells some stories twice: every call happens at the same
// moment, says the same and ends in the same way.
func TestSimulationRepeats(t *testing.T) {
	for i := range max(1, stories()/30) {
		s := newStory(*from + uint64(i))
		if tell(t, s).digest == tell(t, s).digest {
			continue
		}
		s.traced = true
		one, two := tell(t, s), tell(t, s)
		at := 0
		for at < min(len(one.trace), len(two.trace)) && one.trace[at] == two.trace[at] {
			at++
		}
		t.Errorf("seed %d, of %d domains, call %d:\n%s\n%s", s.Seed, s.Domains, at, excerpt(one.trace, at), excerpt(two.trace, at))
	}
}

// excerpt is what surrounds a call in a trace.
func excerpt(trace []string, at int) string {
	var out strings.Builder
	for _, line := range trace[max(0, min(at-3, len(trace))):min(at+2, len(trace))] {
		fmt.Fprintf(&out, "  %.300s\n", line)
	}
	return out.String()
}
