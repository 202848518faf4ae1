// Command studiokeeper-directory is the bootstrap of the directory's Lambda
// function, which carries Active Directory into IAM Identity Center.
package main

import (
	"os"

	"studiokeeper/internal/carry"
)

func main() {
	carry.RunFunction(os.LookupEnv, os.Stderr, nil)
}
