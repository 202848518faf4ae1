package awscloud

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
)

// guardItems are reconcile.Removals of one kind: what the guard decided about it, and its windows.
type guardItems struct {
	*State
	people string // pk of what was decided, before the domain
	window string // sk of a domain's window
}

var _ reconcile.Removals = guardItems{}

func (s *State) removals() guardItems { return guardItems{s, "removal#", "window"} }

// ChangeGuard is where the guard keeps what it decides about changes because of an edited row, apart from
// removals: the State itself is for those.
func (s *State) ChangeGuard() reconcile.Removals { return guardItems{s, "change#", "changes"} }

// Removal implements reconcile.Removals.
func (s *State) Removal(ctx context.Context, k reconcile.Key) (reconcile.Removal, error) {
	return s.removals().Removal(ctx, k)
}

// Removals implements reconcile.Removals.
func (s *State) Removals(ctx context.Context, domain string) ([]reconcile.Removal, error) {
	return s.removals().Removals(ctx, domain)
}

// Window implements reconcile.Removals.
func (s *State) Window(ctx context.Context, domain string) (reconcile.GuardWindow, error) {
	return s.removals().Window(ctx, domain)
}

// SetWindow implements reconcile.Removals.
func (s *State) SetWindow(ctx context.Context, domain string, w reconcile.GuardWindow) error {
	return s.removals().SetWindow(ctx, domain, w)
}

// Admit implements reconcile.Removals.
func (s *State) Admit(ctx context.Context, r reconcile.Removal, w reconcile.GuardWindow) error {
	return s.removals().Admit(ctx, r, w)
}

// Decide implements reconcile.Removals.
func (s *State) Decide(ctx context.Context, r reconcile.Removal) error {
	return s.removals().Decide(ctx, r)
}

// Drop implements reconcile.Removals.
func (s *State) Drop(ctx context.Context, k reconcile.Key) error { return s.removals().Drop(ctx, k) }

func (s guardItems) windowKey(domain string) item { return key("guard#"+domain, s.window) }

// Window implements reconcile.Removals. A window that cannot be understood is an error: taken for an empty
// one, it would let go as many again.
func (s guardItems) Window(ctx context.Context, domain string) (reconcile.GuardWindow, error) {
	it, err := s.get(ctx, s.windowKey(domain))
	if err != nil || it == nil {
		return reconcile.GuardWindow{}, err
	}
	w, err := windowOf(it)
	if err != nil {
		return reconcile.GuardWindow{}, s.request("GetItem", it).broken("%w; repair the item", err)
	}
	return w, nil
}

func windowOf(it item) (w reconcile.GuardWindow, err error) {
	if w.Start, err = timeOf(it, "start"); err != nil {
		return w, err
	}
	numbers := map[string]int64{}
	for _, name := range []string{"managed", "admitted", "version"} {
		if numbers[name], err = numberOf(it, name); err != nil {
			return w, err
		}
	}
	tripped, ok := it["tripped"].(*types.AttributeValueMemberBOOL)
	if !ok {
		return w, fmt.Errorf("attribute tripped: want a boolean (BOOL), found %s", kindOf(it["tripped"]))
	}
	w.Managed, w.Admitted = int(numbers["managed"]), int(numbers["admitted"])
	w.Version, w.Tripped = numbers["version"], tripped.Value
	return w, nil
}

// SetWindow implements reconcile.Removals. The writer's mark lets a repeated write, whose first answer was
// lost, through once more instead of being stopped by itself.
func (s guardItems) SetWindow(ctx context.Context, domain string, w reconcile.GuardWindow) error {
	put := s.windowWrite(domain, w)
	condition := *put.ConditionExpression + " OR #writer = :writer"
	put.ExpressionAttributeNames["#writer"] = "writer"
	put.Item["writer"] = text(rand.Text())
	put.ExpressionAttributeValues[":writer"] = put.Item["writer"]
	_, err := s.client().PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.Table, Item: put.Item, ConditionExpression: &condition,
		ExpressionAttributeNames: put.ExpressionAttributeNames, ExpressionAttributeValues: put.ExpressionAttributeValues,
	})
	if _, refused := errors.AsType[*types.ConditionalCheckFailedException](err); refused {
		err = fmt.Errorf("nothing was written: %w", ErrChanged)
	}
	if err != nil {
		return s.request("PutItem", put.Item).failed(err, nil)
	}
	return nil
}

// windowWrite puts the window with the next version, if it still has the version that was read. It has no
// expiry: a guard that tripped stays so until a person has decided.
func (s guardItems) windowWrite(domain string, w reconcile.GuardWindow) types.Put {
	it := s.windowKey(domain)
	it["start"], it["tripped"] = timeText(w.Start), truth(w.Tripped)
	it["managed"], it["admitted"] = number(int64(w.Managed)), number(int64(w.Admitted))
	it["version"] = number(w.Version + 1)
	condition, names, values := "#version = :version", map[string]string{"#version": "version"}, item{":version": number(w.Version)}
	if w.Version == 0 {
		condition, names, values = "attribute_not_exists(#pk)", map[string]string{"#pk": "pk"}, item{}
	}
	return types.Put{
		TableName: &s.Table, Item: it, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
}
