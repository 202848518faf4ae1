package awscloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// pinned begins the sort keys of pins, which lie beside what is remembered of
// rows: whoever needs the one needs the other.
const pinned = "pin#"

// longestPinKey is the longest name, in bytes, that is a sort key itself; DynamoDB takes 1,024 bytes, while
// display names of 1,024 characters may have four times as many.
const longestPinKey = 512

func pinKey(name string) item { return nameKey(pinned, name) }

// nameKey is readable for all but very long names.
func nameKey(kind, name string) item {
	if len(name) <= longestPinKey {
		return key(rowsKept, kind+"name#"+name)
	}
	sum := sha256.Sum256([]byte(name))
	return key(rowsKept, kind+"sha256#"+hex.EncodeToString(sum[:]))
}

func isPin(it item) bool { return strings.HasPrefix(stringOf(it, "sk"), pinned) }

// Pinned implements reconcile.Pins. An item that was not written by us is an error: leaving it out would
// forget a pin.
func (s *State) Pinned(ctx context.Context) (map[string]string, error) {
	d, err := s.Dates(ctx)
	return d.Pins, err
}

func (s *State) addPin(to map[string]string, it item) error {
	name, id := stringOf(it, "name"), stringOf(it, "id")
	if name == "" || id == "" {
		return s.badPin("Query", it)
	}
	to[name] = id
	return nil
}

// Pin implements reconcile.Pins with one conditional write: of several callers at once the first one's id
// is kept, and all of them are answered that one.
func (s *State) Pin(ctx context.Context, name, id string) (string, error) {
	is, _, err := s.update(ctx, pinKey(name), "SET #id = :id, #name = :name", "attribute_not_exists(#pk)",
		map[string]string{"#pk": "pk", "#id": "id", "#name": "name"}, item{":id": text(id), ":name": text(name)})
	if err != nil {
		return "", err
	}
	kept := stringOf(is, "id")
	if kept == "" || stringOf(is, "name") != name {
		return "", s.badPin("UpdateItem", pinKey(name))
	}
	return kept, nil
}

// Repin implements reconcile.Pins.
func (s *State) Repin(ctx context.Context, name, id string) error {
	it := pinKey(name)
	it["name"], it["id"] = text(name), text(id)
	if _, err := s.client().PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.Table, Item: it}); err != nil {
		return s.request("PutItem", it).failed(err, nil)
	}
	return nil
}

func (s *State) badPin(operation string, it item) error {
	return s.request(operation, it).broken("%s has no fitting attributes name and id; delete the item or repair it", stringOf(it, "sk"))
}
