// Package conformance holds what studiokeeper rests on of AWS, as contracts: behaviours with a name, each
// asked once through the SDK's clients. The tests ask them of the local cloud and, with credentials and on
// request, of AWS itself, so that what passes on the one can be believed of the other. The same calls are also
// made by the AWS CLI and by boto3, whose view of the answers has to be the Go SDK's.
//
// There is nothing here to import: docs/conformance.md says how to ask AWS, and what that costs.
package conformance
