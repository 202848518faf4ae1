package awscloud

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"studiokeeper/internal/reconcile"
)

func personKey(k reconcile.Key) item { return key("person#"+k.Domain, k.UserID) }

// ownerKey is that of the item which tells whose a profile is: SageMaker's names are not case sensitive.
func ownerKey(domain, profile string) item { return key("profile#"+domain, strings.ToLower(profile)) }

// Person implements reconcile.Persons.
func (s *State) Person(ctx context.Context, k reconcile.Key) (reconcile.Person, error) {
	it, err := s.get(ctx, personKey(k))
	if err != nil || it == nil {
		return reconcile.Person{}, err
	}
	return s.person("GetItem", k.Domain, it)
}

// person reads an item. One without a profile was not written by us, and is not passed over.
func (s *State) person(operation, domain string, it item) (reconcile.Person, error) {
	p := reconcile.Person{
		Key:     reconcile.Key{Domain: domain, UserID: stringOf(it, "sk")},
		Profile: stringOf(it, "profile"), GroupID: stringOf(it, "group"),
	}
	if p.UserID == "" || p.Profile == "" {
		return reconcile.Person{}, s.request(operation, it).broken("user %q has no attribute profile; delete the item or repair it", p.UserID)
	}
	p.Role = stringOf(it, "role")
	p.Ready, p.Leaving, p.Changing = isTrue(it, "ready"), isTrue(it, "leaving"), isTrue(it, "changing")
	for name, at := range map[string]*time.Time{"since": &p.Since, "settled": &p.Settled, "asked": &p.Asked} {
		written := stringOf(it, name)
		if written == "" {
			continue
		}
		var err error
		if *at, err = time.Parse(time.RFC3339Nano, written); err != nil {
			return reconcile.Person{}, s.request(operation, it).broken("user %q: attribute %s: %w", p.UserID, name, err)
		}
	}
	return p, nil
}

// Remember implements reconcile.Persons. The last one to write is right: what a person has is always read
// from SageMaker.
func (s *State) Remember(ctx context.Context, p reconcile.Person) error {
	it := personKey(p.Key)
	it["profile"], it["group"], it["role"] = text(p.Profile), text(p.GroupID), text(p.Role)
	it["ready"], it["leaving"], it["changing"] = truth(p.Ready), truth(p.Leaving), truth(p.Changing)
	for name, at := range map[string]time.Time{"since": p.Since, "settled": p.Settled, "asked": p.Asked} {
		if !at.IsZero() {
			it[name] = text(at.UTC().Format(time.RFC3339Nano))
		}
	}
	if _, err := s.client().PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table, Item: it}); err != nil {
		return s.request("PutItem", it).failed(err, nil)
	}
	return nil
}

// Own implements reconcile.Persons.
func (s *State) Own(ctx context.Context, p reconcile.Person) error {
	it := ownerKey(p.Domain, p.Profile)
	it["user"] = text(p.UserID)
	if _, err := s.client().PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table, Item: it}); err != nil {
		return s.request("PutItem", it).failed(err, nil)
	}
	return nil
}

// Owner implements reconcile.Persons.
func (s *State) Owner(ctx context.Context, domain, profile string) (string, error) {
	it, err := s.get(ctx, ownerKey(domain, profile))
	return stringOf(it, "user"), err
}

// Forget implements reconcile.Persons. The person goes last: until then a pass finds them.
func (s *State) Forget(ctx context.Context, p reconcile.Person) error {
	if err := s.drop(ctx, ownerKey(p.Domain, p.Profile)); err != nil {
		return err
	}
	return s.drop(ctx, personKey(p.Key))
}

// Managed implements reconcile.Persons.
func (s *State) Managed(ctx context.Context, domain string) ([]reconcile.Person, error) {
	var persons []reconcile.Person
	err := s.EachManaged(ctx, domain, func(p reconcile.Person) { persons = append(persons, p) })
	if err != nil {
		return nil, err
	}
	return persons, nil
}

// EachManaged implements reconcile.Persons. Groups and roles, which many share, are handed on as one string each.
func (s *State) EachManaged(ctx context.Context, domain string, each func(reconcile.Person)) error {
	same := shared{}
	return s.query(ctx, "person#"+domain, func(it item) error {
		p, err := s.person("Query", domain, it)
		if err != nil {
			return err
		}
		p.GroupID, p.Role = same.one(p.GroupID), same.one(p.Role)
		each(p)
		return nil
	})
}
