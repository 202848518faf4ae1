package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

// maxMappingChanges is how many rows one transaction of DynamoDB takes.
const maxMappingChanges = 100

// countedRows is how many rows at most have the members of their groups counted:
// a call for every 100 of them.
const countedRows = 10

// rowChange is a change to the table, for people and scripts.
type rowChange struct {
	Kind    string      `json:"kind"` // add, change or remove
	Group   string      `json:"group"`
	Domain  string      `json:"domain"`
	Before  *rowContent `json:"before,omitempty"`
	After   *rowContent `json:"after,omitempty"`
	Members *int        `json:"members,omitempty"` // of the group, where they were counted
}

// rowContent is what a row gives.
type rowContent struct {
	Role     string          `json:"role"`
	Priority *int            `json:"priority"` // null when it cannot be read
	Settings json.RawMessage `json:"settings,omitempty"`
	Note     string          `json:"note,omitempty"`
	Problem  string          `json:"problem,omitempty"` // why the row cannot be read
}

// mappingChanged is the result of what changes the table, for scripts.
type mappingChanged struct {
	Table   string      `json:"table"`
	Changes []rowChange `json:"changes"`
	Written bool        `json:"written"`
}

// manner is how a command that changes something goes about it.
type manner struct {
	format output
	yes    bool
	noLock bool
}

func (m *manner) add(c *cobra.Command) {
	m.format.add(c)
	c.Flags().BoolVar(&m.yes, "yes", false, "do not ask")
	addNoLock(c, &m.noLock)
}

func contentOf(e entry, wrong string) *rowContent {
	c := &rowContent{Role: e.Role, Settings: rawSettings(e.Settings), Note: e.Note, Problem: wrong}
	if e.Priority != studio.UnknownPriority {
		c.Priority = &e.Priority
	}
	return c
}

// rawSettings are settings as JSON shows them; nil for none.
func rawSettings(s studio.Settings) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

func showable(changes []awscloud.Change) []rowChange {
	out := make([]rowChange, 0, len(changes))
	for _, c := range changes {
		var r rowChange
		if c.Was != nil {
			r = rowChange{Kind: "remove", Group: c.Was.Group.Key(), Domain: c.Was.Domain, Before: contentOf(c.Was.Entry, c.Was.Wrong)}
		}
		if c.Is != nil {
			r.Kind, r.Group, r.Domain, r.After = "change", c.Is.Group.Key(), c.Is.Domain, contentOf(*c.Is, "")
		}
		if c.Was == nil {
			r.Kind = "add"
		}
		out = append(out, r)
	}
	return out
}

// carryOut shows the changes, asks, and writes all of them or none.
func (d *mappingDesk) carryOut(ctx context.Context, changes []awscloud.Change, how manner) error {
	asJSON, err := how.format.json()
	if err != nil {
		return err
	}
	if len(changes) > maxMappingChanges {
		return usage("%d rows would change, and DynamoDB writes at most %d all or nothing: split the file", len(changes), maxMappingChanges)
	}
	result := mappingChanged{Table: d.table.Table, Changes: showable(changes)}
	if len(changes) > 0 {
		d.count(ctx, changes, result.Changes)
	}
	if !asJSON {
		if err := d.show(result); err != nil {
			return err
		}
	}
	if len(changes) > 0 {
		err = d.write(ctx, changes, how.yes)
		result.Written = err == nil
	}
	switch {
	case asJSON:
		return errors.Join(err, render.JSON(d.env.Stdout, result))
	case result.Written:
		_, err = fmt.Fprintf(d.env.Stdout, "Written: %s.\n", tally(result.Changes))
	}
	return err
}

func (d *mappingDesk) write(ctx context.Context, changes []awscloud.Change, yes bool) error {
	if err := confirm(ctx, d.env, yes, "Write this to "+d.table.Table+"?"); err != nil {
		return err
	}
	err := d.table.Replace(ctx, changes...)
	if errors.Is(err, awscloud.ErrChanged) {
		return fmt.Errorf("somebody changed the table meanwhile: look again (%w)", err)
	}
	return err
}

// count finds out how many people a change concerns. What cannot be counted is left out.
func (d *mappingDesk) count(ctx context.Context, changes []awscloud.Change, shown []rowChange) {
	if len(changes) > countedRows {
		return
	}
	for i, c := range changes {
		if c.Was == nil || c.Is != nil && sameRights(c.Was.Entry, *c.Is) {
			continue
		}
		id := c.Was.Group.ID
		if id == "" && c.Was.Group.Name != "" {
			id, _ = d.keep.Identity.GroupNamed(ctx, c.Was.Group.Name)
		}
		if members, err := d.keep.Identity.Members(ctx, id); err == nil && id != "" {
			n := len(members)
			shown[i].Members = &n
		}
	}
}

func sameRights(a, b entry) bool {
	a.Note, b.Note = "", ""
	return a == b
}

func (d *mappingDesk) show(result mappingChanged) error {
	if len(result.Changes) == 0 {
		_, err := fmt.Fprintf(d.env.Stdout, "Nothing to change in %s.\n", result.Table)
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", result.Table, tally(result.Changes))
	for _, c := range result.Changes {
		c.write(&b, d.style)
	}
	_, err := io.WriteString(d.env.Stdout, b.String())
	return err
}

func tally(changes []rowChange) string {
	count := map[string]int{}
	for _, c := range changes {
		count[c.Kind]++
	}
	return fmt.Sprintf("%d to add, %d to change, %d to remove", count["add"], count["change"], count["remove"])
}

func (c rowChange) write(b *strings.Builder, s render.Style) {
	mark := s.Bold("~")
	switch c.Kind {
	case "add":
		mark = s.Good("+")
	case "remove":
		mark = s.Bad("-")
	}
	fmt.Fprintf(b, "  %s %s in %s\n", mark, s.Bold(plain(c.Group)), plain(c.Domain))
	if c.Before != nil && c.Before.Problem != "" {
		fmt.Fprintf(b, "      it was   %s\n", s.Bad("unreadable: "+plain(c.Before.Problem)))
	}
	before, after := c.Before.texts(), c.After.texts()
	for i, name := range []string{"role", "priority", "settings", "note"} {
		if line := beforeAfter(c.Kind, before[i], after[i]); line != "" {
			fmt.Fprintf(b, "      %-8s %s\n", name, plain(line))
		}
	}
	if c.Members == nil {
		return
	}
	said := counted(*c.Members, "member") + " of the group"
	if c.Kind == "remove" {
		said += "; who is in no other mapped group loses access to " + plain(c.Domain)
	}
	fmt.Fprintf(b, "      concerns %s\n", s.Dim(said))
}

// texts are role, priority, settings and note.
func (c *rowContent) texts() [4]string {
	if c == nil {
		return [4]string{}
	}
	priority := "?"
	if c.Priority != nil {
		priority = fmt.Sprint(*c.Priority)
	}
	return [4]string{c.Role, priority, string(c.Settings), c.Note}
}

func beforeAfter(kind, before, after string) string {
	switch {
	case kind == "add":
		return after
	case kind == "remove":
		return before
	case before == after:
		return ""
	case after == "":
		return before + " → none"
	case before == "":
		return "none → " + after
	}
	return before + " → " + after
}

func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
