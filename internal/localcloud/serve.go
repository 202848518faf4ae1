package localcloud

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
)

// apiError is what an operation refuses with: answered as the protocol's own error.
type apiError struct {
	Code    string            // such as ResourceNotFoundException
	Message string            // for people
	Status  int               // HTTP status; 0: the one that AWS's model gives the code, or else 400
	Members map[string]any    // further modelled members, such as ResourceType
	Headers map[string]string // further headers, such as x-amzn-query-error
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// errf makes an apiError with a formatted message.
func errf(status int, code, format string, args ...any) *apiError {
	return &apiError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// with adds a modelled member to the error.
func (e *apiError) with(member string, value any) *apiError {
	if e.Members == nil {
		e.Members = map[string]any{}
	}
	e.Members[member] = value
	return e
}

// asAPIError turns any error into one a client can be shown.
func asAPIError(err error) *apiError {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return errf(http.StatusInternalServerError, "InternalFailure", "%v", err)
}

// answer is a finished response.
type answer struct {
	status int
	header map[string]string
	body   []byte
}

func (a answer) write(w http.ResponseWriter) { a.writeAs(w, len(a.body)) }

// writeAs announces a length, which is the body's unless the answer is to break off.
func (a answer) writeAs(w http.ResponseWriter, length int) {
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// serve runs a routed request: rates, access, faults, the operation, the call log, the trail, the answer.
func (c *Cloud) serve(w http.ResponseWriter, in *incoming) {
	fault := c.faultFor(in)
	fault.wait(in.call.ctx)
	in.call.failing = fault.failureReason()
	out, failure := c.execute(in, fault)
	var sent answer
	if failure != nil {
		sent = in.proto.errorAnswer(in.service, failure, in.call.requestID)
	} else {
		sent = in.proto.outputAnswer(in, out)
	}
	if in.call.service == "dynamodb" {
		// The SDK for Go checks this sum, and complains about an answer without one.
		sent.header["X-Amz-Crc32"] = strconv.FormatUint(uint64(crc32.ChecksumIEEE(sent.body)), 10)
	}
	c.logCall(in.call, failure)
	c.recordCall(in, out, failure)
	fault.send(w, sent)
}

// execute does what the request asks for, unless something refuses it first.
func (c *Cloud) execute(in *incoming, fault *firedFault) ([]byte, *apiError) {
	if in.refused != nil {
		return nil, in.refused
	}
	if err := c.throttle(in.call); err != nil {
		return nil, err
	}
	input, err := in.proto.decode(in)
	if err == nil {
		if denied := c.authorize(in, input); denied != nil {
			return nil, denied
		}
	}
	if err := fault.before(); err != nil {
		return nil, err
	}
	if fault != nil && fault.Answer != "" {
		return []byte(fault.Answer), nil
	}
	if err != nil {
		return nil, asAPIError(err)
	}
	output, err := in.op.run(in.call, input)
	if err != nil {
		return nil, asAPIError(err)
	}
	encoded, err := in.proto.encode(in, output)
	if err != nil {
		return nil, asAPIError(err)
	}
	if err := fault.after(); err != nil {
		return encoded, err
	}
	return encoded, nil
}

// readOnly reports whether an operation changes nothing, by AWS's naming.
func readOnly(operation string) bool {
	for _, verb := range []string{"Describe", "Get", "List", "IsMember", "Search", "Query", "Scan", "BatchGet", "TestEventPattern", "ServiceProviderConfig"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return false
}
