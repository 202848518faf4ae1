package localcloud

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// operation is one API operation: how its input is read, what it does, how its output is written.
type operation struct {
	input, output *smithy.Schema
	required      []string // input members that must be there
	newInput      func() any
	newOutput     func() any
	run           func(*call, any) (any, error)
}

// handle makes an operation of f. The schemas are those of I and O in the SDK's schemas package, or own's;
// O is written through its Serialize method; the query protocol needs no schemas. required names the input
// members without which AWS refuses the call; operations without an output have a nil schema and answer
// with an empty body. f runs without Cloud.mu.
func handle[I, O any](input, output *smithy.Schema, f func(*call, *I) (*O, error), required ...string) operation {
	return operation{
		input: input, output: output, required: required,
		newInput:  func() any { return new(I) },
		newOutput: func() any { return new(O) },
		run: func(c *call, in any) (any, error) {
			out, err := f(c, in.(*I))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// encodeOutput writes an operation's output as AWS JSON. The SDK offers its serializer to clients only, as
// the writer of a request, so the output is passed off as one. This is the one place that knows.
func encodeOutput(s *service, op *operation, output any) ([]byte, error) {
	if op.output == nil {
		return nil, nil
	}
	out, ok := output.(smithy.Serializable)
	if !ok {
		return nil, fmt.Errorf("writing %T: it has no Serialize method", output)
	}
	request := &smithyhttp.Request{Request: &http.Request{URL: &url.URL{}, Header: http.Header{}}}
	shape := &smithy.OperationSchema{Schema: op.output, Input: op.output}
	if err := awsjson.New11(s.schema).SerializeRequest(context.Background(), shape, out, request); err != nil {
		return nil, fmt.Errorf("writing %s: %w", op.output.ID().Name, err)
	}
	size, _, err := request.StreamLength()
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", op.output.ID().Name, err)
	}
	encoded := make([]byte, size)
	if _, err := io.ReadFull(request.GetStream(), encoded); err != nil {
		return nil, fmt.Errorf("writing %s: %w", op.output.ID().Name, err)
	}
	return encoded, nil
}

// modelledStatus is the HTTP status of an error that does not say its own: the model's, or else 400.
func modelledStatus(s *service, code string) int {
	if s != nil && s.errors != nil {
		if entry, ok := s.errors.LookupEntry(code); ok {
			if status, ok := smithy.SchemaTrait[*traits.HTTPError](entry.Schema); ok {
				return status.Code
			}
		}
	}
	return http.StatusBadRequest
}

// messageMember is how an error spells its message: some models say Message, some message.
func messageMember(s *service, code string) string {
	if s != nil && s.errors != nil {
		if entry, ok := s.errors.LookupEntry(code); ok && entry.Schema.Member("Message") != nil {
			return "Message"
		}
	}
	return "message"
}
