package localcloud

import (
	"slices"
	"strings"
)

// decision is what policies say to a request.
type decision int

const (
	implicitDeny decision = iota // nothing allows it
	explicitDeny                 // a statement denies it
	allowed
)

// accessRequest is one action on one resource that somebody asks for.
type accessRequest struct {
	action   string // such as sagemaker:UpdateUserProfile
	resource string // an ARN; "*" of actions that are about no resource
	keys     contextKeys
}

// caller is who asks, as trust and resource policies see it.
type caller struct {
	account string
	arn     string // of the user or session
	role    string // ARN of the session's role; empty: a user or a service
	service string // of an AWS service: its principal, such as events.amazonaws.com
}

// prepare makes the statement's patterns ready. Only documents of the current version have variables.
func (s *statement) prepare(variables bool) {
	for _, action := range s.actions {
		s.actionPatterns = append(s.actionPatterns, newTextPattern(action, true, true, false))
	}
	for _, resource := range s.resources {
		s.resourcePatterns = append(s.resourcePatterns, newTextPattern(resource, true, false, variables))
	}
	for i := range s.conditions {
		c := &s.conditions[i]
		for n, p := range c.values {
			c.values[n] = newTextPattern(p.raw, p.wild, p.fold, variables && c.operator.variables)
		}
	}
}

// applies reports whether a statement is about a request, whoever makes it.
func (s *statement) applies(r accessRequest) bool {
	if matchesAny(s.actionPatterns, r.action, r.keys) == s.notAction {
		return false
	}
	if len(s.resourcePatterns) > 0 && matchesAny(s.resourcePatterns, r.resource, r.keys) == s.notResource {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r.keys) {
			return false
		}
	}
	return true
}

// matchesAny is for patterns of one kind: the text is made ready once for all.
func matchesAny(patterns []textPattern, text string, keys contextKeys) bool {
	if len(patterns) == 0 {
		return false
	}
	runes := patterns[0].textRunes(text)
	for i := range patterns {
		if patterns[i].matchesRunes(runes, keys) {
			return true
		}
	}
	return false
}

// decide is what several policies together say: an explicit deny wins over every allow.
func decide(policies []*policy, r accessRequest) decision {
	verdict := implicitDeny
	for _, p := range policies {
		for i := range p.statements {
			s := &p.statements[i]
			if !s.deny && verdict == allowed || !s.applies(r) {
				continue
			}
			if s.deny {
				return explicitDeny
			}
			verdict = allowed
		}
	}
	return verdict
}

// nearness is how closely a policy names a caller.
type nearness int

const (
	unnamed     nearness = iota
	accountOf            // through its account, which leaves it to the caller's own policies
	namedItself          // itself, or as one of everybody
)

// decideFor is what a trust or resource policy says to a caller, and how closely the statements that allow
// it name the caller.
func (p *policy) decideFor(who caller, r accessRequest) (decision, nearness) {
	verdict, near := implicitDeny, unnamed
	for i := range p.statements {
		s := &p.statements[i]
		named := s.principals.names(who)
		if named == unnamed || !s.applies(r) {
			continue
		}
		if s.deny {
			return explicitDeny, named
		}
		verdict, near = allowed, max(near, named)
	}
	return verdict, near
}

// names tells how closely a statement names a caller. An AWS service is named as a service only.
func (p *principalSet) names(who caller) nearness {
	if p.everybody {
		return namedItself
	}
	if who.service != "" {
		if slices.Contains(p.services, who.service) {
			return namedItself
		}
		return unnamed
	}
	near := unnamed
	for _, name := range p.aws {
		switch {
		case name == who.arn, name == who.role:
			return namedItself
		case name == who.account, strings.HasSuffix(name, "::"+who.account+":root"):
			near = accountOf
		}
	}
	return near
}

// authority is what a role may do: everything that one of its policies allows and its boundary, where it has
// one, allows too.
type authority struct {
	policies []*policy
	boundary *policy
}

// authority is the role's, as it is now. The caller holds iamState.mu; what it gets stays as it is.
func (r *iamRole) authority() authority {
	var a authority
	for _, name := range sortedKeys(r.inline) {
		a.policies = append(a.policies, r.inline[name].parsed)
	}
	for _, arn := range sortedKeys(r.attached) {
		a.policies = append(a.policies, r.attached[arn].inForce())
	}
	if r.boundary != nil {
		a.boundary = r.boundary.inForce()
	}
	return a
}

// decide is what an authority says, and the policy type that refuses.
func (a authority) decide(r accessRequest) (verdict decision, refusedBy string) {
	verdict = decide(a.policies, r)
	if verdict == explicitDeny {
		return verdict, "identity-based policy"
	}
	if a.boundary != nil {
		if bound := decide([]*policy{a.boundary}, r); bound == explicitDeny || bound == implicitDeny && verdict == allowed {
			return bound, "permissions boundary"
		}
	}
	if verdict != allowed {
		return verdict, "identity-based policy"
	}
	return allowed, ""
}
