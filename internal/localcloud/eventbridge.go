package localcloud

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/schemas"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// defaultBus is the event bus every account has in every Region, to which CloudTrail's records go.
const defaultBus = "default"

// eventsState is EventBridge. Rules on a schedule fire by the cloud's clock.
type eventsState struct {
	mu       sync.Mutex
	buses    map[place]map[string]*bus
	delivery Delivery
	sent     int          // deliveries so far, of all targets
	seen     []*Delivered // the newest, oldest first
	due      dueHeap
	running  bool // somebody dispatches
	ticking  bool // somebody waits for the rules on a schedule
	changed  signal
}

type bus struct {
	name, arn string
	created   time.Time
	rules     map[string]*rule
}

type rule struct {
	name, arn   string
	pattern     *string
	compiled    *Pattern
	schedule    *string
	times       *schedule // nil: none
	next        time.Time // when it fires; zero: never
	description *string
	role        *string
	state       types.RuleState
	targets     []types.Target // in the order of their ids
}

func eventsService(c *Cloud) service {
	s := &c.buses
	return service{
		name: "events", target: "AWSEvents", version: "1.1", schema: schemas.AWSEvents, errors: eventbridge.TypeRegistry,
		ops: map[string]operation{
			"CreateEventBus":    handle(schemas.CreateEventBusRequest, schemas.CreateEventBusResponse, s.createEventBus),
			"DescribeEventBus":  handle(schemas.DescribeEventBusRequest, schemas.DescribeEventBusResponse, s.describeEventBus),
			"PutRule":           handle(schemas.PutRuleRequest, schemas.PutRuleResponse, s.putRule),
			"DescribeRule":      handle(schemas.DescribeRuleRequest, schemas.DescribeRuleResponse, s.describeRule),
			"ListRules":         handle(schemas.ListRulesRequest, schemas.ListRulesResponse, s.listRules),
			"EnableRule":        handle(schemas.EnableRuleRequest, nil, s.enableRule),
			"DisableRule":       handle(schemas.DisableRuleRequest, nil, s.disableRule),
			"DeleteRule":        handle(schemas.DeleteRuleRequest, nil, s.deleteRule),
			"PutTargets":        handle(schemas.PutTargetsRequest, schemas.PutTargetsResponse, s.putTargets),
			"ListTargetsByRule": handle(schemas.ListTargetsByRuleRequest, schemas.ListTargetsByRuleResponse, s.listTargets),
			"RemoveTargets":     handle(schemas.RemoveTargetsRequest, schemas.RemoveTargetsResponse, s.removeTargets),
			"PutEvents":         handle(schemas.PutEventsRequest, schemas.PutEventsResponse, s.putEvents),
			"TestEventPattern":  handle(schemas.TestEventPatternRequest, schemas.TestEventPatternResponse, testEventPattern),
		},
	}
}

// bus finds a bus by name or ARN; none named is the default one. The caller holds s.mu.
func (s *eventsState) bus(at place, name *string) (*bus, error) {
	plain := aws.ToString(name)
	if plain == "" {
		plain = defaultBus
	}
	if home, named, ok := busARN(plain); ok {
		at, plain = home, named
	}
	if b := s.buses[at][plain]; b != nil {
		return b, nil
	}
	if plain == defaultBus {
		return s.addBus(at, plain, time.Time{}), nil
	}
	return nil, errf(400, "ResourceNotFoundException", "Event bus %s does not exist.", plain)
}

// busARN takes an event bus ARN apart.
func busARN(arn string) (place, string, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "events" {
		return place{}, "", false
	}
	name, ok := strings.CutPrefix(parts[5], "event-bus/")
	return place{parts[4], parts[3]}, name, ok
}

func (s *eventsState) addBus(at place, name string, now time.Time) *bus {
	if s.buses == nil {
		s.buses = map[place]map[string]*bus{}
	}
	if s.buses[at] == nil {
		s.buses[at] = map[string]*bus{}
	}
	b := &bus{name: name, created: now, rules: map[string]*rule{}, arn: fmt.Sprintf("arn:aws:events:%s:%s:event-bus/%s", at.region, at.account, name)}
	s.buses[at][name] = b
	return b
}

func (b *bus) ruleARN(name string) string {
	prefix, _, _ := strings.Cut(b.arn, "event-bus/")
	if b.name == defaultBus {
		return prefix + "rule/" + name
	}
	return prefix + "rule/" + b.name + "/" + name
}

// rule finds a rule. The caller holds s.mu.
func (s *eventsState) rule(at place, busName, name *string) (*bus, *rule, error) {
	b, err := s.bus(at, busName)
	if err != nil {
		return nil, nil, err
	}
	r := b.rules[aws.ToString(name)]
	if r == nil {
		return nil, nil, errf(400, "ResourceNotFoundException", "Rule %s does not exist on EventBus %s.", aws.ToString(name), b.name)
	}
	return b, r, nil
}

func (s *eventsState) createEventBus(c *call, in *eventbridge.CreateEventBusInput) (*eventbridge.CreateEventBusOutput, error) {
	name := aws.ToString(in.Name)
	if !ruleName.MatchString(name) || len(name) > 256 {
		return nil, invalidf("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [/\\.\\-_A-Za-z0-9]+", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == defaultBus || s.buses[c.place()][name] != nil {
		return nil, errf(400, "ResourceAlreadyExistsException", "Event bus %s already exists.", name)
	}
	return &eventbridge.CreateEventBusOutput{EventBusArn: &s.addBus(c.place(), name, c.now).arn}, nil
}

func (s *eventsState) describeEventBus(c *call, in *eventbridge.DescribeEventBusInput) (*eventbridge.DescribeEventBusOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c.place(), in.Name)
	if err != nil {
		return nil, err
	}
	return &eventbridge.DescribeEventBusOutput{Name: &b.name, Arn: &b.arn}, nil
}

func testEventPattern(_ *call, in *eventbridge.TestEventPatternInput) (*padded, error) {
	p, err := CompilePattern([]byte(aws.ToString(in.EventPattern)))
	if err != nil {
		return nil, errf(400, "InvalidEventPatternException", "%v", err)
	}
	fields, ok := eventFields([]byte(aws.ToString(in.Event)))
	if !ok {
		return nil, invalidf("Parameter Event is not valid.")
	}
	for _, name := range []string{"id", "account", "source", "time", "region", "detail-type"} {
		if len(fields[name]) == 0 {
			return nil, invalidf("Parameter Event is not valid. Reason: the event has no %q.", name)
		}
	}
	out := &eventbridge.TestEventPatternOutput{Result: p.matchFields(fields)}
	return pad(schemas.TestEventPatternResponse, out, zeroBool(schemas.TestEventPatternResponse_Result, out.Result)), nil
}
