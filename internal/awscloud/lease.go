package awscloud

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
)

// leaseKept is how long after its end a lease may be forgotten.
const leaseKept = 24 * time.Hour

// acquireRounds bounds how often Acquire starts over because the holder let go in between.
const acquireRounds = 5

func leaseKey(k reconcile.Key) item { return key("lease#"+k.Domain+"#"+k.UserID, "lease") }

func leaseNames() map[string]string {
	return map[string]string{"#pk": "pk", "#owner": "owner", "#until": "until", "#expires": "expires"}
}

// Acquire implements reconcile.Leases. Its expiry is compared in the condition, in milliseconds. An owner
// that holds the lease renews it. The mark of having been asked for outlives both renewal and takeover: at
// worst that costs one look too many. Only when the lease changes hands on every try does it stay unmarked.
func (s *State) Acquire(ctx context.Context, k reconcile.Key, owner string, ttl time.Duration) (bool, error) {
	for range acquireRounds {
		if taken, err := s.take(ctx, k, owner, ttl); err != nil || taken {
			return taken, err
		}
		if marked, err := s.ask(ctx, k); err != nil || marked {
			return false, err
		}
	}
	return false, nil
}

// take gets or renews a lease that is free, over or the owner's already.
func (s *State) take(ctx context.Context, k reconcile.Key, owner string, ttl time.Duration) (bool, error) {
	now := s.now()
	until := now.Add(ttl)
	_, taken, err := s.update(ctx, leaseKey(k),
		"SET #owner = :owner, #until = :until, #expires = :expires",
		"attribute_not_exists(#pk) OR #until <= :now OR #owner = :owner",
		leaseNames(),
		item{":owner": text(owner), ":now": number(now.UnixMilli()), ":until": number(until.UnixMilli()), ":expires": number(until.Add(leaseKept).Unix())})
	return taken, err
}

// ask marks a lease that somebody holds as asked for. It makes no lease: when the holder has let go since,
// it answers false.
func (s *State) ask(ctx context.Context, k reconcile.Key) (bool, error) {
	_, marked, err := s.update(ctx, leaseKey(k),
		"SET #wanted = :yes", "attribute_exists(#pk) AND #until > :now",
		map[string]string{"#pk": "pk", "#until": "until", "#wanted": "wanted"},
		item{":yes": yes(), ":now": number(s.now().UnixMilli())})
	return marked, err
}

// Release implements reconcile.Leases: it deletes the lease if it is the owner's and nobody asked for it.
// Otherwise the mark is taken away and the lease stays, to be looked under once more.
func (s *State) Release(ctx context.Context, k reconcile.Key, owner string) (bool, error) {
	condition := "#owner = :owner AND attribute_not_exists(#wanted)"
	_, err := s.client().DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.Table, Key: leaseKey(k), ConditionExpression: &condition,
		ExpressionAttributeNames:            map[string]string{"#owner": "owner", "#wanted": "wanted"},
		ExpressionAttributeValues:           item{":owner": text(owner)},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err == nil {
		return false, nil
	}
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return false, s.request("DeleteItem", leaseKey(k)).failed(err, nil)
	}
	if stringOf(refused.Item, "owner") != owner {
		return false, nil
	}
	_, kept, err := s.update(ctx, leaseKey(k), "REMOVE #wanted", "#owner = :owner",
		map[string]string{"#owner": "owner", "#wanted": "wanted"}, item{":owner": text(owner)})
	return kept, err
}
