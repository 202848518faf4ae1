package awscloud

import (
	"context"
	"slices"

	"studiokeeper/internal/reconcile"
)

// ssoAdminID is the SDK's service id of IAM Identity Center's own API.
const ssoAdminID = "SSO Admin"

func ssoAdminAPI() jsonAPI {
	return jsonAPI{id: ssoAdminID, target: "SWBExternalService", signing: "sso", host: "sso"}
}

// Instances is reconcile.Instances on IAM Identity Center.
type Instances struct {
	Session *Session
	// At is Identity Center's Region and, where it lies in another account, how to get there.
	At Place
	// StoreID is the identity store's id, d-…; only Instance needs it.
	StoreID string
}

var _ reconcile.Instances = (*Instances)(nil)

// listInstances and the types below are ListInstances' wire forms.
// https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListInstances.html
type listInstances struct {
	MaxResults int
	NextToken  *string `json:",omitempty"`
}

type listedInstances struct {
	Instances []instance
	NextToken *string
}

type instance struct {
	InstanceArn     string
	IdentityStoreID string `json:"IdentityStoreId"`
	Status          string
}

// Instance implements reconcile.Instances.
func (i *Instances) Instance(ctx context.Context) (string, error) {
	all, err := i.list(ctx)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(all, func(is instance) bool { return is.IdentityStoreID == i.StoreID })
	if at < 0 {
		return "", nil
	}
	return all[at].InstanceArn, nil
}

// StoreIDs lists the identity stores of the instances that these credentials see in the Region, sorted;
// instances that are being deleted, or could not be made, are left out. A configuration that names no
// identity store can use the only one.
func (i *Instances) StoreIDs(ctx context.Context) ([]string, error) {
	all, err := i.list(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, is := range all {
		if is.Status != "DELETE_IN_PROGRESS" && is.Status != "CREATE_FAILED" {
			ids = append(ids, is.IdentityStoreID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (i *Instances) list(ctx context.Context) ([]instance, error) {
	r := request{action: "sso:ListInstances", on: "the instances of IAM Identity Center", at: i.Session.where(i.At)}
	var all []instance
	err := everyPage(r, func(token *string) (*string, error) {
		var page listedInstances
		if err := i.Session.jsonAt(ssoAdminAPI(), i.At).call(ctx, "ListInstances", listInstances{identityPage, token}, &page); err != nil {
			return nil, r.failed(err, nil)
		}
		for _, is := range page.Instances {
			if is.InstanceArn == "" || is.IdentityStoreID == "" {
				return nil, r.broken("an instance has ARN %q and identity store %q", is.InstanceArn, is.IdentityStoreID)
			}
		}
		all = append(all, page.Instances...)
		return page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
