package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
)

func removalsCommand(env Environment) *cobra.Command {
	c := &cobra.Command{Use: "removals", Short: "Shows and decides about the removals and changes of role that the guard holds", Args: noSuchCommand, RunE: help}
	c.AddCommand(removalsListCommand(env), decideCommand(env, "approve", "Lets what is held go on", approve), decideCommand(env, "reject", "Keeps held people for a while", reject))
	return c
}

// heldRemoval is a removal, or a change because of an edited row, for scripts.
type heldRemoval struct {
	Kind     plan.Bounded       `json:"kind"`
	Domain   string             `json:"domain"`
	UserID   string             `json:"userId"`
	UserName string             `json:"userName,omitempty"`
	Profile  string             `json:"profile"`
	Decision reconcile.Decision `json:"decision"`
	Why      string             `json:"why"`
	Reason   string             `json:"reason"`
	At       time.Time          `json:"at"`
	Until    *time.Time         `json:"until,omitempty"`
	From     string             `json:"from,omitempty"` // of a change: the role that the person has
	To       string             `json:"to,omitempty"`   // of a change: the role that the row gives
}

func removalsListCommand(env Environment) *cobra.Command {
	var format output
	var domain string
	c := &cobra.Command{
		Use: "list", Short: "Lists who is held, and why", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			r, err := openFor(c, env, "removals")
			if err != nil {
				return err
			}
			found, err := removalsIn(c.Context(), r, domain)
			if err != nil {
				return err
			}
			if asJSON {
				return render.JSON(env.Stdout, forScripts(found))
			}
			if err := listRemovals(env, found); err != nil || len(found) == 0 {
				return err
			}
			_, err = fmt.Fprintln(env.Stderr, "\nDecide with: studiokeeper removals approve USER… (or --all), removals reject USER… (or --all)")
			return err
		},
	}
	c.Flags().StringVar(&domain, "domain", "", "only the domain of this `NAME`; "+plan.DirectoryDomain+" is Identity Center itself")
	format.add(c)
	return c
}

// removalsIn lists what waits for a decision, and what was rejected.
func removalsIn(ctx context.Context, r *reconcile.Reconciler, domain string) ([]reconcile.Removal, error) {
	var all []reconcile.Removal
	known := false
	for _, name := range guardedDomains(r) {
		if domain != "" && name != domain {
			continue
		}
		known = true
		found, err := r.Decided(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if !known {
		return nil, usage("the configuration has no domain %q", domain)
	}
	return slices.DeleteFunc(all, func(r reconcile.Removal) bool { return r.Decision == reconcile.Admitted }), nil
}

// guardedDomains are the domains that removals are held in, the directory last.
func guardedDomains(r *reconcile.Reconciler) []string {
	var names []string
	for _, t := range r.Targets {
		names = append(names, t.Domain.Name)
	}
	return append(names, plan.DirectoryDomain)
}

func forScripts(removals []reconcile.Removal) []heldRemoval {
	out := []heldRemoval{}
	for _, r := range removals {
		h := heldRemoval{
			Kind: r.What(), Domain: r.Domain, UserID: r.UserID, UserName: r.UserName, Profile: r.Profile, Decision: r.Decision,
			Why: r.Why, Reason: r.Reason, At: r.At, From: r.From, To: r.To,
		}
		if r.Decision == reconcile.Rejected {
			h.Until = &r.Until
		}
		out = append(out, h)
	}
	return out
}

func listRemovals(env Environment, removals []reconcile.Removal) error {
	if len(removals) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "No removal is held.")
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DOMAIN\tUSER\tPROFILE\tWHAT\tDECISION\tWHY")
	for _, r := range removals {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Domain, label(r), r.Profile, what(r), decision(r), r.Why)
	}
	return w.Flush()
}

// what is held, in the words of people.
func what(r reconcile.Removal) string {
	switch {
	case r.What() == plan.Removals:
		return "removal"
	case r.From == r.To:
		return "change of settings"
	default:
		return "change of role: " + roleName(r.From) + " → " + roleName(r.To)
	}
}

// roleName is the part of a role's ARN that tells it from others of its account.
func roleName(arn string) string {
	if _, name, ok := strings.Cut(arn, ":role/"); ok {
		return name
	}
	return arn
}

func label(r reconcile.Removal) string {
	if r.UserName != "" {
		return r.UserName
	}
	return r.UserID
}

func decision(r reconcile.Removal) string {
	if r.Decision == reconcile.Rejected {
		return strings.TrimSpace("rejected until " + r.Until.UTC().Format("2006-01-02 15:04") + " " + r.Reason)
	}
	return "held since " + r.At.UTC().Format("2006-01-02 15:04")
}

// decider changes one removal as the person wants it.
type decider func(r *reconcile.Reconciler, removal reconcile.Removal, reason string) reconcile.Removal

func approve(r *reconcile.Reconciler, removal reconcile.Removal, reason string) reconcile.Removal {
	removal.Decision, removal.Reason, removal.At = reconcile.Admitted, strings.TrimSpace("approved "+reason), r.Now().UTC()
	return removal
}

func reject(r *reconcile.Reconciler, removal reconcile.Removal, reason string) reconcile.Removal {
	removal.Decision, removal.Reason, removal.At = reconcile.Rejected, reason, r.Now().UTC()
	removal.Until = removal.At.Add(r.RejectFor)
	return removal
}

