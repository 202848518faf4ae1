package localcloud

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// streamLife is how long DynamoDB keeps a change in a stream, and streamShards how many shards a stream has
// here: changes of one partition key stay in order, those of different keys need not.
const (
	streamLife   = 24 * time.Hour
	streamShards = 4
)

// tableStream is the log of a table's changes, guarded by dynamoState.mu. Lambda reads it; the DynamoDB
// Streams API is not served.
type tableStream struct {
	arn, label, region string
	view               types.StreamViewType
	now                func() time.Time
	off                bool // no more changes come
	last               uint64
	kept               []*change // oldest first
	changed            signal
}

// change is one change of one item.
type change struct {
	sequence uint64
	shard    int
	at       time.Time
	record   json.RawMessage // as Lambda shows it to a function
}

// number is the change's sequence number as AWS writes it.
func (c *change) number() string { return fmt.Sprintf("1%020d", c.sequence) }

// switchStream does what a StreamSpecification asks of a table. The caller holds d.mu unless it is creating
// the table.
func (t *table) switchStream(c *call, asked *types.StreamSpecification) error {
	on := t.stream != nil && !t.stream.off
	switch {
	case asked == nil:
		return nil
	case !aws.ToBool(asked.StreamEnabled) && asked.StreamViewType != "":
		return invalidf("One or more parameter values were invalid: StreamViewType must not be given when StreamEnabled is false")
	case !aws.ToBool(asked.StreamEnabled) && !on:
		return invalidf("Table has no enabled stream: TableName: %s", t.name)
	case !aws.ToBool(asked.StreamEnabled):
		t.stream.close()
		return nil
	case on:
		return invalidf("Table already has an enabled stream: TableName: %s", t.name)
	case !slices.Contains(asked.StreamViewType.Values(), asked.StreamViewType):
		return invalidf("One or more parameter values were invalid: StreamViewType must be one of %v when StreamEnabled is true", asked.StreamViewType.Values())
	}
	label := c.now.Format("2006-01-02T15:04:05.000")
	t.stream = &tableStream{
		arn: t.arn + "/stream/" + label, label: label, region: c.region, view: asked.StreamViewType, now: c.cloud.Now,
	}
	return nil
}

// close ends a stream. What is in it can still be read.
func (s *tableStream) close() {
	s.off = true
	s.changed.fire()
}

// describe shows the stream, or the last one the table had.
func (s *tableStream) describe(to *types.TableDescription) {
	if s == nil {
		return
	}
	to.LatestStreamArn, to.LatestStreamLabel = &s.arn, &s.label
	if !s.off {
		to.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: s.view}
	}
}

// logChange enters a change of an item in the table's stream; old is nil for a new item and item for a
// deleted one. A write that changes nothing is none.
func (t *table) logChange(old, item attributes) {
	if t.stream == nil || t.stream.off || (old != nil && item != nil && equalMaps(old, item)) {
		return
	}
	s, kind, is := t.stream, "MODIFY", item
	switch {
	case old == nil:
		kind = "INSERT"
	case item == nil:
		kind, is = "REMOVE", old
	}
	s.last++
	made := &change{sequence: s.last, at: s.now()}
	partition := partitionKey(is[t.hash.name])
	made.shard = int(partition[7]) % streamShards
	encoded, err := json.Marshal(s.event(kind, made, t.keyAttributes(is), old, item))
	if err != nil {
		return // attributes always have a JSON form
	}
	made.record = encoded
	s.trim(made.at)
	s.kept = append(s.kept, made)
	s.changed.fire()
}

// trim forgets what is too old.
func (s *tableStream) trim(now time.Time) {
	for len(s.kept) > 0 && now.Sub(s.kept[0].at) > streamLife {
		s.kept = s.kept[1:]
	}
}

// event is a change as Lambda shows it.
func (s *tableStream) event(kind string, made *change, keys, old, item attributes) map[string]any {
	body := map[string]any{
		"ApproximateCreationDateTime": made.at.Unix(), "Keys": wireItem(keys),
		"SequenceNumber": made.number(), "StreamViewType": string(s.view),
	}
	size := itemSize(keys)
	if item != nil && (s.view == types.StreamViewTypeNewImage || s.view == types.StreamViewTypeNewAndOldImages) {
		body["NewImage"] = wireItem(item)
		size += itemSize(item)
	}
	if old != nil && (s.view == types.StreamViewTypeOldImage || s.view == types.StreamViewTypeNewAndOldImages) {
		body["OldImage"] = wireItem(old)
		size += itemSize(old)
	}
	body["SizeBytes"] = size
	return map[string]any{
		"eventID": randomHex(32), "eventName": kind, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
		"awsRegion": s.region, "dynamodb": body, "eventSourceARN": s.arn,
	}
}

// after gives up to most changes of a shard that come after a sequence number, limited to about bytes.
func (s *tableStream) after(sequence uint64, shard, most, bytes int) []*change {
	first, _ := slices.BinarySearchFunc(s.kept, sequence+1, func(c *change, wanted uint64) int {
		return cmp.Compare(c.sequence, wanted)
	})
	var found []*change
	for _, c := range s.kept[first:] {
		if c.shard != shard {
			continue
		}
		bytes -= len(c.record) + 1
		if len(found) == most || (bytes < 0 && len(found) > 0) {
			break
		}
		found = append(found, c)
	}
	return found
}

// updateTable changes a table's stream and its protection against deletion.
func (d *dynamoState) updateTable(c *call, in *dynamodb.UpdateTableInput) (*dynamodb.UpdateTableOutput, error) {
	if in.AttributeDefinitions != nil || in.BillingMode != "" || in.ProvisionedThroughput != nil || in.GlobalSecondaryIndexUpdates != nil ||
		in.ReplicaUpdates != nil || in.SSESpecification != nil || in.TableClass != "" || in.OnDemandThroughput != nil {
		return nil, invalidf("the local cloud's UpdateTable takes StreamSpecification and DeletionProtectionEnabled only")
	}
	if in.StreamSpecification == nil && in.DeletionProtectionEnabled == nil {
		return nil, invalidf("At least one of StreamSpecification and DeletionProtectionEnabled is required")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.switchStream(c, in.StreamSpecification); err != nil {
		return nil, err
	}
	if in.DeletionProtectionEnabled != nil {
		t.protected = *in.DeletionProtectionEnabled
	}
	return &dynamodb.UpdateTableOutput{TableDescription: t.describe()}, nil
}
