package conformance

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestConformance(t *testing.T) {
	if err := given.check(); err != nil {
		t.Fatal(err)
	}
	if given.aws {
		given.askAWS(t)
		return
	}
	g := localTarget(t)
	g.show(g.all(t))
}

// show prints what came of a run, with -v.
func (g *target) show(rows table) {
	if testing.Verbose() {
		var printed strings.Builder
		rows.print(&printed, g.name)
		_, _ = os.Stdout.WriteString(printed.String())
	}
}

// all asks everything, one contract after the other, and looks for what is left behind.
func (g *target) all(t *testing.T) table {
	var rows table
	for _, s := range services() {
		t.Run(s.name, func(t *testing.T) {
			for _, one := range s.contracts {
				g.ask(t, one, func(o outcome) {
					o.service = s.name
					rows = append(rows, o)
				})
			}
		})
	}
	for _, one := range g.leftInTheEnd(t) {
		t.Errorf("%s is left behind", one.what)
	}
	return rows
}

// leftInTheEnd gives lists two minutes to show that something is gone.
func (g *target) leftInTheEnd(t *testing.T) (left []leftover) {
	for range 12 {
		var err error
		if left, err = g.leftovers(t.Context()); err != nil {
			t.Errorf("looking for what is left behind: %v", err)
		}
		if len(left) == 0 {
			return nil
		}
		g.pause(10 * time.Second)
	}
	return left
}
