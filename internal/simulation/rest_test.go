package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/app"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// restAtMost is how many passes come until all that was begun must have ended;
// there are two at least, the second for what the first put off.
const restAtMost = 5

// rest lets the weather clear and time pass: passes come, and a person approves
// what is held.
func (w *world) rest() {
	w.mu.Lock()
	w.weather = nil
	w.mu.Unlock()
	w.cloud.SetDelivery(localcloud.Delivery{Delay: 3 * time.Second})
	for n := range restAtMost {
		w.goHome()
		w.sleepUntilPass()
		time.Sleep(20 * time.Minute)
		w.kept = w.exceptions()
		left := w.unrest()
		if n > 0 && len(left) == 0 || n == restAtMost-1 {
			w.broken = append(w.broken, append(left, w.journalled()...)...)
			return
		}
		w.approve()
	}
}

// unrest is what is not as it should be in the end.
func (w *world) unrest() (left []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, queue := range []string{"events", "pass"} {
		if n := w.waiting(queue); n > 0 {
			left = append(left, fmt.Sprintf("%d messages are left in the queue %s", n, queue))
		}
	}
	for d := range w.domains {
		left = append(left, w.compare(d)...)
		left = append(left, w.signIns(d)...)
	}
	return left
}

// goHome ends all apps: a domain may wait for that with new roles.
func (w *world) goHome() {
	for _, d := range w.domains {
		var list struct {
			Apps []struct{ SpaceName, AppType, AppName string }
		}
		w.must(w.aws("sagemaker", "ListApps", object{"DomainIdEquals": d.id, "MaxResults": 100}, &list))
		for _, a := range list.Apps {
			// It may have ended already.
			_ = w.aws("sagemaker", "DeleteApp", object{"DomainId": d.id, "SpaceName": a.SpaceName, "AppType": a.AppType, "AppName": a.AppName}, nil)
		}
	}
}

// passEvery is how often the schedule asks for a full pass, and passAt when within that.
const (
	passEvery = time.Hour
	passAt    = 7 * time.Minute
)

func (w *world) sleepUntilPass() {
	since := time.Since(w.begun) - passAt
	time.Sleep(passEvery - since%passEvery)
}

// schedule sends what EventBridge's schedule sends.
func (w *world) schedule() {
	for pause(w.ctx, passAt-time.Since(w.begun)%passEvery+passEvery*time.Duration(min(1, (time.Since(w.begun)%passEvery)/passAt))) == nil {
		w.must(w.aws("sqs", "SendMessage", object{"QueueUrl": w.queues["pass"], "MessageBody": `{"studiokeeper":{"version":1,"scope":"everybody"}}`}, nil))
	}
}

// admin opens what a person's command line works with.
func (w *world) admin() (context.Context, *reconcile.Reconciler, error) {
	run := &invocation{name: fmt.Sprint("admin/", time.Since(w.begun)), process: &process{}, since: time.Now(), read: map[string]time.Time{}}
	ctx := context.WithValue(w.ctx, invocationKey{}, run)
	r, err := app.Open(ctx, w.options("admin"))
	return ctx, r, err
}

// journalled is what is wrong with the journal's chains.
func (w *world) journalled() (left []string) {
	ctx, r, err := w.admin()
	w.must(err)
	v, err := reconcile.VerifyJournal(ctx, r.History, "")
	w.must(err)
	for _, p := range v.Problems {
		left = append(left, fmt.Sprintf("the journal of %s, entry %d: %s", p.UserID, p.Seq, p.What))
	}
	if v.Entries == 0 && len(w.journal) > 0 {
		left = append(left, "the journal is empty")
	}
	return left
}

// approve lets everything happen that the guard holds.
func (w *world) approve() {
	ctx, r, err := w.admin()
	w.must(err)
	for _, d := range w.domains {
		decided, err := r.Decided(ctx, d.name)
		w.must(err)
		for _, one := range decided {
			if one.Decision == reconcile.Held {
				w.must(w.approveOne(ctx, r, one))
			}
		}
		w.must(r.Reopen(ctx, d.name))
	}
}

func (w *world) approveOne(ctx context.Context, r *reconcile.Reconciler, was reconcile.Removal) error {
	d := slices.IndexFunc(w.domains, func(s site) bool { return s.name == was.Domain })
	w.mu.Lock()
	w.approved[who{d, was.UserID}] = time.Now()
	w.mu.Unlock()
	now := was
	now.Decision, now.Reason, now.At = reconcile.Admitted, "approved", time.Now().UTC()
	if err := r.Decide(ctx, was, now, plan.Trigger{Kind: event.SourcePerson, ID: "admin"}); err != nil {
		return err
	}
	if group := was.GroupOf(); group != "" {
		t, _ := r.Target(was.Domain)
		_, err := r.UnassignGroup(ctx, t, group, plan.Trigger{Kind: event.SourcePerson, ID: "admin"})
		return err
	}
	_, err := r.Handle(ctx, event.Look{Scope: event.User, UserID: was.UserID, Domain: was.Domain, Trigger: event.Trigger{ID: "admin", Source: event.SourcePerson}})
	return err
}

