package reconcile

import (
	"context"
	"errors"

	"studiokeeper/internal/plan"
)

// The detail types of our notices. They are public: people write rules on them.
const (
	NoticeReady      = "Studio Profile Ready"   // a user can open Studio with the role that the mapping says
	NoticeChanged    = "Studio Profile Changed" // a profile is given another role or other settings
	NoticeRefused    = "Studio Access Refused"  // a conflict, or something unreadable: nothing was granted
	NoticeObserved   = "Studio Change Wanted"   // in mode observe: it would be made
	NoticeHeld       = "Studio Removal Held"    // over the limit of removals: it waits for a person
	NoticeChangeHeld = "Studio Change Held"     // over the limit of changes because of an edited row: it waits for a person
	NoticeFailed     = "Studio Removal Failed"  // a leaver's profile cannot be deleted, or keeps its role
	NoticeGone       = "Studio Profile Deleted" // a leaver's profile is gone
)

// NoticeDetail is the detail of every notice.
type NoticeDetail struct {
	Deployment string        `json:"deployment"`
	Domain     string        `json:"domain"` // the configuration's name
	DomainID   string        `json:"domainId"`
	StudioURL  string        `json:"studioUrl,omitempty"`
	UserID     string        `json:"userId"`
	UserName   string        `json:"userName,omitempty"`
	Profile    string        `json:"profile,omitempty"`
	Role       string        `json:"role,omitempty"`
	Group      string        `json:"group,omitempty"` // id of the group that gives the role
	Reasons    []plan.Reason `json:"reasons,omitempty"`
}

// notify puts a notice on the bus. A notice that cannot be sent is an error of
// the run, but never stops it.
func (a *applier) notify(ctx context.Context, detailType string, c plan.Change) {
	if a.r.Notices == nil {
		return
	}
	d := NoticeDetail{
		Deployment: a.r.Deployment, Domain: c.Domain, DomainID: a.t.Domain.ID, StudioURL: a.seen.facts.URL,
		UserID: c.UserID, UserName: c.UserName, Profile: c.Profile, Group: c.Group, Reasons: c.Reasons,
	}
	if c.After != nil {
		d.Role = c.After.Role
	}
	err := a.r.Notices.Notify(ctx, Notice{DetailType: detailType, Time: a.r.Now().UTC(), Detail: d})
	a.result.untold = a.result.untold || err != nil
	a.unsaid = errors.Join(a.unsaid, wrap(err, "send the notice %q of user %s", detailType, c.UserID))
}
