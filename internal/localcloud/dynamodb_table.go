package localcloud

import (
	"encoding/binary"
	"hash/fnv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits of an item and its keys, and of what one page reads, in bytes.
const (
	maxItem     = 400 << 10
	maxHashKey  = 2048
	maxRangeKey = 1024
	maxPage     = 1 << 20
)

// table is one DynamoDB table. Its items lie in one ordered map under a key made of the hash of the
// partition key, the partition key and the sort key: a partition is a run of it, in sort-key order, and
// the order of a Scan tells nothing, as in AWS.
type table struct {
	name      string
	hash      keyAttribute
	sort      keyAttribute // name is empty when the table has none
	created   time.Time
	id        string
	arn       string
	billing   types.BillingMode
	read      int64
	write     int64
	stream    *tableStream // the latest; nil: the table never had one
	ttl       string       // attribute, empty while time to live is off
	protected bool
	kept      *keptFile // nil: the table is in memory only
	bytes     int
	items     ordered[string, attributes]
}

type keyAttribute struct {
	name string
	kind string // S, N or B
}

// keys lists the key attributes.
func (t *table) keys() []keyAttribute {
	if t.sort.name == "" {
		return []keyAttribute{t.hash}
	}
	return []keyAttribute{t.hash, t.sort}
}

// put and delete are the only ways an item changes; both take the key that keyOf or itemKey made.
func (t *table) put(key string, item attributes) {
	old, _ := t.items.get(key)
	t.items.set(key, item)
	t.bytes += itemSize(item) - itemSize(old)
	t.logChange(old, item)
}

func (t *table) delete(key string) {
	if old, ok := t.items.get(key); ok {
		t.bytes -= itemSize(old)
		t.items.remove(key)
		t.logChange(old, nil)
	}
}

// get gives the stored item, which must not be changed, or nil.
func (t *table) get(key string) attributes {
	item, _ := t.items.get(key)
	return item
}

// keyOf checks a request's Key, which must hold the key attributes and nothing else.
func (t *table) keyOf(key attributes) (string, attributes, error) {
	canon, err := canonical(key)
	if err != nil {
		return "", nil, invalidf("%v", err)
	}
	if len(canon) != len(t.keys()) {
		return "", nil, invalidf("The provided key element does not match the schema")
	}
	for _, k := range t.keys() {
		if typeOf(canon[k.name]) != k.kind {
			return "", nil, invalidf("The provided key element does not match the schema")
		}
	}
	stored, err := t.itemKey(canon)
	return stored, canon, err
}

// itemKey checks the key attributes of a whole canonical item and gives the key it is stored under.
func (t *table) itemKey(item attributes) (string, error) {
	for i, k := range t.keys() {
		v := item[k.name]
		switch {
		case v == nil:
			return "", invalidf("One or more parameter values were invalid: Missing the key %s in the item", k.name)
		case typeOf(v) != k.kind:
			return "", invalidf("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", k.name, k.kind, typeOf(v))
		}
		if err := checkKeyValue(k.name, v, i == 0); err != nil {
			return "", err
		}
	}
	key := partitionKey(item[t.hash.name])
	if t.sort.name != "" {
		key += sortable(item[t.sort.name])
	}
	return key, nil
}

func checkKeyValue(name string, v types.AttributeValue, hash bool) error {
	size := valueSize(v)
	switch typeOf(v) {
	case "S", "B":
		if size == 0 {
			kind := map[string]string{"S": "string", "B": "binary"}[typeOf(v)]
			return invalidf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, name)
		}
	}
	if hash && size > maxHashKey {
		return invalidf("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of %d bytes", maxHashKey)
	}
	if !hash && size > maxRangeKey {
		return invalidf("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of %d bytes", maxRangeKey)
	}
	return nil
}

// partitionKey encodes a partition key so that no partition's items lie between another's.
func partitionKey(v types.AttributeValue) string {
	s := sortable(v)
	h := fnv.New64a()
	h.Write([]byte(s))
	return string(binary.BigEndian.AppendUint16(h.Sum(nil), uint16(len(s)))) + s
}

// sortable encodes a key value so that encoded values compare, byte by byte, as DynamoDB orders them.
func sortable(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	case *types.AttributeValueMemberN:
		d, _ := parseDecimal(v.Value)
		return d.sortable()
	}
	return ""
}

// after gives the least key that is greater than every key with the prefix; empty when there is none.
func after(prefix string) string {
	trimmed := strings.TrimRight(prefix, "\xff")
	if trimmed == "" {
		return ""
	}
	last := len(trimmed) - 1
	return trimmed[:last] + string([]byte{trimmed[last] + 1})
}

// keyAttributes is the key of an item, as LastEvaluatedKey shows it.
func (t *table) keyAttributes(item attributes) attributes {
	out := attributes{}
	for _, k := range t.keys() {
		out[k.name] = item[k.name]
	}
	return out
}

func checkItem(item attributes) error {
	for name := range item {
		if name == "" {
			return invalidf("One or more parameter values were invalid: An attribute name must not be empty")
		}
	}
	if itemSize(item) > maxItem {
		return invalidf("Item size has exceeded the maximum allowed size")
	}
	return nil
}
