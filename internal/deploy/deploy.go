// Package deploy generates, from the configuration, what studiokeeper is in an
// AWS account: the IAM policies with which it can do its work and nothing
// else, the CloudFormation templates, and the function's zip. It calls nothing
// of AWS.
package deploy

import (
	"cmp"
	"errors"
	"fmt"

	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

// The names of what is deployed.
const (
	EventsName   = "studiokeeper-events" // function and queue for one person
	PassName     = "studiokeeper-pass"   // function and queue for bulk
	RuleName     = "studiokeeper-membership"
	FullPassName = "studiokeeper-full-pass"
	DeepPassName = "studiokeeper-deep-pass"
	RoleName     = "studiokeeper-function"
	deadSuffix   = "-dead"
)

// ErrTooLarge says that the configuration needs more than AWS allows.
var ErrTooLarge = errors.New("too large for AWS")

// thisAccount is the account that a stack is made in.
const thisAccount = "${AWS::AccountId}"

// Options are what a deployment can choose beside the configuration.
type Options struct {
	// Account the function runs in; in a template CloudFormation fills it in.
	Account string
	// Parameter is the Parameter Store parameter that holds the configuration;
	// "" when the function's zip does.
	Parameter string
	// ForwardFrom are other accounts whose rules may put events on the bus.
	ForwardFrom []string
}

// generator is a configuration on its way into an account.
type generator struct {
	*config.Config
	Options
}

func newGenerator(c *config.Config, o Options) (*generator, error) {
	o.Account = cmp.Or(o.Account, thisAccount)
	g := &generator{c, o}
	if c.State.Table == "" {
		return nil, fmt.Errorf("generate the deployment: %w: state.table is missing; the function keeps leases, next looks and the journal there", config.ErrInvalid)
	}
	for _, d := range c.Domains {
		if tooMany := studio.TooManyGroups(d, c.Mapping.Rules); tooMany != "" {
			return nil, fmt.Errorf("generate the deployment: %w: %s", ErrTooLarge, tooMany)
		}
	}
	return g, nil
}

// region is where the function runs: beside Identity Center, whose events
// appear nowhere else.
func (g *generator) region() string { return g.IdentityCenter.Region }

func (g *generator) partition() string { return studio.PartitionOf(g.region()) }

// here is the ARN of something in the function's account and Region.
func (g *generator) here(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", g.partition(), service, g.region(), g.Account, resource)
}
