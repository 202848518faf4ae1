package awscloud

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxAnswer bounds how much of an answer is read; AWS JSON answers stay far below.
const maxAnswer = 10 << 20

// jsonAPI describes a service that speaks AWS JSON.
type jsonAPI struct {
	id      string // the SDK's service id, which AWS_ENDPOINT_URL_<ID> is made from
	target  string // what comes before the operation in X-Amz-Target
	signing string // service name in the signature
	host    string // what comes before .<region>.amazonaws.com
	version string // of AWS JSON; "" means 1.1
}

// jsonClient calls such a service on the SDK's own core: its retry loop, signer, user agent and transport.
// It stands in for the SDK's package where that costs too much: initialising service/sagemaker alone more
// than doubles a function's cold start, and it drops UserSettings newer than itself. Of the services whose
// one or two operations are used, no package is linked either.
type jsonClient struct {
	cfg     aws.Config
	api     jsonAPI
	retryer aws.Retryer
	signer  *v4.Signer
	http    aws.HTTPClient
}

func newJSONClient(cfg aws.Config, api jsonAPI) *jsonClient {
	client := cfg.HTTPClient
	if client == nil {
		client = awshttp.NewBuildableClient()
	}
	return &jsonClient{cfg: cfg, api: api, retryer: cfg.Retryer(), signer: v4.NewSigner(), http: client}
}

// call sends in and reads the answer into out; nil where nothing in the answer counts. What the service
// refuses is a smithy.APIError.
func (c *jsonClient) call(ctx context.Context, operation string, in, out any) error {
	_, err := c.attempt(ctx, operation, in, out)
	return err
}

// attempt is call; it also tells how the attempts before the last one ended.
func (c *jsonClient) attempt(ctx context.Context, operation string, in, out any) (earlier []error, err error) {
	return c.send(ctx, operation, c.serialize(operation, in), in, out)
}

func (c *jsonClient) send(ctx context.Context, operation string, serialize middleware.SerializeMiddleware, in, out any) (earlier []error, err error) {
	ctx = middleware.ClearStackValues(ctx)
	ctx = awsmiddleware.SetServiceID(ctx, c.api.id)
	ctx = awsmiddleware.SetOperationName(ctx, operation)
	ctx = awsmiddleware.SetRegion(ctx, c.cfg.Region)
	stack, err := c.stack(operation, serialize, out)
	if err == nil {
		var metadata middleware.Metadata
		handler := smithyhttp.NewClientHandlerWithOptions(c.http)
		_, metadata, err = middleware.DecorateHandler(handler, stack).Handle(ctx, in)
		earlier = retried(metadata)
	}
	if err != nil {
		return earlier, &smithy.OperationError{ServiceID: c.api.id, OperationName: operation, Err: err}
	}
	return earlier, nil
}

func retried(metadata middleware.Metadata) []error {
	var errs []error
	attempts, _ := retry.GetAttemptResults(metadata)
	for _, attempt := range attempts.Results {
		if attempt.Retried {
			errs = append(errs, attempt.Err)
		}
	}
	return errs
}

func (c *jsonClient) stack(operation string, serialize middleware.SerializeMiddleware, out any) (*middleware.Stack, error) {
	stack := middleware.NewStack(operation, smithyhttp.NewStackRequest)
	retries := retry.NewAttemptMiddleware(c.retryer, smithyhttp.RequestCloner)
	err := errors.Join(
		stack.Serialize.Add(serialize, middleware.After),
		stack.Build.Add(&awsmiddleware.ClientRequestID{}, middleware.After),
		awsmiddleware.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, c.api.signing, "json")(stack),
		awsmiddleware.AddSDKAgentKey(awsmiddleware.ApplicationIdentifier, c.cfg.AppID)(stack),
		stack.Finalize.Add(retries, middleware.After),
		stack.Finalize.Add(&v4.ComputePayloadSHA256{}, middleware.After),
		stack.Finalize.Add(c.sign(), middleware.After),
		stack.Deserialize.Add(deserialize(out), middleware.After),
	)
	for _, option := range c.cfg.APIOptions {
		err = errors.Join(err, option(stack))
	}
	return stack, err
}

