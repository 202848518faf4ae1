package simulation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/studio"
)

// checks is what the checks keep, all of it from the log of calls.
type checks struct {
	broken   []string            // what must never have happened, and did
	journal  []string            // what was written to the journal
	marked   map[place]time.Time // since when a profile's person is being offboarded
	leavings []removal           // offboardings that have begun, in order
	approved map[who]time.Time   // when a person let somebody's removal happen
	rejected map[who]time.Time   // when a person did not
	wrote    map[who]write       // the last change of somebody's profile
	stripped map[place]time.Time // when somebody took our tags away
}

type (
	place struct {
		domain  int
		profile string
	}
	who struct {
		domain int
		user   string
	}
	removal struct {
		who
		at time.Time
	}
	write struct {
		at time.Time
		by string
	}
)

// breach notes that a rule was broken.
func (w *world) breach(c *call, format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf("%v %s %s: ", c.at.Sub(w.begun).Round(time.Millisecond), c.run.name, c.operation)+fmt.Sprintf(format, args...))
}

// asked is what the requests hold that are checked.
type asked struct {
	DomainID              string `json:"DomainId"`
	UserProfileName       string
	SingleSignOnUserValue string
	SpaceName             string
	UserSettings          struct{ ExecutionRole string }
	Tags                  []tag
	ResourceArn           string
	TagKeys               []string
	UserID                string `json:"UserId"`
	MemberID              struct {
		UserID string `json:"UserId"`
	} `json:"MemberId"`
	ApplicationArn string
	PrincipalID    string `json:"PrincipalId"`
	PrincipalType  string
}

func (a asked) tags() map[string]string {
	tags := map[string]string{}
	for _, t := range a.Tags {
		tags[t.Key] = t.Value
	}
	return tags
}

// before checks a call that is about to be carried out; the answer is what to
// note when that succeeded.
func (w *world) before(c *call) (after func()) {
	service, operation, _ := strings.Cut(c.operation, ".")
	if c.operation == "DynamoDB_20120810.TransactWriteItems" {
		return func() { w.journal = append(w.journal, string(c.body)) }
	}
	var in asked
	if service != "SageMaker" && service != "AWSIdentityStore" && service != "SWBExternalService" || json.Unmarshal(c.body, &in) != nil {
		return nil
	}
	d := slices.IndexFunc(w.domains, func(s site) bool {
		return s.id == in.DomainID || in.ResourceArn != "" && strings.Contains(in.ResourceArn, "/"+s.id+"/")
	})
	if in.ResourceArn != "" {
		in.UserProfileName = in.ResourceArn[strings.LastIndex(in.ResourceArn, "/")+1:]
	}
	switch operation {
	case "DescribeUser", "IsMemberInGroups", "ListGroupMembershipsForMember":
		c.run.read[in.UserID+in.MemberID.UserID] = c.at
	case "CreateUserProfile":
		return w.beforeCreate(c, in, d)
	case "UpdateUserProfile":
		return w.beforeUpdate(c, in, d)
	case "AddTags":
		return w.beforeTag(c, in, d)
	case "DeleteTags":
		return w.beforeUntag(c, in, d)
	case "DeleteUserProfile":
		return w.beforeDelete(c, in, d)
	case "DeleteSpace":
		return w.beforeDeleteSpace(c, in, d)
	}
	return nil
}

// window reports whether a verdict that ok takes could have been read by this invocation.
func (w *world) window(c *call, id string, d int, ok func(verdict) bool) bool {
	return w.truth.could(c.run.since, c.at, func(who, which directory) bool {
		return w.named(c, who, func(who directory) bool { return ok(should(who, which, id, d)) })
	})
}

// named reports whether ok takes a directory with the groups' names as they are, or as they
// were: they are remembered for a while. That a group was deleted must show at once.
func (w *world) named(c *call, who directory, ok func(directory) bool) bool {
	kept, err := time.ParseDuration(w.story.Cache)
	w.must(err)
	return slices.ContainsFunc(w.truth.between(c.run.since.Add(-kept), c.at), func(then directory) bool {
		as := who
		as.gone = maps.Clone(then.gone)
		for g := range who.gone {
			as.gone[g] = as.gone[g] || who.members[g] == nil
		}
		return ok(as)
	})
}

