package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"studiokeeper/internal/studio"
)

// leaving offboards: the mark first, then the role goes, and after the grace
// period the profile.
func (d *decision) leaving() {
	for _, p := range d.mine {
		since, began := p.Tags[studio.TagLeaving]
		switch {
		case d.unseen(p):
		case p.Status == studio.Deleting:
			d.wait(p)
		case d.protected(p):
			d.conflict(p, "protected", fmt.Sprintf("%s is protected, and is not offboarded", d.person.User.Label()))
		case !began:
			d.revoke(p)
		default:
			d.unassign(p)
			d.quarantine(p)
			if d.graceOver(since) {
				d.delete(p)
			} else if p.Status.Busy() {
				d.wait(p)
			}
		}
	}
	d.signInLeft()
	d.untagged()
}

// signInLeft takes back what is left to a person whose profile was deleted, or lost
// its tags: the assignment is recorded, or was begun, and ours whatever became of the
// profile.
func (d *decision) signInLeft() {
	protected := d.protected(studio.Profile{}) || slices.ContainsFunc(d.person.Profiles, d.protected)
	if len(d.mine) > 0 || !d.person.Assigned && !d.person.Begun || protected || slices.ContainsFunc(d.person.Profiles, d.elsewhere) {
		return
	}
	c := d.add(Unassign, cmp.Or(d.person.Remembered, d.profileName()), nil, nil)
	c.Reasons = append(c.Reasons, Reason{"sign-in", "there is no managed profile any more, and the sign-in that was given is left"})
}

// elsewhere tells whether another deployment has the user's profile: the sign-in is
// to that now, and gives nothing of ours.
func (d *decision) elsewhere(p studio.Profile) bool {
	return d.isFor(p) && p.Owner(d.pol.Deployment, d.pol.Formerly) == studio.Foreign
}

func (d *decision) delete(p studio.Profile) {
	c := d.add(Delete, p.Name, stateOf(p), nil)
	if p.Status == studio.DeleteFailed {
		c.Reasons = append(c.Reasons, Reason{"delete-failed", "SageMaker could not delete it: " + cmp.Or(p.FailureReason, "no reason given")})
	}
}

// untagged reports a profile that was managed and lost its tags: it may be
// somebody's decision, so it is left alone, and somebody's mistake, so it is told.
func (d *decision) untagged() {
	for _, p := range d.person.Profiles {
		if len(d.mine) == 0 && p.Name == d.person.Remembered && p.Owner(d.pol.Deployment, d.pol.Formerly) == studio.Nobody {
			d.conflict(p, "tags-removed", fmt.Sprintf("%s was managed, and its tags were removed; it keeps the role %s until somebody tags or deletes it", p.Name, cmp.Or(p.Role, "of the domain")))
		}
	}
}

// unassign takes back a sign-in of the user's own, at every look until it is gone.
func (d *decision) unassign(p studio.Profile) {
	if d.person.Assigned {
		d.add(Unassign, p.Name, stateOf(p), nil)
	}
}

func (d *decision) protected(p studio.Profile) bool {
	return slices.ContainsFunc(d.pol.Protected, func(who string) bool {
		return who == d.person.User.ID || who == d.person.User.UserName || who == p.SSOUser
	})
}

// revoke begins: everything else of the way out follows from the mark.
func (d *decision) revoke(p studio.Profile) {
	before, after := stateOf(p), stateOf(p)
	after.Tags = maps.Clone(p.Tags)
	after.Tags[studio.TagLeaving] = d.pol.Now.UTC().Format(time.RFC3339)
	c := d.add(Revoke, p.Name, before, after)
	if d.pol.Grace > 0 {
		c.Reasons = append(c.Reasons, Reason{"grace", "access ends now, and the profile is deleted after " + Short(d.pol.Grace)})
		d.unassign(p)
		marked := p
		marked.Tags = after.Tags
		d.quarantine(marked)
		if p.Status.Busy() {
			d.wait(p) // until its role can be taken
		}
		return
	}
	c.Reasons = append(c.Reasons, Reason{"grace", "there is no grace period: the profile is deleted at once"})
	d.unassign(p)
	d.add(Delete, p.Name, after, nil)
}

// powerless sees to it that the profile has the quarantine role, and that
// nothing runs that has another.
func (d *decision) powerless(p studio.Profile) {
	applied := studio.Digest(d.pol.Quarantine, "")
	if p.Role == d.pol.Quarantine && p.Tags[studio.TagApplied] == applied {
		return
	}
	tags := maps.Clone(p.Tags)
	tags[studio.TagApplied] = applied
	after := &State{Role: d.pol.Quarantine, Tags: tags}
	if p.Role != d.pol.Quarantine || p.Status == studio.UpdateFailed {
		c := d.add(Quarantine, p.Name, stateOf(p), after)
		c.Reasons = append(c.Reasons, Reason{"stop-apps", "running apps are stopped: they would keep the old role"})
		return
	}
	d.add(Tag, p.Name, stateOf(p), after)
}

// graceOver is false for a mark that cannot be read: what began at an unknown
// time has not ended.
func (d *decision) graceOver(since string) bool {
	began, err := time.Parse(time.RFC3339, since)
	return err == nil && !d.pol.Now.Before(began.Add(d.pol.Grace))
}

// quarantine takes the role away, from a profile that can be changed: one that
// was never made has none.
func (d *decision) quarantine(p studio.Profile) {
	if d.pol.Quarantine != "" && !p.Status.Busy() && p.Status != studio.Failed {
		d.powerless(p)
	}
}
