package localcloud

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// maxPayload is the largest answer of a synchronous invocation, in bytes.
const maxPayload = 6 << 20

// runtime is what the Runtime API of one process remembers.
type runtime struct {
	mu       sync.Mutex
	asked    bool
	current  *event // handed out and not answered
	initFail *FunctionError
	killed   bool
}

// initError is what the process reported of its own initialisation.
func (r *runtime) initError() *FunctionError {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.initFail
}

// forgive notes that the process did not die of itself.
func (r *runtime) forgive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed = true
}

func (r *runtime) crashed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.killed
}

// api is the Lambda Runtime API, version 2018-06-01.
func (p *process) api() http.Handler {
	const base = "/2018-06-01/runtime"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/invocation/next", p.serveNext)
	mux.HandleFunc("POST "+base+"/invocation/{id}/response", p.serveResponse)
	mux.HandleFunc("POST "+base+"/invocation/{id}/error", p.serveError)
	mux.HandleFunc("POST "+base+"/init/error", p.serveInitError)
	return mux
}

// serveNext answers when there is an event; a process that waits here is idle.
func (p *process) serveNext(w http.ResponseWriter, r *http.Request) {
	p.runtime.mu.Lock()
	if !p.runtime.asked {
		p.runtime.asked = true
		close(p.ready)
	}
	p.runtime.mu.Unlock()
	var e *event
	select {
	case <-r.Context().Done():
		return
	case <-p.exited:
		return
	case e = <-p.next:
	}
	p.runtime.mu.Lock()
	p.runtime.current = e
	p.runtime.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", e.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(e.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", p.fn.arn)
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
	_, _ = w.Write(e.payload)
}

// answered ends the current event if it has the id.
func (p *process) answered(id string) *event {
	p.runtime.mu.Lock()
	defer p.runtime.mu.Unlock()
	e := p.runtime.current
	if e == nil || e.id != id {
		return nil
	}
	p.runtime.current = nil
	return e
}

func (p *process) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	e := p.answered(r.PathValue("id"))
	switch {
	case e == nil:
		refuseRuntime(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	case err != nil:
		e.result <- result{err: &FunctionError{p.fn.Name, "Runtime.TruncatedResponse", fmt.Sprintf("reading its response: %v", err)}}
	case len(body) > maxPayload:
		e.result <- result{err: &FunctionError{p.fn.Name, "Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)}}
		refuseRuntime(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the response is too large")
	default:
		e.result <- result{body: body}
		acceptRuntime(w)
	}
}

func (p *process) serveError(w http.ResponseWriter, r *http.Request) {
	e := p.answered(r.PathValue("id"))
	if e == nil {
		refuseRuntime(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	e.result <- result{err: p.reported(r)}
	acceptRuntime(w)
}

func (p *process) serveInitError(w http.ResponseWriter, r *http.Request) {
	failure := p.reported(r)
	p.runtime.mu.Lock()
	p.runtime.initFail = failure
	p.runtime.mu.Unlock()
	acceptRuntime(w)
}

// reported reads the error a runtime posts.
func (p *process) reported(r *http.Request) *FunctionError {
	var given struct{ ErrorType, ErrorMessage string }
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxPayload))
	if err := json.Unmarshal(body, &given); err != nil {
		given.ErrorMessage = string(body)
	}
	if given.ErrorType == "" {
		given.ErrorType = r.Header.Get("Lambda-Runtime-Function-Error-Type")
	}
	return &FunctionError{p.fn.Name, given.ErrorType, given.ErrorMessage}
}

func acceptRuntime(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuseRuntime(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}
