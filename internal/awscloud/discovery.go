package awscloud

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Discovery finds what a first configuration is made of: instances of IAM Identity Center, groups, and
// Studio domains, as far as the credentials see them. It only reads.
type Discovery struct {
	Session *Session
}

// FoundInstance is an instance of IAM Identity Center.
type FoundInstance struct {
	ID      string // ssoins-…
	StoreID string // of its identity store, d-…
	Region  string
}

// FoundDomain is a Studio domain, named as SageMaker names it.
type FoundDomain struct {
	studio.Domain
	Facts reconcile.DomainFacts
	// Instance is the id of the Identity Center instance that the domain's application belongs to; "" when
	// it names no application.
	Instance string
	// Err says why the domain could not be described; then only its id and name are known.
	Err error
}

// FoundGroup is a group of the identity store. A group may have no display name.
type FoundGroup struct{ ID, Name string }

// Region is where calls go that name no Region; "" when nothing says so.
func (d *Discovery) Region() string { return d.Session.base.Region }

// Instances lists the instances that can be used, sorted by identity store.
func (d *Discovery) Instances(ctx context.Context, at Place) ([]FoundInstance, error) {
	stores, err := (&Instances{Session: d.Session, At: at}).StoreIDs(ctx)
	if err != nil {
		return nil, err
	}
	var found []FoundInstance
	for _, id := range stores {
		arn, err := (&Instances{Session: d.Session, At: at, StoreID: id}).Instance(ctx)
		if err != nil {
			return nil, err
		}
		if arn != "" { // "" means that it went meanwhile
			found = append(found, FoundInstance{ID: instanceID(arn), StoreID: id, Region: d.Session.where(at).Region})
		}
	}
	return found, nil
}

// instanceID is the ssoins-… part of an instance's or application's ARN.
func instanceID(arn string) string {
	for part := range strings.SplitSeq(arn, "/") {
		if strings.HasPrefix(part, "ssoins-") {
			return part
		}
	}
	return ""
}

// listDomains and listedDomains are ListDomains' wire forms.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListDomains.html
type listDomains struct {
	MaxResults int
	NextToken  *string `json:",omitempty"`
}

type listedDomains struct {
	Domains []struct {
		DomainID   string `json:"DomainId"`
		DomainName string
	}
	NextToken *string
}

// Domains lists the Studio domains of a place and describes each. A domain that cannot be described is
// found nevertheless, with the reason.
func (d *Discovery) Domains(ctx context.Context, at Place) ([]FoundDomain, error) {
	const operation = "ListDomains"
	r := request{action: "sagemaker:" + operation, on: "the Studio domains", at: d.Session.where(at)}
	var found []FoundDomain
	err := everyPage(r, func(token *string) (*string, error) {
		var page listedDomains
		if err := d.Session.jsonAt(sagemakerAPI(), at).call(ctx, operation, listDomains{studioPage, token}, &page); err != nil {
			return nil, r.failed(err, meaning(operation, err))
		}
		for _, item := range page.Domains {
			if item.DomainID == "" {
				return nil, r.broken("domain %q has no id", item.DomainName)
			}
			found = append(found, FoundDomain{Domain: studio.Domain{
				Name: item.DomainName, ID: item.DomainID, Region: r.at.Region, Account: at.Account, AssumeRole: at.Role,
			}})
		}
		return page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return d.described(ctx, found), nil
}

// described describes the domains; those that went since they were listed are left out.
func (d *Discovery) described(ctx context.Context, found []FoundDomain) []FoundDomain {
	var are []FoundDomain
	for _, one := range found {
		one.Facts, one.Err = (&Domains{d.Session}).Facts(ctx, one.Domain)
		if errors.Is(one.Err, reconcile.ErrGone) {
			continue
		}
		one.Instance = instanceID(one.Facts.Application)
		are = append(are, one)
	}
	return are
}

// Groups lists all groups of an identity store. After each page progress is told how many there are so far.
func (d *Discovery) Groups(ctx context.Context, at Place, storeID string, progress func(found int)) ([]FoundGroup, error) {
	r := request{action: "identitystore:ListGroups", on: fmt.Sprintf("the groups of identity store %s", storeID), at: d.Session.where(at)}
	var found []FoundGroup
	err := everyPage(r, func(token *string) (*string, error) {
		page, err := d.Session.identitystoreAt(at).ListGroups(ctx, &identitystore.ListGroupsInput{
			IdentityStoreId: &storeID, MaxResults: aws.Int32(identityPage), NextToken: token,
		})
		if err != nil {
			return nil, r.failed(err, nil)
		}
		for _, g := range page.Groups {
			if aws.ToString(g.GroupId) == "" {
				return nil, r.broken("group %q has no id", aws.ToString(g.DisplayName))
			}
			found = append(found, FoundGroup{ID: *g.GroupId, Name: aws.ToString(g.DisplayName)})
		}
		progress(len(found))
		return page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
