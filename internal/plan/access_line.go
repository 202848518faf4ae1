package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/studio"
)

// accessLine makes the lines of one person in one domain.
type accessLine struct {
	b    *accessBuilder
	d    *DomainView
	one  Decided
	hold Hold
}

// with is the line of a profile that is the person's.
func (l accessLine) with(p studio.Profile) (Access, accessLine) {
	a := l.profile(p)
	l.user(&a)
	changes := l.changesOf(p.Name)
	owner := p.Owner(l.d.Policy.Deployment, l.d.Policy.Formerly)
	if owner == studio.Ours || owner == studio.Former {
		a.LeavingSince = leavingSince(p)
		if a.GroupID == "" {
			l.givenThrough(&a, p.Tags[studio.TagGroup])
		}
		if known := l.b.source.Known[a.Domain][a.UserID]; known.Role != "" && known.Role == p.Role {
			a.Since = known.Since.UTC()
		}
	}
	a.Standing = l.standing(p, owner, changes)
	switch {
	case a.Standing == AccessHeld && l.hold.Rejected:
		a.Until = l.hold.Until.UTC()
	case a.Standing == AccessLeaving && !a.LeavingSince.IsZero():
		a.Until = a.LeavingSince.Add(l.d.Policy.Grace)
	}
	a.Reasons = l.reasons(changes)
	if a.Standing == AccessForeign {
		l.foreign(&a, p)
	}
	a.Remark = l.remark(a, p, changes)
	return a, l
}

// without is the line of a person who has no profile, and is not to be without.
func (l accessLine) without() (Access, accessLine) {
	a := l.profile(studio.Profile{})
	l.user(&a)
	changes := l.one.Changes
	switch {
	case l.one.Verdict.Standing == Unclear:
		a.Standing = AccessUnreadable
	case l.one.Verdict.Standing == Tied:
		a.Standing = AccessTied
	case hasKind(changes, Conflict):
		a.Standing = AccessConflict
	default:
		a.Standing = AccessEntitled
	}
	a.Reasons = l.reasons(changes)
	a.Remark = l.remark(a, studio.Profile{}, changes)
	return a, l
}

// profile is what a profile says of itself. One that could not be described
// tells nothing of its role.
func (l accessLine) profile(p studio.Profile) Access {
	domain := l.d.Policy.Domain
	a := Access{Domain: domain.Name, DomainID: domain.ID, Profile: p.Name, ProfileStatus: string(p.Status), SSOUser: p.SSOUser, Role: p.Role}
	if p.Status == "" {
		a.Role = ""
		return a
	}
	if a.Role == "" {
		a.Role, a.DefaultRole = l.b.source.Defaults[domain.Name], true
	}
	a.Verified = l.b.source.Verified[domain.Name][p.Name].UTC()
	return a
}

// user fills in the person, and what the mapping gives.
func (l accessLine) user(a *Access) {
	u := l.one.Person.User
	a.UserID, a.UserName, a.UserStatus = u.ID, u.UserName, string(u.Status)
	if w := l.one.Verdict.Winner; w != nil {
		a.MappedRole, a.GroupID, a.Row = w.Role, w.GroupID, w.Source
		a.Group = cmp.Or(w.Group.Name, l.b.source.Groups[w.GroupID])
	}
}

// givenThrough names the group through which a profile got its role, and its
// row while that still stands.
func (l accessLine) givenThrough(a *Access, group string) {
	a.GroupID, a.Group = group, l.b.source.Groups[group]
	for _, m := range l.one.Verdict.Matches {
		if m.Row.GroupID == group && group != "" && l.one.Verdict.Standing != Leaving {
			a.Row, a.Group = m.Row.Source, cmp.Or(m.Row.Group.Name, a.Group)
		}
	}
}

// changesOf are the changes that concern a profile, or the person as a whole.
func (l accessLine) changesOf(profile string) []Change {
	var out []Change
	for _, c := range l.one.Changes {
		if c.Profile == profile || c.Profile == "" {
			out = append(out, c)
		}
	}
	return out
}

func (l accessLine) standing(p studio.Profile, owner studio.Owner, changes []Change) AccessStanding {
	conflict := hasKind(changes, Conflict)
	switch {
	case owner == studio.Foreign:
		return AccessForeign
	case p.Status == "":
		return AccessUnreadable
	case owner == studio.Nobody && conflict:
		return AccessConflict
	case owner == studio.Nobody:
		return AccessUnmanaged
	}
	switch v := l.one.Verdict.Standing; {
	case v == Unclear:
		return AccessUnreadable
	case v == Tied:
		return AccessTied
	case conflict:
		return AccessConflict
	case v == Entitled:
		return AccessEntitled
	case l.held(changes):
		return AccessHeld
	default:
		return AccessLeaving
	}
}

