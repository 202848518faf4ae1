package awscloud

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Shelf keeps items of texts under one hash key of the state table, for the adapters beside this package.
// One query reads them all.
type Shelf struct {
	State *State
	// Key is the hash key, which no other kind of item has.
	Key string
}

// ShelfItem is what one range key holds. A text that is "" is not stored.
type ShelfItem struct {
	Name  string // the range key
	Texts map[string]string
}

// All reads every item, strongly consistent, in the order of their names. What is no text is an error: it is
// not ours, and must not be passed over.
func (s Shelf) All(ctx context.Context) ([]ShelfItem, error) {
	var all []ShelfItem
	err := s.State.query(ctx, s.Key, func(it item) error {
		one := ShelfItem{Name: stringOf(it, "sk"), Texts: map[string]string{}}
		for name, value := range it {
			written, ok := value.(*types.AttributeValueMemberS)
			switch {
			case !ok:
				return s.Broken(one.Name, fmt.Errorf("attribute %s: want a string (S), found %s", name, kindOf(value)))
			case name != "pk" && name != "sk":
				one.Texts[name] = written.Value
			}
		}
		all = append(all, one)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Put stores or replaces items with different names, in as few calls as there are dozens of them. Idempotent.
func (s Shelf) Put(ctx context.Context, items []ShelfItem) error {
	writes := make([]types.WriteRequest, 0, len(items))
	for _, one := range items {
		it := key(s.Key, one.Name)
		for name, value := range one.Texts {
			if value != "" {
				it[name] = text(value)
			}
		}
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	}
	return s.State.writeAll(ctx, writes)
}

// Drop deletes an item. Idempotent.
func (s Shelf) Drop(ctx context.Context, name string) error {
	return s.State.drop(ctx, key(s.Key, name))
}

// Broken says of an item that it cannot be relied on, and why.
func (s Shelf) Broken(name string, why error) error {
	return s.State.request("Query", key(s.Key, "")).broken("item %q: %w; delete the item or repair it", name, why)
}
