package render

import (
	"fmt"
	"io"
	"strings"

	"studiokeeper/internal/plan"
)

// Plan writes a plan for people: domain by domain, person by person, with every
// reason, then what it comes to.
func Plan(w io.Writer, s Style, d plan.Document) error {
	var b strings.Builder
	for _, domain := range d.Domains {
		planned(&b, s, domain)
	}
	for _, p := range d.Problems {
		fmt.Fprintf(&b, "%s %s\n", s.Bad("could not be read:"), p)
	}
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "%s %s\n", s.paint(yellow, "note:"), n)
	}
	if len(d.Problems)+len(d.Notes) > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s %s\n", s.Bold("Plan:"), summed(s, d.Summary()))
	_, err := io.WriteString(w, b.String())
	return err
}

func planned(b *strings.Builder, s Style, d plan.DomainPlan) {
	profiles := fmt.Sprintf("(%s), %d profiles", d.DomainID, d.Profiles)
	if d.Mode == "observe" {
		profiles += ", mode observe: nothing is written"
	}
	fmt.Fprintf(b, "%s %s\n", s.Bold(d.Domain), s.Dim(profiles))
	switch {
	case d.Error != "":
		fmt.Fprintf(b, "  %s\n", s.Bad("cannot be read: "+d.Error))
	case len(d.People)+len(d.SignIn) == 0:
		b.WriteString("  nothing to change\n")
	}
	for _, p := range d.People {
		plannedFor(b, s, p)
	}
	for _, c := range d.SignIn {
		mark, tint := sign(c.Kind)
		fmt.Fprintf(b, "  %s %s\n", s.paint(tint, mark), s.Bold("group "+c.Group))
		step(b, s, c)
	}
	b.WriteByte('\n')
}

func plannedFor(b *strings.Builder, s Style, p plan.PersonPlan) {
	who := p.UserName
	if who == "" {
		who = "user " + p.UserID
	}
	mark, tint := sign(p.Changes[0].Kind)
	fmt.Fprintf(b, "  %s %s\n", s.paint(tint, mark), s.Bold(who))
	said := ""
	for _, c := range p.Changes {
		shared := Reasons(c.Reasons)
		if shared == said {
			c.Reasons = nil // said with the step before
		}
		said = shared
		step(b, s, c)
	}
	if p.Held != "" {
		fmt.Fprintf(b, "      %s\n", s.Bad("held     "+p.Held))
	}
}

// step is one change of somebody: what is done to what, and why.
func step(b *strings.Builder, s Style, c plan.Change) {
	fmt.Fprintf(b, "      %-8s %s\n", verb(c.Kind), object(c))
	if line := roles(c); line != "" {
		fmt.Fprintf(b, "      role     %s\n", line)
	}
	if c.After != nil && c.After.Settings != "" && (c.Before == nil || c.Before.Settings != c.After.Settings) && !c.Kind.Removes() {
		fmt.Fprintf(b, "      settings %s\n", c.After.Settings)
	}
	for _, r := range c.Reasons {
		fmt.Fprintf(b, "      because  %s\n", s.Dim(r.Text))
	}
}

// verb is a kind as a person would say it.
func verb(k plan.Kind) string {
	switch k {
	case plan.Revoke:
		return "offboard"
	case plan.Unreadable:
		return "unclear"
	case plan.Quarantine:
		return "disarm"
	default:
		return string(k)
	}
}

func object(c plan.Change) string {
	switch {
	case c.Kind == plan.Assign || c.Kind == plan.Unassign:
		return "to the domain's application"
	case c.Profile != "":
		return "profile " + c.Profile
	default:
		return ""
	}
}

// summed is the line that a plan ends with.
func summed(s Style, n plan.Summary) string {
	var parts []string
	add := func(count int, what string, dress func(string) string) {
		if count > 0 {
			parts = append(parts, dress(fmt.Sprintf("%d %s", count, what)))
		}
	}
	add(n.Create, "to create", s.Good)
	add(n.Change, "to change", func(t string) string { return s.paint(yellow, t) })
	add(n.SignIn, "group sign-ins to change", func(t string) string { return s.paint(yellow, t) })
	add(n.Offboard, "to offboard", s.Bad)
	add(n.Delete, "to delete", s.Bad)
	add(n.Held, "held", s.Bad)
	add(n.Conflict, "in conflict", s.Bad)
	add(n.Unreadable, "unclear", s.Bad)
	add(n.Wait, "waiting for SageMaker", s.Dim)
	add(n.Failed, "domains failed", s.Bad)
	if len(parts) == 0 {
		return "nothing to change."
	}
	return strings.Join(parts, ", ") + "."
}
