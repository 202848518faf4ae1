package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"studiokeeper/internal/studio"
)

// gateTime is how long a domain that was found in order stays so.
const gateTime = 10 * time.Minute

// gate lets nothing into a domain that is not what the configuration says: it
// must be there, in Identity Center mode, of the right account and the right
// Identity Center. A user of the same name in another store is another user.
type gate struct {
	domains    DomainReader
	instances  Instances
	register   Register
	storeID    string
	deployment string
	formerly   []string
	now        func() time.Time

	mu     sync.Mutex
	passed map[string]passedDomain
	known  []DomainRecord // nil: to be asked for
	asked  time.Time      // when known was read
}

type passedDomain struct {
	facts DomainFacts
	until time.Time
}

// facts answers what the domain says of itself, or why it is refused.
func (g *gate) facts(ctx context.Context, d studio.Domain) (DomainFacts, error) {
	g.mu.Lock()
	known, ok := g.passed[d.Name]
	g.mu.Unlock()
	if ok && g.now().Before(known.until) {
		return known.facts, nil
	}
	facts, err := g.check(ctx, d)
	if err != nil {
		return DomainFacts{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.passed == nil {
		g.passed = map[string]passedDomain{}
	}
	g.passed[d.Name] = passedDomain{facts, g.now().Add(gateTime)}
	return facts, nil
}

// recall takes over what a caller has just read of the register.
func (g *gate) recall(known []DomainRecord) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known, g.asked = known, g.now()
}

func (g *gate) registered(ctx context.Context) ([]DomainRecord, error) {
	g.mu.Lock()
	known, fresh := g.known, g.now().Before(g.asked.Add(time.Minute))
	g.mu.Unlock()
	if fresh {
		return known, nil
	}
	return g.register.Registered(ctx)
}

func (g *gate) check(ctx context.Context, d studio.Domain) (DomainFacts, error) {
	var facts DomainFacts
	var account, instance string
	var known []DomainRecord
	var errs [4]error
	var all sync.WaitGroup
	all.Go(func() {
		account, errs[0] = g.domains.CallerAccount(ctx, d)
		errs[0] = wrap(errs[0], "ask whose credentials are used for domain %s", d.Name)
	})
	all.Go(func() {
		facts, errs[1] = g.domains.Facts(ctx, d)
		errs[1] = wrap(errs[1], "describe domain %s (%s)", d.Name, d.ID)
	})
	all.Go(func() {
		instance, errs[2] = g.instances.Instance(ctx)
		errs[2] = wrap(errs[2], "find the Identity Center instance of the identity store")
	})
	all.Go(func() {
		known, errs[3] = g.registered(ctx)
		errs[3] = wrap(errs[3], "recall domain %s", d.Name)
	})
	all.Wait()
	if errs[0] == nil && account != d.Account {
		// Said first: in another account the domain is not there either.
		return DomainFacts{}, fmt.Errorf("domain %s: the credentials are of account %s, and the configuration says %s; give the domain an assumeRole", d.Name, account, d.Account)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return DomainFacts{}, err
	}
	return facts, errors.Join(refuse(d, facts, instance), g.contradicts(d, known))
}

// contradicts says that the configuration does not speak of the installation
// that this state table belongs to: it would take everybody for gone, or every
// profile for another's.
func (g *gate) contradicts(d studio.Domain, known []DomainRecord) error {
	at := slices.IndexFunc(known, func(k DomainRecord) bool { return k.ID == d.ID })
	if at < 0 {
		return nil
	}
	k := known[at]
	switch {
	case k.StoreID != g.storeID:
		return fmt.Errorf("domain %s (%s) was managed for the users of identity store %s, and the configuration says %s: those are other users; "+
			"correct identityCenter.identityStoreId, or use another state table", d.Name, d.ID, k.StoreID, g.storeID)
	case k.Deployment != g.deployment && !slices.Contains(g.formerly, k.Deployment):
		return fmt.Errorf("domain %s (%s) was managed by the deployment %q, and the configuration says %q: its profiles would be somebody else's; "+
			"list %q under formerly, or give the deployment its name back", d.Name, d.ID, k.Deployment, g.deployment, k.Deployment)
	}
	return nil
}

// refuse says why a domain is not to be touched; nil when it may be.
func refuse(d studio.Domain, facts DomainFacts, instance string) error {
	switch {
	case facts.Unified:
		return fmt.Errorf("domain %s (%s) belongs to SageMaker Unified Studio, which manages its own users; take it out of the configuration", d.Name, d.ID)
	case facts.AuthMode != "SSO":
		return fmt.Errorf("domain %s (%s) signs in with %s, not through IAM Identity Center; take it out of the configuration", d.Name, d.ID, facts.AuthMode)
	}
	other := instanceOf(facts.Application)
	if other != "" && instance == "" {
		return fmt.Errorf("domain %s (%s) belongs to the Identity Center instance %s, and these credentials see none for the configured identity store; check identityCenter's region, identityStoreId and assumeRole", d.Name, d.ID, other)
	}
	if other != "" && other != instanceOf(instance) {
		return fmt.Errorf("domain %s (%s) belongs to the Identity Center instance %s, but the identity store to %s: its users are not these users", d.Name, d.ID, other, instanceOf(instance))
	}
	return nil
}

// instanceOf is the ssoins-… part of an instance's or application's ARN.
func instanceOf(arn string) string {
	for part := range strings.SplitSeq(arn, "/") {
		if strings.HasPrefix(part, "ssoins-") {
			return part
		}
	}
	return ""
}

// errNoApplication is what older domains answer to everything about sign-in.
var errNoApplication = errors.New("the domain was made before October 2023 and names no application; assign people in the Identity Center console, or set signIn: none")
