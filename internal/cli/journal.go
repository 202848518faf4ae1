package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

const (
	sinceDefault = "7d"
	// longest is how far back the journal of everybody is read, a query for each day.
	longest = 3660 * 24 * time.Hour
	// ahead is how far other machines' clocks may be before ours.
	ahead = time.Hour
)

// journalQuery is which entries are asked for.
type journalQuery struct{ user, domain, since, kind, format string }

func journalCommand(env Environment) *cobra.Command {
	q := journalQuery{}
	c := &cobra.Command{
		Use: "journal", Short: "Shows what was changed, refused and decided, when and why", Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return q.show(c, env) },
	}
	c.Flags().StringVar(&q.user, "user", "", "only `USER`, by UserName or id; group:ID for a group's sign-in")
	c.Flags().StringVar(&q.domain, "domain", "", "only the domain of this `NAME`; "+plan.DirectoryDomain+" is Identity Center itself")
	c.Flags().StringVar(&q.since, "since", sinceDefault, "how far back: 24h, 7d, a date, or an RFC 3339 `TIME`")
	c.Flags().StringVar(&q.kind, "kind", "", "only changes of this `KIND`, such as create or revoke")
	c.Flags().StringVarP(&q.format, "output", "o", "text", "`FORMAT` of the result: text, json or csv")
	c.AddCommand(journalVerifyCommand(env))
	return c
}

func (q journalQuery) show(c *cobra.Command, env Environment) error {
	if !slices.Contains([]string{"text", "json", "csv"}, q.format) {
		return usage("-o %s: want text, json or csv", q.format)
	}
	if q.kind != "" && !slices.Contains(plan.Kinds(), plan.Kind(q.kind)) {
		return usage("--kind %s: want one of %v", q.kind, plan.Kinds())
	}
	r, err := openFor(c, env, "journal")
	if err != nil {
		return err
	}
	if _, ok := r.Target(q.domain); q.domain != "" && q.domain != plan.DirectoryDomain && !ok {
		return usage("the configuration has no domain %q", q.domain)
	}
	since, err := sinceTime(q.since, r.Now())
	if err != nil {
		return err
	}
	entries, doubts := q.entries(c.Context(), r, since)
	if doubts != nil && len(entries) == 0 {
		return doubts
	}
	if err := q.write(env, entries); err != nil || doubts == nil {
		return err
	}
	return codeError{exitPartial, fmt.Errorf("not everything in the journal can be relied on:\n%w", doubts)}
}

// entries reads and filters. People who are gone from the identity store are
// found by the UserName that they had.
func (q journalQuery) entries(ctx context.Context, r *reconcile.Reconciler, since time.Time) ([]plan.Entry, error) {
	id, err := journalUser(ctx, r, q.user)
	if err != nil {
		return nil, err
	}
	entries, err := r.History.Entries(ctx, since, r.Now().Add(ahead), id)
	return slices.DeleteFunc(entries, func(e plan.Entry) bool {
		return q.domain != "" && e.Change.Domain != q.domain || q.kind != "" && string(e.Change.Kind) != q.kind || id == "" && q.user != "" && e.Change.UserName != q.user
	}), err
}

// journalUser is the id that a person's chain has; "" when there is none of that name now.
func journalUser(ctx context.Context, r *reconcile.Reconciler, nameOrID string) (string, error) {
	if nameOrID == "" || strings.HasPrefix(nameOrID, "group:") {
		return nameOrID, nil
	}
	id, err := r.Identity.UserNamed(ctx, nameOrID)
	switch {
	case err != nil:
		return "", fmt.Errorf("find the user named %q: %w", nameOrID, err)
	case id == "" && studio.IsID(nameOrID):
		return nameOrID, nil
	}
	return id, nil
}

func (q journalQuery) write(env Environment, entries []plan.Entry) error {
	switch q.format {
	case "json":
		if entries == nil {
			entries = []plan.Entry{}
		}
		return render.JSON(env.Stdout, map[string][]plan.Entry{"entries": entries})
	case "csv":
		return render.JournalCSV(env.Stdout, entries)
	}
	if len(entries) == 0 {
		_, err := fmt.Fprintln(env.Stderr, "The journal has no such entry since then.")
		return err
	}
	return render.Journal(env.Stdout, style(env, env.Stdout), entries)
}

// sinceTime reads 24h, 7d, 2026-03-02 or an RFC 3339 time.
func sinceTime(text string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	if err != nil {
		var back time.Duration
		if back, err = backwards(text); err == nil {
			at = now.Add(-back)
		}
	}
	switch {
	case err != nil:
		return time.Time{}, usage("--since %q: want a span such as 24h or 7d, a date, or an RFC 3339 time", text)
	case at.After(now):
		return time.Time{}, usage("--since %s lies ahead", text)
	case now.Sub(at) > longest:
		return time.Time{}, usage("--since %s is more than ten years back", text)
	}
	return at, nil
}

// backwards is a span of whole days, or as Go writes it.
func backwards(text string) (time.Duration, error) {
	days, isDays := strings.CutSuffix(text, "d")
	if !isDays {
		back, err := time.ParseDuration(text)
		if back < 0 {
			err = errors.New("it is negative")
		}
		return back, err
	}
	n, err := strconv.ParseUint(days, 10, 16)
	return time.Duration(n) * 24 * time.Hour, err
}

func journalVerifyCommand(env Environment) *cobra.Command {
	var format output
	var user string
	c := &cobra.Command{
		Use: "verify", Short: "Checks that nothing in the journal was altered, removed or put in", Args: noArguments,
		Long: `Reads the whole journal and follows every user's chain of entries: each carries
the digest of the one before, and a copy of each lies under its day. Whoever can
rewrite the whole table can rewrite the chains; the log carries the digests.`,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			r, err := openFor(c, env, "journal")
			if err != nil {
				return err
			}
			id, err := journalUser(c.Context(), r, user)
			if err != nil {
				return err
			}
			if id == "" && user != "" {
				return fmt.Errorf("the identity store has no user named %q; for somebody who is gone, give the id", user)
			}
			v, err := reconcile.VerifyJournal(c.Context(), r.History, id)
			if err != nil {
				return err
			}
			return tellVerified(env, asJSON, v)
		},
	}
	c.Flags().StringVar(&user, "user", "", "only `USER`, by UserName or id; group:ID for a group's sign-in")
	format.add(c)
	return c
}

func tellVerified(env Environment, asJSON bool, v reconcile.Verified) error {
	var err error
	if asJSON {
		err = render.JSON(env.Stdout, v)
	} else {
		err = render.Problems(env.Stdout, style(env, env.Stdout), v.Problems)
	}
	switch {
	case err != nil:
		return err
	case len(v.Problems) > 0:
		return fmt.Errorf("the journal has %d problems, among %d entries of %d users; the log of the function has the number and digest of every entry", len(v.Problems), v.Entries, v.Users)
	case !asJSON:
		_, err = fmt.Fprintf(env.Stdout, "In order: %d entries of %d users.\n", v.Entries, v.Users)
	}
	return err
}
