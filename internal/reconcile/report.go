package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// Inquiry says what a report is to tell.
type Inquiry struct {
	Only     plan.AccessFilter
	Deep     bool // describe every profile
	Progress *Progress
}

// ErrNoDomain: a report is asked about a domain that nobody knows.
var ErrNoDomain = errors.New("no such domain")

// Report tells who can do what, and changes nothing. One domain that cannot be
// read is a problem that the report names; when none can, that is an error.
func (r *Reconciler) Report(ctx context.Context, q Inquiry) (plan.AccessReport, error) {
	made := r.Now()
	x := Extent{Deep: q.Deep, Verified: true, Progress: q.Progress}
	known, err := r.Register.Registered(ctx)
	if err != nil {
		return plan.AccessReport{}, fmt.Errorf("list the domains known: %w", err)
	}
	if name := q.Only.Domain; name != "" {
		_, configured := r.Target(name)
		if !configured && !slices.ContainsFunc(known, func(d DomainRecord) bool { return d.Name == name }) {
			return plan.AccessReport{}, fmt.Errorf("%w: neither the configuration nor the state table has a domain %q", ErrNoDomain, name)
		}
		x.Domains = []string{name}
	}
	s, err := r.Survey(ctx, x)
	if err != nil {
		return plan.AccessReport{}, err
	}
	in := &inquest{r: r, s: s, source: plan.AccessSource{
		Deployment: r.Deployment, StoreID: r.StoreID, Made: made, Deep: q.Deep, Only: q.Only,
		Groups: s.Groups, Verified: s.Verified, Defaults: map[string]string{},
		Known: map[string]map[string]plan.KnownRole{}, Holds: map[string]map[string]plan.Hold{},
	}}
	if in.source.By, err = r.Callers.CallerARN(ctx); err != nil {
		in.problem(plan.Note, "caller-unknown", "", "who made this report is not known: "+err.Error())
	}
	if err := in.domains(ctx); err != nil {
		return plan.AccessReport{}, err
	}
	if err := in.unconfigured(ctx, known); err != nil {
		in.problem(plan.Unread, "unread", "", err.Error())
	}
	in.source.World = s.World
	report := in.source.Report()
	if len(report.Access) == 0 {
		return report, in.missing(q.Only)
	}
	return report, nil
}

// inquest gathers what the survey does not have.
type inquest struct {
	r      *Reconciler
	s      *Survey
	source plan.AccessSource
}

func (in *inquest) problem(severity plan.Severity, code, domain, text string) {
	in.source.Problems = append(in.source.Problems, plan.AccessProblem{Severity: severity, Code: code, Domain: domain, Text: text})
}

// domains reads, for the domains of the survey, what the state table remembers.
func (in *inquest) domains(ctx context.Context) error {
	memories := make([]memory, len(in.s.World.Domains))
	var g errgroup.Group
	for i, d := range in.s.World.Domains {
		g.Go(func() error {
			memories[i] = in.r.recollect(ctx, d.Policy.Domain.Name)
			return nil
		})
	}
	_ = g.Wait() // what failed is in the memories
	var read []plan.DomainView
	for i, d := range in.s.World.Domains {
		name := d.Policy.Domain.Name
		if err := memories[i].err; err != nil {
			in.s.Failed[name] = err
			continue
		}
		read = append(read, d)
		in.source.Known[name], in.source.Holds[name] = memories[i].known, memories[i].holds
		in.source.Defaults[name] = in.s.Facts[name].DefaultRole
		for _, text := range memories[i].groups {
			in.problem(plan.Note, "group-held", name, text)
		}
	}
	in.s.World.Domains = read
	return in.failed(ctx)
}

// failed names what could not be read. It is an error when that is everything.
func (in *inquest) failed(ctx context.Context) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(in.s.Failed)) {
		err := in.s.Failed[name]
		errs = append(errs, fmt.Errorf("domain %s: %w", name, err))
		in.problem(plan.Unread, "domain-unread", name, err.Error())
		t, _ := in.r.Target(name)
		d := t.Domain
		in.source.Domains = append(in.source.Domains, plan.AccessDomain{
			Name: d.Name, ID: d.ID, Account: d.Account, Region: d.Region, Configured: true, Mode: string(d.Mode), State: string(d.State), Error: err.Error(),
		})
	}
	for _, err := range in.s.Doubts {
		in.problem(plan.Unread, "unread", "", err.Error())
	}
	for _, note := range in.s.Notes {
		in.problem(plan.Note, "note", "", note)
	}
	if len(in.s.World.Domains) == 0 && len(errs) > 0 {
		return errors.Join(errs...)
	}
	return ctx.Err()
}

