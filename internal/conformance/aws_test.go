package conformance

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
)

// options are the flags of a run on AWS; docs/conformance.md explains them.
type options struct {
	asked
	aws, apps, sweep, yes bool
	identityRegion        string
}

var given = declare(flag.CommandLine)

func declare(flags *flag.FlagSet) *options {
	o := &options{}
	flags.BoolVar(&o.aws, "aws", false, "ask AWS, with the credentials at hand, instead of the local cloud")
	flags.StringVar(&o.domain, "domain", "", "with -aws: `id` of a Studio domain that has the tag "+sandboxTag)
	flags.StringVar(&o.role, "role", "", "with -aws: `ARN` of an execution role for profiles; the domain's default role if left out")
	flags.StringVar(&o.store, "store", "", "with -aws: `id` of the identity store, where there are several")
	flags.StringVar(&o.identityRegion, "identity-region", "", "with -aws: Identity Center's `Region`, where it is another")
	flags.BoolVar(&o.apps, "apps", false, "with -aws: start apps too, which costs a little")
	flags.BoolVar(&o.sweep, "sweep", false, "with -aws: only remove what earlier runs left behind")
	flags.BoolVar(&o.yes, "yes", false, "with -aws: do not ask before it starts")
	return o
}

// check refuses flags that do not say enough, before anything is asked of AWS.
func (o *options) check() error {
	switch {
	case !o.aws && *o != (options{}):
		return errors.New("these flags are for a run on AWS: give -aws too, or leave them out")
	case o.aws && o.domain == "":
		return fmt.Errorf("-aws needs -domain, a Studio domain with the tag %s, in which profiles may come and go", sandboxTag)
	}
	return nil
}

// open is the target that the options name.
func (o *options) open(ctx context.Context, cfg aws.Config) (*target, error) {
	g := &target{cfg: cfg, identity: cfg.Copy(), apps: o.apps, sleep: time.Sleep, run: strings.ToLower(rand.Text()[:8])}
	if o.identityRegion != "" {
		g.identity.Region = o.identityRegion
	}
	if err := g.find(ctx, o.asked); err != nil {
		return nil, err
	}
	g.name = "AWS account " + g.account + " in " + g.cfg.Region
	return g, nil
}

// purpose is what a person is told before anything is made.
func (g *target) purpose(sweep bool) string {
	does := "make and remove users, groups, assignments, user profiles, spaces, tables, queues, rules, parameters, roles and a policy"
	switch {
	case sweep:
		does = "remove what earlier runs left behind, and make nothing"
	case g.apps:
		does += ", and start apps on ml.t3.medium,"
	}
	return fmt.Sprintf("This will %s in account %s, domain %s, and identity store %s.\nNames begin with %s, or paths with %s; nothing else is touched. See docs/conformance.md.\n",
		does, g.account, g.domain, g.store, ownPrefix, ownPath)
}

// agreed asks a person.
func agreed(from io.Reader, to io.Writer, purpose, domain string) bool {
	fmt.Fprintf(to, "%sType the domain's id to go on: ", purpose)
	line, _ := bufio.NewReader(from).ReadString('\n')
	return strings.TrimSpace(line) == domain
}

// ask asks on the terminal: go test keeps standard input to itself.
func (o *options) ask(g *target) error {
	if o.yes {
		return nil
	}
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("there is no terminal to ask on; -yes says yes beforehand: %w", err)
	}
	defer terminal.Close()
	if !agreed(terminal, terminal, g.purpose(o.sweep), g.domain) {
		return errors.New("nobody agreed; nothing was made")
	}
	return nil
}

// askAWS asks AWS itself, after somebody agreed.
func (o *options) askAWS(t *testing.T) {
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRetryer(func() aws.Retryer {
		return retry.NewAdaptiveMode(func(a *retry.AdaptiveModeOptions) {
			a.StandardOptions = append(a.StandardOptions, func(s *retry.StandardOptions) { s.MaxAttempts = 8 })
		})
	}))
	if err != nil {
		t.Fatalf("reading the AWS configuration (environment and ~/.aws): %v", err)
	}
	g, err := o.open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.ask(g); err != nil {
		t.Fatal(err)
	}
	if err := g.sweep(t.Context(), func(what string) { t.Log(what) }); err != nil {
		t.Fatalf("what an earlier run left behind: %v", err)
	}
	if !o.sweep {
		g.show(g.all(t))
	}
}
