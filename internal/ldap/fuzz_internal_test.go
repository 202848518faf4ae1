package ldap

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"studiokeeper/internal/config"
)

// FuzzIdentifiers: what is read as a GUID or a SID can be turned into the same bytes
// again, so that no two objects ever get the same one.
func FuzzIdentifiers(f *testing.F) {
	for _, raw := range []string{"", "00112233445566778899aabbccddeeff", "0100000000000005", "010500000000000515000000dcf4dc3b833d2b46828ba62800020000", "01ff00", "010100000000000f"} {
		bytes, err := hex.DecodeString(raw)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if text, err := guidText(raw); err == nil && string(guidBytes(t, text)) != string(raw) {
			t.Errorf("GUID %x reads as %s", raw, text)
		}
		if text, err := sidText(raw); err == nil && string(sidBytes(t, text)) != string(raw) {
			t.Errorf("SID %x reads as %s", raw, text)
		}
	})
}

func guidBytes(t *testing.T, text string) []byte {
	id, err := uuid.Parse(text)
	if err != nil || text != strings.ToLower(text) {
		t.Fatalf("%q: %v", text, err)
	}
	return slices.Concat([]byte{id[3], id[2], id[1], id[0], id[5], id[4], id[7], id[6]}, id[8:])
}

func sidBytes(t *testing.T, text string) []byte {
	var numbers []uint64
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "S-"), "-") {
		n, err := strconv.ParseUint(part, 10, 48)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		numbers = append(numbers, n)
	}
	raw := binary.BigEndian.AppendUint64(nil, numbers[1])
	raw[0], raw[1] = byte(numbers[0]), byte(len(numbers)-2)
	for _, n := range numbers[2:] {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(n))
	}
	return raw
}

// FuzzExpiry: a date comes to the number that it was read from, and what is refused
// is quoted.
func FuzzExpiry(f *testing.F) {
	for _, text := range []string{"", "0", "1", "-1", "9223372036854775807", "9223372036854775806", "116444736000000000", "133497504000000001", "+5", "1e3", " 1", "007"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := expiry(text)
		switch {
		case err != nil:
			if !strings.Contains(err.Error(), "accountExpires is "+strconv.Quote(text)) {
				t.Errorf("%v does not quote %q", err, text)
			}
		case at.IsZero() && slices.Contains([]string{"", "0", "9223372036854775807"}, text):
		default:
			since1601 := (at.Unix()+11644473600)*10_000_000 + int64(at.Nanosecond())/100
			if want, _ := strconv.ParseInt(text, 10, 64); since1601 != want || at.Location() != time.UTC {
				t.Errorf("%q reads as %v, which is %d", text, at, since1601)
			}
		}
	})
}

// FuzzName: the DN is what follows the identifiers, and identifiers put before any DN
// are found again.
func FuzzName(f *testing.F) {
	for _, value := range []string{"", "CN=a,DC=b", "<GUID=0a>;<SID=S-1-5-21-7>;CN=a", "<guid=0A>;CN=a", "<GUID=1>;<GUID=2>;x", "<SID", "<>;", `CN=\<GUID\=1\>,DC=b`, "<WKGUID=a,DC=b>;c"} {
		f.Add(value)
	}
	const guid, sid = "6b1f3c1e-58a5-4c9f-b3a1-6f2d0c7e9b10", "S-1-5-21-1-2-3-1104"
	f.Fuzz(func(t *testing.T, value string) {
		n := readName(value)
		if !strings.HasSuffix(value, n.dn) || (n.guid+n.sid == "") != (n.dn == value) && !strings.HasPrefix(value, "<") {
			t.Errorf("%q reads as %+v", value, n)
		}
		if strings.HasPrefix(value, "<") {
			return // no DN begins like this
		}
		if n := readName("<GUID=" + strings.ToUpper(guid) + ">;<SID=" + sid + ">;" + value); n != (name{guid, sid, value}) {
			t.Errorf("%q with identifiers reads as %+v", value, n)
		}
	})
}

// FuzzMemberPart: no member that an answer holds is passed over, and what is said to
// be a range is as long as it says.
func FuzzMemberPart(f *testing.F) {
	f.Add("member", uint8(0), "member;range=0-1", uint8(2))
	f.Add("Member;Range=1500-*", uint8(7), "cn", uint8(1))
	f.Add("member", uint8(1), "MEMBER", uint8(1))
	f.Add("member;range=5-4", uint8(0), "member;range=0-*;x", uint8(1))
	f.Add("member;binary", uint8(1), "member;range=999999999-999999999", uint8(1))
	f.Fuzz(func(t *testing.T, one string, some uint8, other string, more uint8) {
		e := &goldap.Entry{Attributes: []*goldap.EntryAttribute{{Name: one, Values: make([]string, some)}, {Name: other, Values: make([]string, more)}}}
		p, err := memberPart(e)
		if err != nil {
			if len(p.values) > 0 || !strings.Contains(err.Error(), "members are given") {
				t.Errorf("%+v beside %v", p, err)
			}
			return
		}
		given, option := 0, ""
		for _, a := range e.Attributes {
			if base, o, _ := strings.Cut(a.Name, ";"); strings.EqualFold(base, "member") && len(a.Values) > 0 {
				given, option = given+len(a.Values), strings.ToLower(o)
			}
		}
		end := "*"
		if !p.last {
			end = strconv.Itoa(p.from + given - 1)
		}
		from, to, _ := strings.Cut(strings.TrimPrefix(option, "range="), "-")
		asked, _ := strconv.Atoi(from)
		if last, err := strconv.Atoi(to); err == nil {
			to = strconv.Itoa(last)
		}
		if len(p.values) != given || option == "" && (p.from != 0 || !p.last) || option != "" && (p.from != asked || to != end) {
			t.Errorf("%d values of %s and %d of %s read as %+v", some, one, more, other, p)
		}
	})
}

