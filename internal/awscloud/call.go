package awscloud

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// API describes a service that speaks AWS JSON, to the adapters beside this package.
type API struct {
	ID      string // the SDK's service id
	Target  string // what comes before the operation in X-Amz-Target
	Signing string // service name in the signature
	Host    string // what comes before .<region>.amazonaws.com
	Version string // of AWS JSON; "" means 1.1
	Prefix  string // of actions in IAM; "" means Signing
}

// Call asks such a service; on is what errors say it was about. One that says that this does not exist is reconcile.ErrGone.
func (s *Session) Call(ctx context.Context, api API, at Place, operation, on string, in, out any) error {
	client := s.jsonAt(jsonAPI{id: api.ID, target: api.Target, signing: api.Signing, host: api.Host, version: api.Version}, at)
	if err := client.call(ctx, operation, in, out); err != nil {
		return s.Failed(cmp.Or(api.Prefix, api.Signing)+":"+operation, on, at, err)
	}
	return nil
}

// Config is what an SDK client for a place is made from, for the adapters beside this package.
func (s *Session) Config(at Place) aws.Config { return s.at(at) }

// Failed says of a call that it failed, in the words of this package: the action as IAM spells it, and what
// it was about. What AWS says does not exist is reconcile.ErrGone.
func (s *Session) Failed(action, on string, at Place, err error) error {
	var meaning error
	if FaultOf(err) == Missing {
		meaning = reconcile.ErrGone
	}
	return request{action: action, on: on, at: s.where(at)}.failed(err, meaning)
}

// PlaceOf is where a Studio domain is.
func PlaceOf(d studio.Domain) Place { return placeOf(d) }
