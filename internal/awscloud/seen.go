package awscloud

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

var _ reconcile.Memory = (*State)(nil)

// batchWrites is the most that one BatchWriteItem takes, and batchTries how often what DynamoDB left over is
// sent again.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const (
	batchWrites = 25
	batchTries  = 8
)

func seenKey(domain, name string) item { return key("seen#"+domain, name) }

// EachSeen implements reconcile.Memory. Roles and settings, which many profiles share, are handed on as one
// string each.
func (s *State) EachSeen(ctx context.Context, domain string, each func(reconcile.Seen)) error {
	same := shared{}
	return s.query(ctx, "seen#"+domain, func(it item) error {
		modified, err := numberOf(it, "modified")
		if err != nil {
			return nil // not ours, or of an older kind: the profile is described again
		}
		at, _ := numberOf(it, "at")
		each(reconcile.Seen{
			Name: stringOf(it, "sk"), SSOUser: stringOf(it, "sso"), Role: same.one(stringOf(it, "role")),
			Settings: studio.Settings(same.one(stringOf(it, "settings"))), Modified: modified, At: time.UnixMilli(at).UTC(),
		})
		return nil
	})
}

// shared hands out one string for all that are equal.
type shared map[string]string

func (s shared) one(text string) string {
	if known, ok := s[text]; ok {
		return known
	}
	s[text] = text
	return text
}

// KeepSeen implements reconcile.Memory.
func (s *State) KeepSeen(ctx context.Context, domain string, seen []reconcile.Seen) error {
	writes := make([]types.WriteRequest, 0, len(seen))
	for _, one := range seen {
		it := seenKey(domain, one.Name)
		it["sso"], it["role"], it["settings"] = text(one.SSOUser), text(one.Role), text(string(one.Settings))
		it["modified"], it["at"] = number(one.Modified), number(one.At.UnixMilli())
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: it}})
	}
	return s.writeAll(ctx, writes)
}

// ForgetSeen implements reconcile.Memory.
func (s *State) ForgetSeen(ctx context.Context, domain string, names []string) error {
	writes := make([]types.WriteRequest, 0, len(names))
	for _, name := range names {
		writes = append(writes, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: seenKey(domain, name)}})
	}
	return s.writeAll(ctx, writes)
}

// writeAll carries out writes of different items, in as few calls as there are dozens of them.
func (s *State) writeAll(ctx context.Context, writes []types.WriteRequest) error {
	for some := range slices.Chunk(writes, batchWrites) {
		if err := s.batch(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// batch repeats what DynamoDB did not get to, ever more slowly.
func (s *State) batch(ctx context.Context, writes []types.WriteRequest) error {
	r := request{action: "dynamodb:BatchWriteItem", on: "state table " + s.Table, at: s.Session.where(s.At)}
	wait := 50 * time.Millisecond
	for range batchTries {
		out, err := s.client().BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.Table: writes}})
		if err != nil {
			return r.failed(err, nil)
		}
		if writes = out.UnprocessedItems[s.Table]; len(writes) == 0 {
			return nil
		}
		select {
		case <-time.After(wait):
			wait *= 2
		case <-ctx.Done():
			return r.failed(ctx.Err(), nil)
		}
	}
	return r.failed(fmt.Errorf("DynamoDB left %d writes undone %d times: the table's capacity does not suffice", len(writes), batchTries), nil)
}
