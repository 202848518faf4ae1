package function

import (
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// Look is what scripts are told of one look at one user in one domain.
type Look struct {
	User    string        `json:"user"`
	Domain  string        `json:"domain"`
	Changes []plan.Change `json:"changes"`          // planned; never null
	Held    string        `json:"held,omitempty"`   // why the removals, or changes for an edited row, among them are not carried out
	Alarms  []plan.Reason `json:"alarms,omitempty"` // what a person has to see to
	Again   float64       `json:"againSeconds,omitempty"`
	Why     string        `json:"why,omitempty"`
}

// LookOf sums a result up.
func LookOf(r reconcile.Result) Look {
	l := Look{User: r.Key.UserID, Domain: r.Key.Domain, Changes: r.Changes, Held: r.HeldWhy, Alarms: r.Alarms, Again: r.Again.Seconds(), Why: r.Why}
	if l.Changes == nil {
		l.Changes = []plan.Change{}
	}
	return l
}

func summary(results [][]reconcile.Result) []Look {
	out := []Look{}
	for _, of := range results {
		for _, r := range of {
			out = append(out, LookOf(r))
		}
	}
	return out
}

func lastReason(reasons []plan.Reason) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[len(reasons)-1].Text
}
