// Package localcloud is AWS in one process, as far as Studio user profiles need it: one http.Handler that
// speaks AWS's wire protocols, keeps everything in memory and is as strict as AWS where that matters. The
// zero Cloud is ready. It knows AWS and nothing of the program that is tried out on it.
//
// Accounts and Regions are taken from the request as AWS takes them: the Region from the signature's
// credential scope, the account from the access key. Signatures themselves are not verified. What lies in
// another account or Region is not found.
//
// Sessions of roles that were created in its IAM may do what the roles' policies allow; see Cloud.Calls for
// which actions they used. Other callers may do everything, but a role's trust policy is heard by all.
package localcloud

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/smithy-go"
)

// DefaultAccount is the account of credentials that name no other.
const DefaultAccount = "111122223333"

// Cloud is the local cloud. Its zero value is ready to serve; the exported fields may be set before the
// first request and not after. All methods may be called from several goroutines.
type Cloud struct {
	// Account owns credentials that the cloud does not know; empty means DefaultAccount.
	Account string
	// Clock tells the time; nil means time.Now. What Advance added comes on top of either.
	Clock func() time.Time
	// Throttle turns AWS's published request rates on; see Rates.
	Throttle bool
	// ProfileDelay is how long a domain or user profile stays Pending, Updating or Deleting: 0 means
	// DefaultProfileDelay, a negative value means no time at all.
	ProfileDelay time.Duration
	// SpaceDelay is how long a space stays Pending, Updating or Deleting: 0 means DefaultSpaceDelay, a
	// negative value means no time at all.
	SpaceDelay time.Duration
	// AppDelay is how long an app stays Pending and AppStopDelay how long it stays Deleting, which in AWS is
	// up to 20 minutes: 0 means DefaultAppDelay and DefaultAppStopDelay, a negative value no time at all.
	AppDelay, AppStopDelay time.Duration
	// AppsAllowUpdates lets UpdateUserProfile change a profile whose apps run. AWS may refuse that or not,
	// and documents neither; unless this is set the cloud refuses with ResourceInUse.
	AppsAllowUpdates bool
	// ProfileQuota is how many user profiles one account may have in a Region; 0 means DefaultProfileQuota.
	ProfileQuota int
	// TagLag is how long GetResources of the Resource Groups Tagging API goes on showing a resource as it was
	// before its tags changed or it was deleted. AWS publishes no figure; ListTags has no lag. 0 means none.
	TagLag time.Duration
	// AssignFrom says which account may change the assignments of a Studio domain's application.
	AssignFrom AssignmentAccount
	// RequireAssignment makes CreateUserProfile refuse a user whom the domain's application does not let in.
	// CloudFormation's documentation demands the assignment first; the API is not known to.
	RequireAssignment bool
	// Host says how functions run that CloudFormation makes.
	Host FunctionHost

	setup    sync.Once
	stop     context.CancelFunc
	running  context.Context
	table    []*service
	work     sync.WaitGroup
	shutdown sync.Once

	// mu guards everything below. Operations run without it and take it around what they touch.
	mu          sync.Mutex
	advanced    time.Duration
	credentials credentialState
	faults      faultState
	limits      throttleState
	log         callLog
	trail       trailState
	stores      identityStoreState
	studio      sagemakerState
	parameters  parameterState
	secrets     secretState
	trails      trailsState
	alarms      alarmState

	// Each of these guards itself.
	moved     signal // fires when Advance moves the clock
	dynamo    dynamoState
	queues    sqsState
	buses     eventsState
	functions lambdaState
	access    iamState
	stacks    stackState
	objects   s3State
	codes     codeState
}

// service is one AWS endpoint: how requests name it, and its operations.
type service struct {
	name     string                // signing name, such as "identitystore"
	target   string                // prefix of X-Amz-Target, such as "AWSIdentityStore"; empty for the query protocol
	version  string                // AWS JSON version, "1.0" or "1.1"; for the query protocol the API version
	source   string                // CloudTrail eventSource of its mutating calls; empty: they leave no record
	schema   *smithy.ServiceSchema // of the SDK's schemas package, or ownTypes; nil for AWS JSON in plain Go structures
	errors   *smithy.TypeRegistry  // the SDK's TypeRegistry, or one like it: how modelled errors spell their members
	unions   []any                 // a zero pointer to every union variant its inputs may hold
	document func(value any) any   // makes the service's document.Interface; nil when inputs have none
	ops      map[string]operation  // by operation name
}

// services lists what the cloud serves: a service per line.
func (c *Cloud) services() []service {
	return []service{
		identityStoreService(c),
		sagemakerService(c),
		ssoAdminService(c),
		stsService(c),
		dynamodbService(c),
		sqsService(c),
		eventsService(c),
		taggingService(c),
		ssmService(c),
		secretsManagerService(c),
		cloudTrailService(c),
		cloudWatchService(c),
		serviceQuotasService(c),
		iamService(c),
		cloudformationService(c),
		s3Service(c),
		lambdaAPIService(c),
		scimService(c),
	}
}

// start builds the service table and the background context; it runs once, on first use.
func (c *Cloud) start() {
	c.setup.Do(func() {
		c.running, c.stop = context.WithCancel(context.Background())
		for _, s := range c.services() {
			c.table = append(c.table, &s)
		}
	})
}

// background runs f in its own goroutine until it returns; its context ends when the cloud is closed, and
// Close waits for it.
func (c *Cloud) background(f func(context.Context)) {
	c.start()
	c.work.Go(func() { f(c.running) })
}

// Now is the cloud's time: the clock's plus everything Advance added, in UTC.
func (c *Cloud) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked()
}

func (c *Cloud) nowLocked() time.Time {
	now := time.Now
	if c.Clock != nil {
		now = c.Clock
	}
	return now().Add(c.advanced).UTC()
}

// Advance moves the cloud's time forward by d. What takes time in AWS has then taken it: states are worked
// out from timestamps whenever somebody looks.
func (c *Cloud) Advance(d time.Duration) {
	c.mu.Lock()
	c.advanced += d
	c.mu.Unlock()
	c.moved.fire()
}

// Close ends what the cloud does in the background, waits for it and removes the code of functions. It may be called more than once; a
// closed cloud still answers requests.
func (c *Cloud) Close() {
	c.start()
	c.shutdown.Do(c.stop)
	c.work.Wait()
	c.codes.remove()
}

// ServeHTTP answers one AWS API request, or one through a door that has no API.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.start()
	body, err := readBody(w, r)
	if err != nil {
		refused := errf(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "%v", err)
		protocolOf(r, nil).errorAnswer(nil, refused, newRequestID()).write(w)
		return
	}
	if isDoor(r.URL.Path) {
		c.serveDoor(w, r, body)
		return
	}
	c.serve(w, c.route(r, body))
}
