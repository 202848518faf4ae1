package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// startTLS is the request to go on encrypted, message 1 of the connection.
const startTLS = "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"

// connect reaches a domain controller: encrypted, unless the configuration says
// plain.
func (j job) connect(ctx context.Context, address string) (*goldap.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the address cannot be read: %w", err)
	}
	ctx, done := context.WithTimeout(ctx, j.timeout)
	defer done()
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": goldap.DefaultLdapPort, "ldaps": goldap.DefaultLdapsPort}[u.Scheme]
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, fmt.Errorf("connecting: %w (is the controller up, and does the network let port %s through?)", err, port)
	}
	secured := raw
	if u.Scheme != "ldap" || !j.Plain {
		if secured, err = j.encrypt(ctx, raw, u); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
	}
	conn := goldap.NewConn(secured, secured != raw)
	conn.SetTimeout(j.timeout)
	conn.Start()
	return conn, nil
}

// encrypt puts TLS on a connection, after StartTLS where the address has no TLS
// of its own.
func (j job) encrypt(ctx context.Context, raw net.Conn, u *url.URL) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if u.Scheme == "ldap" {
		if err := askForTLS(raw); err != nil {
			return nil, fmt.Errorf("StartTLS: %w (give the controller a certificate for LDAP, or use ldaps://; directory.ldap.plain: true goes without)", err)
		}
	}
	secured := tls.Client(raw, &tls.Config{RootCAs: j.issuers, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS: %w (%s)", err, j.certificateRemedy(err))
	}
	return secured, nil
}

// askForTLS has the other side expect TLS. Nothing is read beyond its answer.
func askForTLS(raw net.Conn) error {
	if _, err := raw.Write([]byte(startTLS)); err != nil {
		return err
	}
	answer, err := ber.ReadPacket(raw)
	if err != nil {
		return err
	}
	if len(answer.Children) < 2 || answer.Children[1].Tag != goldap.ApplicationExtendedResponse {
		return errors.New("the answer is none to StartTLS")
	}
	return goldap.GetLDAPError(answer)
}

// signIn binds with the password.
func (s session) signIn() error {
	err := s.conn.Bind(s.BindDN, s.password)
	switch {
	case err == nil:
		return nil
	case goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials):
		// Asking others too would count as further wrong passwords.
		return final{fmt.Errorf("signing in as %s: %w (%s)", s.BindDN, err, signInRemedy(err))}
	}
	return fmt.Errorf("signing in as %s: %w", s.BindDN, s.explain(err))
}
