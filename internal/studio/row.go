package studio

import (
	"cmp"
	"fmt"
	"math"
	"strings"
)

// groupIDPrefix marks a group that is written by id instead of display name.
const groupIDPrefix = "groupId:"

// GroupRef names a group as a row does: by display name or by id. A name can
// be taken over by another group; an id cannot.
type GroupRef struct {
	Name string
	ID   string
}

// ParseGroupRef reads the key form: a display name, or groupId:<id>.
func ParseGroupRef(key string) GroupRef {
	if id, ok := strings.CutPrefix(key, groupIDPrefix); ok {
		return GroupRef{ID: id}
	}
	return GroupRef{Name: key}
}

// IsID reports whether a user's or group's id has the form that the Identity
// Store API takes: a UUID, or ten hexadecimal digits, a dash and a UUID. Asked about
// anything else, the API refuses the whole call.
// https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeGroup.html
func IsID(id string) bool {
	if len(id) == 47 && id[10] == '-' {
		if !each(id[:10], hexadecimal) {
			return false
		}
		id = id[11:]
	}
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (id[i] == '-') || !dash && !hexadecimal(id[i]) {
			return false
		}
	}
	return true
}

func hexadecimal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// Key is the form that the mapping table's hash key has.
func (g GroupRef) Key() string {
	if g.ID != "" {
		return groupIDPrefix + g.ID
	}
	return g.Name
}

// DefaultPriority is the priority of a row that names none.
const DefaultPriority = 100

// UnknownPriority is the priority of a row whose own could not be read: such a
// row could outrank every other.
const UnknownPriority = math.MaxInt

// Row says: this group, in this domain, gets this execution role and these
// UserSettings.
type Row struct {
	Group      GroupRef
	GroupID    string // what Group resolved to; "" while Unreadable says why not
	Domain     string // the configuration's name of the domain
	Role       string // ARN
	Priority   int    // higher wins
	Settings   Settings
	Source     string // where the row is written, for people
	Rule       string // the naming rule that the row is derived by; "" for a row of its own
	Unreadable string // why the row cannot be relied on; "" when it can
	Vanished   bool   // the group is gone, or its name now means another; GroupID is what it was
}

// Same reports whether two rows give the same rights.
func (r Row) Same(o Row) bool {
	return r.Role == o.Role && r.Settings == o.Settings
}

// MaxGroups is how many groups one Identity Center application takes; the
// application is the domain's.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
const MaxGroups = 100

// TooManyGroups says that the rows of a domain that assigns groups name more of
// them than its application takes; "" where they fit.
func TooManyGroups(d Domain, rows []Row) string {
	groups := map[string]bool{}
	for _, r := range rows {
		if r.Domain == d.Name {
			groups[cmp.Or(r.GroupID, r.Group.Key())] = true
		}
	}
	if d.SignIn != SignInGroup || len(groups) <= MaxGroups {
		return ""
	}
	return fmt.Sprintf("domain %s: %d groups have rows, and its application takes %d (set signIn: user, or put people into fewer groups)", d.Name, len(groups), MaxGroups)
}