// memory is what the state table has of a domain's people.
type memory struct {
	known  map[string]plan.KnownRole
	holds  map[string]plan.Hold
	groups []string // about groups whose sign-in is held
	err    error
}

func (r *Reconciler) recollect(ctx context.Context, domain string) memory {
	m := memory{known: map[string]plan.KnownRole{}, holds: map[string]plan.Hold{}}
	m.err = wrap(r.Persons.EachManaged(ctx, domain, func(p Person) {
		if !p.Since.IsZero() {
			m.known[p.UserID] = plan.KnownRole{Role: p.Role, Since: p.Since}
		}
	}), "list the managed people of %s", domain)
	if m.err != nil {
		return m
	}
	removals, err := r.Removals.Removals(ctx, domain)
	m.err = wrap(err, "list the removals of %s", domain)
	for _, one := range removals {
		if one.Decision == Admitted || !one.stands(r.Now()) {
			continue
		}
		if id := one.GroupOf(); id != "" {
			m.groups = append(m.groups, fmt.Sprintf("the sign-in of group %s is not taken back: %s %s", id, one.Decision, one.Reason))
			continue
		}
		m.holds[one.UserID] = plan.Hold{Rejected: one.Decision == Rejected, Reason: one.Reason, At: one.At, Until: one.Until}
	}
	return m
}

// unconfigured adds the domains that are known and not configured, with whom
// the state table remembers there: nobody keeps their access in step any more.
func (in *inquest) unconfigured(ctx context.Context, known []DomainRecord) error {
	left, err := in.r.Unconfigured(ctx, known)
	errs := []error{err}
	for _, d := range left {
		if d.Profiles == 0 || in.source.Only.Domain != "" && in.source.Only.Domain != d.Name {
			continue
		}
		in.source.Domains = append(in.source.Domains, plan.AccessDomain{Name: d.Name, ID: d.ID, Profiles: d.Profiles})
		in.problem(plan.Decide, "domain-unconfigured", d.Name, fmt.Sprintf(
			"the configuration has no domain %s (%s) any more, and %d profiles were managed there: nobody keeps their access in step; configure it with state: retire to end it", d.Name, d.ID, d.Profiles))
		errs = append(errs, wrap(in.r.Persons.EachManaged(ctx, d.Name, func(p Person) { in.lost(d, p) }), "list the managed people of %s", d.Name))
	}
	return errors.Join(errs...)
}

// lost is the line of somebody in a domain that is not configured.
func (in *inquest) lost(d DomainRecord, p Person) {
	text := "the configuration has not got this domain: this is what the state table remembers"
	a := plan.Access{
		Domain: d.Name, DomainID: d.ID, UserID: p.UserID, UserStatus: string(studio.Absent), Profile: p.Profile, GroupID: p.GroupID, Group: in.s.Groups[p.GroupID],
		Standing: plan.AccessUnreadable, Remark: text, Reasons: []plan.Reason{{Code: "domain-unconfigured", Text: text}},
	}
	if p.Role != unsettled {
		a.Role, a.Since = p.Role, p.Since.UTC()
	}
	if u, found := in.s.World.Index.ByID(p.UserID); found {
		a.UserName, a.UserStatus = u.UserName, string(u.Status)
	}
	in.source.Lost = append(in.source.Lost, a)
}

// missing tells a filter that found nothing from one that is misspelt.
func (in *inquest) missing(only plan.AccessFilter) error {
	if only.User != "" {
		_, byID := in.s.World.Index.ByID(only.User)
		_, byName := in.s.World.Index.ByName(only.User)
		if !byID && !byName {
			return fmt.Errorf("the identity store has no user with the UserName or id %q, and no profile was made for one", only.User)
		}
	}
	roles := slices.Collect(maps.Values(in.source.Defaults))
	for _, row := range in.s.Rows {
		roles = append(roles, row.Role)
	}
	for _, t := range in.r.Targets {
		roles = append(roles, t.Quarantine)
	}
	if only.Role != "" && !slices.ContainsFunc(roles, only.MatchesRole) {
		return fmt.Errorf("no row gives a role %q, and no profile has it; name it by ARN, or by its path and name", only.Role)
	}
	return nil
}
