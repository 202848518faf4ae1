package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"studiokeeper/internal/studio"
)

// Basis identifies what was read of a person, as far as a plan rests on it: two
// that are equal are planned for alike, but for the passing of time.
func (p Person) Basis() string {
	type row struct {
		Group, GroupID, Role string
		Priority             int
		Settings             studio.Settings
		Doubt                string
	}
	type profile struct {
		Name, SSOUser, Role string
		Status              studio.ProfileStatus
		Settings            studio.Settings
		Tags                studio.OurTags
	}
	var rows []row
	for _, m := range sorted(p.Matches) {
		rows = append(rows, row{m.Row.Group.Key(), m.Row.GroupID, m.Row.Role, m.Row.Priority, m.Row.Settings, m.doubt()})
	}
	var profiles []profile
	for _, one := range p.Profiles {
		profiles = append(profiles, profile{one.Name, one.SSOUser, one.Role, one.Status, one.Settings, studio.OurTagsOf(one.Tags)})
	}
	slices.SortFunc(profiles, func(a, b profile) int { return cmp.Compare(a.Name, b.Name) })
	return digestOf(struct {
		ID, UserName     string
		Status           studio.UserStatus
		Rows             []row
		Profiles         []profile
		SSOOwners        map[string]string
		SignIn, Assigned bool
		Begun            bool `json:",omitzero"`
		Remembered       string
	}{p.User.ID, p.User.UserName, p.User.Status, rows, profiles, p.SSOOwners, p.SignIn, p.Assigned, p.Begun, p.Remembered})
}

// Digest identifies what changes would do, whatever the reasons and whenever
// they are made: the time in an offboarding's mark does not count.
func Digest(changes []Change) string {
	type state struct {
		Role     string
		Settings studio.Settings
		Tags     studio.OurTags
	}
	side := func(s *State) *state {
		if s == nil {
			return nil
		}
		tags := studio.OurTagsOf(s.Tags)
		if tags.Leaving != "" {
			tags.Leaving = "since then"
		}
		return &state{s.Role, s.Settings, tags}
	}
	type step struct {
		Kind                    Kind
		Domain, UserID, Profile string
		Before, After           *state
	}
	steps := make([]step, 0, len(changes))
	for _, c := range changes {
		steps = append(steps, step{c.Kind, c.Domain, c.UserID, c.Profile, side(c.Before), side(c.After)})
	}
	return digestOf(steps)
}

func digestOf(v any) string {
	text, _ := json.Marshal(v) // plain values that always go into JSON
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
