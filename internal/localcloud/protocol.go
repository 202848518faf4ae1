package localcloud

import (
	"encoding/json"
	"net/http"
	"strings"
)

// protocol is a wire protocol of AWS: how a request names its operation and how answers look.
type protocol interface {
	// target is the service's and the operation's name in the request.
	target(r *http.Request) (service, operation string)
	// serves reports whether the service is the one that target named.
	serves(s *service, target string) bool
	unknownOperation(message string) *apiError
	decode(in *incoming) (any, error)
	encode(in *incoming, output any) ([]byte, error)
	// outputAnswer takes what encode made.
	outputAnswer(in *incoming, encoded []byte) answer
	// errorAnswer works without a service too.
	errorAnswer(s *service, e *apiError, requestID string) answer
}

// protocolOf tells AWS JSON, which names its operation in a header, from the query protocol, and both from
// REST, which only the credential scope tells. SCIM has a path of its own and no scope.
func protocolOf(r *http.Request, body []byte) protocol {
	switch scopeOf(r).service {
	case "s3":
		return &s3Protocol{r: r}
	case "lambda":
		return &lambdaProtocol{r: r}
	case "":
		if p := scimOf(r, body); p != nil {
			return p
		}
	}
	if r.Header.Get("X-Amz-Target") == "" {
		form := formOf(r, body)
		posted := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
		if posted || form.Has("Action") {
			return queryProtocol{form: form, signedFor: scopeOf(r).service}
		}
	}
	return jsonProtocol{}
}

// jsonProtocol is AWS JSON 1.0 and 1.1.
type jsonProtocol struct{}

func (jsonProtocol) target(r *http.Request) (string, string) {
	target := r.Header.Get("X-Amz-Target")
	last := strings.LastIndexByte(target, '.') // CloudTrail's service has dots in its name
	if last < 0 {
		return target, ""
	}
	return target[:last], target[last+1:]
}

func (jsonProtocol) serves(s *service, target string) bool {
	return s.target != "" && s.target == target
}

func (jsonProtocol) unknownOperation(message string) *apiError {
	return errf(http.StatusBadRequest, "UnknownOperationException", "%s", message)
}

func (jsonProtocol) decode(in *incoming) (any, error) {
	if in.service.schema == nil {
		return decodePlain(in)
	}
	tree, err := parseJSON(in.body)
	if err != nil {
		return nil, err
	}
	return decodeInput(in.service, in.op, tree)
}

func (jsonProtocol) encode(in *incoming, output any) ([]byte, error) {
	if in.service.schema == nil {
		return json.Marshal(output)
	}
	return encodeOutput(in.service, in.op, output)
}

func (jsonProtocol) outputAnswer(in *incoming, encoded []byte) answer {
	return answer{status: http.StatusOK, body: encoded, header: map[string]string{
		"Content-Type": "application/x-amz-json-" + in.service.version, "x-amzn-RequestId": in.call.requestID,
	}}
}

func (jsonProtocol) errorAnswer(s *service, e *apiError, requestID string) answer {
	members := map[string]any{"__type": e.Code, messageMember(s, e.Code): e.Message}
	for k, v := range e.Members {
		members[k] = v
	}
	body, err := json.Marshal(members)
	if err != nil {
		body = []byte(`{"__type":"InternalFailure"}`)
	}
	version := "1.1"
	if s != nil && s.version != "" {
		version = s.version
	}
	header := map[string]string{
		"Content-Type": "application/x-amz-json-" + version, "x-amzn-RequestId": requestID, "x-amzn-ErrorType": e.Code,
	}
	for k, v := range e.Headers {
		header[k] = v
	}
	status := e.Status
	if status == 0 {
		status = modelledStatus(s, e.Code)
	}
	return answer{status: status, header: header, body: body}
}
