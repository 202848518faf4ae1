package ldap

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"studiokeeper/internal/directory"
)

// accountDisabled is the bit of userAccountControl that says so.
const accountDisabled = 0x2

// accounts are the users in the organizational units that are asked for.
func (s session) accounts(people []*goldap.Entry) ([]directory.Account, error) {
	var all []directory.Account
	for _, p := range people {
		a, err := s.account(p)
		if err != nil {
			return nil, fmt.Errorf("reading the user %s: %w", a.DN, err)
		}
		wanted, err := s.inUnits(a.DN)
		if err != nil {
			return nil, err
		}
		if wanted {
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil, final{fmt.Errorf("none of %d users below %s lies in directory.ldap.userOUs %s (correct them)", len(people), s.BaseDN, strings.Join(s.UserOUs, "; "))}
	}
	return all, nil
}

// inUnits reports whether users are taken from there.
func (s session) inUnits(dn string) (bool, error) {
	if len(s.userOUs) == 0 {
		return true, nil
	}
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return false, fmt.Errorf("reading the user %s: the name cannot be taken apart: %w", dn, err)
	}
	return slices.ContainsFunc(s.userOUs, func(ou *goldap.DN) bool { return ou.AncestorOfFold(parsed) }), nil
}

// account reads a user. The DN is set in an error's case too.
func (s session) account(e *goldap.Entry) (directory.Account, error) {
	a := directory.Account{
		DN:          readName(e.DN).dn,
		UserName:    e.GetEqualFoldAttributeValue(s.Attributes.UserName),
		Email:       e.GetEqualFoldAttributeValue(s.Attributes.Email),
		DisplayName: e.GetEqualFoldAttributeValue(s.Attributes.DisplayName),
		GivenName:   e.GetEqualFoldAttributeValue(s.Attributes.GivenName),
		FamilyName:  e.GetEqualFoldAttributeValue(s.Attributes.FamilyName),
	}
	var err error
	if a.GUID, a.SID, err = s.identity(e); err != nil {
		return a, err
	}
	primary, err := s.number(e, "primaryGroupID")
	if err != nil {
		return a, err
	}
	control, err := s.number(e, "userAccountControl")
	if err != nil {
		return a, err
	}
	a.PrimaryGroup, a.Disabled = uint32(primary), control&accountDisabled != 0
	a.Expires, err = expiry(e.GetEqualFoldAttributeValue("accountExpires"))
	return a, err
}

// identity reads objectGUID and objectSid.
func (s session) identity(e *goldap.Entry) (guid, sid string, err error) {
	if guid, err = guidText(e.GetEqualFoldRawAttributeValue("objectGUID")); err != nil {
		return "", "", fmt.Errorf("%w (may %s read it?)", err, s.BindDN)
	}
	if sid, err = sidText(e.GetEqualFoldRawAttributeValue("objectSid")); err != nil {
		return "", "", fmt.Errorf("%w (may %s read it?)", err, s.BindDN)
	}
	return guid, sid, nil
}

// number reads an attribute that every account has. It may be written as a
// negative one.
func (s session) number(e *goldap.Entry, name string) (int64, error) {
	text := e.GetEqualFoldAttributeValue(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %q, want a number (may %s read it?)", name, text, s.BindDN)
	}
	return n, nil
}

// guidText is a GUID in its string form, of which the first three groups are
// stored little-endian.
func guidText(raw []byte) (string, error) {
	if len(raw) != 16 {
		return "", fmt.Errorf("objectGUID has %d bytes, want 16", len(raw))
	}
	id := uuid.UUID(raw)
	slices.Reverse(id[0:4])
	slices.Reverse(id[4:6])
	slices.Reverse(id[6:8])
	return id.String(), nil
}

// sidText is a SID as people write it: S-1-5-….
func sidText(raw []byte) (string, error) {
	if len(raw) < 8 || len(raw) != 8+4*int(raw[1]) {
		return "", fmt.Errorf("objectSid has %d bytes, which is no SID's length", len(raw))
	}
	authority := binary.BigEndian.Uint64(append([]byte{0, 0}, raw[2:8]...))
	text := fmt.Sprintf("S-%d-%d", raw[0], authority)
	for part := range slices.Chunk(raw[8:], 4) {
		text += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(part))
	}
	return text, nil
}

// expiry reads accountExpires: 100 nanoseconds since 1601; 0 and the largest
// number mean never, as does what is left out.
func expiry(text string) (time.Time, error) {
	const never, second, until1970 = "9223372036854775807", 10_000_000, 11644473600
	if text == "" || text == "0" || text == never {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, fmt.Errorf("accountExpires is %q, want a number from 0", text)
	}
	return time.Unix(n/second-until1970, n%second*100).UTC(), nil
}

// name is a distinguished name with the identifiers that come with it.
type name struct{ guid, sid, dn string }

// readName takes <GUID=…>;<SID=…>;CN=… apart; a bare DN has no identifiers.
func readName(value string) name {
	n := name{dn: value}
	for strings.HasPrefix(n.dn, "<") {
		one, rest, ok := strings.Cut(n.dn, ">;")
		if !ok {
			break
		}
		switch key, id, _ := strings.Cut(one[1:], "="); strings.ToUpper(key) {
		case "GUID":
			n.guid = strings.ToLower(id)
		case "SID":
			n.sid = id
		}
		n.dn = rest
	}
	return n
}
