package doctor

import (
	"context"
	"time"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Stores lists identity stores.
type Stores interface {
	// StoreIDs lists all that the credentials see in Identity Center's Region.
	StoreIDs(ctx context.Context) ([]string, error)
}

// Trail is a CloudTrail trail.
type Trail struct {
	Name    string
	Logging bool
	Writes  bool // it records management events that change something
}

// Trails reads CloudTrail.
type Trails interface {
	// Trails lists all that cover Identity Center's Region.
	Trails(ctx context.Context) ([]Trail, error)
}

// Quotas reads Service Quotas.
type Quotas interface {
	// Profiles is how many user profiles the domain's account may have there.
	Profiles(ctx context.Context, d studio.Domain) (int, error)
}

// Register knows when domains were last passed over.
type Register interface {
	// Registered lists all domains that were ever managed.
	Registered(ctx context.Context) ([]reconcile.DomainRecord, error)
}

// People are what is read of an identity store.
type People struct {
	Mapping  *reconcile.Mapping // it looks up groups that are named by id too
	Identity reconcile.Identity
	Census   reconcile.Census
}

// Question is whether a role may do each of the actions on each of the resources.
type Question struct {
	Actions   []string
	Resources []string
	Context   map[string]string // condition keys that the request brings; no others
}

// Decision is the answer for one action on one resource.
type Decision struct {
	Action, Resource string
	Allowed          bool
}

// Roles reads IAM roles of a domain's account. A role that does not exist is
// reconcile.ErrGone, a read that is not allowed reconcile.ErrDenied.
type Roles interface {
	// Trust is a role's trust policy.
	Trust(ctx context.Context, d studio.Domain, arn string) (string, error)
	// Policies are all of a role's own policies, inline and managed; its boundary is none.
	Policies(ctx context.Context, d studio.Domain, arn string) ([]string, error)
	// Decide answers for every pair, from the policies of the role and of its account.
	Decide(ctx context.Context, d studio.Domain, arn string, q Question) ([]Decision, error)
}

// Parts are the names of what a deployment has.
type Parts struct {
	Role         string // the function's
	Rule         string // of all doors
	Pattern      []byte // the rule's
	Events, Pass string // functions and their queues
	// EventsTimeout and PassTimeout are what the functions have to have at least.
	EventsTimeout, PassTimeout time.Duration
	Environment                []string // variables that both functions need
	Schedules                  []string
	Alarms                     []string
}

// Rule is an EventBridge rule.
type Rule struct {
	Pattern  string // "" for a schedule
	Schedule string
	Enabled  bool
	Targets  []string // ARNs
}

// Queue is an SQS queue.
type Queue struct {
	Dead    string // name of its dead-letter queue; "" when it has none
	Waiting int    // about how many messages lie in it
}

// Function is a Lambda function.
type Function struct {
	State, LastUpdate string // Active and Successful when it is well
	Timeout           time.Duration
	Environment       []string // names of its variables that are not empty
	Sources           []Source
}

// Source is what makes events of a queue or a stream a function's.
type Source struct {
	ID    string
	ARN   string // of the queue or stream
	State string // Enabled when it is well
}

// Alarm is a CloudWatch alarm.
type Alarm struct {
	Name    string
	Enabled bool // its actions are
	Ringing bool
}

// Deployment reads what is deployed beside the function. What does not exist is
// reconcile.ErrGone, a read that is not allowed reconcile.ErrDenied.
type Deployment interface {
	Rule(ctx context.Context, name string) (Rule, error)
	Queue(ctx context.Context, name string) (Queue, error)
	// Function is a function with all its sources.
	Function(ctx context.Context, name string) (Function, error)
	// Alarms lists all whose names begin so.
	Alarms(ctx context.Context, prefix string) ([]Alarm, error)
}