func (c *jsonClient) serialize(operation string, in any) middleware.SerializeMiddleware {
	return middleware.SerializeMiddlewareFunc("OperationSerializer", func(
		ctx context.Context, input middleware.SerializeInput, next middleware.SerializeHandler,
	) (out middleware.SerializeOutput, metadata middleware.Metadata, err error) {
		body, err := json.Marshal(in)
		if err != nil {
			return out, metadata, &smithy.SerializationError{Err: err}
		}
		endpoint, err := c.endpoint(ctx)
		if err != nil {
			return out, metadata, err
		}
		request, err := input.Request.(*smithyhttp.Request).SetStream(bytes.NewReader(body))
		if err != nil {
			return out, metadata, &smithy.SerializationError{Err: err}
		}
		request.Method, request.URL = http.MethodPost, endpoint
		request.Header.Set("Content-Type", "application/x-amz-json-"+cmp.Or(c.api.version, "1.1"))
		request.Header.Set("X-Amz-Target", c.api.target+"."+operation)
		input.Request = request
		return next.HandleSerialize(ctx, input)
	})
}

func (c *jsonClient) sign() middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("Signing", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (out middleware.FinalizeOutput, metadata middleware.Metadata, err error) {
		if c.cfg.Credentials == nil {
			return out, metadata, errors.New("there are no AWS credentials")
		}
		credentials, err := c.cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return out, metadata, fmt.Errorf("getting credentials: %w", err)
		}
		request := in.Request.(*smithyhttp.Request).Request
		err = c.signer.SignHTTP(ctx, credentials, request, v4.GetPayloadHash(ctx), c.api.signing, c.cfg.Region, time.Now())
		if err != nil {
			return out, metadata, fmt.Errorf("signing the request: %w", err)
		}
		return next.HandleFinalize(ctx, in)
	})
}

func deserialize(into any) middleware.DeserializeMiddleware {
	return middleware.DeserializeMiddlewareFunc("OperationDeserializer", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		response, ok := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !ok {
			return out, metadata, err
		}
		defer func() { _ = response.Body.Close() }()
		requestID := response.Header.Get("X-Amzn-Requestid")
		awsmiddleware.SetRequestIDMetadata(&metadata, requestID)
		if err := readAnswer(response, into); err != nil {
			refused := &smithyhttp.ResponseError{Response: response, Err: err}
			return out, metadata, &awshttp.ResponseError{ResponseError: refused, RequestID: requestID}
		}
		out.Result = into
		return out, metadata, nil
	})
}

func readAnswer(response *smithyhttp.Response, into any) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return &smithy.DeserializationError{Err: fmt.Errorf("the answer broke off: %w", err)}
	case len(body) > maxAnswer:
		return &smithy.DeserializationError{Err: fmt.Errorf("the answer has more than %d bytes", maxAnswer)}
	case response.StatusCode < 200 || response.StatusCode > 299:
		return decodeError(response.StatusCode, response.Header, body)
	}
	if into == nil {
		return nil // some operations answer with nothing at all
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("the answer is not the JSON that was expected: %w", err), Snapshot: body[:min(len(body), 1024)]}
	}
	return nil
}

// decodeError reads an error answer: the code from the header or from __type (or, of old, code), which come
// as X, ns#X, X:http://… and both at once; the message as message or Message.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
func decodeError(status int, header http.Header, body []byte) *smithy.GenericAPIError {
	var said struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"` // encoding/json ignores case
	}
	_ = json.Unmarshal(body, &said) // a proxy's HTML page, say: then the status has to do
	code := cleanCode(cmp.Or(header.Get("X-Amzn-Errortype"), said.Type, said.Code))
	if code == "" {
		code = fmt.Sprintf("HTTP%d", status)
		said.Message = cmp.Or(said.Message, "an answer without an error code: "+firstLine(body))
	}
	fault := smithy.FaultClient
	if status >= 500 {
		fault = smithy.FaultServer
	}
	return &smithy.GenericAPIError{Code: code, Message: said.Message, Fault: fault}
}

func cleanCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	if _, name, namespaced := strings.Cut(code, "#"); namespaced {
		code = name
	}
	return strings.TrimSpace(code)
}

func firstLine(body []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	return fmt.Sprintf("%.100q", line)
}

// brokenAnswer lets answers that were cut off be asked for again: the SDK retries only what breaks before
// the answer begins. Everything called here may be called twice.
func brokenAnswer(err error) aws.Ternary {
	if _, slow := errors.AsType[*slowError](err); slow || errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}
