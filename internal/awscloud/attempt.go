package awscloud

import (
	"context"
	"fmt"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// What one attempt of a call may take until its answer is complete. One that hangs would otherwise take all the time
// that its caller has, and none would be left to try again.
const (
	attemptTime = 15 * time.Second
	pollTime    = 35 * time.Second // of a poll, which waits up to 20 seconds for a message
)

// attempt sends a call once. One that took too long is a slowError, which is tried again: it may have taken effect.
func attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	most := attemptTime
	if awsmiddleware.GetOperationName(ctx) == "ReceiveMessage" {
		most = pollTime
	}
	once, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	out, metadata, err := next.HandleFinalize(once, in)
	if err != nil && once.Err() != nil && ctx.Err() == nil {
		err = &slowError{most}
	}
	return out, metadata, err
}

// slowError is an attempt without an answer.
type slowError struct{ after time.Duration }

func (e *slowError) Error() string {
	return fmt.Sprintf("no answer within %s; it may have taken effect all the same", e.after)
}
