package localcloud

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
)

// Transport hands requests to a cloud in this process without a socket, so that time in a testing/synctest
// bubble goes on by itself. It is an http.RoundTripper for http.Client.Transport. An answer that the cloud
// drops or cuts ends in io.ErrUnexpectedEOF, as a broken connection does.
type Transport struct {
	Cloud *Cloud
}

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	// The cloud may go on after the caller has given up, as AWS does.
	served := r.Clone(context.WithoutCancel(r.Context()))
	served.RequestURI = r.URL.RequestURI()
	if served.Host == "" {
		served.Host = r.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	answer := &answerInMemory{header: http.Header{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				answer.abort()
			default:
				panic(p)
			}
		}()
		t.Cloud.ServeHTTP(answer, served)
	}()
	select {
	case <-done:
		return answer.response(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// answerInMemory is an http.ResponseWriter that keeps what is written.
type answerInMemory struct {
	mu      sync.Mutex
	header  http.Header
	status  int
	body    bytes.Buffer
	aborted bool
}

// Header implements http.ResponseWriter.
func (a *answerInMemory) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answerInMemory) WriteHeader(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status == 0 {
		a.status = status
	}
}

// Write implements io.Writer.
func (a *answerInMemory) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.body.Write(p)
}

func (a *answerInMemory) abort() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.aborted = true
}

// response is what a client would have got of it.
func (a *answerInMemory) response(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.aborted && a.status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	var body io.Reader = bytes.NewReader(a.body.Bytes())
	if a.aborted {
		body = io.MultiReader(body, cutOff{})
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(body), ContentLength: int64(a.body.Len()), Request: r,
	}, nil
}

// cutOff is the end of a body that was not sent whole.
type cutOff struct{}

// Read implements io.Reader.
func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