// granted checks that a role is one that could have been read to be somebody's.
func (w *world) granted(c *call, id string, d int, role string) {
	if !w.window(c, id, d, func(v verdict) bool { return v.one() && v.roles[0] == role }) {
		w.breach(c, "over-grant: %s in %s gets %s, which nothing gave them since %v; they should have %v",
			id, w.domains[d].name, role, c.run.since.Sub(w.begun), should(w.truth.now(), w.truth.now(), id, d).roles)
	}
}

// alone checks that nobody else changed somebody's profile since this
// invocation read what they should have.
func (w *world) alone(c *call, id string, d int) {
	last := w.wrote[who{d, id}]
	if read, known := c.run.read[id]; !known {
		w.breach(c, "%s was not read before they are changed", id)
	} else if last.by != c.run.name && last.at.After(read) {
		w.breach(c, "%s in %s is changed after %s has changed them since they were read", id, w.domains[d].name, last.by)
	}
	w.wrote[who{d, id}] = write{c.at, c.run.name}
}

func (w *world) beforeCreate(c *call, in asked, d int) func() {
	tags := in.tags()
	id := tags[studio.TagUserID]
	if tags[studio.TagDeployment] != deployment || id == "" {
		w.breach(c, "profile %s is made without our tags", in.UserProfileName)
	}
	w.granted(c, id, d, in.UserSettings.ExecutionRole)
	w.alone(c, id, d)
	return func() { delete(w.marked, place{d, in.UserProfileName}) }
}

// managed is a profile that may be changed: ours.
func (w *world) managed(c *call, d int, name string) (p profile, ok bool) {
	p, found := w.profile(d, name)
	if !found {
		return p, false
	}
	if !p.ours() {
		if w.justStripped(c, d, name) {
			return p, false
		}
		w.breach(c, "profile %s is not ours: its tags are %v", name, p.Tags)
		return p, false
	}
	w.alone(c, p.owner(), d)
	return p, true
}

// justStripped tells whether this invocation may have seen tags of ours that are
// gone by now. No call of SageMaker's asks for them in the same breath.
func (w *world) justStripped(c *call, d int, name string) bool {
	at, known := w.stripped[place{d, name}]
	return known && !at.Before(c.run.since)
}

func (w *world) beforeUpdate(c *call, in asked, d int) func() {
	p, ok := w.managed(c, d, in.UserProfileName)
	if !ok {
		return nil
	}
	switch role := in.UserSettings.ExecutionRole; role {
	case quarantine:
		w.removes(c, p, d, "quarantine", func(v verdict) bool { return !v.one() })
	default:
		w.granted(c, p.owner(), d, role)
	}
	return nil
}

// removes checks that something could have been read that lets a step take
// something away, and that the journal tells of it.
func (w *world) removes(c *call, p profile, d int, kind string, ok func(verdict) bool) {
	id := p.owner()
	may := w.truth.could(c.run.since, c.at, func(who, which directory) bool {
		return w.named(c, who, func(who directory) bool {
			return ok(should(who, which, id, d)) && !w.shielded(who, which, id, d, p.through())
		})
	})
	if !may && !w.reused(c, p) {
		w.breach(c, "%s in %s loses something, and had %v all the time since %v", id, w.domains[d].name, should(w.truth.now(), w.truth.now(), id, d).roles, c.run.since.Sub(w.begun))
	}
	if at, yes := w.rejected[who{d, id}]; yes && !w.reused(c, p) && !slices.ContainsFunc(w.truth.between(at, c.at), func(then directory) bool { return !should(then, then, id, d).nothing() }) {
		w.breach(c, "%s in %s loses something, which a person rejected", id, w.domains[d].name)
	}
	if !slices.ContainsFunc(w.journal, func(text string) bool {
		return strings.Contains(text, id) && strings.Contains(text, `\"kind\":\"`+kind+`\"`)
	}) {
		w.breach(c, "the journal has no %s of %s", kind, id)
	}
}

// reused tells whether the name that a profile was made for was somebody else's.
func (w *world) reused(c *call, p profile) bool {
	return slices.ContainsFunc(w.truth.between(c.run.since, c.at), func(d directory) bool {
		now := d.owner(p.SSOUser)
		return now != "" && now != p.owner()
	})
}

