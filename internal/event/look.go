// Package event turns what arrives from outside into whom to look at: EventBridge events, CloudTrail
// records, batches of SQS and of a DynamoDB stream, and this program's own messages.
//
// Anybody who may put an event on a bus or a message in a queue can write one, and real ones are lost,
// doubled, late and out of order. So nothing here is ever a decision: a Look only says where to read.
// Where an event hides whom it is about, the Look is as wide as it must be to miss nobody.
//
// The package is pure: bytes in, values out.
package event

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Scope says whom a Look names.
type Scope string

// The scopes, from narrow to wide.
const (
	User      Scope = "user"      // one user, Look.UserID
	Profile   Scope = "profile"   // whoever owns one Studio profile, Look.DomainID and Look.Profile
	Group     Scope = "group"     // a group's members and everybody managed because of it, Look.GroupID or Look.GroupName
	SignIn    Scope = "signin"    // our own messages: whether the group Look.GroupID may sign in to Look.Domain
	Everybody Scope = "everybody" // all users of the mapped groups and all managed profiles
)

// Look is a request to look at somebody. It never carries a decision: who may have what is read again
// from the directory and the mapping. The JSON names are those of our own queue messages.
type Look struct {
	Scope Scope `json:"scope"`
	// StoreID is the identity store the event speaks of; "" when it does not say (SCIM and SageMaker never do).
	StoreID string `json:"storeId,omitempty"`
	// UserID is set in scope User.
	UserID string `json:"userId,omitempty"`
	// GroupID names the group of scope Group by its id; "" when GroupName does.
	GroupID string `json:"groupId,omitempty"`
	// GroupName is a hash key of the mapping table as it stands there: a display name, or groupId:<id>.
	GroupName string `json:"groupName,omitempty"`
	// DomainID and Profile are set in scope Profile: somebody made, changed or deleted this Studio profile.
	// In scope User Profile names one that may be theirs, whatever it is called: it is read too.
	DomainID string `json:"domainId,omitempty"`
	Profile  string `json:"profile,omitempty"`
	// Plan is the digest of the only changes that may be made; "" for whatever is planned then.
	Plan string `json:"plan,omitempty"`
	// Domain is a domain's configured name; "" means every configured domain.
	Domain string `json:"domain,omitempty"`
	// Expect is what the event claims about one membership of UserID; nil when it claims nothing.
	Expect *Expect `json:"expect,omitempty"`
	// Subject and Sequence are the next look that our own message stands for; 0 when it stands for none.
	Subject  string `json:"subject,omitempty"`
	Sequence int64  `json:"sequence,omitempty"`
	// Tries counts the looks in a row that asked for another, so that they come ever more slowly.
	Tries int `json:"tries,omitempty"`
	// Bulk marks one of many looks that came of one cause: what can be read for all of them at once is.
	Bulk bool `json:"bulk,omitempty"`
	// Known, with Bulk, says that an earlier look searched for the user's profiles and found no two: the one
	// that is remembered is all there is to read.
	Known bool `json:"known,omitempty"`
	// RowsAfter asks for mapping rows that were read at this time or later: what caused the look may have
	// changed them, and another instance of the function may have older ones.
	RowsAfter time.Time `json:"rowsAfter,omitzero"`
	// Attempt counts how often Expect was looked for in vain.
	Attempt int `json:"attempt,omitempty"`
	// Deep asks to describe every profile, not only those that changed. Meant for scope Everybody.
	Deep bool `json:"deep,omitempty"`
	// Trigger is what started this look, for the journal.
	Trigger Trigger `json:"trigger,omitzero"`
}

// Expect is what an event claims about one membership. It is only ever used to decide whether a read is
// stale and worth repeating, never as the ground for a grant or a removal.
type Expect struct {
	GroupID string `json:"groupId"`
	Member  bool   `json:"member"`
}

// SourcePerson is the Trigger.Source of what a person does with a command. Nothing that is parsed has it:
// whoever may write a message could claim to be anybody.
const SourcePerson = "person"

// Trigger identifies the event behind a Look. Every field may be empty: nothing but the journal and log
// lines rest on it.
type Trigger struct {
	ID     string    `json:"id,omitempty"`     // eventID of CloudTrail and of a stream, id of a scheduled event; a person's ARN
	Name   string    `json:"name,omitempty"`   // eventName, or the detail-type of a scheduled event; a person's command
	Source string    `json:"source,omitempty"` // eventSource, or the source of a scheduled event; SourcePerson
	Time   time.Time `json:"time,omitzero"`    // when it happened, in UTC
}

