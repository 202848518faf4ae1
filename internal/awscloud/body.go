package awscloud

import (
	"context"
	"io"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// PlainBody is for aws.Config.APIOptions: without it, a call whose answer comes before net/http is done with the
// request can lose that answer ("use of closed network connection"). net/http then asks the body once more; smithy-go
// has closed it, and its WriteTo says io.EOF, which is an error of WriteTo and ends the connection. Its Read says the
// same, where it is none. It happens over loopback, and to a function with little CPU. It comes last: a body without a
// WriteTo costs 32 kB of memory to sign.
func PlainBody(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("PlainBody", plainBody), middleware.After)
}

func plainBody(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	if request, ok := in.Request.(*smithyhttp.Request); ok {
		if body, seekable := request.GetStream().(io.ReadSeeker); seekable {
			plain, err := request.SetStream(struct{ io.ReadSeeker }{body})
			if err != nil {
				return middleware.DeserializeOutput{}, middleware.Metadata{}, err
			}
			in.Request = plain
		}
	}
	return next.HandleDeserialize(ctx, in)
}
