package directory

import (
	"fmt"
	"strconv"
	"strings"

	"studiokeeper/internal/plan"
)

// sourceIndex finds in a source what a comparison looks for.
type sourceIndex struct {
	accounts map[string]*Account     // by GUID
	groups   map[string]*SourceGroup // by GUID
	carried  map[string]bool         // GUIDs of groups that are carried
	primary  map[sid][]string        // GUIDs of the accounts whose primary group it is
	lost     []*SourceGroup          // that would be carried, had they not lost a replication conflict
}

func indexSource(s Source, p Policy) *sourceIndex {
	x := &sourceIndex{
		accounts: make(map[string]*Account, len(s.Users)), groups: make(map[string]*SourceGroup, len(s.Groups)),
		carried: map[string]bool{}, primary: map[sid][]string{},
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		x.groups[g.GUID] = g
		switch {
		case !p.Groups(g.Name):
		case lostConflict(g.DN):
			x.lost = append(x.lost, g)
		default:
			x.carried[g.GUID] = true
		}
	}
	for i := range s.Users {
		a := &s.Users[i]
		x.accounts[a.GUID] = a
		if s, ok := parseSID(a.SID); ok {
			s.number = a.PrimaryGroup // in the account's own domain
			x.primary[s] = append(x.primary[s], a.GUID)
		}
	}
	return x
}

// lostConflict is true of an object that Active Directory renamed, because another
// controller made one of the same name at the same time.
func lostConflict(dn string) bool {
	name, _ := splitDN(dn)
	return strings.Contains(name, "\nCNF:")
}

// sid is a SID: of what domain, and which of its accounts and groups.
type sid struct {
	domain string
	number uint32
}

func parseSID(text string) (sid, bool) {
	end := strings.LastIndexByte(text, '-')
	if end < 0 {
		return sid{}, false
	}
	number, err := strconv.ParseUint(text[end+1:], 10, 32)
	return sid{text[:end], uint32(number)}, err == nil
}

// stop says why nothing can be concluded from the source: one that is as good as
// empty was not read as it should have been.
func (x *sourceIndex) stop() []plan.Reason {
	var stop []plan.Reason
	if len(x.accounts) == 0 {
		stop = append(stop, plan.Reason{Code: "no-users", Text: "Active Directory gave no users at all: check directory.ldap.baseDN and what the bind user may read; nothing is changed"})
	}
	switch {
	case len(x.groups) == 0:
		stop = append(stop, plan.Reason{Code: "no-groups", Text: "Active Directory gave no groups at all: check directory.ldap.baseDN and what the bind user may read; nothing is changed"})
	case len(x.carried) == 0:
		stop = append(stop, plan.Reason{Code: "no-carried-group", Text: fmt.Sprintf("of %d groups in Active Directory none is one that directory.groups names: check their spelling; nothing is changed", len(x.groups))})
	}
	return stop
}

// targetIndex finds in a target what a comparison looks for.
type targetIndex struct {
	users              map[string]*Person      // by id
	groups             map[string]*TargetGroup // by id
	byExternalID       map[string]*Person
	groupsByExternalID map[string]*TargetGroup
	userKeys           holders // user names and e-mail addresses
	groupNames         holders
	userRecords        map[string]*Record // by GUID
	groupRecords       map[string]*Record // by GUID
	recorded           map[string]bool    // ids that are on record, of users and groups
}

func indexTarget(t Target) *targetIndex {
	x := &targetIndex{
		users: make(map[string]*Person, len(t.Users)), byExternalID: make(map[string]*Person, len(t.Users)), userKeys: make(holders, 2*len(t.Users)),
		groups: map[string]*TargetGroup{}, groupsByExternalID: map[string]*TargetGroup{}, groupNames: holders{},
		userRecords: make(map[string]*Record, len(t.Records)), groupRecords: map[string]*Record{}, recorded: make(map[string]bool, len(t.Records)),
	}
	for i := range t.Users {
		x.addUser(&t.Users[i])
	}
	for i := range t.Groups {
		g := &t.Groups[i]
		x.groups[g.ID], x.groupsByExternalID[fold(g.ExternalID)] = g, g
		x.groupNames.add(fold(g.Name), g.ID)
	}
	delete(x.groupsByExternalID, "")
	for i := range t.Records {
		x.addRecord(&t.Records[i])
	}
	return x
}

func (x *targetIndex) addUser(p *Person) {
	x.users[p.ID] = p
	for _, key := range p.keys() {
		x.userKeys.add(key, p.ID)
	}
	if p.ExternalID != "" {
		x.byExternalID[fold(p.ExternalID)] = p
	}
}

func (x *targetIndex) addRecord(r *Record) {
	if r.ID != "" {
		x.recorded[r.ID] = true
	}
	if r.Kind == GroupObject {
		x.groupRecords[r.GUID] = r
	} else {
		x.userRecords[r.GUID] = r
	}
}

// carried counts the people who are carried now.
func (x *targetIndex) carried() int {
	n := 0
	for _, r := range x.userRecords {
		if x.users[r.ID] != nil && r.Left.IsZero() {
			n++
		}
	}
	return n
}

// keys are what only one person may have: a user name and an e-mail address. User
// names have no spaces, so that the two are never mixed up.
func (p Person) keys() [2]string {
	keys := [2]string{fold(p.UserName)}
	if p.Email != "" {
		keys[1] = "mail " + fold(p.Email)
	}
	return keys
}

// same is true of names that differ in upper and lower case only.
func same(a, b string) bool { return a == b || fold(a) == fold(b) }

// fold makes names the same that differ in upper and lower case only.
func fold(s string) string { return strings.ToLower(s) }
