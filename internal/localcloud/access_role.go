package localcloud

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const assumeRoleAction = "sts:AssumeRole"

// lambdaService is Lambda, as trust policies name it.
const lambdaService = "lambda.amazonaws.com"

// authorizeAssume hears both sides of AssumeRole. The trust policy must allow it; the caller's own policies
// must too, unless the trust policy of a role in the same account names the caller itself. A nil role is one
// that IAM does not know: it trusts everybody.
func (c *call) authorizeAssume(role *iamRole, in *sts.AssumeRoleInput) error {
	who := standing{caller: caller{account: c.account, arn: c.principal}, keys: contextKeys{
		"aws:principalarn": {c.principal}, "aws:principalaccount": {c.account}, "aws:securetransport": {"true"},
	}}
	evaluated := false
	if c.session != nil {
		if who, evaluated = c.cloud.standing(c); who.keys == nil {
			who.keys = c.globalKeys()
		}
	}
	r := accessRequest{action: assumeRoleAction, resource: *in.RoleArn, keys: c.assumeKeys(who.keys, in)}
	verdict, refusedBy := allowed, ""
	if evaluated {
		c.actions = append(c.actions, assumeRoleAction)
		verdict, refusedBy = who.authority.decide(r)
	}
	if role != nil {
		verdict, refusedBy = c.cloud.trusted(role, who, r, verdict, refusedBy)
	}
	if verdict == allowed {
		return nil
	}
	c.denied = assumeRoleAction
	return c.accessDenied(assumeRoleAction, *in.RoleArn, reasonOf(verdict, refusedBy, assumeRoleAction))
}

// trusted adds what a role's trust policy says to what the caller's own policies said.
func (c *Cloud) trusted(role *iamRole, who standing, r accessRequest, own decision, refusedBy string) (decision, string) {
	if own == explicitDeny {
		return own, refusedBy
	}
	c.access.mu.Lock()
	trust := role.trust.parsed
	c.access.mu.Unlock()
	said, near := trust.decideFor(who.caller, r)
	switch {
	case said != allowed:
		return said, "role trust policy"
	case near == namedItself && accountOfARN(r.resource) == who.account && who.within(r):
		return allowed, ""
	}
	return own, refusedBy
}

// assumeKeys are the condition keys of AssumeRole.
func (c *call) assumeKeys(global contextKeys, in *sts.AssumeRoleInput) contextKeys {
	keys := contextKeys{"sts:rolesessionname": {*in.RoleSessionName}}
	for k, v := range global {
		keys[k] = v
	}
	if in.ExternalId != nil {
		keys["sts:externalid"] = []string{*in.ExternalId}
	}
	if in.SourceIdentity != nil {
		keys["sts:sourceidentity"] = []string{*in.SourceIdentity}
	}
	for k, v := range c.roleKeys(*in.RoleArn) {
		keys[k] = v
	}
	return keys
}

// RoleCredentials are credentials of a session of a role, as Lambda gives them to a function: they do not
// expire, since Lambda renews them. The role's policies are enforced if IAM knows it, now or later. Who the
// role trusts is not asked.
func (c *Cloud) RoleCredentials(roleARN, session string) (key, secret, token string, err error) {
	if !rolePattern.MatchString(roleARN) || !sessionNamePattern.MatchString(session) || session == "" {
		return "", "", "", fmt.Errorf("making credentials of role %q for session %q: that is no role's ARN, or no session's name", roleARN, session)
	}
	key, made := newCredential(roleARN, session, c.Now(), 12*time.Hour)
	made.lasting = true
	c.access.mu.Lock()
	made.enforced = c.access.roleByARN(roleARN) != nil
	c.access.mu.Unlock()
	c.issue(key, made)
	return key, made.secret, made.token, nil
}

// canRun refuses an execution role that Lambda cannot assume, or cannot connect the function with.
func (f *Function) canRun(c *Cloud) error {
	if f.Role == "" {
		return nil
	}
	if err := f.assumable(c); err != nil {
		return err
	}
	return f.attaches(c)
}

func (f *Function) assumable(c *Cloud) error {
	if !rolePattern.MatchString(f.Role) {
		return fmt.Errorf("the role %q is no role's ARN", f.Role)
	}
	c.access.mu.Lock()
	defer c.access.mu.Unlock()
	role := c.access.roleByARN(f.Role)
	if role == nil {
		return nil
	}
	r := accessRequest{action: assumeRoleAction, resource: f.Role, keys: contextKeys{
		"aws:sourceaccount": {accountOfARN(f.Role)}, "aws:principalisawsservice": {"true"},
	}}
	if said, _ := role.trust.parsed.decideFor(caller{service: lambdaService}, r); said != allowed {
		return errors.New("The role defined for the function cannot be assumed by Lambda.")
	}
	return nil
}

// asFunction asks what Lambda asks a function's role for on the function's behalf, and logs it: always when
// it is refused, otherwise when log is set. A function without a role may do everything.
func (fn *function) asFunction(service, operation, resource string, log bool) *apiError {
	if f, _ := fn.settings(); f.Role == "" {
		return nil
	}
	made := fn.poll(service, operation)
	who, evaluated := fn.cloud.standing(made)
	if !evaluated {
		return nil
	}
	denied := fn.cloud.authorizeOne(made, who, permission{action: service + ":" + operation,
		find: func(*call, any) []string { return []string{resource} }}, nil)
	if denied != nil || log {
		fn.cloud.logCall(made, denied)
	}
	return denied
}

// poll is a call that Lambda makes with a function's role.
func (fn *function) poll(service, operation string) *call {
	f, enforced := fn.settings()
	name := roleParts.FindStringSubmatch(f.Role)
	_, session := newCredential(f.Role, fn.Name, fn.cloud.Now(), time.Hour)
	return &call{
		cloud: fn.cloud, account: name[1], region: fn.Region, service: service, operation: operation,
		principal: session.arn, principalID: session.id, session: session.session, enforced: enforced,
		now: fn.cloud.Now(), began: time.Now(), userAgent: lambdaService,
	}
}

// pollsQueue asks for everything that polling a queue takes, as Lambda does when a mapping is made.
func (fn *function) pollsQueue(arn string) error {
	for _, operation := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		if fn.asFunction("sqs", operation, arn, false) != nil {
			return fmt.Errorf("The provided execution role does not have permissions to call %s on SQS", operation)
		}
	}
	return nil
}

// readsStream asks for everything that reading a stream takes.
func (fn *function) readsStream(arn string) error {
	for _, operation := range []string{"GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"} {
		on := arn
		if operation == "ListStreams" {
			on = "*"
		}
		if denied := fn.asFunction("dynamodb", operation, on, false); denied != nil {
			return fmt.Errorf("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM: %s", arn, denied.Message)
		}
	}
	return nil
}

// deliverable reports whether a queue's policy lets an AWS service send to it. The local cloud delivers to a
// queue without a policy too, which AWS does not.
func (q *queue) deliverable(service, sourceARN string) error {
	if q.policy == nil || service == "" {
		return nil
	}
	keys := contextKeys{
		"aws:sourcearn": {sourceARN}, "aws:sourceaccount": {accountOfARN(sourceARN)},
		"aws:principalisawsservice": {"true"}, "aws:principalservicename": {service}, "aws:securetransport": {"true"},
	}
	r := accessRequest{action: "sqs:SendMessage", resource: q.arn, keys: keys}
	if said, _ := q.policy.decideFor(caller{service: service}, r); said != allowed {
		return fmt.Errorf("the policy of the queue %s does not let %s send for %s", q.arn, service, strings.TrimSpace(sourceARN))
	}
	return nil
}
