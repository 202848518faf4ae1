package render_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/render"
)

// journal is one entry of each kind that looks different.
func journal() []plan.Entry {
	at := time.Date(2026, 3, 2, 12, 0, 0, 123456789, time.UTC)
	person := plan.Trigger{Kind: "person", ID: "arn:aws:sts::111122223333:assumed-role/admin/carol", Name: "removals approve"}
	event := plan.Trigger{Kind: "event", ID: "e-1", Name: "RemoveMemberFromGroup"}
	change := func(kind plan.Kind, before, after string, reasons ...string) plan.Change {
		c := plan.Change{Kind: kind, Domain: "research", UserID: alice.ID, UserName: alice.UserName, Profile: "alice-example-com-ftcax6h4s2", Group: "g-a", Row: "mapping.rules[0]"}
		if before != "" {
			c.Before = &plan.State{Role: account + before}
		}
		if after != "" {
			c.After = &plan.State{Role: account + after}
		}
		for _, r := range reasons {
			c.Reasons = append(c.Reasons, plan.Reason{Code: "code", Text: r})
		}
		return c
	}
	group := plan.Change{Kind: plan.Assign, Domain: "research", UserID: "group:g-a", Group: "g-a", Reasons: []plan.Reason{{Text: "the group may sign in"}}}
	entries := []plan.Entry{
		{Outcome: plan.Begun, Trigger: event, Change: change(plan.Create, "", "studio/a", "group a gives it at priority 100")},
		{Outcome: plan.Done, Trigger: event, Change: group},
		{Outcome: plan.Done, Trigger: event, Change: change(plan.Update, "studio/a", "studio/b", "group b outranks it", "running apps are stopped")},
		{Outcome: plan.Refused, Trigger: plan.Trigger{Kind: "schedule"}, Change: change(plan.Conflict, "studio/b", "", "a tie")},
		{Outcome: plan.HeldBack, Trigger: event, Change: change(plan.Revoke, "studio/b", "studio/b", "in no group")},
		{Outcome: plan.Done, Trigger: person, Change: change(plan.Approve, "", "", "in no group", "approved left on Friday")},
		{Outcome: plan.FailedAt, Trigger: person, Change: change(plan.Quarantine, "studio/b", "quarantine", "in no group"), Error: "sagemaker:UpdateUserProfile: denied"},
		{Outcome: plan.Done, Trigger: plan.Trigger{Kind: "look", Name: "=cmd|'/C calc'!A0"}, Change: change(plan.Delete, "quarantine", "", "\x1b[31m grace\nis over", "+1")},
	}
	prev := plan.Entry{}
	for i := range entries {
		entries[i].Time = at.Add(time.Duration(i) * time.Minute)
		entries[i] = plan.Seal(entries[i], prev.Seq, prev.Digest)
		prev = entries[i]
	}
	return entries
}

func TestJournalForPeople(t *testing.T) {
	var b, coloured bytes.Buffer
	if err := render.Journal(&b, render.Style{}, journal()); err != nil {
		t.Fatal(err)
	}
	golden(t, "journal.txt", b.Bytes())
	if err := render.Journal(&coloured, render.Style{Colour: true}, journal()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b[32mdone\x1b[0m") || !strings.Contains(coloured.String(), "\x1b[31mheld\x1b[0m") {
		t.Errorf("plain:\n%q\ncoloured:\n%q", b.String(), coloured.String())
	}
}

func TestJournalForSpreadsheets(t *testing.T) {
	var b bytes.Buffer
	if err := render.JournalCSV(&b, journal()); err != nil {
		t.Fatal(err)
	}
	golden(t, "journal.csv", b.Bytes())
	records, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(records) != 9 || !slices.Equal(records[0], render.JournalColumns()) {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if strings.Count(b.String(), "\n") != strings.Count(b.String(), "\r\n") {
		t.Error("lines do not end as RFC 4180 wants")
	}
	for _, record := range records {
		for _, cell := range record {
			if cell != "" && strings.ContainsAny(strings.TrimLeft(cell, " ")[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet takes %q for a formula", cell)
			}
		}
	}
}

func TestProblemsForPeople(t *testing.T) {
	var b bytes.Buffer
	err := render.Problems(&b, render.Style{}, []plan.Problem{
		{UserID: "u-1", Seq: 2, Time: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), What: plan.Altered, Text: "entry 2 says \x1b[2J"},
		{What: plan.Stray, Text: "item"},
	})
	want := "! altered  u-1 entry 2 of 2026-03-02 12:00:00Z: entry 2 says \ufffd[2J\n! stray  nobody known: item\n"
	if err != nil || b.String() != want {
		t.Errorf("got %q, %v", b.String(), err)
	}
}
