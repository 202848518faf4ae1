package awscloud

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"studiokeeper/internal/reconcile"
)

var _ reconcile.Register = (*State)(nil)

func domainKey(name string) item { return key("domains", name) }

// Registered implements reconcile.Register.
func (s *State) Registered(ctx context.Context) ([]reconcile.DomainRecord, error) {
	var all []reconcile.DomainRecord
	err := s.query(ctx, "domains", func(it item) error {
		d := reconcile.DomainRecord{Name: stringOf(it, "sk"), ID: stringOf(it, "id"), StoreID: stringOf(it, "store"), Deployment: stringOf(it, "deployment")}
		if d.Name == "" || d.ID == "" {
			return s.request("Query", it).broken("the record of domain %q has no id; delete the item or repair it", d.Name)
		}
		passed, _ := numberOf(it, "passed")
		took, _ := numberOf(it, "took")
		profiles, _ := numberOf(it, "profiles")
		if passed > 0 {
			d.Passed = time.UnixMilli(passed).UTC()
		}
		if succeeded, _ := numberOf(it, "succeeded"); succeeded > 0 {
			d.Succeeded = time.UnixMilli(succeeded).UTC()
		}
		if deep, _ := numberOf(it, "deep"); deep > 0 {
			d.Deep = time.UnixMilli(deep).UTC()
		}
		d.Took, d.Profiles = time.Duration(took)*time.Millisecond, int(profiles)
		all = append(all, d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Register implements reconcile.Register. The last one to write is right.
func (s *State) Register(ctx context.Context, d reconcile.DomainRecord) error {
	it := domainKey(d.Name)
	it["id"], it["store"], it["deployment"] = text(d.ID), text(d.StoreID), text(d.Deployment)
	it["took"], it["profiles"] = number(d.Took.Milliseconds()), number(int64(d.Profiles))
	if !d.Passed.IsZero() {
		it["passed"] = number(d.Passed.UnixMilli())
	}
	if !d.Succeeded.IsZero() {
		it["succeeded"] = number(d.Succeeded.UnixMilli())
	}
	if !d.Deep.IsZero() {
		it["deep"] = number(d.Deep.UnixMilli())
	}
	if _, err := s.client().PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table, Item: it}); err != nil {
		return s.request("PutItem", it).failed(err, nil)
	}
	return nil
}

// Unregister implements reconcile.Register.
func (s *State) Unregister(ctx context.Context, name string) error {
	return s.drop(ctx, domainKey(name))
}
