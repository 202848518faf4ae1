package awscloud

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
)

// sortedTime sorts as text as it does in time, which conditions rest on: UTC, always nine digits of a second.
const sortedTime = "2006-01-02T15:04:05.000000000Z"

func timeText(t time.Time) types.AttributeValue { return text(t.UTC().Format(sortedTime)) }

func (s guardItems) decisionKey(k reconcile.Key) item { return key(s.people+k.Domain, k.UserID) }

// Removal implements reconcile.Removals.
func (s guardItems) Removal(ctx context.Context, k reconcile.Key) (reconcile.Removal, error) {
	it, err := s.get(ctx, s.decisionKey(k))
	if err != nil || it == nil {
		return reconcile.Removal{}, err
	}
	return s.removal("GetItem", k.Domain, it)
}

// Removals implements reconcile.Removals.
func (s guardItems) Removals(ctx context.Context, domain string) ([]reconcile.Removal, error) {
	var all []reconcile.Removal
	err := s.query(ctx, s.people+domain, func(it item) error {
		r, err := s.removal("Query", domain, it)
		all = append(all, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Admit implements reconcile.Removals with one transaction, so that a person is decided about and counted, or
// neither. The SDK gives it a ClientRequestToken, by which DynamoDB recognises a write that is repeated
// because its answer was lost. A rejection without an end is never replaced here.
func (s guardItems) Admit(ctx context.Context, r reconcile.Removal, w reconcile.GuardWindow) error {
	of := s.request("TransactWriteItems", s.windowKey(r.Domain))
	of.on += fmt.Sprintf(", removal of user %q", r.UserID)
	if !known(r.Decision) {
		return of.failed(noDecision(r), nil)
	}
	decided, window := s.decision(r), s.windowWrite(r.Domain, w)
	_, err := s.client().TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{{Put: &decided}, {Put: &window}},
	})
	if err == nil {
		return nil
	}
	changed, _, other := cancelled(err, 2)
	switch {
	case other != nil:
		return of.failed(other, nil)
	case len(changed) == 0:
		return of.failed(err, nil)
	}
	return of.failed(fmt.Errorf("nothing was written: %w", ErrChanged), nil)
}

// decision puts a removal where there is none yet, or a rejection that is over, or one for another target.
func (s guardItems) decision(r reconcile.Removal) types.Put {
	condition := "attribute_not_exists(#pk) OR (#decision = :rejected AND #until <= :at)"
	put := types.Put{
		TableName: &s.Table, Item: s.removalItem(r), ConditionExpression: &condition,
		ExpressionAttributeNames:  map[string]string{"#pk": "pk", "#decision": "decision", "#until": "until"},
		ExpressionAttributeValues: item{":rejected": text(string(reconcile.Rejected)), ":at": timeText(r.At)},
	}
	if r.Target != "" {
		condition += " OR #target <> :target"
		put.ExpressionAttributeNames["#target"], put.ExpressionAttributeValues[":target"] = "target", text(r.Target)
	}
	return put
}

// Decide implements reconcile.Removals.
func (s guardItems) Decide(ctx context.Context, r reconcile.Removal) error {
	it := s.removalItem(r)
	if !known(r.Decision) {
		return s.request("PutItem", it).failed(noDecision(r), nil)
	}
	if _, err := s.client().PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table, Item: it}); err != nil {
		return s.request("PutItem", it).failed(err, nil)
	}
	return nil
}

// Drop implements reconcile.Removals.
func (s guardItems) Drop(ctx context.Context, k reconcile.Key) error {
	return s.drop(ctx, s.decisionKey(k))
}

// removalItem has no expiry: what was decided holds until it is dropped.
func (s guardItems) removalItem(r reconcile.Removal) item {
	it := s.decisionKey(r.Key)
	it["userName"], it["profile"] = text(r.UserName), text(r.Profile)
	it["decision"], it["reason"], it["why"] = text(string(r.Decision)), text(r.Reason), text(r.Why)
	it["at"] = timeText(r.At)
	if r.Target != "" {
		it["target"], it["from"], it["to"] = text(r.Target), text(r.From), text(r.To)
	}
	if !r.Until.IsZero() {
		it["until"] = timeText(r.Until)
	}
	return it
}

// removal reads an item. One that was not written by us is an error: passed over, the person would be
// decided about once more.
func (s guardItems) removal(operation, domain string, it item) (reconcile.Removal, error) {
	r := reconcile.Removal{
		Key:      reconcile.Key{Domain: domain, UserID: stringOf(it, "sk")},
		UserName: stringOf(it, "userName"), Profile: stringOf(it, "profile"),
		Decision: reconcile.Decision(stringOf(it, "decision")), Reason: stringOf(it, "reason"), Why: stringOf(it, "why"),
		Target: stringOf(it, "target"), From: stringOf(it, "from"), To: stringOf(it, "to"),
	}
	var err error
	if !known(r.Decision) {
		err = noDecision(r)
	} else if r.At, err = timeOf(it, "at"); err == nil && it["until"] != nil {
		r.Until, err = timeOf(it, "until")
	}
	if err != nil {
		return reconcile.Removal{}, s.request(operation, it).broken("user %q: %w; delete the item or repair it", r.UserID, err)
	}
	return r, nil
}

func known(d reconcile.Decision) bool {
	return d == reconcile.Admitted || d == reconcile.Held || d == reconcile.Rejected
}

func noDecision(r reconcile.Removal) error {
	return fmt.Errorf("the removal has decision %q; want admitted, held or rejected", r.Decision)
}

// timeOf reads a time that must be there.
func timeOf(it item, name string) (time.Time, error) {
	t, err := time.Parse(sortedTime, stringOf(it, name))
	if err != nil {
		return time.Time{}, fmt.Errorf("attribute %s: %w", name, err)
	}
	return t, nil
}
