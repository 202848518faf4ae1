package localcloud

import "time"

// keptCalls bounds the call log; older calls are forgotten, counts are not.
const keptCalls = 100_000

// Call is one API request that the cloud answered.
type Call struct {
	Service    string // signing name, such as "sagemaker"
	Operation  string
	Account    string
	Region     string
	Principal  string    // the caller's ARN
	Time       time.Time // when it arrived, by the cloud's clock
	Start, End time.Time // when it arrived and was answered, by the wall clock
	Error      string    // error code; empty: the call succeeded
	Actions    []string  // IAM actions asked for, of a caller whose role IAM knows; see Cloud.Calls
	Denied     string    // the one among Actions that was refused
}

// Writes reports whether the call's operation changes something, by AWS's naming.
func (c Call) Writes() bool { return !readOnly(c.Operation) }

// callLog is guarded by Cloud.mu.
type callLog struct {
	calls  []Call
	counts map[string]int // by service.Operation
}

// logCall notes a finished call. Wall clock times stand beside the cloud's own: only they tell calls that
// overlapped from calls in sequence, whatever the cloud's clock does.
func (c *Cloud) logCall(made *call, failure *apiError) {
	entry := Call{
		Service: made.service, Operation: made.operation, Account: made.account, Region: made.region,
		Principal: made.principal, Time: made.now, Start: made.began, End: time.Now(),
		Actions: made.actions, Denied: made.denied,
	}
	if failure != nil {
		entry.Error = failure.Code
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.log.counts == nil {
		c.log.counts = map[string]int{}
	}
	c.log.counts[entry.Service+"."+entry.Operation]++
	if len(c.log.calls) >= keptCalls {
		c.log.calls = append(c.log.calls[:0], c.log.calls[keptCalls/2:]...)
	}
	c.log.calls = append(c.log.calls, entry)
}

// Calls lists the calls answered since the start or the last ResetCalls, in the order of their answers. At
// least the last 50,000 are kept. What Lambda does with a function's role is among them: taking messages of
// a queue and changes of a stream, and whatever it was refused.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Call(nil), c.log.calls...)
}

// CallCounts counts every call answered since the start or the last ResetCalls, by "service.Operation".
func (c *Cloud) CallCounts() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make(map[string]int, len(c.log.counts))
	for k, n := range c.log.counts {
		counts[k] = n
	}
	return counts
}

// ResetCalls forgets all calls.
func (c *Cloud) ResetCalls() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = callLog{}
}
