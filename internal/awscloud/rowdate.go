package awscloud

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
)

var _ reconcile.RowDates = (*State)(nil)

// rowsKept is the one hash key of all that is remembered of rows and of the names in them, so that a single
// Query reads it.
const rowsKept = "rows"

// goneFor is how long a row that was deleted is remembered: who falls to another row because of that is
// settled with it, held or rejected, long before.
const goneFor = 365 * 24 * time.Hour

func rowDateKey(d reconcile.RowDate) item { return nameKey("", d.Domain+"#"+d.Row) }

func settledKey(domain string) item { return key(rowsKept, "settled#"+domain) }

// Dates implements reconcile.RowDates. An item that was not written by us is an error: leaving it out would
// take its row for new.
func (s *State) Dates(ctx context.Context) (reconcile.Dates, error) {
	all := reconcile.Dates{Settled: map[string]time.Time{}, Pins: map[string]string{}}
	err := s.query(ctx, rowsKept, func(it item) error {
		if isPin(it) {
			return s.addPin(all.Pins, it)
		}
		if domain := stringOf(it, "settled"); domain != "" {
			at, err := timeOf(it, "at")
			all.Settled[domain] = at
			return s.badRowDate(it, err)
		}
		d, err := rowDateOf(it)
		all.Rows = append(all.Rows, d)
		return s.badRowDate(it, err)
	})
	if err != nil {
		return reconcile.Dates{}, err
	}
	return all, nil
}

func rowDateOf(it item) (d reconcile.RowDate, err error) {
	d.Domain, d.Row, d.Rights = stringOf(it, "domain"), stringOf(it, "row"), stringOf(it, "rights")
	if d.Domain == "" || d.Row == "" {
		return d, errors.New("it names no domain and row")
	}
	priority, err := numberOf(it, "priority")
	if err != nil {
		return d, err
	}
	if d.Version, err = numberOf(it, "version"); err != nil {
		return d, err
	}
	d.Priority = int(priority)
	if d.Edit.Rights, err = timeOf(it, "since"); err != nil {
		return d, err
	}
	if d.Rank, err = timeOf(it, "ranked"); err != nil {
		return d, err
	}
	if it["gone"] != nil {
		d.Gone, err = timeOf(it, "gone")
	}
	return d, err
}

// Date implements reconcile.RowDates. A write that is repeated because its answer was lost finds itself, and
// ends as one that came too late: what it wrote stands.
func (s *State) Date(ctx context.Context, d reconcile.RowDate) error {
	it := rowDateKey(d)
	it["domain"], it["row"], it["rights"] = text(d.Domain), text(d.Row), text(d.Rights)
	it["priority"], it["version"] = number(int64(d.Priority)), number(d.Version+1)
	it["since"], it["ranked"] = timeText(d.Edit.Rights), timeText(d.Rank)
	if !d.Gone.IsZero() {
		it["gone"], it["expires"] = timeText(d.Gone), number(d.Gone.Add(goneFor).Unix())
	}
	condition, names, values := "#version = :version", map[string]string{"#version": "version"}, item{":version": number(d.Version)}
	if d.Version == 0 {
		condition, names, values = "attribute_not_exists(#pk)", map[string]string{"#pk": "pk"}, nil
	}
	return s.putIf(ctx, it, condition, names, values)
}

// SettleDomain implements reconcile.RowDates.
func (s *State) SettleDomain(ctx context.Context, domain string, at time.Time) error {
	it := settledKey(domain)
	it["settled"], it["at"] = text(domain), timeText(at)
	err := s.putIf(ctx, it, "attribute_not_exists(#pk) OR #at < :at", map[string]string{"#pk": "pk", "#at": "at"}, item{":at": it["at"]})
	if errors.Is(err, reconcile.ErrChanged) {
		return nil // as late a time is remembered
	}
	return err
}

// putIf puts an item under a condition, or ends in ErrChanged.
func (s *State) putIf(ctx context.Context, it item, condition string, names map[string]string, values item) error {
	_, err := s.client().PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.Table, Item: it, ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	if _, refused := errors.AsType[*types.ConditionalCheckFailedException](err); refused {
		err = fmt.Errorf("nothing was written: %w", ErrChanged)
	}
	if err != nil {
		return s.request("PutItem", it).failed(err, nil)
	}
	return nil
}

func (s *State) badRowDate(it item, err error) error {
	if err == nil {
		return nil
	}
	return s.request("Query", it).broken("%s: %w; delete the item or repair it", stringOf(it, "sk"), err)
}
