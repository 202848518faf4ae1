package localcloud

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Every call with credentials of a role that IAM knows is allowed by that role's policies or refused. Other
// callers, such as an account's own keys, may do everything; they cost no evaluation.

// permission is one action that an operation asks for.
type permission struct {
	action string // empty: the operation's own
	// resources are templates of the ARNs that the action is asked for, see expandTemplate. None: "*". When they
	// hold members of lists that are empty, the action is not asked for.
	resources []string
	find      func(c *call, in any) []string // finds the resources where no template can tell
	tagged    bool                           // asked for only when the request brings tags
	keys      map[string]string              // condition keys of this action only, with templates of their values
}

// standing is what the policies of a caller's role say, and who the caller is to other policies.
type standing struct {
	authority
	caller
	keys contextKeys
}

// authorize refuses a call that its caller's policies do not allow.
func (c *Cloud) authorize(in *incoming, input any) *apiError {
	if in.call.session == nil {
		return nil
	}
	who, evaluated := c.standing(in.call)
	if !evaluated {
		return nil
	}
	prefix := actionPrefix(in.call.service)
	permissions, listed := accessTable[in.call.service][in.call.operation]
	if !listed {
		in.call.denied = prefix + ":" + in.call.operation
		return in.call.accessDenied(in.call.denied, "*", "because the local cloud does not know what the operation needs")
	}
	for k, v := range requestKeys(input) {
		who.keys[k] = v
	}
	for _, p := range permissions {
		if p.action == "" {
			p.action = prefix + ":" + in.call.operation
		}
		if err := c.authorizeOne(in.call, who, p, input); err != nil {
			return err
		}
	}
	return nil
}

// standing finds the policies of the role that a call's credentials are of; evaluated is false when nobody
// created that role.
func (c *Cloud) standing(made *call) (who standing, evaluated bool) {
	role := made.session.SessionIssuer.ARN
	who.caller = caller{account: made.account, arn: made.principal, role: role}
	c.access.mu.Lock()
	defer c.access.mu.Unlock()
	r := c.access.roleByARN(role)
	if r == nil {
		// The session of a role that has been deleted since may do nothing any more.
		return who, made.enforced
	}
	who.authority = r.authority()
	who.keys = made.globalKeys()
	for _, tag := range r.Tags {
		who.keys["aws:principaltag/"+strings.ToLower(*tag.Key)] = []string{*tag.Value}
	}
	return who, true
}

// authorizeOne asks for one action on each of its resources.
func (c *Cloud) authorizeOne(made *call, who standing, p permission, input any) *apiError {
	if _, brings := who.keys["aws:tagkeys"]; p.tagged && !brings {
		return nil
	}
	resources := []string{"*"}
	switch {
	case p.find != nil:
		resources = p.find(made, input)
	case len(p.resources) > 0:
		resources = nil
		for _, template := range p.resources {
			resources = append(resources, made.expandTemplate(template, input)...)
		}
	}
	for _, resource := range resources {
		r := accessRequest{action: p.action, resource: resource, keys: made.actionKeys(who.keys, p, resource, input)}
		if !slices.Contains(made.actions, p.action) {
			made.actions = append(made.actions, p.action)
		}
		if verdict, refusedBy := c.decideWithResource(who, r); verdict != allowed {
			made.denied = p.action
			return made.accessDenied(p.action, resource, reasonOf(verdict, refusedBy, p.action))
		}
	}
	return nil
}

