package awscloud

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
)

// PrincipalTypes of sso-admin, with which the sort keys of assignments begin.
const (
	groupPrincipal = "GROUP"
	userPrincipal  = "USER"
)

func principalType(p reconcile.Principal) string {
	if p.Group {
		return groupPrincipal
	}
	return userPrincipal
}

func assignmentKey(domain string, p reconcile.Principal) item {
	return key("assignment#"+domain, principalType(p)+"#"+p.ID)
}

// Assigned implements reconcile.Assignments.
func (s *State) Assigned(ctx context.Context, domain string, p reconcile.Principal) (known, ours bool, err error) {
	it, err := s.get(ctx, assignmentKey(domain, p))
	if err != nil || it == nil {
		return false, false, err
	}
	_, is, err := s.assignment("GetItem", it)
	return err == nil && !is.Begun, is.Ours, err
}

// Assignments implements reconcile.Assignments.
func (s *State) Assignments(ctx context.Context, domain string) (map[reconcile.Principal]reconcile.Assignment, error) {
	recorded := map[reconcile.Principal]reconcile.Assignment{}
	err := s.query(ctx, "assignment#"+domain, func(it item) error {
		p, is, err := s.assignment("Query", it)
		recorded[p] = is
		return err
	})
	if err != nil {
		return nil, err
	}
	return recorded, nil
}

// assignment reads an item; one that was begun is taken for ours. One that was not written by us is an error: taken for anything else, an
// assignment of somebody else's could be removed, or one of ours stay.
func (s *State) assignment(operation string, it item) (reconcile.Principal, reconcile.Assignment, error) {
	kind, id, _ := strings.Cut(stringOf(it, "sk"), "#")
	begun := it["ours"] == nil && isTrue(it, "begun")
	ours, ok := it["ours"].(*types.AttributeValueMemberBOOL)
	if begun {
		ours, ok = &types.AttributeValueMemberBOOL{Value: true}, true
	}
	if !ok || id == "" || kind != groupPrincipal && kind != userPrincipal {
		return reconcile.Principal{}, reconcile.Assignment{}, s.request(operation, it).broken("%q is no record of an assignment; delete the item or repair it", stringOf(it, "sk"))
	}
	return reconcile.Principal{Group: kind == groupPrincipal, ID: id}, reconcile.Assignment{Ours: ours.Value, Begun: begun}, nil
}

// BeginAssignment implements reconcile.Assignments: what is recorded already stays as it is.
func (s *State) BeginAssignment(ctx context.Context, domain string, p reconcile.Principal) (earlier bool, err error) {
	of := assignmentKey(domain, p)
	is, begun, err := s.update(ctx, of, "SET #begun = :yes", "attribute_not_exists(#ours) AND attribute_not_exists(#begun)",
		map[string]string{"#ours": "ours", "#begun": "begun"}, item{":yes": yes()})
	if err != nil || begun {
		return false, err
	}
	_, known, err := s.assignment("UpdateItem", is)
	return known.Ours, err
}

// AbandonAssignment implements reconcile.Assignments.
func (s *State) AbandonAssignment(ctx context.Context, domain string, p reconcile.Principal) error {
	of := assignmentKey(domain, p)
	_, err := s.client().DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.Table, Key: of,
		ConditionExpression:      aws.String("attribute_not_exists(#ours)"),
		ExpressionAttributeNames: map[string]string{"#ours": "ours"},
	})
	if _, recorded := errors.AsType[*types.ConditionalCheckFailedException](err); err == nil || recorded {
		return nil
	}
	return s.request("DeleteItem", of).failed(err, nil)
}

// RecordAssignment implements reconcile.Assignments in one write, whoever else writes. The item has no
// expiry: only what is recorded is ever removed.
func (s *State) RecordAssignment(ctx context.Context, domain string, p reconcile.Principal, ours bool) error {
	change := "SET #ours = if_not_exists(#ours, :ours) REMOVE #begun"
	if ours {
		change = "SET #ours = :ours REMOVE #begun"
	}
	_, _, err := s.update(ctx, assignmentKey(domain, p), change, "",
		map[string]string{"#ours": "ours", "#begun": "begun"}, item{":ours": truth(ours)})
	return err
}

// ForgetAssignment implements reconcile.Assignments.
func (s *State) ForgetAssignment(ctx context.Context, domain string, p reconcile.Principal) error {
	return s.drop(ctx, assignmentKey(domain, p))
}
