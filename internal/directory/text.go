package directory

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"studiokeeper/internal/plan"
)

// Losing are the GUIDs of those whom the plan takes something from, each once.
func (p Plan) Losing() []string {
	losing := map[string]bool{}
	for _, change := range p.Changes {
		if change.Kind.Removes() {
			losing[change.UserGUID] = true
		}
	}
	return slices.Sorted(maps.Keys(losing))
}

// Pending tells whether there is anything to be done.
func (p Plan) Pending() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Kind != Conflict })
}

// Text says in one line what the change does, and why.
func (c Change) Text() string {
	if why := sentence(c.Reasons); why != "" {
		return c.what() + ": " + why
	}
	return c.what()
}

func (c Change) what() string {
	switch c.Kind {
	case RemoveMember:
		return fmt.Sprintf("take %s out of group %s", c.UserName, c.Group)
	case AddMember:
		return fmt.Sprintf("put %s into group %s", c.UserName, c.Group)
	case DisableUser:
		return "disable user " + c.UserName
	case EnableUser:
		return "enable user " + c.UserName
	case AdoptUser:
		return "take over user " + c.UserName
	case UpdateUser:
		return "change user " + c.UserName
	case CreateUser:
		return "create user " + c.UserName
	case DeleteUser:
		return "delete user " + c.UserName
	case RenameGroup:
		return "rename a group to " + c.Group
	case CreateGroup:
		return "create group " + c.Group
	default:
		return c.conflict()
	}
}

func (c Change) conflict() string {
	switch {
	case c.Group != "":
		return "conflict about group " + c.Group
	case c.UserName != "":
		return "conflict about user " + c.UserName
	default:
		return "conflict about an account without a user name"
	}
}

// sentence joins what several reasons say.
func sentence(reasons []plan.Reason) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Text
	}
	return strings.Join(texts, "; ")
}

// counted is "4 members (a, b, c, …)", with the first few names only.
func counted(names []string, noun string) string {
	if len(names) != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s (%s)", len(names), noun, few(names, ", "))
}

// listed is "a; b", or "a; b; c; …" of more.
func listed[T any](things []T, name func(T) string) string {
	names := make([]string, len(things))
	for i, t := range things {
		names[i] = name(t)
	}
	return few(names, "; ")
}

// few are the first few of some names, in order.
func few(names []string, between string) string {
	const most = 3
	slices.Sort(names)
	shown := strings.Join(names[:min(most, len(names))], between)
	if len(names) > most {
		shown += between + "…"
	}
	return shown
}
