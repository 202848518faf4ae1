package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"studiokeeper/internal/studio"
)

// DocumentVersion is raised whenever an older program would misread a newer
// plan. docs/plan.md describes the form.
const DocumentVersion = 1

// Document is a plan as it is shown to people and scripts, saved, and applied.
type Document struct {
	Version    int       `json:"version"`
	Deployment string    `json:"deployment"`
	StoreID    string    `json:"identityStoreId"`
	Made       time.Time `json:"made"`
	// Config and Mapping are digests of the configuration and of all mapping rows.
	Config  string `json:"config"`
	Mapping string `json:"mapping"`
	// User is set in a plan for one user only; Only are the domains it is for,
	// all when there are none. Deep is set when every profile was described.
	User     string       `json:"user,omitempty"`
	Only     []string     `json:"only,omitempty"`
	Deep     bool         `json:"deep,omitempty"`
	Domains  []DomainPlan `json:"domains"`
	Problems []string     `json:"problems"` // what could not be read
	Notes    []string     `json:"notes"`    // what a person should know
	Digest   string       `json:"digest"`   // of everything above
}

// DomainPlan is the plan of one domain.
type DomainPlan struct {
	Domain   string       `json:"domain"`
	DomainID string       `json:"domainId"`
	Mode     string       `json:"mode"` // enforce, or observe: nothing is written
	Profiles int          `json:"profiles"`
	Error    string       `json:"error,omitempty"` // why nothing can be said of it
	People   []PersonPlan `json:"people"`
	SignIn   []Change     `json:"signIn"` // of groups, to the domain's application
}

// PersonPlan is what is planned for one person in one domain.
type PersonPlan struct {
	UserID   string   `json:"userId"`
	UserName string   `json:"userName,omitempty"`
	Changes  []Change `json:"changes"`
	Held     string   `json:"held,omitempty"`    // why the removals, or changes for an edited row, among them are not carried out
	Profile  string   `json:"profile,omitempty"` // one to be taken over, whatever it is called
	Basis    string   `json:"basis"`             // digest of what was read of the person
}

// Changing tells whether anything would be changed, not only reported.
func (p PersonPlan) Changing() bool {
	for _, c := range p.Changes {
		if !c.Kind.Reports() && (p.Held == "" || !c.Bounded()) {
			return true
		}
	}
	return false
}

// Summary counts the people of a plan by what becomes of them.
type Summary struct {
	Create     int `json:"create"`     // get a profile, or have theirs taken over
	Change     int `json:"change"`     // get another role, other settings or tags, a sign-in
	Offboard   int `json:"offboard"`   // begin to lose what they have, or go on losing it
	Delete     int `json:"delete"`     // lose their profile
	Held       int `json:"held"`       // would, and wait for a person's decision
	Conflict   int `json:"conflict"`   // wait for a person
	Unreadable int `json:"unreadable"` // wait for something to be readable
	Wait       int `json:"wait"`       // wait for SageMaker
	SignIn     int `json:"signIn"`     // groups that may sign in from now on, or no longer
	Failed     int `json:"failed"`     // domains that could not be read
}

// Summary counts.
func (d Document) Summary() Summary {
	var s Summary
	for _, domain := range d.Domains {
		for _, c := range domain.SignIn {
			if c.WaitsForDecision() {
				s.Held++
			} else {
				s.SignIn++
			}
		}
		if domain.Error != "" {
			s.Failed++
		}
		for _, p := range domain.People {
			*s.of(p)++
		}
	}
	return s
}

// of is the count that a person belongs to.
func (s *Summary) of(p PersonPlan) *int {
	kinds := map[Kind]bool{}
	for _, c := range p.Changes {
		kinds[c.Kind] = true
	}
	switch {
	case p.Held != "":
		return &s.Held
	case kinds[Delete]:
		return &s.Delete
	case kinds[Revoke], kinds[Quarantine], kinds[Unassign]:
		return &s.Offboard
	case kinds[Conflict]:
		return &s.Conflict
	case kinds[Unreadable]:
		return &s.Unreadable
	case kinds[Create], kinds[Adopt]:
		return &s.Create
	case kinds[Wait]:
		return &s.Wait
	default:
		return &s.Change
	}
}

// Pending tells whether applying the plan would change anything.
func (d Document) Pending() bool {
	for _, domain := range d.Domains {
		if domain.pending() {
			return true
		}
	}
	return false
}

// Enforced tells whether applying the plan would write anything to Studio or
// Identity Center: what is only observed is not written.
func (d Document) Enforced() bool {
	return slices.ContainsFunc(d.Domains, func(p DomainPlan) bool { return p.Mode != string(studio.Observe) && p.pending() })
}

// Empty tells whether there is nobody in the plan, not even to report.
func (d Document) Empty() bool {
	return !slices.ContainsFunc(d.Domains, func(p DomainPlan) bool { return len(p.People)+len(p.SignIn) > 0 })
}

func (d DomainPlan) pending() bool {
	return slices.ContainsFunc(d.SignIn, func(c Change) bool { return !c.WaitsForDecision() }) || slices.ContainsFunc(d.People, PersonPlan.Changing)
}

// CodeHeld is the reason of a change to a group's sign-in that is not carried
// out before a person has decided.
const CodeHeld = "held"

// WaitsForDecision tells whether a change to a group's sign-in is held.
func (c Change) WaitsForDecision() bool {
	return len(c.Reasons) > 0 && c.Reasons[len(c.Reasons)-1].Code == CodeHeld
}

// Sealed is the document with its digest.
func (d Document) Sealed() Document {
	d.Digest = ""
	d.Digest = digestOf(d)
	return d
}

// ErrDocument is why a saved plan cannot be used at all.
var ErrDocument = errors.New("this saved plan cannot be applied")

// ParseDocument reads a saved plan. One of a newer version, or that was edited
// since it was saved, is ErrDocument.
func ParseDocument(text []byte) (Document, error) {
	var head struct{ Version int }
	if err := json.Unmarshal(text, &head); err != nil {
		return Document{}, fmt.Errorf("%w: it is no plan, or not the whole of one: %w", ErrDocument, err)
	}
	switch {
	case head.Version == 0:
		return Document{}, fmt.Errorf("%w: it is no plan: it has no version", ErrDocument)
	case head.Version != DocumentVersion:
		return Document{}, fmt.Errorf("%w: it has version %d, and this program knows %d: make it again with this program", ErrDocument, head.Version, DocumentVersion)
	}
	var d Document
	r := json.NewDecoder(bytes.NewReader(text))
	r.DisallowUnknownFields()
	if err := r.Decode(&d); err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if _, err := r.Token(); !errors.Is(err, io.EOF) {
		return Document{}, fmt.Errorf("%w: more follows the plan", ErrDocument)
	}
	if sealed := d.Sealed(); sealed.Digest != d.Digest {
		return Document{}, fmt.Errorf("%w: it was edited since it was saved; make a new one", ErrDocument)
	}
	return d, nil
}

// MappingDigest identifies mapping rows, whatever their order and wherever they
// are written.
func MappingDigest(rows []studio.Row) string {
	lines := make([]string, 0, len(rows))
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%q %q %q %q %d %q %t %q", r.Domain, r.Group.Key(), r.GroupID, r.Role, r.Priority, r.Settings, r.Vanished, r.Unreadable))
	}
	slices.Sort(lines)
	return digestOf(lines)
}
