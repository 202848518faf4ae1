package awscloud

import (
	"context"
	"encoding/json"
	"fmt"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Domains is reconcile.DomainReader on SageMaker and STS, in the accounts and Regions that the domains name.
type Domains struct {
	Session *Session
}

var _ reconcile.DomainReader = (*Domains)(nil)

// describeDomain and describedDomain are DescribeDomain's wire forms.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeDomain.html
type describeDomain struct {
	DomainID string `json:"DomainId"`
}

type describedDomain struct {
	DomainID                   string `json:"DomainId"`
	Status                     string
	AuthMode                   string
	URL                        string `json:"Url"`
	SingleSignOnApplicationArn string
	HomeEfsFileSystemID        string `json:"HomeEfsFileSystemId"`
	DefaultUserSettings        struct{ ExecutionRole string }
	DefaultSpaceSettings       struct{ ExecutionRole string }
	DomainSettings             struct {
		UnifiedStudioSettings       json.RawMessage
		ExecutionRoleIdentityConfig string
	}
}

// Facts implements reconcile.DomainReader.
func (r *Domains) Facts(ctx context.Context, d studio.Domain) (reconcile.DomainFacts, error) {
	const operation = "DescribeDomain"
	on := fmt.Sprintf("domain %q (%s)", d.Name, d.ID)
	var is describedDomain
	if err := callStudio(ctx, r.Session, d, operation, on, describeDomain{d.ID}, &is); err != nil {
		return reconcile.DomainFacts{}, err
	}
	if is.DomainID != d.ID || is.Status == "" || is.AuthMode == "" {
		return reconcile.DomainFacts{}, studioRequest(d, operation, on).broken(
			"it describes domain %q with status %q and AuthMode %q", is.DomainID, is.Status, is.AuthMode)
	}
	unified := string(is.DomainSettings.UnifiedStudioSettings)
	return reconcile.DomainFacts{
		Status: is.Status, AuthMode: is.AuthMode, Unified: unified != "" && unified != "null",
		Application: is.SingleSignOnApplicationArn, DefaultRole: is.DefaultUserSettings.ExecutionRole, URL: is.URL,
		FileSystem: is.HomeEfsFileSystemID, SpaceRole: is.DefaultSpaceSettings.ExecutionRole,
		NamesUsers: is.DomainSettings.ExecutionRoleIdentityConfig == "USER_PROFILE_NAME",
	}, nil
}

// CallerAccount implements reconcile.DomainReader.
func (r *Domains) CallerAccount(ctx context.Context, d studio.Domain) (string, error) {
	caller, err := r.Session.CallerIdentity(ctx, placeOf(d))
	return caller.Account, err
}
