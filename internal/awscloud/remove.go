package awscloud

import (
	"context"
	"errors"
	"fmt"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Remover is reconcile.Remover on SageMaker, in the accounts and Regions that the domains name.
type Remover struct {
	Session *Session
}

var _ reconcile.Remover = (*Remover)(nil)

// deleteTags and the types below are the wire forms of what takes away.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteUserProfile.html
type deleteTags struct {
	ResourceArn string
	TagKeys     []string
}

type deleteSpace struct {
	DomainID  string `json:"DomainId"`
	SpaceName string
}

type deleteProfile struct {
	DomainID        string `json:"DomainId"`
	UserProfileName string
}

// Untag implements reconcile.Remover. Without keys there is nothing to do.
func (r *Remover) Untag(ctx context.Context, d studio.Domain, p studio.Profile, keys ...string) error {
	const operation = "DeleteTags"
	on := profileIn(d, p.Name)
	if p.ARN == "" {
		return studioRequest(d, operation, on).failed(errors.New("the profile's ARN is not known; read it before taking tags from it"), nil)
	}
	if len(keys) == 0 {
		return nil
	}
	return r.remove(ctx, d, operation, on, deleteTags{p.ARN, keys})
}

// DeleteSpace implements reconcile.Remover.
func (r *Remover) DeleteSpace(ctx context.Context, d studio.Domain, space string) error {
	return r.remove(ctx, d, "DeleteSpace", fmt.Sprintf("space %q in domain %s", space, d.ID), deleteSpace{d.ID, space})
}

// DeleteProfile implements reconcile.Remover.
func (r *Remover) DeleteProfile(ctx context.Context, d studio.Domain, name string) error {
	return r.remove(ctx, d, "DeleteUserProfile", profileIn(d, name), deleteProfile{d.ID, name})
}

// remove takes what is gone, or going, for removed; a domain that is missing is neither.
func (r *Remover) remove(ctx context.Context, d studio.Domain, operation, on string, in any) error {
	err := callStudio(ctx, r.Session, d, operation, on, in, nil)
	if errors.Is(err, reconcile.ErrGone) {
		return nil
	}
	return err
}
