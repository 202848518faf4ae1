package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// The sample account, with everything that a deployment has.
const (
	sampleAccount    = "111122223333"
	sampleRegion     = "us-east-1"
	sampleStore      = "d-906716eb24"
	sampleDomain     = "research"
	sampleMapping    = "studiokeeper-mapping"
	sampleState      = "studiokeeper-state"
	sampleRoles      = "arn:aws:iam::" + sampleAccount + ":role/studio/"
	sampleDefault    = "arn:aws:iam::" + sampleAccount + ":role/studio-domain-default"
	sampleQuarantine = "arn:aws:iam::" + sampleAccount + ":role/studiokeeper-quarantine"
	// What the recorded events in examples/ speak of.
	sampleUser     = "04c8e458-a021-702e-f9d1-7f430ff2c752"
	sampleGroup    = "14f83478-a061-708f-8de4-a3a2b99e9d89"
	eventsFunction = "studiokeeper-events"
	passFunction   = "studiokeeper-pass"
)

// How long the functions may take; a queue's visibility is six times that.
const (
	eventsTimeout = 60 * time.Second
	passTimeout   = 900 * time.Second
)

// sample is a local cloud that is being served.
type sample struct {
	cloud    *localcloud.Cloud
	server   *http.Server
	aws      aws.Config
	session  *awscloud.Session
	endpoint string
	dir      string // of the configuration; removed at the end
	config   string
	domainID string
	queueURL string
	passURL  string
}

// serveCloud starts a local cloud on an address.
func serveCloud(ctx context.Context, address string, cloud *localcloud.Cloud) (*sample, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve the local cloud: %w (choose another address with --listen)", err)
	}
	s := &sample{cloud: cloud, endpoint: "http://" + l.Addr().String()}
	cloud.Host.Env = []string{"AWS_ENDPOINT_URL=" + s.endpoint, envClock + "=" + s.endpoint + "/_clock/Now"}
	s.server = &http.Server{Handler: cloud, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends with ErrServerClosed
	s.aws = aws.Config{
		Region: sampleRegion, BaseEndpoint: &s.endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		APIOptions:  []func(*middleware.Stack) error{awscloud.PlainBody},
	}
	return s, nil
}

// close ends functions and server, and removes what was written.
func (s *sample) close() error {
	s.cloud.Close()
	return errors.Join(s.server.Close(), os.RemoveAll(s.dir))
}

// furnish makes the account: identity store, domain, and the stack of what is
// deployed, with functions unless command is nil. log takes what these write.
func (s *sample) furnish(ctx context.Context, command []string, log io.Writer) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "studiokeeper-"); err != nil {
		return fmt.Errorf("furnish the local cloud: make a directory for the sample configuration: %w", err)
	}
	s.config = filepath.Join(s.dir, "studiokeeper.yaml")
	s.session = awscloud.NewSession(s.aws, "studiokeeper-local")
	host := &s.cloud.Host
	later := host.Env
	host.Command, host.Stderr, host.Env = command, log, append(slices.Clone(later), app.EnvConfig+"="+s.config)
	itself, _ := functionItself()
	host.Late = slices.Equal(command, itself) // which is known to start
	deploy := func(ctx context.Context) error { return s.deploy(ctx, command != nil) }
	for _, step := range []func(context.Context) error{s.makeStore, s.makeDomain, s.writeConfig, s.makeAccount, deploy, s.domainReady} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("furnish the local cloud: %w", err)
		}
	}
	// Functions that are deployed by hand bring code and configuration of their own.
	host.Command, host.Env = nil, later
	return nil
}

func (s *sample) makeStore(context.Context) error {
	if err := s.cloud.CreateIdentityStore(sampleAccount, sampleRegion, sampleStore); err != nil {
		return err
	}
	console := s.cloud.Console(sampleAccount, sampleRegion, sampleStore)
	return errors.Join(
		console.SeedUser(sampleUser, localcloud.Person{UserName: "sam@example.com", DisplayName: "Sam"}),
		console.SeedGroup(sampleGroup, "ad-group-2"))
}

// studioAPI asks SageMaker for what only people do, and studiokeeper never.
func (s *sample) studioAPI(ctx context.Context, operation, on string, in, out any) error {
	api := awscloud.API{ID: "SageMaker", Target: "SageMaker", Signing: "sagemaker", Host: "api.sagemaker"}
	return s.session.Call(ctx, api, awscloud.Place{Region: sampleRegion}, operation, on, in, out)
}

func (s *sample) makeDomain(ctx context.Context) error {
	in := map[string]any{
		"DomainName": sampleDomain, "AuthMode": "SSO", "DefaultUserSettings": map[string]any{"ExecutionRole": sampleDefault},
		"VpcId": "vpc-0a1b2c3d", "SubnetIds": []string{"subnet-0a1b2c3d"},
	}
	var made struct{ DomainId string }
	if err := s.studioAPI(ctx, "CreateDomain", "domain "+sampleDomain, in, &made); err != nil {
		return err
	}
	s.domainID = made.DomainId
	return nil
}

// domain is the sample's, as the configuration has it.
func (s *sample) domain() studio.Domain {
	return studio.Domain{Name: sampleDomain, ID: s.domainID, Region: sampleRegion, Account: sampleAccount}
}

// domainReady moves the cloud's clock to where the domain is in service: who
// starts it has nothing to wait for.
func (s *sample) domainReady(ctx context.Context) error {
	s.cloud.Advance(localcloud.DefaultProfileDelay)
	domains := &awscloud.Domains{Session: s.session}
	d, err := domains.Facts(ctx, s.domain())
	if err == nil && d.Status != "InService" {
		err = fmt.Errorf("domain %s is %s after %s", s.domainID, d.Status, localcloud.DefaultProfileDelay)
	}
	return err
}

const sampleConfig = `# The configuration of the sample account on the local cloud.
deployment: local
identityCenter:
  region: %s
  identityStoreId: %s
domains:
  - name: %s
    id: %s
    region: %s
    account: "%s"
mapping:
  roles: ["%s*"]
  table: %s
  cache: 1s
offboarding:
  quarantineRole: "arn:aws:iam::{account}:role/studiokeeper-quarantine"
state:
  table: %s
notices:
  bus: default
`

func (s *sample) writeConfig(context.Context) error {
	text := fmt.Sprintf(sampleConfig, sampleRegion, sampleStore, sampleDomain, s.domainID, sampleRegion, sampleAccount, sampleRoles, sampleMapping, sampleState)
	return os.WriteFile(s.config, []byte(text), 0o600)
}

// functionItself starts this executable again as the function.
func functionItself() ([]string, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start it again as the function: %w", err)
	}
	return []string{path, "function"}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
