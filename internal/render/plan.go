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
	if d.Profiles == 1 {
		profiles = fmt.Sprintf("(%s), 1 profile", d.DomainID)
	}
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
	alike := map[string][]plan.PersonPlan{}
	for _, p := range d.People {
		what := plannedFor(s, p, together)
		alike[what] = append(alike[what], p)
	}
	for _, p := range d.People {
		what := plannedFor(s, p, together)
		if same := alike[what]; len(same) >= severalFrom {
			for _, one := range same {
				named(b, s, one, one.Changes[0].Profile)
			}
			b.WriteString(what)
			alike[what] = nil
		} else if same != nil {
			named(b, s, p, "")
			b.WriteString(plannedFor(s, p, alone))
		}
	}
	for _, c := range d.SignIn {
		mark, tint := sign(c.Kind)
		fmt.Fprintf(b, "  %s %s\n", s.paint(tint, mark), s.Bold("group "+c.Group))
		step(b, s, c)
	}
	b.WriteByte('\n')
}

// severalFrom is from how many people on those for whom the same is planned are
// shown together, with what it is once.
const severalFrom = 3

// How what is planned for a person is told.
const (
	alone    = false
	together = true // what is their own is named beside them, or said of each
)

// named is the line that a person begins with.
func named(b *strings.Builder, s Style, p plan.PersonPlan, profile string) {
	who := p.UserName
	if who == "" {
		who = "user " + p.UserID
	}
	if profile != "" {
		profile = "  " + s.Dim(profile)
	}
	mark, tint := sign(p.Changes[0].Kind)
	fmt.Fprintf(b, "  %s %s%s\n", s.paint(tint, mark), s.Bold(who), profile)
}

// plannedFor is what is planned for a person, step by step.
func plannedFor(s Style, p plan.PersonPlan, severally bool) string {
	var b strings.Builder
	said := ""
	for _, c := range p.Changes {
		if severally {
			c = ofEach(p, c)
		}
		shared := Reasons(c.Reasons)
		if shared == said {
			c.Reasons = nil // said with the step before
		}
		said = shared
		step(&b, s, c)
	}
	if why, decided := strings.CutPrefix(p.Held, "rejected: "); decided {
		fmt.Fprintf(&b, "      %s\n", s.Bad("held     a person rejected it: "+why))
	} else if p.Held != "" {
		fmt.Fprintf(&b, "      %s\n", s.Bad("held     "+strings.TrimPrefix(p.Held, "held: ")))
	}
	return b.String()
}

// ofEach is a change as it is said of several people at once.
func ofEach(p plan.PersonPlan, c plan.Change) plan.Change {
	if c.Profile == p.Changes[0].Profile && c.Profile != "" {
		c.Profile = "of each"
	}
	reasons := make([]plan.Reason, len(c.Reasons))
	for i, r := range c.Reasons {
		if rest, about := strings.CutPrefix(r.Text, p.UserName+" is "); about && p.UserName != "" {
			r.Text = "each is " + rest
		}
		reasons[i] = r
	}
	c.Reasons = reasons
	return c
}

// step is one change of somebody: what is done to what, and why.
func step(b *strings.Builder, s Style, c plan.Change) {
	fmt.Fprintf(b, "      %s\n", strings.TrimRight(fmt.Sprintf("%-8s %s", verb(c.Kind), object(c)), " "))
	if line := roles(c); line != "" {
		fmt.Fprintf(b, "      role     %s\n", line)
	}
	if c.After != nil && c.After.Settings != "" && (c.Before == nil || c.Before.Settings != c.After.Settings) && !c.Kind.Removes() {
		fmt.Fprintf(b, "      settings %s\n", c.After.Settings)
	}
	for _, r := range c.Reasons {
		if r.Code == plan.CodeHeld && c.Group != "" && c.Profile == "" {
			fmt.Fprintf(b, "      %s\n", s.Bad("held     "+strings.TrimPrefix(r.Text, "held: ")))
			continue
		}
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
	case c.Kind == plan.Assign:
		return "to the domain's application"
	case c.Kind == plan.Unassign:
		return "from the domain's application"
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
		switch {
		case count == 1:
			parts = append(parts, dress("1 "+strings.NewReplacer("sign-ins", "sign-in", "domains", "domain").Replace(what)))
		case count > 1:
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
	add(n.Failed, "domains unreadable", s.Bad)
	if len(parts) == 0 {
		return "nothing to change."
	}
	return strings.Join(parts, ", ") + "."
}
