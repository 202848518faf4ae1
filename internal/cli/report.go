package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
)

// reportFormats are what -o takes.
var reportFormats = []string{"text", "json", "csv", "html"}

// reportQuery is what a report is asked for.
type reportQuery struct {
	only        plan.AccessFilter
	deep        bool
	format, out string
}

func reportCommand(env Environment) *cobra.Command {
	q := reportQuery{}
	c := &cobra.Command{
		Use: "report", Short: "Shows who can do what, through which group, since when", Args: noArguments,
		Long: `Reads everything and shows, for each person and domain, the profile with its
role, the group and row that give it, since when, and what is not as it should
be. It changes nothing. docs/report.md describes the formats.`,
		RunE: func(c *cobra.Command, _ []string) error { return q.run(c, env) },
	}
	c.Flags().StringVar(&q.only.Domain, "domain", "", "only the domain of this `NAME`")
	c.Flags().StringVar(&q.only.User, "user", "", "only `USER`, by UserName or id")
	c.Flags().StringVar(&q.only.Role, "role", "", "only who has `ROLE` or is to get it, by ARN or by path and name")
	c.Flags().BoolVar(&q.deep, "deep", false, "describe every profile, rather than those that were modified since they were last described")
	c.Flags().StringVar(&q.out, "out", "", "write the report to `FILE` instead of stdout")
	c.Flags().StringVarP(&q.format, "output", "o", "text", "`FORMAT` of the report: text, json, csv or html")
	return c
}

func (q reportQuery) run(c *cobra.Command, env Environment) error {
	if !slices.Contains(reportFormats, q.format) {
		return usage("-o %s: want one of %s", q.format, strings.Join(reportFormats, ", "))
	}
	r, err := openFor(c, env, "report")
	if err != nil {
		return err
	}
	in := reconcile.Inquiry{Only: q.only, Deep: q.deep, Progress: &reconcile.Progress{}}
	stop := watch(env, surveyed(in.Progress))
	report, err := r.Report(c.Context(), in)
	stop()
	switch {
	case errors.Is(err, reconcile.ErrNoDomain):
		return usage("%w", err)
	case err != nil:
		return err
	}
	if err := q.deliver(env, report); err != nil {
		return err
	}
	return verdictOf(report)
}

// deliver writes the report to stdout, or to a file.
func (q reportQuery) deliver(env Environment, report plan.AccessReport) error {
	if q.out == "" {
		return q.write(env.Stdout, style(env, env.Stdout), terminalWidth(env.Stdout), report)
	}
	if err := q.file(report); err != nil {
		return fmt.Errorf("write the report to %s: %w", q.out, err)
	}
	_, err := fmt.Fprintf(env.Stderr, "%s has %d lines, problems: %d\n", q.out, len(report.Access), len(report.Wrong()))
	return err
}

// file writes a file that is whole or not there, for its owner only. What is no
// regular file, such as a pipe, is written to.
func (q reportQuery) file(report plan.AccessReport) error {
	if info, err := os.Stat(q.out); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(q.out, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(q.fill(f, report), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(q.out), ".report-*")
	if err != nil {
		return err
	}
	if err := errors.Join(q.fill(f, report), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), q.out)
}

func (q reportQuery) fill(f *os.File, report plan.AccessReport) error {
	w := bufio.NewWriter(f)
	return errors.Join(q.write(w, render.Style{}, 0, report), w.Flush())
}

func (q reportQuery) write(w io.Writer, s render.Style, width int, report plan.AccessReport) error {
	switch q.format {
	case "json":
		return render.JSON(w, report)
	case "csv":
		return render.ReportCSV(w, report)
	case "html":
		return render.ReportHTML(w, report)
	default:
		return render.Report(w, s, report, width)
	}
}

// terminalWidth is 0 where w is no terminal: then nothing is cut.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// namedProblems is how many problems the error of a report names; the report
// has them all.
const namedProblems = 20

// verdictOf is the error of a report that is not complete, or shows what a
// person has to decide.
func verdictOf(report plan.AccessReport) error {
	wrong := report.Wrong()
	if len(wrong) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the report is there, and has problems: %d", len(wrong))
	for _, p := range wrong[:min(namedProblems, len(wrong))] {
		fmt.Fprintf(&b, "\n  %s", render.ReportProblem(p))
	}
	if more := len(wrong) - namedProblems; more > 0 {
		fmt.Fprintf(&b, "\n  and %d more", more)
	}
	return codeError{exitPartial, errors.New(b.String())}
}