// OfDirectory reports whether users, groups or memberships changed: not so the profiles that somebody made
// or changed by hand, schedules, and what people do with commands.
func (t Trigger) OfDirectory() bool {
	return strings.HasSuffix(t.Source, ".amazonaws.com") && t.Source != "sagemaker.amazonaws.com"
}

// String gives "<id> <name> (<source>)", the form error messages use.
func (t Trigger) String() string {
	id := t.ID
	if id == "" {
		id = "without an id"
	}
	return fmt.Sprintf("%s %s (%s)", id, t.Name, t.Source)
}

// Longest values that are passed on. Ids of Identity Center have at most 47 characters, those of Studio
// domains and profiles 63; a DynamoDB hash key has at most 2048 bytes.
const (
	maxID     = 47
	maxStudio = 63
	maxName   = 2048
	maxLabel  = 256
)

// check says what is wrong with l; nil when a caller may act on it.
func (l Look) check() error {
	if err := l.complete(); err != nil {
		return err
	}
	if l.Sequence < 0 || l.Attempt < 0 || l.Tries < 0 {
		return errors.New("sequence, attempt and tries must not be negative")
	}
	if l.Expect != nil && l.Expect.GroupID == "" {
		return errors.New("expect needs groupId")
	}
	return cmp.Or(
		checkID("storeId", l.StoreID, maxID),
		checkID("userId", l.UserID, maxID),
		checkID("groupId", l.GroupID, maxID),
		checkID("expect.groupId", l.expectedGroup(), maxID),
		checkID("domainId", l.DomainID, maxStudio),
		checkID("profile", l.Profile, maxStudio),
		checkID("plan", l.Plan, maxStudio),
		checkText("groupName", l.GroupName, maxName),
		checkText("domain", l.Domain, maxName),
		checkText("subject", l.Subject, maxName),
		checkLabel("trigger.id", l.Trigger.ID),
		checkLabel("trigger.name", l.Trigger.Name),
		checkLabel("trigger.source", l.Trigger.Source),
	)
}

// complete says which field the scope needs and l lacks.
func (l Look) complete() error {
	var needs string
	var given bool
	switch l.Scope {
	case User:
		needs, given = "userId", l.UserID != ""
	case Group:
		needs, given = "groupId or groupName", l.GroupID != "" || l.GroupName != ""
	case Profile:
		needs, given = "domainId and profile", l.DomainID != "" && l.Profile != ""
	case SignIn:
		needs, given = "groupId and domain", l.GroupID != "" && l.Domain != ""
	case Everybody:
		given = true
	default:
		return fmt.Errorf("scope is %.20q, want user, profile, group, signin or everybody", l.Scope)
	}
	if !given {
		return fmt.Errorf("scope %s needs %s", l.Scope, needs)
	}
	return nil
}

func (l Look) expectedGroup() string {
	if l.Expect == nil {
		return ""
	}
	return l.Expect.GroupID
}

// checkID refuses what no id holds and what would be dangerous in an API call or a log line: too long,
// spaces, control and other invisible characters. The form of an id is AWS's own affair. An absent id is fine.
func checkID(field, id string, limit int) error {
	if utf8.RuneCountInString(id) > limit {
		return fmt.Errorf("%s is longer than %d characters", field, limit)
	}
	if strings.ContainsFunc(id, notInID) {
		return fmt.Errorf("%s holds a space or a character that cannot be printed", field)
	}
	return nil
}

func notInID(r rune) bool {
	return r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r)
}

// checkLabel refuses what would break a log line or fill a journal.
func checkLabel(field, label string) error {
	if len(label) > maxLabel {
		return fmt.Errorf("%s is longer than %d bytes", field, maxLabel)
	}
	if strings.ContainsFunc(label, unicode.IsControl) {
		return fmt.Errorf("%s holds a control character", field)
	}
	return nil
}

// checkText refuses control characters other than the three that AWS allows in a display name.
func checkText(field, text string, limit int) error {
	if len(text) > limit {
		return fmt.Errorf("%s is longer than %d bytes", field, limit)
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, notInText) {
		return fmt.Errorf("%s holds a control character", field)
	}
	return nil
}

func notInText(r rune) bool {
	return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r)
}
