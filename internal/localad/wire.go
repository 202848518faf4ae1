package localad

import (
	"fmt"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// The operations of LDAP, by their tags.
const (
	bindRequest       = 0
	bindResponse      = 1
	unbindRequest     = 2
	searchRequest     = 3
	searchEntry       = 4
	searchDone        = 5
	modifyRequest     = 6
	modifyResponse    = 7
	abandonRequest    = 16
	searchReference   = 19
	extendedRequest   = 23
	extendedResponse  = 24
	controlsTag       = 0xa0
	referralTag       = 0xa3
	applicationTag    = 0x60
	sequenceTag       = 0x30
	setTag            = 0x31
	octetsTag         = 0x04
	integerTag        = 0x02
	enumeratedTag     = 0x0a
	passwordTag       = 0
	extendedNameTag   = 0
	extendedAnswerTag = 0x8a
)

// The results that are given.
const (
	success            = 0
	operationsError    = 1
	protocolError      = 2
	sizeLimitExceeded  = 4
	strongerAuth       = 8
	referral           = 10
	unknownCritical    = 12
	noSuchAttribute    = 16
	attributeExists    = 20
	noSuchObject       = 32
	invalidDN          = 34
	invalidCredentials = 49
	insufficientAccess = 50
	unwilling          = 53
)

// request is a message of a client.
type request struct {
	id       int64
	op       *ber.Packet
	controls map[string]control
}

// control is an extension of a request.
type control struct {
	critical bool
	value    []byte
}

// parse reads a message; what does not look like one ends the connection.
func parse(p *ber.Packet) (request, error) {
	if len(p.Children) < 2 || p.Children[1].ClassType != ber.ClassApplication {
		return request{}, fmt.Errorf("reading a message: no operation in %d parts", len(p.Children))
	}
	id, ok := p.Children[0].Value.(int64)
	if !ok {
		return request{}, fmt.Errorf("reading a message: no id")
	}
	r := request{id, p.Children[1], map[string]control{}}
	if len(p.Children) < 3 {
		return r, nil
	}
	for _, c := range p.Children[2].Children {
		if len(c.Children) == 0 {
			return request{}, fmt.Errorf("reading a message: an empty control")
		}
		var read control
		for _, part := range c.Children[1:] {
			if critical, ok := part.Value.(bool); ok {
				read.critical = critical
			} else {
				read.value = octets(part)
			}
		}
		r.controls[string(octets(c.Children[0]))] = read
	}
	return r, nil
}

// octets is the content of a part.
func octets(p *ber.Packet) []byte {
	if p.Data == nil {
		return nil
	}
	return p.Data.Bytes()
}

// whole is the integer in a part, 0 for what is none.
func whole(p *ber.Packet) int64 {
	n, _ := p.Value.(int64)
	return n
}

// tlv is one BER element.
func tlv(tag byte, parts ...[]byte) []byte {
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	out := make([]byte, 0, length+6)
	out = append(out, tag)
	switch {
	case length < 0x80:
		out = append(out, byte(length))
	case length < 0x10000:
		out = append(out, 0x82, byte(length>>8), byte(length))
	default:
		out = append(out, 0x84, byte(length>>24), byte(length>>16), byte(length>>8), byte(length))
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func octetString(s string) []byte { return tlv(octetsTag, []byte(s)) }

// number is an integer or enumeration that is not negative.
func number(tag byte, n int64) []byte {
	bytes := []byte{byte(n)}
	for n >>= 8; n > 0; n >>= 8 {
		bytes = append([]byte{byte(n)}, bytes...)
	}
	if bytes[0] >= 0x80 {
		bytes = append([]byte{0}, bytes...)
	}
	return tlv(tag, bytes)
}

// result is how an operation ended.
type result struct {
	code    int
	matched string
	message string
	refer   []string // with the code referral
}

func (r result) bytes() []byte {
	out := append(append(number(enumeratedTag, int64(r.code)), octetString(r.matched)...), octetString(r.message)...)
	if len(r.refer) > 0 {
		out = append(out, tlv(referralTag, stringsOf(r.refer))...)
	}
	return out
}

func stringsOf(list []string) []byte {
	var out []byte
	for _, s := range list {
		out = append(out, octetString(s)...)
	}
	return out
}

// message is an answer to the request of that id.
func message(id int64, op byte, content []byte, controls ...[]byte) []byte {
	parts := [][]byte{number(integerTag, id), tlv(applicationTag|op, content)}
	if len(controls) > 0 {
		parts = append(parts, tlv(controlsTag, controls...))
	}
	return tlv(sequenceTag, parts...)
}

func entryBytes(name string, attributes []attribute) []byte {
	var list []byte
	for _, a := range attributes {
		list = append(list, tlv(sequenceTag, octetString(a.name), tlv(setTag, stringsOf(a.values)))...)
	}
	return append(octetString(name), tlv(sequenceTag, list)...)
}
