package localcloud

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/schemas"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// EventBridge's limits: targets of a rule, bytes of a pattern and of a constant input.
const (
	maxTargets = 5
	maxPattern = 4096
	maxInput   = 8192
)

var (
	ruleName   = whole(`[.\-_A-Za-z0-9]+`)
	scheduleOf = whole(`(rate\([1-9][0-9]* (minutes?|hours?|days?)\)|cron\([^()]+\))`)
	inputPath  = whole(`\$(\.[A-Za-z0-9_-]+)*`)
)

func (s *eventsState) putRule(c *call, in *eventbridge.PutRuleInput) (*eventbridge.PutRuleOutput, error) {
	r, err := newRule(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c.place(), in.EventBusName)
	if err != nil {
		return nil, err
	}
	if r.schedule != nil && b.name != defaultBus {
		return nil, invalidf("ScheduleExpression is supported only on the default event bus.")
	}
	r.arn = b.ruleARN(r.name)
	if old := b.rules[r.name]; old != nil {
		r.targets = old.targets
	}
	b.rules[r.name] = r
	c.cloud.arm(r, c.now)
	return &eventbridge.PutRuleOutput{RuleArn: &r.arn}, nil
}

func newRule(in *eventbridge.PutRuleInput) (*rule, error) {
	r := &rule{
		name: aws.ToString(in.Name), pattern: in.EventPattern, schedule: in.ScheduleExpression,
		description: in.Description, role: in.RoleArn, state: in.State,
	}
	if r.state == "" {
		r.state = types.RuleStateEnabled
	}
	switch {
	case !ruleName.MatchString(r.name) || len(r.name) > 64:
		return nil, invalidf("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+ and have length less than or equal to 64", r.name)
	case !slices.Contains(r.state.Values(), r.state):
		return nil, invalidf("1 validation error detected: Value '%s' at 'state' failed to satisfy constraint: Member must satisfy enum value set: %v", r.state, r.state.Values())
	case aws.ToString(r.pattern) == "" && aws.ToString(r.schedule) == "":
		return nil, invalidf("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case r.schedule != nil && *r.schedule != "" && !scheduleOf.MatchString(*r.schedule):
		return nil, invalidf("Parameter ScheduleExpression is not valid.")
	}
	var err error
	if aws.ToString(r.schedule) != "" {
		if r.times, err = parseSchedule(*r.schedule); err != nil {
			return nil, err
		}
	}
	if aws.ToString(r.pattern) == "" {
		return r, nil
	}
	if len(*r.pattern) > maxPattern {
		return nil, invalidf("1 validation error detected: Value at 'eventPattern' failed to satisfy constraint: Member must have length less than or equal to %d", maxPattern)
	}
	if r.compiled, err = CompilePattern([]byte(*r.pattern)); err != nil {
		return nil, errf(400, "InvalidEventPatternException", "%v", err)
	}
	return r, nil
}

func (s *eventsState) describeRule(c *call, in *eventbridge.DescribeRuleInput) (*eventbridge.DescribeRuleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, r, err := s.rule(c.place(), in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	return &eventbridge.DescribeRuleOutput{
		Name: &r.name, Arn: &r.arn, EventBusName: &b.name, EventPattern: r.pattern, ScheduleExpression: r.schedule,
		Description: r.description, RoleArn: r.role, State: r.state, CreatedBy: &c.account,
	}, nil
}

func (s *eventsState) listRules(c *call, in *eventbridge.ListRulesInput) (*eventbridge.ListRulesOutput, error) {
	limit := 100
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	if limit < 1 || limit > 100 {
		return nil, invalidf("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and 100", limit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c.place(), in.EventBusName)
	if err != nil {
		return nil, err
	}
	out := &eventbridge.ListRulesOutput{Rules: []types.Rule{}}
	for _, name := range sortedKeys(b.rules) {
		if !strings.HasPrefix(name, aws.ToString(in.NamePrefix)) || name <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.Rules) == limit {
			out.NextToken = out.Rules[limit-1].Name
			break
		}
		r := b.rules[name]
		out.Rules = append(out.Rules, types.Rule{
			Name: &r.name, Arn: &r.arn, EventBusName: &b.name, EventPattern: r.pattern, ScheduleExpression: r.schedule,
			Description: r.description, RoleArn: r.role, State: r.state,
		})
	}
	return out, nil
}

func (s *eventsState) enableRule(c *call, in *eventbridge.EnableRuleInput) (*eventbridge.EnableRuleOutput, error) {
	return &eventbridge.EnableRuleOutput{}, s.setState(c, in.EventBusName, in.Name, types.RuleStateEnabled)
}

func (s *eventsState) disableRule(c *call, in *eventbridge.DisableRuleInput) (*eventbridge.DisableRuleOutput, error) {
	return &eventbridge.DisableRuleOutput{}, s.setState(c, in.EventBusName, in.Name, types.RuleStateDisabled)
}

func (s *eventsState) setState(c *call, busName, name *string, state types.RuleState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r, err := s.rule(c.place(), busName, name)
	if err == nil && r.state != state {
		r.state = state
		c.cloud.arm(r, c.now)
	}
	return err
}

// deleteRule is idempotent, and refused while the rule has targets.
func (s *eventsState) deleteRule(c *call, in *eventbridge.DeleteRuleInput) (*eventbridge.DeleteRuleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c.place(), in.EventBusName)
	if err != nil {
		return nil, err
	}
	if r := b.rules[aws.ToString(in.Name)]; r != nil && len(r.targets) > 0 {
		return nil, invalidf("Rule can't be deleted since it has targets.")
	}
	delete(b.rules, aws.ToString(in.Name))
	return &eventbridge.DeleteRuleOutput{}, nil
}

func (s *eventsState) putTargets(c *call, in *eventbridge.PutTargetsInput) (*padded, error) {
	if len(in.Targets) == 0 {
		return nil, invalidf("1 validation error detected: Value '[]' at 'targets' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	for _, t := range in.Targets {
		if err := checkTarget(t); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r, err := s.rule(c.place(), in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	targets := slices.Clone(r.targets)
	for _, t := range in.Targets {
		targets = slices.DeleteFunc(targets, func(old types.Target) bool { return *old.Id == *t.Id })
		targets = append(targets, t)
	}
	if len(targets) > maxTargets {
		return nil, errf(400, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	slices.SortFunc(targets, func(a, b types.Target) int { return strings.Compare(*a.Id, *b.Id) })
	r.targets = targets
	out := &eventbridge.PutTargetsOutput{FailedEntries: []types.PutTargetsResultEntry{}}
	return pad(schemas.PutTargetsResponse, out, zeroCount(schemas.PutTargetsResponse_FailedEntryCount, 0)), nil
}

func checkTarget(t types.Target) error {
	id, arn := aws.ToString(t.Id), strings.SplitN(aws.ToString(t.Arn), ":", 6)
	switch {
	case !ruleName.MatchString(id) || len(id) > 64:
		return invalidf("1 validation error detected: Value '%s' at 'targets.1.member.id' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+", id)
	case len(arn) != 6 || arn[0] != "arn":
		return invalidf("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", aws.ToString(t.Arn))
	case !slices.Contains([]string{"sqs", "lambda", "events"}, arn[2]):
		return invalidf("Parameter %s is not valid. Reason: the local cloud delivers to SQS queues, Lambda functions and event buses.", *t.Arn)
	case t.Input != nil && t.InputPath != nil:
		return invalidf("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", id)
	case t.InputTransformer != nil:
		return invalidf("the local cloud does not know InputTransformer (target %s); give Input or InputPath.", id)
	case t.Input != nil && (!json.Valid([]byte(*t.Input)) || len(*t.Input) > maxInput):
		return invalidf("JSON syntax error in input for target %s, or it is longer than %d characters.", id, maxInput)
	case t.InputPath != nil && !inputPath.MatchString(*t.InputPath):
		return invalidf("Invalid JsonPath %s for target %s.", *t.InputPath, id)
	}
	return nil
}

func (s *eventsState) listTargets(c *call, in *eventbridge.ListTargetsByRuleInput) (*eventbridge.ListTargetsByRuleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r, err := s.rule(c.place(), in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	return &eventbridge.ListTargetsByRuleOutput{Targets: append([]types.Target{}, r.targets...)}, nil
}

func (s *eventsState) removeTargets(c *call, in *eventbridge.RemoveTargetsInput) (*padded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, r, err := s.rule(c.place(), in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	r.targets = slices.DeleteFunc(slices.Clone(r.targets), func(t types.Target) bool { return slices.Contains(in.Ids, *t.Id) })
	out := &eventbridge.RemoveTargetsOutput{FailedEntries: []types.RemoveTargetsResultEntry{}}
	return pad(schemas.RemoveTargetsResponse, out, zeroCount(schemas.RemoveTargetsResponse_FailedEntryCount, 0)), nil
}
