// Package ldap reads Active Directory over LDAP: every user and group below a
// base, or an error that says what to do. What it gives was read from one domain
// controller from beginning to end.
package ldap

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
)

// Reader reads the users and groups of an Active Directory.
type Reader struct {
	// Timeout is how long connecting may take, and each answer; a minute when
	// it is zero.
	Timeout time.Duration
	// Log is told of domain controllers that were passed over; nil: nobody is.
	Log *slog.Logger

	config  config.LDAP
	secrets func(context.Context, config.Secret) (string, error)
}

// New makes a reader; secrets gives what a reference stands for.
func New(c config.LDAP, secrets func(context.Context, config.Secret) (string, error)) *Reader {
	return &Reader{config: c, secrets: secrets}
}

// job is what one reading rests on, whichever domain controller it is from.
type job struct {
	config.LDAP
	password string
	issuers  *x509.CertPool // nil: the system's
	base     *goldap.DN
	userOUs  []*goldap.DN
	timeout  time.Duration
}

// Read gives all users and groups. Domain controllers are asked in order: when
// one fails, in the middle too, the next is asked for everything.
func (r *Reader) Read(ctx context.Context) (directory.Source, error) {
	j, err := r.prepare(ctx)
	if err != nil {
		return directory.Source{}, fmt.Errorf("reading Active Directory: %w", err)
	}
	var failed []error
	for _, url := range r.config.URLs {
		source, err := j.read(ctx, url)
		if err == nil {
			r.tell(ctx, failed)
			return source, nil
		}
		failed = append(failed, fmt.Errorf("reading Active Directory from %s: %w", url, err))
		var everywhere final
		if ctx.Err() != nil || errors.As(err, &everywhere) {
			break
		}
	}
	return directory.Source{}, errors.Join(failed...)
}

// tell logs what did not keep the reading from being done.
func (r *Reader) tell(ctx context.Context, failed []error) {
	if r.Log == nil {
		return
	}
	for _, err := range failed {
		r.Log.WarnContext(ctx, "a domain controller was passed over", "error", err)
	}
}

// prepare resolves what the configuration only names.
func (r *Reader) prepare(ctx context.Context) (job, error) {
	j := job{LDAP: r.config, timeout: r.Timeout}
	if j.timeout == 0 {
		j.timeout = time.Minute
	}
	if err := j.names(); err != nil {
		return job{}, err
	}
	if _, err := goldap.CompileFilter(j.userFilter()); err != nil {
		return job{}, fmt.Errorf("directory.ldap.filter %s is no LDAP filter: %w", j.Filter, err)
	}
	var err error
	if j.issuers, err = issuers(j.CAFile); err != nil {
		return job{}, err
	}
	if j.password, err = r.secrets(ctx, j.Password); err != nil {
		return job{}, fmt.Errorf("getting the password of %s: %w", j.BindDN, err)
	}
	if j.password == "" {
		return job{}, fmt.Errorf("the password of %s is empty, with which nobody signs in (look at what directory.ldap.password refers to)", j.BindDN)
	}
	return j, nil
}

// names parses the distinguished names of the configuration.
func (j *job) names() error {
	var err error
	if j.base, err = goldap.ParseDN(j.BaseDN); err != nil {
		return fmt.Errorf("directory.ldap.baseDN %q is no DN: %w", j.BaseDN, err)
	}
	for _, ou := range j.UserOUs {
		dn, err := goldap.ParseDN(ou)
		if err != nil {
			return fmt.Errorf("%q in directory.ldap.userOUs is no DN: %w", ou, err)
		}
		if !j.base.EqualFold(dn) && !j.base.AncestorOfFold(dn) {
			return fmt.Errorf("%q in directory.ldap.userOUs is not below directory.ldap.baseDN %q, where the search starts (correct one of the two)", ou, j.BaseDN)
		}
		j.userOUs = append(j.userOUs, dn)
	}
	return nil
}

// issuers are the certificates in a file; nil, the system's, without one.
func issuers(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading directory.ldap.caFile: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("directory.ldap.caFile %s holds no certificate in PEM form (export the issuer's as Base-64, -----BEGIN CERTIFICATE-----)", file)
	}
	return pool, nil
}

// read reads everything from one domain controller.
func (j job) read(ctx context.Context, url string) (directory.Source, error) {
	conn, err := j.connect(ctx, url)
	if err != nil {
		return directory.Source{}, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer conn.Close()
	defer stop()
	s := session{job: j, conn: conn, byDN: map[string]string{}}
	source, err := s.source()
	if ctx.Err() != nil {
		return directory.Source{}, fmt.Errorf("stopped before the reading was complete: %w", context.Cause(ctx))
	}
	if err != nil {
		return directory.Source{}, err
	}
	return source, nil
}

// source is everything, once signed in. Groups are read before users: a member
// who is no user then is one who has gone since.
func (s session) source() (directory.Source, error) {
	if err := s.signIn(); err != nil {
		return directory.Source{}, err
	}
	groups, err := s.search("groups", "(objectCategory=group)", "objectGUID", "objectSid", "member", s.Attributes.GroupName)
	if err != nil {
		return directory.Source{}, err
	}
	people, err := s.search("users", s.userFilter(), "objectGUID", "objectSid", "primaryGroupID", "userAccountControl", "accountExpires",
		s.Attributes.UserName, s.Attributes.Email, s.Attributes.DisplayName, s.Attributes.GivenName, s.Attributes.FamilyName)
	if err != nil {
		return directory.Source{}, err
	}
	var source directory.Source
	if source.Users, err = s.accounts(people); err != nil {
		return directory.Source{}, err
	}
	source.Groups, err = s.groups(groups, people)
	return source, err
}

// userFilter asks for people who have an account.
func (j job) userFilter() string {
	return "(&(objectCategory=person)(objectClass=user)" + j.Filter + ")"
}
