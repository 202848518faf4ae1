package localad

import (
	"bufio"
	"crypto/tls"
	"math/big"
	"net"
	"strconv"
	"strings"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// session is one client's connection.
type session struct {
	controller *Controller
	raw, conn  net.Conn // conn is raw, or TLS on it
	in         *bufio.Reader
	encrypted  bool
	bound      *object // who signed in; nil: nobody
	listings   map[string]*listing
	cookies    int
}

// The extended operations and controls that are known.
const (
	startTLSName  = "1.3.6.1.4.1.1466.20037"
	pagingOID     = "1.2.840.113556.1.4.319"
	extendedOID   = "1.2.840.113556.1.4.529"
	domainScope   = "1.2.840.113556.1.4.1339"
	handshakeTime = 10 * time.Second
)

// encrypt puts TLS on the connection.
func (s *session) encrypt() bool {
	if s.controller.tls == nil {
		return false
	}
	secured := tls.Server(s.raw, s.controller.tls)
	s.raw.SetDeadline(time.Now().Add(handshakeTime))
	if secured.Handshake() != nil {
		return false // the client says why
	}
	s.raw.SetDeadline(time.Time{})
	s.conn, s.encrypted = secured, true
	return true
}

// serve answers until the client or the controller ends the connection.
func (s *session) serve() {
	s.in = bufio.NewReader(s.conn)
	for {
		packet, err := ber.ReadPacket(s.in)
		if err != nil {
			return
		}
		r, err := parse(packet)
		if err != nil || !s.answer(r) {
			return
		}
	}
}

// answer is false when the connection ends.
func (s *session) answer(r request) bool {
	switch r.op.Tag {
	case bindRequest:
		return s.bind(r)
	case searchRequest:
		return s.search(r)
	case modifyRequest:
		return s.send(message(r.id, modifyResponse, s.modify(r).bytes()))
	case extendedRequest:
		return s.extended(r)
	case abandonRequest:
		return true
	}
	return false
}

func (s *session) send(answer []byte) bool {
	_, err := s.conn.Write(answer)
	return err == nil
}

// wrong carries out a fault that ends an operation; false when it was none.
func (s *session) wrong(f *Fault, r request, op byte) (ended, goOn bool) {
	switch {
	case f == nil:
		return false, true
	case f.Drop:
		return true, false
	case f.Hang:
		return true, true
	case f.Code != 0:
		return true, s.send(message(r.id, op, result{code: f.Code, message: f.Message, refer: f.Refer}.bytes()))
	}
	return false, true
}

func (s *session) bind(r request) bool {
	if ended, goOn := s.wrong(s.controller.fault(Bind), r, bindResponse); ended {
		return goOn
	}
	return s.send(message(r.id, bindResponse, s.signIn(r).bytes()))
}

// signIn is a simple bind. An empty password signs nobody in, and is no error.
func (s *session) signIn(r request) result {
	s.bound = nil
	if len(r.op.Children) != 3 || r.op.Children[2].Tag != passwordTag {
		return result{code: protocolError, message: "only simple binds are answered"}
	}
	name, password := string(octets(r.op.Children[1])), string(octets(r.op.Children[2]))
	if password == "" {
		return result{}
	}
	if s.controller.options.Signing && !s.encrypted {
		return result{code: strongerAuth, message: "00002028: LdapErr: DSID-0C090254, comment: The server requires binds to turn on integrity checking if SSL\\TLS are not already active on the connection, data 0, v3839"}
	}
	d := s.controller.domain
	d.mu.Lock()
	defer d.mu.Unlock()
	account := d.account(name)
	if why := refusal(account, password); why != "" {
		return result{code: invalidCredentials, message: "80090308: LdapErr: DSID-0C09050F, comment: AcceptSecurityContext error, data " + why + ", v3839"}
	}
	s.bound = account
	return result{}
}

// account is the one that signs in with a name: a principal name, a
// distinguished name, or DOMAIN\account.
func (d *Domain) account(name string) *object {
	if _, account, down := strings.Cut(name, `\`); down && !strings.Contains(name, "=") {
		return d.byName[strings.ToLower(account)]
	}
	for _, o := range d.byName {
		if strings.EqualFold(o.get("userPrincipalName"), name) {
			return o
		}
	}
	found, _ := d.at(name)
	return found
}

// refusal is Windows' code for why an account cannot sign in, or "".
func refusal(o *object, password string) string {
	const noSuchUser, wrongPassword, disabled, expired = "525", "52e", "533", "701"
	if o == nil {
		return noSuchUser
	}
	if o.password == "" || o.password != password {
		return wrongPassword
	}
	if control, err := strconv.Atoi(o.get("userAccountControl")); err != nil || control&accountDisabled != 0 {
		return disabled
	}
	at, now := new(big.Int), new(big.Int)
	at.SetString(o.get("accountExpires"), 10)
	now.SetString(fileTime(time.Now()), 10)
	if at.Sign() > 0 && at.Cmp(now) < 0 {
		return expired
	}
	return ""
}

// extended is StartTLS, the only extended operation.
func (s *session) extended(r request) bool {
	if len(r.op.Children) == 0 || string(octets(r.op.Children[0])) != startTLSName {
		return s.send(message(r.id, extendedResponse, result{code: protocolError, message: "the extended operation is not known"}.bytes()))
	}
	if ended, goOn := s.wrong(s.controller.fault(StartTLS), r, extendedResponse); ended {
		return goOn
	}
	switch {
	case s.encrypted || s.in.Buffered() > 0:
		return s.send(message(r.id, extendedResponse, result{code: operationsError, message: "TLS is on already, or more was sent"}.bytes()))
	case s.controller.tls == nil:
		const unavailable = 52
		return s.send(message(r.id, extendedResponse, result{code: unavailable, message: "00000000: LdapErr: DSID-0C091240, comment: Error initializing SSL/TLS, data 0, v3839"}.bytes()))
	}
	if !s.send(message(r.id, extendedResponse, result{}.bytes())) || !s.encrypt() {
		return false
	}
	s.in = bufio.NewReader(s.conn)
	return true
}
