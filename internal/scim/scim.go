// Package scim writes users, groups and memberships into IAM Identity Center over
// SCIM, the way in for a store whose identity source is an external identity
// provider. It stays below Identity Center's request rates, tries again where
// that is safe, and reads only what a creation whose answer was lost came to.
package scim

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"studiokeeper/internal/config"
	"studiokeeper/internal/provision"
)

const (
	// attempts are made of a request before it counts as failed.
	attempts = 8
	// patience is how long one attempt may take.
	patience = 30 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
	// maxMembers is how many memberships Identity Center changes in one request.
	maxMembers = 100
)

// Client is a provision.Writer over SCIM. It may be used by several goroutines,
// which share its pace.
type Client struct {
	base   *url.URL
	token  func() string // not a string, so that no formatting of a Client shows it
	http   http.Client
	pace   pace
	broken error // why nothing can be sent
}

var _ provision.Writer = (*Client)(nil)

// New makes a client of the endpoint in c. The token is what c.Token refers to;
// client is what requests go through, nil for one of its own. Requests go over
// https, or http to this machine, and follow no redirect; an endpoint or a token
// that cannot be used is the error of every call.
func New(c config.SCIM, token string, client *http.Client) *Client {
	if client == nil {
		client = &http.Client{}
	}
	token = strings.TrimSpace(token)
	s := &Client{http: *client, token: func() string { return token }}
	s.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.base, s.broken = endpoint(c.Endpoint)
	if s.broken == nil && (token == "" || strings.ContainsFunc(token, notInTokens)) {
		s.broken = errors.New("the access token is empty, or holds a character that tokens do not have: directory.scim.token has to refer to the whole token and nothing else")
	}
	return s
}

func notInTokens(r rune) bool { return r <= ' ' || r > '~' }

// endpoint checks where the token would be sent.
func endpoint(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("directory.scim.endpoint is no address as https://scim.<region>.amazonaws.com/<tenant>/scim/v2/")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, fmt.Errorf("directory.scim.endpoint is at %s://%s: the token is sent over https only", u.Scheme, u.Host)
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// CanDisable implements provision.Writer.
func (*Client) CanDisable() bool { return true }
