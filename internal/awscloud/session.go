// Package awscloud implements reconcile's ports on AWS, a file per service. It is the only room that knows
// the SDK's types and AWS's error codes, the latter in one file.
//
// Everything here answers completely or with an error that says what was asked, of what, where, and what
// to do about it. Nothing calls AWS before it is asked something. All values may be used by several
// goroutines at once.
package awscloud

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"studiokeeper/internal/studio"
)

const (
	// appID is what CloudTrail shows of us in the user agent, as app/studiokeeper.
	appID = "studiokeeper"
	// maxAttempts is how often one call is tried; about 15 s of waiting at most.
	maxAttempts = 5
	// expiryWindow is how long before their expiry assumed credentials are replaced.
	expiryWindow = 5 * time.Minute
	// assumedFor is the longest session that every role allows, also when roles are chained.
	assumedFor = time.Hour
)

// Place is where calls go, and as whom.
type Place struct {
	// Region of the calls; "" is the one of the credentials at hand.
	Region string
	// Account that the calls are meant to end up in, 12 digits. It parts request rates and shows in errors;
	// "" is the account of the credentials at hand.
	Account string
	// Role to assume first; the zero value means the credentials at hand.
	Role studio.AssumeRole
}

// String is the form that errors show.
func (p Place) String() string {
	account, region := "the caller's account", "the default Region"
	if p.Account != "" {
		account = "account " + p.Account
	}
	if p.Region != "" {
		region = p.Region
	}
	return account + ", " + region
}

// placeOf is where a Studio domain is.
func placeOf(d studio.Domain) Place {
	return Place{Region: d.Region, Account: d.Account, Role: d.AssumeRole}
}

// Session hands out clients for every account, role and Region. They share credentials, which are kept
// until shortly before they expire, and one limiter per account, Region and API.
type Session struct {
	base        aws.Config
	sessionName string
	limits      limits

	mu    sync.Mutex
	roles map[studio.AssumeRole]aws.CredentialsProvider

	identitystore clients[*identitystore.Client]
	dynamodb      clients[*dynamodb.Client]
	sts           clients[*sts.Client]
	json          map[string]*clients[*jsonClient] // by service id
}

// HTTPClient sends requests; *http.Client is one.
type HTTPClient = aws.HTTPClient

// Load makes a Session from the SDK's usual sources: environment, shared configuration, the function's
// role. sessionName is described at NewSession; client sends the requests, nil means the SDK's own.
func Load(ctx context.Context, sessionName string, client HTTPClient) (*Session, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration (environment and ~/.aws): %w", err)
	}
	if client != nil {
		cfg.HTTPClient = client
	}
	return NewSession(cfg, sessionName), nil
}

// NewSession makes a Session from cfg, whose Retryer, where set, replaces ours. sessionName is what
// CloudTrail shows for calls made under an assumed role; characters that STS does not take become "-".
func NewSession(cfg aws.Config, sessionName string) *Session {
	cfg.AppID = cmp.Or(cfg.AppID, appID)
	if cfg.Retryer == nil {
		cfg.Retryer = persistent(cmp.Or(cfg.RetryMaxAttempts, maxAttempts))
	}
	return &Session{base: cfg, sessionName: cleanSessionName(sessionName)}
}

// persistent is the SDK's standard retryer; each client gets its own. Its adaptive one would slow all APIs of a
// client down because of one, to a call every two seconds where there were few: limits slow each API for itself.
func persistent(attempts int) func() aws.Retryer {
	return func() aws.Retryer { return retry.NewStandard(retries(attempts)) }
}

func retries(attempts int) func(*retry.StandardOptions) {
	return func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(brokenAnswer), retry.RetryableErrorCode{
			Codes: map[string]struct{}{"TransactionConflictException": {}}, // DynamoDB: the transaction will be over
		})
	}
}

// TakeThrottles answers how many requests AWS throttled since it was last asked,
// those included that went through when they were tried again.
func (s *Session) TakeThrottles() int { return int(s.limits.throttles.Swap(0)) }

// where fills in the Region that a place leaves open, for errors.
func (s *Session) where(p Place) Place {
	p.Region = cmp.Or(p.Region, s.base.Region)
	return p
}

// at is the configuration for one place.
func (s *Session) at(p Place) aws.Config {
	cfg := s.base.Copy()
	cfg.Region = cmp.Or(p.Region, cfg.Region)
	if p.Role.RoleARN != "" {
		cfg.Credentials = s.assumed(p.Role, cfg.Region)
	}
	apiOptions := s.base.APIOptions
	cfg.APIOptions = append(apiOptions[:len(apiOptions):len(apiOptions)], PlainBody, s.limits.middleware(p.Account, cfg.Region))
	return cfg
}

// assumed gives a role's credentials, one cache for all Regions.
func (s *Session) assumed(role studio.AssumeRole, region string) aws.CredentialsProvider {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.roles[role]; ok {
		return known
	}
	client := sts.NewFromConfig(s.at(Place{Region: cmp.Or(s.base.Region, region)})) // with the credentials at hand
	provider := stscreds.NewAssumeRoleProvider(client, role.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = s.sessionName
		o.Duration = assumedFor
		if role.ExternalID != "" {
			o.ExternalID = &role.ExternalID
		}
	})
	cached := aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = expiryWindow })
	if s.roles == nil {
		s.roles = map[studio.AssumeRole]aws.CredentialsProvider{}
	}
	s.roles[role] = cached
	return cached
}

// cleanSessionName follows STS: 2 to 64 of letters, digits and _+=,.@-
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func cleanSessionName(name string) string {
	cleaned := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("_+=,.@-", r)) {
			return r
		}
		return '-'
	}, name)
	if len(cleaned) < 2 {
		return appID
	}
	return cleaned[:min(len(cleaned), 64)]
}

// clients keeps one client per place, so that what its retryer learned of AWS's mood is not lost.
type clients[T any] struct {
	mu   sync.Mutex
	made map[Place]T
}

func (c *clients[T]) get(p Place, make func(Place) T) T {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.made[p]; ok {
		return known
	}
	if c.made == nil {
		c.made = map[Place]T{}
	}
	c.made[p] = make(p)
	return c.made[p]
}

func (s *Session) identitystoreAt(p Place) *identitystore.Client {
	return s.identitystore.get(p, func(p Place) *identitystore.Client { return identitystore.NewFromConfig(s.at(p)) })
}

func (s *Session) dynamodbAt(p Place) *dynamodb.Client {
	return s.dynamodb.get(p, func(p Place) *dynamodb.Client { return dynamodb.NewFromConfig(s.at(p)) })
}

func (s *Session) stsAt(p Place) *sts.Client {
	return s.sts.get(p, func(p Place) *sts.Client { return sts.NewFromConfig(s.at(p)) })
}

// jsonAt gives the client of a service that is called without its SDK package.
func (s *Session) jsonAt(api jsonAPI, p Place) *jsonClient {
	return s.clientsOf(api).get(p, func(p Place) *jsonClient { return newJSONClient(s.at(p), api) })
}

func (s *Session) clientsOf(api jsonAPI) *clients[*jsonClient] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.json == nil {
		s.json = map[string]*clients[*jsonClient]{}
	}
	if s.json[api.id] == nil {
		s.json[api.id] = &clients[*jsonClient]{}
	}
	return s.json[api.id]
}
