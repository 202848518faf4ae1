// Command emptyfunction is a Lambda function that does nothing: what ours is
// measured against.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context, []byte) (string, error) { return "", nil })
}
