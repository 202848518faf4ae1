package event

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// fromRecord reads one CloudTrail record. Calls that are unknown, failed or only read are nil, nil.
// eventVersion and userIdentity differ from door to door and year to year; nothing rests on them.
func fromRecord(o object) ([]Look, error) {
	source, err := o.required("eventSource")
	if err != nil {
		return nil, fmt.Errorf("CloudTrail record: %w", err)
	}
	name, err := o.required("eventName")
	if err != nil {
		return nil, fmt.Errorf("CloudTrail record of %.60q: %w", source, err)
	}
	c, known := findCall(source, name)
	if !known || o.failed() || o.readOnly() {
		return nil, nil
	}
	t := Trigger{ID: o.label("eventID"), Name: name, Source: source, Time: o.moment("eventTime")}
	look, err := c.look(o)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", t, err)
	}
	look.Trigger = t
	return []Look{look}, nil
}

// failed tells a refused call, which CloudTrail delivers like any other.
func (o object) failed() bool {
	code := o["errorCode"]
	return !absent(code) && string(code) != `""`
}

func (o object) readOnly() bool {
	s := string(o["readOnly"])
	return s == "true" || s == `"true"`
}

// look names the narrowest scope that still holds everybody the record may be about.
func (c call) look(o object) (Look, error) {
	store, err := o.store()
	if err != nil {
		return Look{}, err
	}
	if c.profile != "" {
		return c.profileLook(o)
	}
	group, err := o.id(c.group, maxID, c.optional)
	if err != nil {
		return Look{}, err
	}
	user, err := o.id(c.user, maxID, c.optional)
	if err != nil {
		return Look{}, err
	}
	switch {
	case user != "":
		return Look{Scope: User, StoreID: store, UserID: user, Expect: c.claim.about(group)}, nil
	case group != "":
		return Look{Scope: Group, StoreID: store, GroupID: group}, nil
	}
	return Look{Scope: Everybody, StoreID: store}, nil
}

func (c call) profileLook(o object) (Look, error) {
	domain, err := o.id([]string{c.domain}, maxStudio, c.optional)
	if err != nil {
		return Look{}, err
	}
	profile, err := o.id([]string{c.profile}, maxStudio, c.optional)
	if err != nil {
		return Look{}, err
	}
	if domain == "" || profile == "" {
		return Look{Scope: Everybody}, nil
	}
	return Look{Scope: Profile, DomainID: domain, Profile: profile}, nil
}

// about is what the claim lets one expect of a membership in group; nil when it says nothing of it.
func (c claim) about(group string) *Expect {
	if c == claimsNothing || group == "" {
		return nil
	}
	return &Expect{GroupID: group, Member: c == claimsMember}
}

// id returns the id at the first of paths that holds one. "" means that nobody can know it: the id is
// hidden, there are no paths, or it is optional and not to be found.
func (o object) id(paths []string, limit int, optional bool) (string, error) {
	var wrong error
	for _, path := range paths {
		s, err := o.text(path)
		switch {
		case hiddenAt(s, err):
			return "", nil
		case s != "":
			return s, checkID(path, s, limit)
		case wrong == nil:
			wrong = err
		}
	}
	if optional || len(paths) == 0 {
		return "", nil
	}
	return "", cmp.Or(wrong, missing(paths[0]))
}

// store returns the identity store the call went to, "" where the record does not say.
func (o object) store() (string, error) {
	const path = "requestParameters.identityStoreId"
	s, err := o.text(path)
	if hiddenAt(s, err) {
		return "", nil
	}
	return s, cmp.Or(err, checkID(path, s, maxID))
}

// hiddenAt tells an id that CloudTrail withholds, either itself or with the object it stands in.
func hiddenAt(s string, err error) bool {
	const mark = "HIDDEN_DUE_TO_"
	var wrong *typeError
	if errors.As(err, &wrong) {
		return strings.HasPrefix(string(wrong.raw), `"`+mark)
	}
	return strings.HasPrefix(s, mark)
}

// required returns the string at path, which must be there.
func (o object) required(path string) (string, error) {
	s, err := o.text(path)
	if err == nil && s == "" {
		err = missing(path)
	}
	return s, err
}

func missing(path string) error {
	return fmt.Errorf("%s is missing", path)
}