// FuzzReferral: only the partitions that hold no people may be passed over.
func FuzzReferral(f *testing.F) {
	for _, referral := range []string{"", "ldap://emea.corp.example/DC=emea,DC=corp,DC=example", "ldap://corp.example/CN=Configuration,DC=corp,DC=example", "ldap://ForestDnsZones.corp.example/DC=ForestDnsZones,DC=corp,DC=example", "ldap:///", "%", "ldap://x/a", "ldap://x/DC=a+CN=b", "//x/+", "ldap://x/CN=%43onfiguration"} {
		f.Add(referral)
	}
	f.Fuzz(func(t *testing.T, referral string) {
		s := session{job: job{LDAP: config.LDAP{OtherDomains: []string{"emea.corp.example"}}}}
		domain, people := referredDomain(referral)
		err := s.referred([]string{referral})
		if passed := !people || strings.EqualFold(domain, "emea.corp.example"); passed != (err == nil) {
			t.Errorf("%q leads to %q, with people %v: %v", referral, domain, people, err)
		}
		if err != nil && !strings.Contains(err.Error(), referral) {
			t.Errorf("%v does not name %q", err, referral)
		}
	})
}

// FuzzAnswer: whatever bytes a server answers with, reading ends with an error or
// with objects of which every identifier is read.
func FuzzAnswer(f *testing.F) {
	guid, sid := "0123456789abcdef", "\x01\x01\x00\x00\x00\x00\x00\x05\x01\x00\x00\x00"
	user := answerOf("CN=a,DC=b", "objectGUID", guid, "objectSid", sid, "primaryGroupID", "513", "userAccountControl", "512", "accountExpires", "0", "member", "<GUID=6b1f3c1e-58a5-4c9f-b3a1-6f2d0c7e9b10>;CN=x")
	f.Add(append(user, doneOf(0)...))
	f.Add(append(answerOf("CN=a", "objectGUID", guid, "objectSid", sid, "member", "CN=a", "member;range=0-0", "CN=b"), doneOf(0)...))
	f.Add(append(answerOf("", "objectGUID", "x"), doneOf(10)...))
	f.Add(user[:len(user)-3])
	f.Add([]byte("\x30\x84\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		s, stop := answered(answer)
		defer stop()
		entries, _, err := s.page("(objectClass=*)", nil, nil)
		if err != nil && len(entries) > 0 {
			t.Errorf("%d objects beside %v", len(entries), err)
		}
		accounts, err := s.accounts(entries)
		for _, a := range accounts {
			if len(a.GUID) != 36 || !strings.HasPrefix(a.SID, "S-") || err != nil {
				t.Errorf("read %+v, %v", a, err)
			}
		}
		groups, err := s.groups(entries, entries)
		for _, g := range groups {
			if len(g.GUID) != 36 || !strings.HasPrefix(g.SID, "S-") || err != nil {
				t.Errorf("read %+v, %v", g, err)
			}
		}
	})
}

// answered is a session whose first request is answered with these bytes, after which
// the server hangs up.
func answered(answer []byte) (s session, stop func()) {
	ours, theirs := net.Pipe()
	conn := goldap.NewConn(ours, false)
	conn.SetTimeout(time.Second)
	conn.Start()
	go func() {
		defer theirs.Close()
		if _, err := ber.ReadPacket(theirs); err == nil {
			_, _ = io.Copy(theirs, strings.NewReader(string(answer))) // the client may hang up first
		}
	}()
	j := job{LDAP: config.LDAP{PageSize: 10, BaseDN: "DC=b", Attributes: config.Attributes{UserName: "cn", GroupName: "cn"}}}
	return session{job: j, conn: conn, byDN: map[string]string{}}, func() { conn.Close() }
}

// answerOf is an object as a search answers it; attributes are names and values.
func answerOf(dn string, attributes ...string) []byte {
	list := ber.NewSequence("")
	for pair := range slices.Chunk(attributes, 2) {
		values := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		values.AppendChild(text(pair[1]))
		one := ber.NewSequence("")
		one.AppendChild(text(pair[0]))
		one.AppendChild(values)
		list.AppendChild(one)
	}
	object := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultEntry, nil, "")
	object.AppendChild(text(dn))
	object.AppendChild(list)
	return message(object)
}

// doneOf ends a search with a result code, and says that there is no other page.
func doneOf(code int64) []byte {
	done := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultDone, nil, "")
	done.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	done.AppendChild(text(""))
	done.AppendChild(text(""))
	controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
	controls.AppendChild(goldap.NewControlPaging(0).Encode())
	return message(done, controls)
}

func message(parts ...*ber.Packet) []byte {
	m := ber.NewSequence("")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, int64(1), ""))
	for _, p := range parts {
		m.AppendChild(p)
	}
	return m.Bytes()
}

func text(value string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, value, "")
}
