package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrInvalid is what every error about the configuration's content, or about
// a file that is not there, answers to errors.Is.
var ErrInvalid = errors.New("invalid configuration")

// Problem is one thing that is wrong, and where.
type Problem struct {
	File   string // as the configuration was named to Load or Parse
	Line   int    // from 1
	Column int    // from 1, in characters
	Path   string // of the key: mapping.rules[2].role; "" for the file as a whole
	Text   string // what is wrong, and in parentheses what to do
}

// Place is the problem's position as editors and terminals know it.
func (p Problem) Place() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// String is the problem on one line.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Place() + ": " + p.Text
	}
	return p.Place() + ": " + p.Path + ": " + p.Text
}

// Errors are all the problems of one configuration, in the order of the file.
type Errors []Problem

// Error lists the problems, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Is makes a list of problems an ErrInvalid.
func (e Errors) Is(target error) bool { return target == ErrInvalid }

// sorted puts the problems in the order of the file and drops repetitions.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(e)
}