func (w *world) beforeTag(c *call, in asked, d int) func() {
	tags := in.tags()
	p, found := w.profile(d, in.UserProfileName)
	if !found {
		return nil
	}
	id := tags[studio.TagUserID]
	switch tagged := p.Tags[studio.TagDeployment]; {
	case tagged == "" && id == "" && w.justStripped(c, d, p.Name):
		return nil
	case tagged == "":
		w.adopted(c, p, d, id)
	case tagged != deployment:
		w.breach(c, "profile %s is taken from the deployment %s", p.Name, tagged)
	case id != "" && p.owner() != id:
		w.breach(c, "profile %s of %s is given to %s", p.Name, p.owner(), id)
	default:
		id = p.owner()
		w.alone(c, id, d)
	}
	if tags[studio.TagLeaving] == "" || p.Tags[studio.TagLeaving] != "" {
		return nil
	}
	w.removes(c, p, d, "revoke", verdict.nothing)
	return func() { w.leaves(c, d, p) }
}

// adopted checks that a profile without tags is one that may be taken over.
func (w *world) adopted(c *call, p profile, d int, id string) {
	w.alone(c, id, d)
	isFor := slices.ContainsFunc(w.truth.between(c.run.since, c.at), func(of directory) bool { return of.people[id].name == p.SSOUser })
	if !w.adoptable(p) || !isFor || !w.window(c, id, d, verdict.one) {
		w.breach(c, "profile %s, made for %s with the role %q, is adopted for %s", p.Name, p.SSOUser, p.Role, id)
	}
}

// adoptable tells whether the configuration lets a profile be taken over that
// carries no tag of any deployment.
func (w *world) adoptable(p profile) bool {
	return w.story.Adopt == "all" || w.story.Adopt == "" && p.Role == ""
}

// leaves notes an offboarding that has begun, and checks the guard's limit: its
// windows follow each other, so that two of them may touch an hour.
func (w *world) leaves(c *call, d int, p profile) {
	one := who{d, p.owner()}
	w.marked[place{d, p.Name}] = c.at
	if _, yes := w.approved[one]; yes {
		return
	}
	w.leavings = append(w.leavings, removal{one, c.at})
	var people []string
	for _, r := range w.leavings {
		if r.domain == d && c.at.Sub(r.at) < time.Hour && !slices.Contains(people, r.user) {
			people = append(people, r.user)
		}
	}
	if len(people) > 2*removalsLimit {
		w.breach(c, "%d people leave %s within an hour, and the limit is %d", len(people), w.domains[d].name, removalsLimit)
	}
}

func (w *world) beforeUntag(c *call, in asked, d int) func() {
	p, ok := w.managed(c, d, in.UserProfileName)
	if !ok {
		return nil
	}
	if slices.ContainsFunc(in.TagKeys, func(key string) bool { return key != studio.TagLeaving }) {
		w.breach(c, "profile %s loses the tags %v", p.Name, in.TagKeys)
	}
	return func() { delete(w.marked, place{d, p.Name}) }
}

func (w *world) beforeDelete(c *call, in asked, d int) func() {
	p, ok := w.managed(c, d, in.UserProfileName)
	if !ok {
		return nil
	}
	w.removes(c, p, d, "delete", verdict.nothing)
	w.afterGrace(c, d, p)
	return nil
}

// longestLook is how long after it was decided a step may be taken: the mark tells
// when it was decided to put it.
const longestLook = 80 * time.Second

// afterGrace checks that the grace period of a profile's offboarding is over.
func (w *world) afterGrace(c *call, d int, p profile) {
	since, marked := w.marked[place{d, p.Name}]
	if !marked || c.at.Sub(since) < grace-longestLook {
		w.breach(c, "the grace period of %s is not over: it began at %v (%v)", p.Name, since.Sub(w.begun), marked)
	}
}

func (w *world) beforeDeleteSpace(c *call, in asked, d int) func() {
	spaces := w.spaces(d)
	at := slices.IndexFunc(spaces, func(s space) bool { return s.Name == in.SpaceName })
	if at < 0 {
		return nil
	}
	s := spaces[at]
	if s.Shared && w.story.SharedSpaces == "hold" {
		w.breach(c, "the shared space %s is deleted", s.Name)
	}
	p, ok := w.managed(c, d, s.Owner)
	if ok {
		w.removes(c, p, d, "delete", verdict.nothing)
		w.afterGrace(c, d, p)
	}
	return nil
}
