// Command studiokeeper-lambda is the bootstrap of the Lambda function.
package main

import (
	"os"

	"studiokeeper/internal/app"
)

func main() {
	app.RunFunction(os.LookupEnv, os.Stderr, nil)
}
