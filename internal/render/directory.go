package render

import (
	"fmt"
	"io"
	"strings"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
)

// Directory writes for people what would be carried over, with every reason, and
// what it comes to.
func Directory(w io.Writer, s Style, d directory.Document) error {
	var b strings.Builder
	directoryHead(&b, s, d)
	for _, r := range d.Stop {
		fmt.Fprintf(&b, "  %s\n", s.Bad("stopped: "+r.Text))
	}
	held := d.HeldBack()
	for _, some := range alike(d.Changes, held) {
		c := some[0]
		mark, tint := directorySign(c.Kind)
		fmt.Fprintf(&b, "  %s %s\n", s.paint(tint, mark), told(some))
		if h, is := held[c.UserID]; is && c.Kind.Removes() {
			fmt.Fprintf(&b, "      %s\n", s.Bad(heldLine(h)))
		}
	}
	if len(d.Changes)+len(d.Stop) == 0 {
		b.WriteString("  nothing to change\n")
	}
	b.WriteByte('\n')
	for _, n := range d.Notes {
		fmt.Fprintf(&b, "%s %s\n", s.paint(yellow, "note:"), n.Text)
	}
	fmt.Fprintf(&b, "%s %s\n", s.Bold("Plan:"), directorySum(s, d))
	_, err := io.WriteString(w, b.String())
	return err
}

func directoryHead(b *strings.Builder, s Style, d directory.Document) {
	way := "through the Identity Store API"
	if d.Way == directory.BySCIM {
		way = "through SCIM"
	}
	if d.Mode == "observe" {
		way += ", mode observe: nothing is written"
	}
	fmt.Fprintf(b, "%s %s\n", s.Bold("Active Directory → Identity Center"), s.Dim(fmt.Sprintf("(%s), %d people carried over, %s", d.StoreID, d.Carried, way)))
}

func heldLine(h directory.Holding) string {
	if h.Decision == "rejected" {
		return strings.TrimSuffix("held     a person rejected it: "+h.Why, ": ")
	}
	return "held     " + h.Why
}

// alikeFrom is from how many people on those for whom the same is planned are
// told of together.
const alikeFrom = 10

// alike puts together what is the same for many, where the first of them stands.
func alike(changes []directory.Change, held map[string]directory.Holding) [][]directory.Change {
	same := map[string][]directory.Change{}
	key := func(c directory.Change) string {
		return fmt.Sprint(c.Kind, "\x00", c.GroupGUID, "\x00", c.Group, "\x00", Reasons(c.Reasons), "\x00", held[c.UserID].Why)
	}
	for _, c := range changes {
		same[key(c)] = append(same[key(c)], c)
	}
	var out [][]directory.Change
	for _, c := range changes {
		switch some := same[key(c)]; {
		case some == nil:
		case len(some) < alikeFrom || many(c.Kind) == "":
			out = append(out, []directory.Change{c})
		default:
			out = append(out, some)
			same[key(c)] = nil
		}
	}
	return out
}

// many is how a kind is said of several users; "" for what is told one by one.
func many(k directory.Kind) string {
	switch k {
	case directory.CreateUser:
		return "create %d users"
	case directory.UpdateUser:
		return "change %d users"
	case directory.AdoptUser:
		return "take over %d users"
	case directory.EnableUser:
		return "enable %d users"
	case directory.DisableUser:
		return "disable %d users"
	case directory.DeleteUser:
		return "delete %d users"
	case directory.AddMember:
		return "put %d users into group "
	case directory.RemoveMember:
		return "take %d users out of group "
	default:
		return ""
	}
}

func told(some []directory.Change) string {
	if len(some) == 1 {
		return some[0].Text()
	}
	text := fmt.Sprintf(many(some[0].Kind), len(some)) + some[0].Group
	text += fmt.Sprintf(" (%s, %s, %s …)", some[0].UserName, some[1].UserName, some[2].UserName)
	if why := Reasons(some[0].Reasons); why != "" {
		text += ": " + strings.Replace(why, "the account is", "each account is", 1)
	}
	return text
}

func directorySign(k directory.Kind) (string, colour) {
	switch k {
	case directory.CreateUser, directory.CreateGroup, directory.AddMember:
		return "+", green
	case directory.RemoveMember, directory.DisableUser, directory.DeleteUser:
		return "-", red
	case directory.Conflict:
		return "!", red
	default:
		return "~", yellow
	}
}

// directorySum is the line that a plan ends with.
func directorySum(s Style, d directory.Document) string {
	if len(d.Stop) > 0 {
		return s.Bad("nothing: what was read is not to be relied on.")
	}
	var parts []string
	add := func(n int, what string, dress func(string) string) {
		switch {
		case n == 1:
			parts = append(parts, dress("1 "+strings.NewReplacer("users", "user", "groups", "group", "memberships", "membership", "people", "person").Replace(what)))
		case n > 1:
			parts = append(parts, dress(fmt.Sprintf("%d %s", n, what)))
		}
	}
	changed := func(t string) string { return s.paint(yellow, t) }
	add(d.Count(directory.CreateUser), "users to create", s.Good)
	add(d.Count(directory.CreateGroup), "groups to create", s.Good)
	add(d.Count(directory.AdoptUser), "users to take over", changed)
	add(d.Count(directory.UpdateUser, directory.EnableUser), "users to change", changed)
	add(d.Count(directory.RenameGroup), "groups to rename", changed)
	add(d.Count(directory.AddMember), "memberships to add", s.Good)
	add(d.Count(directory.RemoveMember), "memberships to remove", s.Bad)
	add(d.Count(directory.DisableUser), "users to disable", s.Bad)
	add(d.Count(directory.DeleteUser), "users to delete", s.Bad)
	add(len(d.Held), "people held", s.Bad)
	add(d.Count(directory.Conflict), "in conflict", s.Bad)
	if len(parts) == 0 {
		return "nothing to change."
	}
	return strings.Join(parts, ", ") + "."
}

// DirectoryResult writes for people what became of a plan: what was not done, one
// by one, and how many were.
func DirectoryResult(w io.Writer, s Style, r directory.Result) error {
	if len(r.Steps) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteByte('\n')
	for _, step := range r.Steps {
		if step.Outcome == plan.FailedAt {
			fmt.Fprintf(&b, "  %s %s: %s\n", s.Bad("failed  "), what(step.Change), step.Error)
		}
	}
	var parts []string
	for _, one := range []struct {
		outcome plan.Outcome
		what    string
	}{{plan.Done, "done"}, {plan.HeldBack, "held"}, {plan.Refused, "refused"}, {plan.Later, "not done now"}, {plan.FailedAt, "failed"}} {
		if n := r.Of(one.outcome); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, one.what))
		}
	}
	fmt.Fprintf(&b, "%s %s.\n", s.Bold("Applied:"), strings.Join(parts, ", "))
	_, err := io.WriteString(w, b.String())
	return err
}

// what is a change without its reasons.
func what(c directory.Change) string {
	c.Reasons = nil
	return c.Text()
}