// decideWithResource is what a caller's policies and the resource's own say. In one account either may
// allow; across accounts both have to. An explicit deny on either side wins.
func (c *Cloud) decideWithResource(who standing, r accessRequest) (decision, string) {
	verdict, refusedBy := who.authority.decide(r)
	attached := c.resourcePolicy(r.resource)
	switch {
	case attached == nil && verdict == allowed && strings.Contains(r.resource, ":sqs:") && accountOfARN(r.resource) != who.account:
		return implicitDeny, "resource-based policy"
	case attached == nil || verdict == explicitDeny:
		return verdict, refusedBy
	}
	said, near := attached.decideFor(who.caller, r)
	switch foreign := accountOfARN(r.resource) != who.account; {
	case said == explicitDeny, foreign && said != allowed:
		return said, "resource-based policy"
	case !foreign && said == allowed && near == namedItself && refusedBy == "identity-based policy" && who.within(r):
		return allowed, ""
	}
	return verdict, refusedBy
}

// within reports whether the boundary, if there is one, allows a request.
func (a authority) within(r accessRequest) bool {
	return a.boundary == nil || decide([]*policy{a.boundary}, r) == allowed
}

func accountOfARN(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4]
	}
	return ""
}

// resourcePolicy is the policy that lies on a resource; nil: it has none. Queues may have one.
func (c *Cloud) resourcePolicy(arn string) *policy {
	if !strings.Contains(arn, ":sqs:") {
		return nil
	}
	c.queues.mu.Lock()
	defer c.queues.mu.Unlock()
	if q := c.queues.byARN(arn); q != nil {
		return q.policy
	}
	return nil
}

// globalKeys are the condition keys that every request has.
func (made *call) globalKeys() contextKeys {
	role := made.session.SessionIssuer
	return contextKeys{
		"aws:principalarn":          {role.ARN},
		"aws:principalaccount":      {role.AccountID},
		"aws:principaltype":         {"AssumedRole"},
		"aws:userid":                {made.principalID},
		"aws:requestedregion":       {made.region},
		"aws:currenttime":           {made.now.UTC().Format(time.RFC3339)},
		"aws:epochtime":             {strconv.FormatInt(made.now.Unix(), 10)},
		"aws:useragent":             {made.userAgent},
		"aws:securetransport":       {"true"},
		"aws:viaawsservice":         {"false"},
		"aws:principalisawsservice": {"false"},
	}
}

// actionKeys are the keys of one action on one resource: the request's, the resource's and the action's own.
func (made *call) actionKeys(request contextKeys, p permission, resource string, input any) contextKeys {
	keys := contextKeys{}
	for k, v := range request {
		keys[k] = v
	}
	if account := accountOfARN(resource); account != "" {
		keys["aws:resourceaccount"] = []string{account}
	}
	// What is just being created has no tags yet, whatever was there before.
	if !p.tagged {
		for k, v := range made.resourceKeys(resource, input) {
			keys[k] = v
		}
	}
	for name, template := range p.keys {
		if values := made.expandKey(template, input); len(values) > 0 {
			keys[strings.ToLower(name)] = values
		}
	}
	return keys
}

// reasonOf says why something was refused, in AWS's words.
func reasonOf(verdict decision, refusedBy, action string) string {
	article := "a"
	if strings.HasPrefix(refusedBy, "i") {
		article = "an"
	}
	if verdict == explicitDeny {
		return fmt.Sprintf("with an explicit deny in %s %s", article, refusedBy)
	}
	return fmt.Sprintf("because no %s allows the %s action", refusedBy, action)
}

// accessDenied is the refusal as the service spells it.
func (made *call) accessDenied(action, resource, reason string) *apiError {
	message := strings.TrimSpace(fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s",
		made.principal, action, resource, reason))
	switch made.service {
	case "sqs":
		return sqsDenied(message)
	case "sts", "iam", "s3":
		return errf(http.StatusForbidden, "AccessDenied", "%s", message)
	}
	status := http.StatusBadRequest
	if made.service == "lambda" {
		status = http.StatusForbidden
	}
	return errf(status, "AccessDeniedException", "%s", message)
}

func sqsDenied(message string) *apiError {
	denied := sqsError("AccessDeniedException", "AccessDenied", "%s", message)
	denied.Status = http.StatusForbidden
	return denied
}
