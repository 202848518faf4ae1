package localcloud

import (
	"encoding/json"
	"net/http"
	"strings"
)

// lambdaProtocol is REST with JSON: method and path name the operation.
type lambdaProtocol struct {
	r    *http.Request
	sent *s3Answer // what encode was given, where it is more than a document
}

// lambdaRoute is one path of the API, in which {} stands for a name.
type lambdaRoute struct {
	method, path, operation string
}

var lambdaRoutes = []lambdaRoute{
	{"POST", "/2015-03-31/functions", "CreateFunction"},
	{"GET", "/2015-03-31/functions", "ListFunctions"},
	{"GET", "/2015-03-31/functions/{}", "GetFunction"},
	{"DELETE", "/2015-03-31/functions/{}", "DeleteFunction"},
	{"GET", "/2015-03-31/functions/{}/configuration", "GetFunctionConfiguration"},
	{"PUT", "/2015-03-31/functions/{}/configuration", "UpdateFunctionConfiguration"},
	{"PUT", "/2015-03-31/functions/{}/code", "UpdateFunctionCode"},
	{"POST", "/2015-03-31/functions/{}/invocations", "Invoke"},
	{"GET", "/2015-03-31/event-source-mappings", "ListEventSourceMappings"},
	{"GET", "/2019-09-30/functions/{}/concurrency", "GetFunctionConcurrency"},
}

// matches compares a route with a request, step by step; a slash at the end does not count.
func (to *lambdaRoute) matches(r *http.Request) (name string, ok bool) {
	is, want := strings.Split(strings.TrimSuffix(r.URL.Path, "/"), "/"), strings.Split(to.path, "/")
	if r.Method != to.method || len(is) != len(want) {
		return "", false
	}
	for i := range want {
		switch {
		case want[i] == "{}":
			name = is[i]
		case want[i] != is[i]:
			return "", false
		}
	}
	return name, true
}

// route finds a request's operation and the name in its path.
func (p *lambdaProtocol) route() (operation, name string) {
	for _, to := range lambdaRoutes {
		if name, ok := to.matches(p.r); ok {
			return to.operation, name
		}
	}
	return p.r.Method + " " + p.r.URL.Path, ""
}

func (p *lambdaProtocol) target(*http.Request) (string, string) {
	operation, _ := p.route()
	return "lambda", operation
}

func (*lambdaProtocol) serves(s *service, target string) bool { return s.name == target }

func (*lambdaProtocol) unknownOperation(message string) *apiError {
	return errf(http.StatusNotFound, "UnknownOperationException", "%s", message)
}

func (p *lambdaProtocol) decode(in *incoming) (any, error) {
	input := &functionInput{}
	if in.call.operation == "Invoke" {
		input.InvocationType, input.payload = p.r.Header.Get("X-Amz-Invocation-Type"), in.body
		if len(in.body) > 0 && !json.Valid(in.body) {
			return nil, errf(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json")
		}
	} else if len(in.body) > 0 {
		if err := json.Unmarshal(in.body, input); err != nil {
			return nil, errf(http.StatusBadRequest, "SerializationException", "%v", err)
		}
	}
	if in.call.operation == "ListEventSourceMappings" {
		query := p.r.URL.Query()
		input.FunctionName, input.EventSourceArn = query.Get("FunctionName"), query.Get("EventSourceArn")
	}
	if _, name := p.route(); name != "" {
		input.FunctionName = name
	}
	return input, nil
}

func (p *lambdaProtocol) encode(_ *incoming, output any) ([]byte, error) {
	if sent, ok := output.(*s3Answer); ok {
		p.sent = sent
		return sent.body, nil
	}
	return json.Marshal(output)
}

func (p *lambdaProtocol) outputAnswer(in *incoming, encoded []byte) answer {
	a := answer{status: http.StatusOK, body: encoded, header: map[string]string{"Content-Type": "application/json", "x-amzn-RequestId": in.call.requestID}}
	if in.call.operation == "CreateFunction" {
		a.status = http.StatusCreated
	}
	if p.sent != nil {
		a.status = p.sent.status
		for name, value := range p.sent.header {
			a.header[name] = value
		}
	}
	return a
}

func (*lambdaProtocol) errorAnswer(_ *service, e *apiError, requestID string) answer {
	a := jsonProtocol{}.errorAnswer(nil, e, requestID)
	a.header["Content-Type"] = "application/json"
	return a
}
