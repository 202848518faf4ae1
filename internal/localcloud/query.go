package localcloud

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// queryProtocol is AWS's older protocol: a form in, XML out. STS and IAM speak it.
type queryProtocol struct {
	form      url.Values
	signedFor string // the service of the credential scope, the only thing that names it
}

func (q queryProtocol) target(*http.Request) (string, string) {
	return q.signedFor, q.form.Get("Action")
}

func (queryProtocol) serves(s *service, target string) bool {
	return s.target == "" && s.name == target
}

func (queryProtocol) unknownOperation(message string) *apiError {
	return errf(http.StatusBadRequest, "InvalidAction", "%s", message)
}

// decode fills the input from the form and reports required members that are missing all at once.
func (q queryProtocol) decode(in *incoming) (any, error) {
	var missing constraints
	for _, name := range in.op.required {
		if !q.has(name) {
			missing.violate("Value null at '%s' failed to satisfy constraint: Member must not be null", lowerFirst(name))
		}
	}
	if err := missing.verdict(); err != nil {
		return nil, asQueryValidation(err)
	}
	d := formDecoder{form: q.form}
	input := in.op.newInput()
	if err := d.structure(reflect.ValueOf(input).Elem(), ""); err != nil {
		return nil, err
	}
	if err := d.verdict(); err != nil {
		return nil, asQueryValidation(err)
	}
	return input, nil
}

// has reports whether a member is there: a value of its own, or a list's first.
func (q queryProtocol) has(name string) bool {
	return q.form.Get(name) != "" || q.form.Has(name+".member.1")
}

func (queryProtocol) encode(_ *incoming, output any) ([]byte, error) {
	var b bytes.Buffer
	writeXMLMembers(&b, reflect.ValueOf(output).Elem())
	return b.Bytes(), nil
}

func (queryProtocol) outputAnswer(in *incoming, encoded []byte) answer {
	var b bytes.Buffer
	name := in.call.operation
	fmt.Fprintf(&b, `<%sResponse xmlns="https://%s.amazonaws.com/doc/%s/"><%sResult>`, name, in.service.name, in.service.version, name)
	b.Write(encoded)
	fmt.Fprintf(&b, `</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`, name, in.call.requestID, name)
	return answer{status: http.StatusOK, body: b.Bytes(), header: map[string]string{
		"Content-Type": "text/xml", "x-amzn-RequestId": in.call.requestID,
	}}
}

func (queryProtocol) errorAnswer(s *service, e *apiError, requestID string) answer {
	namespace := "http://webservices.amazon.com/AWSFault/2005-15-09"
	if s != nil {
		namespace = "https://" + s.name + ".amazonaws.com/doc/" + s.version + "/"
	}
	kind := "Sender"
	if e.Status >= 500 {
		kind = "Receiver"
	}
	status := e.Status
	if status == 0 {
		status = modelledStatus(s, e.Code)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<ErrorResponse xmlns="%s"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
		namespace, kind, escapeXML(e.Code), escapeXML(e.Message), requestID)
	return answer{status: status, body: b.Bytes(), header: map[string]string{"Content-Type": "text/xml", "x-amzn-RequestId": requestID}}
}

func escapeXML(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
