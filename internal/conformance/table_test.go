package conformance

import (
	"fmt"
	"io"
	"strings"
)

// word is what came of a contract.
type word string

const (
	held     word = "held"
	notHeld  word = "not held"
	notAsked word = "not asked"
)

// outcome is one row of the table that a run prints.
type outcome struct {
	service, says string
	open          bool
	word          word
	notes         []string
}

// table is all rows, in the order in which they were asked.
type table []outcome

func (t table) count(w word) int {
	n := 0
	for _, row := range t {
		if row.word == w {
			n++
		}
	}
	return n
}

// print writes the rows: service, what came of it, contract. A question mark stands before what is not established
// for AWS, and what was said there stands below; of the other rows, only below those that were not held.
func (t table) print(to io.Writer, name string) {
	fmt.Fprintf(to, "\nWhat %s holds: %d held, %d not held, %d not asked\n\n", name, t.count(held), t.count(notHeld), t.count(notAsked))
	for _, row := range t {
		mark := " "
		if row.open {
			mark = "?"
		}
		fmt.Fprintf(to, "%-14s %-9s %s %s\n", row.service, row.word, mark, row.says)
		if row.open || row.word != held {
			for _, note := range row.notes {
				fmt.Fprintf(to, "%29s%s\n", "", strings.Join(strings.Fields(note), " "))
			}
		}
	}
}
