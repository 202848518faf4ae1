package conformance

import (
	"os"
	"strings"
	"testing"
)

func TestConformance(t *testing.T) {
	g := localTarget(t)
	g.all(t)
}

// all asks everything, one contract after the other, and prints what came of it.
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
	var printed strings.Builder
	rows.print(&printed, g.name)
	if testing.Verbose() {
		_, _ = os.Stdout.WriteString(printed.String())
	}
	return rows
}
