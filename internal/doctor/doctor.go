// Package doctor checks an installation before and while it runs: named checks,
// each OK, SKIP or FAIL, with what was found and a remedy. It only reads.
// Checks run at once; one that fails stops only those that rest on it.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/config"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

const (
	atOnce   = 8                // checks
	patience = 30 * time.Second // with one of them
	shown    = 3                // of the names in a finding
)

// Doctor checks one configuration. All fields but Only must be set before use.
type Doctor struct {
	Config *config.Config
	// Callers tells whose credentials are at hand.
	Callers reconcile.Callers
	Domains reconcile.DomainReader
	Stores  Stores
	// People reads an identity store; which one is known only when it was found.
	People    func(storeID string) People
	Assignees reconcile.Assignees
	Profiles  reconcile.ProfileReader
	Tags      reconcile.TagLister
	// Trails are those of Identity Center's Region.
	Trails Trails
	Quotas Quotas
	Roles  Roles
	// FunctionRole is the ARN of the role that the function runs under; "": the deployed one.
	FunctionRole string
	// Parts name what is deployed.
	Parts      Parts
	Deployment Deployment
	// Register is nil where the configuration names no state table.
	Register Register
	Now      func() time.Time
	// Only names the checks that are shown; empty: all.
	Only []string
}

// check is one thing to find out.
type check struct {
	name, subject string
	needs         string // the name of a check of the same subject, or of the whole, that must be OK
	find          func(context.Context) finding
}

type finding struct {
	status        plan.CheckStatus
	found, remedy string
}

func ok(format string, args ...any) finding {
	return finding{plan.CheckOK, fmt.Sprintf(format, args...), ""}
}

func skip(format string, args ...any) finding {
	return finding{plan.CheckSkip, fmt.Sprintf(format, args...), ""}
}

func fail(remedy, format string, args ...any) finding {
	return finding{plan.CheckFail, fmt.Sprintf(format, args...), remedy}
}

// unread is a failed read that only doctor needs: without the permission for
// it, nothing is wrong.
func unread(remedy string, err error) finding {
	if errors.Is(err, reconcile.ErrDenied) || errors.Is(err, context.DeadlineExceeded) {
		return skip("%v", err)
	}
	return fail(remedy, "%v", err)
}

// some is the beginning of a list, for people.
func some(all []string) string {
	if more := len(all) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:shown], ", "), more)
	}
	return strings.Join(all, ", ")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Names lists the names of all checks, in their order.
func Names() []string {
	return []string{"credentials", "identity-store", "mapping", "access", "domain", "assigned-groups", "unmanaged-profiles",
		"role-trust", "role-limits", "default-role", "pass-role", "trail", "quota", "rule", "schedules", "queues", "functions", "alarms", "last-pass", "scim-token"}
}

// Run makes all checks.
func (d *Doctor) Run(ctx context.Context) plan.Checkup {
	all := d.wanted(d.checks(ctx))
	found := make([]plan.Check, len(all))
	done := make([]chan struct{}, len(all))
	for i := range done {
		done[i] = make(chan struct{})
	}
	var g errgroup.Group
	slots := make(chan struct{}, atOnce)
	for i, c := range all {
		g.Go(func() error {
			defer close(done[i])
			before := needed(all[:i], c)
			if before >= 0 {
				<-done[before]
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			f := finding{}
			if before >= 0 && found[before].Status != plan.CheckOK {
				f = skip("it rests on %s, which is not OK", c.needs)
			} else {
				f = c.patiently(ctx)
			}
			found[i] = plan.Check{Name: c.name, Subject: c.subject, Status: f.status, Found: f.found, Remedy: f.remedy}
			return nil
		})
	}
	_ = g.Wait() // no check ends in an error
	asked := slices.DeleteFunc(found, func(c plan.Check) bool { return len(d.Only) > 0 && !slices.Contains(d.Only, c.Name) })
	return plan.Checkup{Deployment: d.Config.Deployment, Checks: asked}
}

// wanted leaves out what is neither to be shown nor rested on.
func (d *Doctor) wanted(all []check) []check {
	if len(d.Only) == 0 {
		return all
	}
	kept, names := []check{}, slices.Clone(d.Only)
	for _, c := range slices.Backward(all) {
		if slices.Contains(names, c.name) {
			kept, names = append(kept, c), append(names, c.needs)
		}
	}
	slices.Reverse(kept)
	return kept
}

func (c check) patiently(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.find(ctx)
}

// needed is the place of the check that c rests on; below 0 for none.
func needed(earlier []check, c check) int {
	return slices.IndexFunc(earlier, func(e check) bool {
		return e.name == c.needs && (e.subject == "" || e.subject == c.subject)
	})
}

// visit is one run: what several checks rest on is read once.
type visit struct {
	*Doctor
	rows    func() (reading, error)
	members cache[[]string] // by group
}

func (d *Doctor) checks(ctx context.Context) []check {
	v := &visit{Doctor: d}
	v.rows = sync.OnceValues(func() (reading, error) { return d.readRows(ctx) })
	all := []check{
		{"credentials", "", "", d.credentials},
		{"identity-store", "", "credentials", d.identityStore},
		{"mapping", "", "identity-store", v.mapping},
	}
	each := func(name, needs string, find func(context.Context, studio.Domain) finding) {
		for _, domain := range d.Config.Domains {
			all = append(all, check{name, domain.Name, needs, func(ctx context.Context) finding { return find(ctx, domain) }})
		}
	}
	each("access", "credentials", d.access)
	each("domain", "access", d.domain)
	each("assigned-groups", "domain", v.assignedGroups)
	each("unmanaged-profiles", "access", d.unmanagedProfiles)
	each("role-trust", "access", v.trust)
	each("role-limits", "access", v.escape)
	each("default-role", "access", v.powerless)
	each("pass-role", "access", v.passes)
	all = append(all, check{"trail", "", "credentials", d.trail})
	each("quota", "access", v.quota)
	all = append(all,
		check{"rule", "", "credentials", d.rule},
		check{"schedules", "", "credentials", d.schedules},
		check{"queues", "", "credentials", d.queues},
		check{"functions", "", "credentials", d.functions},
		check{"alarms", "", "credentials", d.alarms})
	each("last-pass", "credentials", d.lastPass)
	return append(all, check{"scim-token", "", "", d.scimToken})
}
