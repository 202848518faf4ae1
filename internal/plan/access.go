package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// AccessVersion is the version of the report's JSON. It grows when a field goes
// away or comes to mean something else; fields may be added without that.
const AccessVersion = 1

// AccessReport says who can do what. Every profile of a domain that was read
// stands in exactly one line, and so does everybody without a profile who
// should have one, or may be about to; a filter leaves lines out.
type AccessReport struct {
	Version       int             `json:"version"`
	Deployment    string          `json:"deployment"`
	IdentityStore string          `json:"identityStore"`
	Made          time.Time       `json:"made"`
	By            string          `json:"by,omitempty"` // ARN of the identity that read it all
	Deep          bool            `json:"deep"`         // every profile was described for this report
	Complete      bool            `json:"complete"`     // everything was read: no problem is unread
	Only          AccessFilter    `json:"only"`
	Domains       []AccessDomain  `json:"domains"`
	Access        []Access        `json:"access"`
	Problems      []AccessProblem `json:"problems"`
}

// AccessFilter is what a report was narrowed to; "" is everything.
type AccessFilter struct {
	Domain string `json:"domain,omitempty"` // name
	User   string `json:"user,omitempty"`   // UserName or id
	Role   string `json:"role,omitempty"`   // ARN, or how it ends after a slash
}

// AccessDomain is a domain that the report speaks of.
type AccessDomain struct {
	Name        string `json:"name"`
	ID          string `json:"id"`
	Account     string `json:"account,omitempty"`
	Region      string `json:"region,omitempty"`
	Configured  bool   `json:"configured"` // false: only the state table knows it
	Mode        string `json:"mode,omitempty"`
	State       string `json:"state,omitempty"`
	DefaultRole string `json:"defaultRole,omitempty"`
	Profiles    int    `json:"profiles"` // how many the domain has, whatever the filter
	Error       string `json:"error,omitempty"`
}

// AccessStanding is how a line stands to what the mapping says.
type AccessStanding string

// The standings of a line.
const (
	AccessEntitled   AccessStanding = "entitled"   // a row gives it
	AccessLeaving    AccessStanding = "leaving"    // nothing gives it: access ends, or has ended
	AccessHeld       AccessStanding = "held"       // nothing gives it, and the removal waits for a person, or was rejected
	AccessTied       AccessStanding = "tied"       // groups of the same priority disagree
	AccessUnreadable AccessStanding = "unreadable" // not known: something could not be read
	AccessConflict   AccessStanding = "conflict"   // a person has to decide
	AccessForeign    AccessStanding = "foreign"    // the profile belongs to another deployment
	AccessUnmanaged  AccessStanding = "unmanaged"  // the profile belongs to no deployment
)

// AccessStandings lists them in the order in which they are shown.
func AccessStandings() []AccessStanding {
	return []AccessStanding{
		AccessEntitled, AccessLeaving, AccessHeld, AccessTied, AccessConflict, AccessUnreadable, AccessForeign, AccessUnmanaged,
	}
}

// Access is one line of the report: what a person has in a domain. A zero time
// is one that is not known.
type Access struct {
	Domain        string         `json:"domain"`
	DomainID      string         `json:"domainId"`
	UserID        string         `json:"userId,omitempty"`
	UserName      string         `json:"userName,omitempty"`
	UserStatus    string         `json:"userStatus,omitempty"` // ENABLED, DISABLED, ABSENT
	Profile       string         `json:"profile,omitempty"`
	ProfileStatus string         `json:"profileStatus,omitempty"`
	SSOUser       string         `json:"ssoUser,omitempty"`     // UserName that the profile was made for
	Role          string         `json:"role,omitempty"`        // what the profile has now
	DefaultRole   bool           `json:"defaultRole,omitempty"` // Role is the domain's, as the profile has none of its own
	MappedRole    string         `json:"mappedRole,omitempty"`  // what the mapping gives
	Group         string         `json:"group,omitempty"`       // display name
	GroupID       string         `json:"groupId,omitempty"`
	Row           string         `json:"row,omitempty"` // where it is written; "" when none gives the role
	Since         time.Time      `json:"since,omitzero"`
	Verified      time.Time      `json:"verified,omitzero"`
	Standing      AccessStanding `json:"standing"`
	LeavingSince  time.Time      `json:"leavingSince,omitzero"`
	Until         time.Time      `json:"until,omitzero"` // leaving: when the profile is deleted; held: when a rejection lapses
	Deployment    string         `json:"deployment,omitempty"`
	Remark        string         `json:"remark,omitempty"`
	Reasons       []Reason       `json:"reasons,omitempty"`
}

// Label is the name that a person would recognise.
func (a Access) Label() string { return cmp.Or(a.UserName, a.SSOUser, a.UserID) }

// Severity says what a problem asks for.
type Severity string

// The severities, the worst first.
const (
	Unread Severity = "unread" // it could not be read: the report is not complete
	Decide Severity = "decide" // a person has to decide
	Note   Severity = "note"   // worth knowing
)

// AccessProblem is something that is not as it should be.
type AccessProblem struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`
	Domain   string   `json:"domain,omitempty"`
	UserID   string   `json:"userId,omitempty"`
	UserName string   `json:"userName,omitempty"`
	Profile  string   `json:"profile,omitempty"`
	Text     string   `json:"text"`
	Lines    int      `json:"lines,omitempty"` // how many lines it concerns, where that is not the one named
}

// RoleCount is how many people have a role in a domain.
type RoleCount struct {
	Domain, Role string
	People       int
	ByStanding   map[AccessStanding]int
}

// Roles counts the people of each role by domain and role. Lines without a role
// are counted under "".
func (r AccessReport) Roles() []RoleCount {
	type key struct{ domain, role string }
	at := map[key]int{}
	var counts []RoleCount
	for _, a := range r.Access {
		k := key{a.Domain, a.Role}
		i, known := at[k]
		if !known {
			i = len(counts)
			at[k] = i
			counts = append(counts, RoleCount{Domain: a.Domain, Role: a.Role, ByStanding: map[AccessStanding]int{}})
		}
		counts[i].People++
		counts[i].ByStanding[a.Standing]++
	}
	slices.SortFunc(counts, func(a, b RoleCount) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), -cmp.Compare(a.People, b.People), cmp.Compare(a.Role, b.Role))
	})
	return counts
}

// Count counts the lines of each standing.
func (r AccessReport) Count() map[AccessStanding]int {
	n := map[AccessStanding]int{}
	for _, a := range r.Access {
		n[a.Standing]++
	}
	return n
}

// Wrong are the problems that are more than a note.
func (r AccessReport) Wrong() []AccessProblem {
	var wrong []AccessProblem
	for _, p := range r.Problems {
		if p.Severity != Note {
			wrong = append(wrong, p)
		}
	}
	return wrong
}

// keeps tells whether a line passes the filter: a role counts whether the person
// has it or is to get it.
func (f AccessFilter) keeps(a Access) bool {
	user := f.User == "" || f.User == a.UserID || f.User == a.UserName || f.User == a.SSOUser
	return user && (f.Domain == "" || f.Domain == a.Domain) && (f.MatchesRole(a.Role) || f.MatchesRole(a.MappedRole))
}

// MatchesRole tells whether the filter means a role.
func (f AccessFilter) MatchesRole(arn string) bool {
	return f.Role == "" || arn == f.Role || strings.HasSuffix(arn, "/"+f.Role)
}
