package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"time"
)

// weather is what befalls calls for a while.
type weather struct {
	From, To time.Duration
	Kind     string
	Service  string // the target's name, or "" for all
	Rate     int    // how many of a thousand
	Later    bool   // of calls for further pages only
}

// wire carries the functions' calls to the local cloud: it takes its time, fails
// as the weather has it, and lets every call be checked.
//
// How long a call takes and what befalls it depends on nothing but the seed, the
// moment and what is called. So every call is alone at its nanosecond, and a
// story happens the same way each time, whatever order goroutines run in.
type wire struct{ w *world }

// errDead is what a killed process would get, if it were still there.
var errDead = errors.New("the process was killed")

// call is one request of a function.
type call struct {
	at        time.Time
	run       *invocation
	operation string // such as SageMaker.CreateUserProfile
	body      []byte
	content   uint64 // of the body, without what is drawn anew each time
	fate      string
	luck      uint64
}

// luck is a number that is drawn for something that happens now.
func (w *world) luck(who, what string, content uint64) uint64 {
	return mixed(w.story.Seed, uint64(time.Now().UnixNano()), hashed(who), hashed(what), content)
}

// Do implements awscloud.HTTPClient.
func (t wire) Do(r *http.Request) (*http.Response, error) {
	w := t.w
	c := call{operation: r.Header.Get("X-Amz-Target")}
	c.run, _ = r.Context().Value(invocationKey{}).(*invocation)
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		c.body = body
	}
	if c.operation == "" {
		c.operation = "STS.GetCallerIdentity" // the one that is no AWS JSON
	}
	if c.run == nil {
		return nil, fmt.Errorf("a call of nobody: %s", r.URL)
	}
	c.body = w.paged(c.operation, c.body)
	c.content = content(tokenless(c.body), w.called)
	c.luck = w.luck(c.run.name, c.operation, c.content)
	c.fate = w.fate(c)
	if err := w.travel(r.Context(), &c); err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	answer, err := w.deliver(r, &c)
	if err != nil {
		return nil, err
	}
	back := time.Duration(1 + c.luck>>20%10_000_000)
	if w.shared(&c) {
		back /= 100 * time.Duration(1+9*min(1, w.story.Page))
	}
	return answer, pause(r.Context(), back)
}

// shared tells whether looks at two domains wait for a call together. They would
// go on at the same moment, and which is first would be no matter of the seed: so
// such a call is over before the others that either of them waits for.
func (w *world) shared(c *call) bool {
	return len(w.domains) > 1 && strings.HasPrefix(c.operation, "AWSIdentityStore.")
}

// travel is the way there.
func (w *world) travel(ctx context.Context, c *call) error {
	took := 2*time.Millisecond + time.Duration(c.luck%50_000_000)
	if w.shared(c) {
		return pause(ctx, (time.Millisecond+took/50)/time.Duration(1+9*min(1, w.story.Page)))
	}
	switch c.fate {
	case "slow":
		took += time.Duration(c.luck%30) * time.Second
	case "hang":
		took += 10 * time.Minute
	}
	return pause(ctx, took)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fate is what befalls a call now.
func (w *world) fate(c call) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, one := range w.weather {
		since := time.Since(w.begun)
		if since < one.From || since >= one.To || !one.concerns(c) {
			continue
		}
		if int(c.luck>>(8*(i%4))%1000) < one.Rate {
			return one.Kind
		}
	}
	return ""
}

// struck tells whether a message suffers something now.
func (w *world) struck(kind, body string) bool {
	return w.fate(call{operation: kind, luck: w.luck("", kind, content([]byte(body), w.called))}) == kind
}

// deliver has the cloud answer, unless the caller is dead or unlucky.
func (w *world) deliver(r *http.Request, c *call) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.at = time.Now()
	p := c.run.process
	if p.dead {
		return nil, errDead
	}
	dies := p.left == 1
	p.left = max(0, p.left-1)
	if dies {
		p.dead = true
		p.kill()
		if c.luck>>16%2 == 0 {
			return nil, errDead
		}
	}
	answer, err := w.unlucky(r, c)
	if answer == nil && err == nil {
		answer, err = w.served(r, c)
	}
	w.note(c, answer)
	if dies {
		return nil, errDead
	}
	return answer, err
}

// unlucky is the answer to a call that never arrives; nil when it does.
func (w *world) unlucky(r *http.Request, c *call) (*http.Response, error) {
	switch c.fate {
	case "throttle":
		return refusal(r, http.StatusBadRequest, "ThrottlingException"), nil
	case "error":
		return refusal(r, http.StatusInternalServerError, "InternalServerException"), nil
	case "drop":
		return nil, io.ErrUnexpectedEOF
	case "stale":
		if old, known := w.answers[c.operation+string(c.body)]; known && c.at.Sub(old.at) < 30*time.Second {
			w.before(c) // of reads it notes only that they were made
			c.run.since = earlier(c.run.since, old.at)
			return old.response(r), nil
		}
	}
	return nil, nil
}

// served has the cloud answer, checks what came of it, and may lose the answer.
func (w *world) served(r *http.Request, c *call) (*http.Response, error) {
	checked := w.before(c)
	answer := w.ask(r.WithContext(context.WithoutCancel(r.Context())))
	if checked != nil && answer.StatusCode == http.StatusOK {
		checked()
	}
	switch c.fate {
	case "error-after":
		return refusal(r, http.StatusInternalServerError, "InternalServerException"), nil
	case "drop-after":
		return nil, io.ErrUnexpectedEOF
	case "cut":
		return half(answer)
	}
	if !strings.HasPrefix(c.operation, "AWSIdentityStore.") || answer.StatusCode != http.StatusOK {
		return answer, nil
	}
	body, err := io.ReadAll(answer.Body)
	kept := remembered{c.at, answer.Header, body}
	w.answers[c.operation+string(c.body)] = kept
	return kept.response(r), err
}

// remembered is an answer that may be given again, when it is stale.
type remembered struct {
	at     time.Time
	header http.Header
	body   []byte
}

func (o remembered) response(r *http.Request) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: o.header, Body: io.NopCloser(bytes.NewReader(o.body)), ContentLength: int64(len(o.body)), Request: r}
}

// half is an answer that breaks off in the middle. One with a checksum is lost: the
// SDK would print that it does not match.
func half(answer *http.Response) (*http.Response, error) {
	if answer.Header.Get("X-Amz-Crc32") != "" {
		return nil, io.ErrUnexpectedEOF
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body[:len(body)/2])), -1
	return answer, err
}

func refusal(r *http.Request, status int, code string) *http.Response {
	body := `{"__type":"` + code + `","message":"the weather is bad"}`
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Errortype": {code}, "X-Amz-Crc32": {fmt.Sprint(crc32.ChecksumIEEE([]byte(body)))}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// note adds a call to the digest of all, in whose sum their order does not count,
// and to the trace, where one is wanted.
func (w *world) note(c *call, answer *http.Response) {
	status := 0
	if answer != nil {
		status = answer.StatusCode
	}
	w.digest += mixed(uint64(c.at.Sub(w.begun)), hashed(c.run.name), hashed(c.operation), uint64(status), hashed(c.fate), c.content)
	if w.story.traced {
		w.trace = append(w.trace, fmt.Sprintf("%015d %s %s %d %s %s", c.at.Sub(w.begun), c.run.name, c.operation, status, c.fate, label(tokenless(c.body), w.called)))
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
