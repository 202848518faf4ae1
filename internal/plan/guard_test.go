package plan_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"studiokeeper/internal/plan"
)

var limit = plan.Limit{Count: 10, Percent: 20, Floor: 2, Window: time.Hour}

func TestLimitIsTheSmallerOfCountAndPercentButAtLeastTheFloor(t *testing.T) {
	for managed, want := range map[int]int{0: 2, 4: 2, 10: 2, 15: 3, 50: 10, 600: 10} {
		if got := limit.Allows(managed); got != want {
			t.Errorf("of %d managed profiles %d may go, want %d", managed, got, want)
		}
	}
}

func TestTrippingLatches(t *testing.T) {
	tally := plan.Tally{Start: noon, Managed: 4}
	for n, wantHeld := range []bool{false, false, true, true} {
		var held string
		if tally, held = limit.Admit(tally, plan.Removals); (held != "") != wantHeld {
			t.Errorf("removal %d: held because %q", n+1, held)
		}
	}
	if limit.Over(tally, noon.Add(48*time.Hour)) {
		t.Error("a window that tripped was over by itself")
	}
	if tally.Tripped = false; !limit.Over(tally, noon.Add(time.Hour)) || limit.Over(tally, noon.Add(time.Hour-1)) {
		t.Error("a window lasts as long as it is said to")
	}
}

func TestNeverMoreThanTheLimitIsAdmitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := plan.Limit{Count: rapid.IntRange(0, 20).Draw(t, "count"), Percent: rapid.IntRange(0, 100).Draw(t, "percent"), Floor: rapid.IntRange(0, 3).Draw(t, "floor"), Window: time.Hour}
		tally := plan.Tally{Start: noon, Managed: rapid.IntRange(0, 100).Draw(t, "managed")}
		admitted := 0
		for range 150 {
			var held string
			if tally, held = l.Admit(tally, plan.Removals); held == "" {
				admitted++
			}
		}
		if admitted != min(150, l.Allows(tally.Managed)) {
			t.Errorf("%d were admitted, %d may go", admitted, l.Allows(tally.Managed))
		}
	})
}