// compare holds a domain against what it should be.
func (w *world) compare(d int) (left []string) {
	now, all := w.truth.now(), w.profiles(d)
	has := map[string]int{}
	for _, p := range all {
		if id := p.owner(); id != "" {
			has[id]++
			left = append(left, w.compareProfile(d, p, should(now, now, id, d))...)
		}
	}
	for id, person := range now.people {
		v := should(now, now, id, d)
		inTheWay := w.maybeKept(d, id) || slices.ContainsFunc(all, func(p profile) bool {
			return p.SSOUser == person.name && p.owner() != id && (!w.adoptable(p) || p.Tags[studio.TagDeployment] != "")
		})
		switch {
		case has[id] > 1:
			left = append(left, fmt.Sprintf("%s has %d profiles in %s", person.name, has[id], w.domains[d].name))
		case w.story.SignIn != "none" && has[id] == 1 && v.one() && !inTheWay && !w.letsIn(d, id):
			left = append(left, fmt.Sprintf("%s should have %s in %s, and cannot sign in", person.name, v.roles[0], w.domains[d].name))
		case v.one() && has[id] == 0 && !inTheWay:
			left = append(left, fmt.Sprintf("%s has no profile in %s and should have %s: %v", person.name, w.domains[d].name, v.roles[0], all))
		}
	}
	return left
}

// signIns is what is wrong with who is assigned to a domain's application, all of
// which we did: groups without a row, people who should have nothing.
func (w *world) signIns(d int) (left []string) {
	now := w.truth.now()
	for _, a := range w.assignments(d) {
		mapped := w.mapped(d, a.PrincipalID)
		switch {
		case w.excepted(d, func(one reconcile.Removal) bool { return one.UserID == a.PrincipalID || one.GroupOf() == a.PrincipalID }):
		case a.PrincipalType == "GROUP" && !mapped:
			left = append(left, fmt.Sprintf("group %s may sign in to %s, and has no row there", a.PrincipalID, w.domains[d].name))
		case a.PrincipalType == "USER" && should(now, now, a.PrincipalID, d).nothing() && !maybeShielded(now, now, a.PrincipalID, d, ""):
			left = append(left, fmt.Sprintf("%s may sign in to %s, and should have nothing there", a.PrincipalID, w.domains[d].name))
		}
	}
	return left
}

// mapped tells whether a group has a row. One that was deleted may have had one of the
// naming standard: nobody knows its name any more, nor is anybody in it.
func (w *world) mapped(d int, group string) bool {
	now := w.truth.now()
	for g := range w.story.Groups + 1 {
		if _, is := now.rows[rowKey{g, d}]; groupID(g) == group && (is || w.story.Named && now.members[g] == nil) {
			return true
		}
	}
	return false
}

// letsIn tells whether somebody may open a domain in the portal.
func (w *world) letsIn(d int, id string) bool {
	_, err := w.cloud.SignIn(account, region, w.domains[d].id, id)
	return err == nil
}

// compareProfile holds one of our profiles against what its person should have.
func (w *world) compareProfile(d int, p profile, v verdict) []string {
	now := w.truth.now()
	holder := now.owner(p.SSOUser)
	reused := holder != "" && holder != p.owner()
	_, leaving := p.Tags[studio.TagLeaving]
	shared := slices.ContainsFunc(w.spaces(d), func(s space) bool { return s.Owner == p.Name && s.Shared }) && w.story.SharedSpaces == "hold"
	ok := false
	switch {
	case w.maybeKept(d, p.owner()):
		ok = true
	case w.excepted(d, func(one reconcile.Removal) bool {
		return one.UserID == p.owner() && (v.nothing() && one.What() == plan.Removals || v.one() && one.To == v.roles[0])
	}):
		ok = true
	case v.nothing():
		ok = shared && p.Role == quarantine && leaving
	case reused:
		ok = p.Role == quarantine
	case v.one():
		ok = p.Role == v.roles[0] && p.Status == "InService" && !leaving
	default:
		ok = p.Role == quarantine || slices.Contains(v.roles, p.Role)
	}
	if ok {
		return nil
	}
	return []string{fmt.Sprintf("profile %s (%s, for %s) of %s in %s has the role %s, leaving %v; it should be %v, reused %v",
		p.Name, p.Status, p.SSOUser, p.owner(), w.domains[d].name, p.Role[strings.LastIndex(p.Role, "/")+1:], leaving, v.roles, reused)}
}
