package awscloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"studiokeeper/internal/reconcile"
)

// Caller is who AWS takes us for.
type Caller struct {
	Account string // 12 digits
	ARN     string // of the user, or of the assumed role with its session
}

// CallerIdentity asks who the credentials of a place belong to. No permission is needed for it, so it fails
// only when the credentials, the role to assume or the way to AWS do.
func (s *Session) CallerIdentity(ctx context.Context, at Place) (Caller, error) {
	r := request{action: "sts:GetCallerIdentity", on: "the credentials", at: s.where(at)}
	out, err := s.stsAt(at).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	switch {
	case err != nil:
		return Caller{}, r.failed(err, nil)
	case aws.ToString(out.Account) == "":
		return Caller{}, r.broken("it names no account")
	}
	return Caller{Account: *out.Account, ARN: aws.ToString(out.Arn)}, nil
}

// Callers is reconcile.Callers on STS.
type Callers struct {
	Session *Session
	At      Place
}

var _ reconcile.Callers = (*Callers)(nil)

// CallerARN implements reconcile.Callers.
func (c *Callers) CallerARN(ctx context.Context) (string, error) {
	caller, err := c.Session.CallerIdentity(ctx, c.At)
	if err == nil && caller.ARN == "" {
		err = request{action: "sts:GetCallerIdentity", on: "the credentials", at: c.Session.where(c.At)}.broken("it names no ARN")
	}
	return caller.ARN, err
}
