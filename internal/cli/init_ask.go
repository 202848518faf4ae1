package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// shownChoices is how many choices are listed at once.
const shownChoices = 20

// asker asks a person.
type asker struct {
	ctx   context.Context
	out   io.Writer
	lines chan string // closed at the end of the input
}

// newAsker reads answers from in and writes questions to out. Reading cannot be
// broken off: it goes on in the background until the process ends.
func newAsker(ctx context.Context, in io.Reader, out io.Writer) *asker {
	a := &asker{ctx: ctx, out: out, lines: make(chan string)}
	go func() {
		defer close(a.lines)
		for read := bufio.NewScanner(in); read.Scan(); {
			select {
			case a.lines <- strings.TrimSpace(read.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return a
}

// line asks once; def is what an empty answer means.
func (a *asker) line(question, def string) (string, error) {
	fmt.Fprintf(a.out, "%s [%s]: ", question, def)
	select {
	case answer, ok := <-a.lines:
		switch {
		case !ok:
			fmt.Fprintln(a.out)
			return "", errors.New("nothing was written: the input ended before everything was answered (flags answer as well: --help)")
		case answer == "":
			return def, nil
		}
		return answer, nil
	case <-a.ctx.Done():
		fmt.Fprintln(a.out)
		return "", fmt.Errorf("nothing was written: %w", a.ctx.Err())
	}
}

// text asks until nothing is wrong with the answer.
func (a *asker) text(question, def string, wrong func(string) error) (string, error) {
	for {
		answer, err := a.line(question, def)
		if err != nil {
			return "", err
		}
		if err = wrong(answer); err == nil {
			return answer, nil
		}
		fmt.Fprintf(a.out, "  %v\n", err)
	}
}

// Words that an answer to pick may be.
const (
	allOfThem  = "all"
	noneOfThem = "none"
)

// pick asks which of the names are meant, by number or name, and answers their
// places. Of many only the first are listed; a part of a name shows others.
func (a *asker) pick(question string, names []string, def string) ([]int, error) {
	a.list(names, everyPlace(names))
	for {
		answer, err := a.line(question+", numbers or names with commas", def)
		if err != nil {
			return nil, err
		}
		chosen, wrong := selection(answer, names)
		if wrong == nil {
			a.repeat(chosen, names)
			return chosen, nil
		}
		if having := containing(answer, names); len(having) > 0 {
			a.list(names, having)
			continue
		}
		fmt.Fprintf(a.out, "  %v (give numbers, such as 1,3-5, or names; %s; %s; or a part of a name, to look for it)\n", wrong, allOfThem, noneOfThem)
	}
}

// repeat says what was understood.
func (a *asker) repeat(chosen []int, names []string) {
	if len(chosen) == 0 {
		fmt.Fprintln(a.out, "  none of them")
		return
	}
	var said []string
	for _, at := range chosen[:min(len(chosen), shownChoices)] {
		said = append(said, plain(names[at]))
	}
	if more := len(chosen) - len(said); more > 0 {
		said = append(said, fmt.Sprintf("… and %d more", more))
	}
	fmt.Fprintf(a.out, "  %s\n", strings.Join(said, ", "))
}

func (a *asker) list(names []string, places []int) {
	for i, at := range places {
		if i == shownChoices {
			fmt.Fprintf(a.out, "  … and %d more; a part of a name shows those that have it\n", len(places)-i)
			return
		}
		fmt.Fprintf(a.out, "%4d  %s\n", at+1, plain(names[at]))
	}
}

func everyPlace(names []string) []int {
	places := make([]int, len(names))
	for i := range names {
		places[i] = i
	}
	return places
}

func containing(part string, names []string) []int {
	var places []int
	for i, name := range names {
		if strings.Contains(strings.ToLower(name), strings.ToLower(part)) {
			places = append(places, i)
		}
	}
	return places
}

// selection reads an answer to pick. A name is taken whole before commas part it.
func selection(answer string, names []string) ([]int, error) {
	switch strings.ToLower(answer) {
	case allOfThem:
		return everyPlace(names), nil
	case noneOfThem:
		return nil, nil
	}
	if at, err := placesOf(answer, names); err == nil {
		return at, nil
	}
	chosen := map[int]bool{}
	for part := range strings.SplitSeq(answer, ",") {
		places, err := placesOf(strings.TrimSpace(part), names)
		if err != nil {
			return nil, err
		}
		for _, at := range places {
			chosen[at] = true
		}
	}
	var sorted []int
	for at := range names {
		if chosen[at] {
			sorted = append(sorted, at)
		}
	}
	return sorted, nil
}

// placesOf is where one number, range or name leads.
func placesOf(part string, names []string) ([]int, error) {
	from, to, isRange := strings.Cut(part, "-")
	if !isRange {
		to = from
	}
	low, errLow := strconv.Atoi(strings.TrimSpace(from))
	high, errHigh := strconv.Atoi(strings.TrimSpace(to))
	if errLow == nil && errHigh == nil && low >= 1 && low <= high && high <= len(names) {
		return everyPlace(names)[low-1 : high], nil
	}
	for at, name := range names {
		if name == part {
			return []int{at}, nil
		}
	}
	return nil, fmt.Errorf("there is no %q", part)
}