func decideCommand(env Environment, verb, short string, decide decider) *cobra.Command {
	var domain, reason string
	var everybody, yes, noLock bool
	wait := 2 * time.Minute
	c := &cobra.Command{
		Use: verb + " USER… | --all", Short: short,
		RunE: func(c *cobra.Command, users []string) error {
			if everybody == (len(users) > 0) {
				return usage("removals %s needs users, by UserName or id, or --all", verb)
			}
			worker := &replayer{env: env, wait: wait, noLock: noLock}
			if err := worker.open(c.Context(), configRef(c, env), "removals"); err != nil {
				return err
			}
			r := worker.keep
			chosen, err := choose(c.Context(), r, domain, users)
			if err != nil {
				return err
			}
			if err := listRemovals(env, chosen); err != nil || len(chosen) == 0 {
				return err
			}
			if err := confirm(c.Context(), env, yes, fmt.Sprintf("%s %s?", verb, howMany(chosen))); err != nil {
				return err
			}
			who, err := person(c.Context(), r, "removals "+verb)
			if err != nil {
				return err
			}
			return decideAll(c.Context(), worker, chosen, reason, decide, who)
		},
	}
	c.Flags().StringVar(&domain, "domain", "", "only in the domain of this `NAME`; "+plan.DirectoryDomain+" is Identity Center itself")
	c.Flags().StringVar(&reason, "reason", "", "`TEXT` that the journal and removals list show")
	c.Flags().BoolVar(&everybody, "all", false, "everybody who is held")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().DurationVar(&wait, "wait", wait, "how long to go on with what takes its time, such as apps that end")
	addNoLock(c, &noLock)
	return c
}

// howMany says how many of what are to be decided about.
func howMany(chosen []reconcile.Removal) string {
	changes := 0
	for _, r := range chosen {
		if r.What() == plan.Changes {
			changes++
		}
	}
	switch removals := len(chosen) - changes; {
	case changes == 0:
		return fmt.Sprintf("%d removals", removals)
	case removals == 0:
		return fmt.Sprintf("%d changes", changes)
	default:
		return fmt.Sprintf("%d removals and %d changes", removals, changes)
	}
}

// person is who runs a command that changes something, as the journal names
// them. Without a name nothing is decided: what is held stays held, and nobody
// loses anything by waiting until the credentials or the way to STS are right.
func person(ctx context.Context, r *reconcile.Reconciler, command string) (event.Trigger, error) {
	arn, err := r.Callers.CallerARN(ctx)
	if err != nil {
		return event.Trigger{}, fmt.Errorf("nothing was changed, because the journal could not say who did it: %w", err)
	}
	return event.Trigger{ID: arn, Name: command, Source: event.SourcePerson, Time: r.Now().UTC()}, nil
}

// choose picks the held removals of the users named, or of everybody.
func choose(ctx context.Context, r *reconcile.Reconciler, domain string, users []string) ([]reconcile.Removal, error) {
	all, err := removalsIn(ctx, r, domain)
	if err != nil {
		return nil, err
	}
	var chosen []reconcile.Removal
	found := map[string]bool{}
	for _, removal := range all {
		for _, who := range []string{removal.UserID, removal.UserName} {
			if slices.Contains(users, who) {
				found[who] = true
			}
		}
		named := found[removal.UserID] || removal.UserName != "" && found[removal.UserName]
		if named || len(users) == 0 && removal.Decision == reconcile.Held {
			chosen = append(chosen, removal)
		}
	}
	for _, who := range users {
		if !found[who] {
			return nil, fmt.Errorf("no removal of %s is held; removals list shows who is", who)
		}
	}
	return chosen, nil
}

// decideAll stores the decisions, opens the domains' limits again, and looks
// at those who were approved, so that it goes on at once. What is read then
// counts: somebody who is a member again stays.
func decideAll(ctx context.Context, worker *replayer, chosen []reconcile.Removal, reason string, decide decider, who event.Trigger) error {
	var errs []error
	r := worker.keep
	by := plan.Trigger{Kind: event.SourcePerson, ID: who.ID, Name: who.Name}
	domains := map[string]bool{}
	var approved []reconcile.Removal
	for _, removal := range chosen {
		domains[removal.Domain] = true
		decided := decide(r, removal, reason)
		if err := r.Decide(ctx, removal, decided, by); err != nil {
			errs = append(errs, fmt.Errorf("decide about %s: %w", label(removal), err))
			continue
		}
		if decided.Decision == reconcile.Admitted {
			approved = append(approved, decided)
		}
	}
	for domain := range domains {
		errs = append(errs, r.Reopen(ctx, domain))
	}
	for _, removal := range approved {
		if removal.Domain == plan.DirectoryDomain {
			continue // it goes on when the directory is carried over next
		}
		if id := removal.GroupOf(); id != "" {
			t, _ := r.Target(removal.Domain)
			_, err := r.UnassignGroup(ctx, t, id, by)
			errs = append(errs, err)
			continue
		}
		l := event.Look{Scope: event.User, UserID: removal.UserID, Domain: removal.Domain, Trigger: who}
		errs = append(errs, worker.look(ctx, l, &replayed{}))
	}
	if domains[plan.DirectoryDomain] {
		fmt.Fprintln(worker.env.Stderr, "What is approved in "+plan.DirectoryDomain+" is carried out by the next studiokeeper directory apply.")
	}
	errs = append(errs, worker.later(ctx, &replayed{}))
	return errors.Join(errs...)
}
