package localcloud

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// queryProtocol is AWS's older protocol: a form in, XML out. STS speaks it.
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

// decode reads the form's flat members: no operation here needs a list.
func (q queryProtocol) decode(in *incoming) (any, error) {
	var missing constraints
	for _, name := range in.op.required {
		if q.form.Get(name) == "" {
			missing.violate("Value null at '%s' failed to satisfy constraint: Member must not be null", lowerFirst(name))
		}
	}
	if err := missing.verdict(); err != nil {
		return nil, asQueryValidation(err)
	}
	input := in.op.newInput()
	for name, values := range q.form {
		field := reflect.ValueOf(input).Elem().FieldByName(name)
		if !field.IsValid() || len(values) == 0 {
			continue
		}
		switch to := field.Addr().Interface().(type) {
		case **string:
			*to = &values[0]
		case **int32:
			n, err := strconv.ParseInt(values[0], 10, 32)
			if err != nil {
				return nil, errf(http.StatusBadRequest, "MalformedInput", "%s: %q is no whole number", name, values[0])
			}
			number := int32(n)
			*to = &number
		}
	}
	return input, nil
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

// writeXMLMembers writes the members of an SDK structure that are set.
func writeXMLMembers(b *bytes.Buffer, from reflect.Value) {
	for i := range from.NumField() {
		field, name := from.Field(i), from.Type().Field(i).Name
		if field.Kind() != reflect.Pointer || field.IsNil() {
			continue
		}
		fmt.Fprintf(b, "<%s>", name)
		switch v := field.Interface().(type) {
		case *time.Time:
			b.WriteString(v.UTC().Format(time.RFC3339))
		default:
			if field.Elem().Kind() == reflect.Struct {
				writeXMLMembers(b, field.Elem())
			} else {
				b.WriteString(escapeXML(fmt.Sprint(field.Elem().Interface())))
			}
		}
		fmt.Fprintf(b, "</%s>", name)
	}
}
