package awscloud

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"studiokeeper/internal/reconcile"
)

// toldFor is how long what was told counts as told, and toldKept how long that is remembered.
const (
	toldFor  = 24 * time.Hour
	toldKept = 7 * 24 * time.Hour
)

// toldKey has an item for everything told: of two things that stay the same, neither makes the other new.
func toldKey(k reconcile.Key, what string) item {
	return key("told#"+k.Domain+"#"+k.UserID, "told#"+what)
}

// Told implements reconcile.Journal. A time that cannot be understood, or lies more than a day ahead, is no
// time at which it was told: telling twice is better than being silent for good.
func (s *State) Told(ctx context.Context, k reconcile.Key, what string) (bool, error) {
	it, err := s.get(ctx, toldKey(k, what))
	if err != nil || it == nil {
		return false, err
	}
	at, err := numberOf(it, "at")
	return err == nil && s.now().Sub(time.UnixMilli(at)).Abs() < toldFor, nil
}

// Tell implements reconcile.Journal.
func (s *State) Tell(ctx context.Context, k reconcile.Key, what string) error {
	now := s.now()
	it := toldKey(k, what)
	it["at"], it["expires"] = number(now.UnixMilli()), number(now.Add(toldKept).Unix())
	if _, err := s.client().PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table, Item: it}); err != nil {
		return s.request("PutItem", it).failed(err, nil)
	}
	return nil
}
