package localad

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Options say how a controller presents itself. The zero value is an ordinary one.
type Options struct {
	// Addr and SecureAddr are where to listen for LDAP and LDAPS: a port of the
	// loopback address that is free, when left out.
	Addr, SecureAddr string
	// Names are those in its certificate; localhost and 127.0.0.1 by default.
	Names []string
	// Expires is when the certificate does; in a year by default.
	Expires time.Time
	// Signing refuses passwords on connections that are not encrypted, as
	// controllers do that require LDAP signing.
	Signing bool
	// NoTLS is a controller that has no certificate: StartTLS is refused, and
	// LDAPS answers nothing.
	NoTLS bool
}

// Controller is one domain controller, which answers LDAP and LDAPS.
type Controller struct {
	domain  *Domain
	options Options
	tls     *tls.Config // nil without a certificate
	plain   net.Listener
	secure  net.Listener
	serving sync.WaitGroup

	mu       sync.Mutex
	open     map[net.Conn]bool
	closed   bool
	faults   []*running
	searches int
}

// Serve starts a controller. Close stops it.
func (d *Domain) Serve(o Options) (*Controller, error) {
	c := &Controller{domain: d, options: o, open: map[net.Conn]bool{}}
	if len(o.Names) == 0 {
		o.Names = []string{"localhost", "127.0.0.1"}
	}
	if o.Expires.IsZero() {
		o.Expires = time.Now().Add(certified)
	}
	var err error
	if !o.NoTLS {
		if c.tls, err = d.ca.issue(o.Names, o.Expires); err != nil {
			return nil, fmt.Errorf("making a controller's certificate: %w", err)
		}
	}
	if c.plain, err = net.Listen("tcp", either(o.Addr, "127.0.0.1:0")); err != nil {
		return nil, fmt.Errorf("starting a controller: %w", err)
	}
	if c.secure, err = net.Listen("tcp", either(o.SecureAddr, "127.0.0.1:0")); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a controller: %w", err), c.plain.Close())
	}
	c.serving.Go(func() { c.accept(c.plain, false) })
	c.serving.Go(func() { c.accept(c.secure, true) })
	return c, nil
}

// URL is where it answers LDAP, with StartTLS.
func (c *Controller) URL() string { return "ldap://" + c.plain.Addr().String() }

// SecureURL is where it answers LDAPS.
func (c *Controller) SecureURL() string { return "ldaps://" + c.secure.Addr().String() }

// Searches is how many searches were asked for, each page for itself.
func (c *Controller) Searches() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.searches
}

// Close ends every connection and waits until nothing is answered any more.
func (c *Controller) Close() error {
	c.mu.Lock()
	c.closed = true
	err := errors.Join(c.plain.Close(), c.secure.Close())
	for conn := range c.open {
		conn.Close()
	}
	c.mu.Unlock()
	c.serving.Wait()
	return err
}

func (c *Controller) accept(l net.Listener, secure bool) {
	for {
		raw, err := l.Accept()
		if err != nil {
			return // the listener was closed
		}
		if !c.keep(raw) {
			return
		}
		c.serving.Go(func() {
			defer c.drop(raw)
			s := &session{controller: c, raw: raw, conn: raw, listings: map[string]*listing{}}
			if secure && !s.encrypt() {
				return
			}
			s.serve()
		})
	}
}

// keep notes an open connection; false once the controller was closed.
func (c *Controller) keep(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		conn.Close()
		return false
	}
	c.open[conn] = true
	return true
}

func (c *Controller) drop(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
	conn.Close()
}

// Op is what a fault is about.
type Op string

// The operations that can go wrong. Part is a search for a further part of an
// attribute.
const (
	Bind     Op = "bind"
	Search   Op = "search"
	Part     Op = "part"
	StartTLS Op = "startTLS"
)

// Fault is what goes wrong with some operations of a controller.
type Fault struct {
	Op    Op
	Skip  int // so many go well before
	Times int // then so many go wrong; 0: all from there on

	Entries int  // so many entries of the answer are given
	Drop    bool // then the connection ends
	Hang    bool // or no more is said

	Code    int      // or it ends with this result,
	Message string   // this diagnostic message
	Refer   []string // and these URLs; with Code 0 they are references in a good answer

	Option string   // the range that is named in a part in place of its own, such as 0-1499
	Lacks  int      // so many values the part lacks at its end
	Moved  int      // so many it lacks at its start, as when others went meanwhile
	Hides  []string // attributes that are not shown, as to those who may not read them
	Bare   bool     // names come without GUID and SID, though they were asked for
}

// running is a fault and how often its operation was asked for.
type running struct {
	Fault
	seen int
}

// Fail has operations go wrong from now on. Of several faults that concern an
// operation the first is taken.
func (c *Controller) Fail(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &running{Fault: f})
}

// Heal takes all faults away.
func (c *Controller) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// fault is the one that this operation runs into; nil for none.
func (c *Controller) fault(ops ...Op) *Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(ops, Search) {
		c.searches++
	}
	var hit *Fault
	for _, f := range c.faults {
		if !slices.Contains(ops, f.Op) {
			continue
		}
		f.seen++
		if due := f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times); due && hit == nil {
			hit = &f.Fault
		}
	}
	return hit
}
