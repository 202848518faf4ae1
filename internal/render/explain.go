package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// Explanation says of one user in one domain which rows matched, which won and
// why, what is there now, and what would happen.
type Explanation struct {
	Domain   string        `json:"domain"`
	DomainID string        `json:"domainId"`
	Error    string        `json:"error,omitempty"`
	Standing plan.Standing `json:"standing,omitempty"`
	Reasons  []plan.Reason `json:"reasons,omitempty"`
	Rows     []MatchedRow  `json:"rows"`
	Profiles []HasProfile  `json:"profiles"`
	Changes  []plan.Change `json:"changes"`
	Held     string        `json:"held,omitempty"` // why removals, or changes for an edited row, are not carried out
}

// MatchedRow is a row whose group the user is in, or may be in.
type MatchedRow struct {
	Group    string          `json:"group"`
	GroupID  string          `json:"groupId,omitempty"`
	Role     string          `json:"role"`
	Priority int             `json:"priority"`
	Settings studio.Settings `json:"settings,omitempty"`
	Source   string          `json:"source"`
	Doubt    string          `json:"doubt,omitempty"`
	Won      bool            `json:"won"`
}

// HasProfile is a profile that is there now.
type HasProfile struct {
	Name    string               `json:"name"`
	Status  studio.ProfileStatus `json:"status"`
	SSOUser string               `json:"ssoUser"`
	Role    string               `json:"role,omitempty"`
	Managed bool                 `json:"managed"`
}

// NewExplanation sums one domain up.
func NewExplanation(d studio.Domain, v plan.Verdict, profiles []studio.Profile, changes []plan.Change, deployment string) Explanation {
	e := Explanation{
		Domain: d.Name, DomainID: d.ID, Standing: v.Standing, Reasons: v.Reasons,
		Rows: []MatchedRow{}, Profiles: []HasProfile{}, Changes: slices.Clone(changes),
	}
	if e.Changes == nil {
		e.Changes = []plan.Change{}
	}
	for _, m := range v.Matches {
		r := m.Row
		e.Rows = append(e.Rows, MatchedRow{
			Group: r.Group.Key(), GroupID: r.GroupID, Role: r.Role, Priority: r.Priority, Settings: r.Settings, Source: r.Source,
			Doubt: strings.Trim(r.Unreadable+"; "+m.Doubt, "; "), Won: r == v.Winner,
		})
	}
	for _, p := range profiles {
		e.Profiles = append(e.Profiles, HasProfile{p.Name, p.Status, p.SSOUser, p.Role, p.Owner(deployment, nil) == studio.Ours})
	}
	return e
}

// Explain writes explanations for people, a paragraph a domain.
func Explain(w io.Writer, s Style, u studio.User, explanations []Explanation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", s.Bold(u.Label()), s.Dim(strings.TrimSpace("user "+u.ID+" "+strings.ToLower(string(u.Status)))))
	for _, e := range explanations {
		fmt.Fprintf(&b, "\n%s %s\n", s.Bold(e.Domain), s.Dim("("+e.DomainID+")"))
		if e.Error != "" {
			fmt.Fprintf(&b, "  %s\n", s.Bad("cannot be read: "+e.Error))
			continue
		}
		e.rows(&b, s)
		e.profiles(&b, s)
		fmt.Fprintf(&b, "  should be: %s, because %s\n", s.Bold(string(e.Standing)), Reasons(e.Reasons))
		switch {
		case len(e.Changes) == 0:
			b.WriteString("  would happen: nothing\n")
			continue
		case e.Held != "":
			fmt.Fprintf(&b, "  would happen: nothing, %s\n", s.Bad(e.Held))
			continue
		}
		b.WriteString("  would happen:\n")
		if err := Changes(indented{&b}, s, e.Changes); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (e Explanation) rows(b *strings.Builder, s Style) {
	if len(e.Rows) == 0 {
		b.WriteString("  rows: none of this domain's groups has this user\n")
		return
	}
	b.WriteString("  rows, highest priority first:\n")
	for _, r := range e.Rows {
		mark := " "
		if r.Won {
			mark = s.Good("*")
		}
		fmt.Fprintf(b, "  %s %4s  %s → %s\n           %s\n", mark, priority(r.Priority), r.Group, r.Role, s.Dim(r.Source))
		if r.Doubt != "" {
			fmt.Fprintf(b, "           %s\n", s.Bad("in doubt: "+r.Doubt))
		}
	}
}

func (e Explanation) profiles(b *strings.Builder, s Style) {
	if len(e.Profiles) == 0 {
		b.WriteString("  there now: no profile\n")
	}
	for _, p := range e.Profiles {
		role, whose := p.Role, "managed"
		if role == "" {
			role = "the domain's default role"
		}
		if !p.Managed {
			whose = "not managed by us"
		}
		fmt.Fprintf(b, "  there now: %s, %s, %s, made for %s\n             %s\n", p.Name, p.Status, whose, p.SSOUser, s.Dim(role))
	}
}

func priority(p int) string {
	if p == studio.UnknownPriority {
		return "?"
	}
	return fmt.Sprint(p)
}

// indented writes every line two columns further in.
type indented struct{ w io.Writer }

// Write implements io.Writer.
func (i indented) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if _, err := io.WriteString(i.w, "  "+line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