// held tells whether the guard keeps what the changes would take.
func (l accessLine) held(changes []Change) bool {
	return !l.hold.At.IsZero() && slices.ContainsFunc(changes, func(c Change) bool { return c.Kind.Removes() })
}

// foreign says whose a profile is.
func (l accessLine) foreign(a *Access, p studio.Profile) {
	a.Standing, a.Deployment = AccessForeign, p.Tags[studio.TagDeployment]
	if !slices.ContainsFunc(a.Reasons, func(r Reason) bool { return r.Code == "foreign" }) {
		a.Reasons = append(a.Reasons, Reason{"foreign", fmt.Sprintf("it belongs to the deployment %q", a.Deployment)})
	}
}

// reasons are those of the decision, and what a person should know of the changes.
func (l accessLine) reasons(changes []Change) []Reason {
	reasons := slices.Clone(l.one.Verdict.Reasons)
	for _, c := range changes {
		if c.Kind.Reports() && len(c.Reasons) > len(l.one.Verdict.Reasons) {
			reasons = append(reasons, c.Reasons[len(l.one.Verdict.Reasons):]...)
		}
	}
	return reasons
}

// remark says in words what is not as it should be.
func (l accessLine) remark(a Access, p studio.Profile, changes []Change) string {
	var say []string
	switch a.Standing {
	case AccessEntitled:
	case AccessForeign:
		say = append(say, a.Reasons[len(a.Reasons)-1].Text)
	case AccessUnmanaged:
		say = append(say, "somebody else made it, and no deployment manages it")
	case AccessConflict:
		say = append(say, reported(changes, Conflict)...)
	case AccessHeld:
		say = append(say, words(l.one.Verdict.Reasons), l.hold.words())
	default:
		say = append(say, words(a.Reasons))
	}
	if a.Standing != AccessForeign && a.Standing != AccessConflict && a.Standing != AccessHeld {
		for _, c := range changes {
			say = append(say, wish(c))
		}
	}
	if a.Standing == AccessTied && l.held(changes) {
		say = append(say, l.hold.words())
	}
	if u := l.one.Person.User.UserName; p.SSOUser != "" && u != "" && p.SSOUser != u {
		say = append(say, "it was made for the UserName "+p.SSOUser+": only deleting and making it again changes that, and its files would be left without an owner")
	}
	return join(say)
}

// wish says what a change would do to whoever reads the line.
func wish(c Change) string {
	switch c.Kind {
	case Create:
		return "there is no profile yet"
	case Adopt:
		return "it is to be taken over"
	case Update:
		if c.Before.Role != c.After.Role {
			return "it is to get the role " + c.After.Role
		}
		return "its settings are to be brought in step"
	case Tag:
		return "its tags are to be brought in step"
	case Assign:
		return "the sign-in is still to be given"
	case Return:
		return "the offboarding is to be undone"
	case Revoke:
		return "the offboarding has not begun yet"
	case Quarantine:
		return "the role is still to be taken away"
	case Unassign:
		return "the sign-in is still to be taken back"
	case Delete:
		return "the profile is to be deleted"
	case Wait:
		return c.Reasons[len(c.Reasons)-1].Text
	default:
		return ""
	}
}

// words says what became of the removal.
func (h Hold) words() string {
	if h.Rejected {
		return strings.TrimSuffix(fmt.Sprintf("a person rejected the removal until %s: %s", h.Until.UTC().Format(time.RFC3339), h.Reason), ": ")
	}
	return strings.TrimSuffix(fmt.Sprintf("the removal is held since %s: %s", h.At.UTC().Format(time.RFC3339), h.Reason), ": ")
}

// reported are the last words of changes of a kind that only reports.
func reported(changes []Change, k Kind) []string {
	var out []string
	for _, c := range changes {
		if c.Kind == k {
			out = append(out, c.Reasons[len(c.Reasons)-1].Text)
		}
	}
	return out
}

func hasKind(changes []Change, k Kind) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Kind == k })
}

// leavingSince is zero when the mark is missing, or cannot be read.
func leavingSince(p studio.Profile) time.Time {
	since, err := time.Parse(time.RFC3339, p.Tags[studio.TagLeaving])
	if err != nil {
		return time.Time{}
	}
	return since.UTC()
}

// words are the sentences of reasons in one line.
func words(reasons []Reason) string {
	var say []string
	for _, r := range reasons {
		say = append(say, r.Text)
	}
	return join(say)
}

// join leaves out what is empty or said twice.
func join(say []string) string {
	var out []string
	for _, s := range say {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, "; ")
}
