// Package function is the Lambda function's handler: a batch in, the failed
// records out. The deployed binary runs it, and so do our own commands.
package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/event"
	"studiokeeper/internal/reconcile"
)

// atOnce bounds how many records of a batch are worked on at the same time.
const atOnce = 8

// Handler answers invocations. It is a lambda.Handler.
type Handler struct {
	// Open makes the reconciler when the first invocation needs it, so that
	// the function polls before its configuration is read. It is called again
	// if it fails: a Parameter Store that throttles once must not end the function.
	Open func(context.Context) (*reconcile.Reconciler, error)
	Log  *slog.Logger
	// Metrics takes lines in CloudWatch's embedded metric format, at the end of
	// each invocation; nil: none are written.
	Metrics io.Writer
	// Throttles counts the calls that AWS throttled since it was last asked; nil:
	// they are not counted.
	Throttles func() int

	passes passes
}

// batchAnswer is what Lambda expects with ReportBatchItemFailures. The list is
// never null, which Lambda would read differently.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type batchAnswer struct {
	BatchItemFailures []failure `json:"batchItemFailures"`
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// directAnswer is what a direct invocation gets.
type directAnswer struct {
	StatusCode int    `json:"statusCode"`
	Body       string `json:"body"`
}

// Invoke handles one payload. Each record stands for itself: those that fail
// are reported and come again, the others are done. An error means that
// nothing can be said of single records.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	batch, err := event.ParseBatch(payload)
	if err != nil {
		return nil, err
	}
	r, err := h.Open(ctx)
	if err != nil {
		return nil, err
	}
	results := make([][]reconcile.Result, len(batch.Records))
	errs := make([]error, len(batch.Records))
	var m meter
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, record := range batch.Records {
		g.Go(func() error {
			results[i], errs[i] = h.record(ctx, r, record, &m)
			return nil
		})
	}
	_ = g.Wait() // every record has its own error
	h.measure(ctx, &m, r)
	if batch.Kind == event.Direct {
		return direct(results, errs)
	}
	return answer(batch, errs)
}

// record handles the looks of one record. A panic is this record's failure.
func (h *Handler) record(ctx context.Context, r *reconcile.Reconciler, rec event.Record, m *meter) (results []reconcile.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			m.add("", "Errors", 1)
		}
		if err != nil {
			h.Log.ErrorContext(ctx, "record failed", "record", rec.ID, "received", rec.Received, "error", err.Error(), "names", names(results))
		}
	}()
	if rec.Err != nil {
		m.add("", "Errors", 1)
		return nil, rec.Err
	}
	var errs []error
	for _, l := range rec.Looks {
		looked, err := r.Handle(ctx, l)
		h.report(ctx, l, looked)
		m.look(l, looked, err)
		results = append(results, looked...)
		errs = append(errs, err)
	}
	return results, errors.Join(errs...)
}

// report writes one structured line per decision. The entry's number and digest
// in it are an anchor outside the table: who rewrites the journal there has to
// rewrite the log as well.
func (h *Handler) report(ctx context.Context, l event.Look, results []reconcile.Result) {
	for _, res := range results {
		for _, e := range res.Entries {
			h.Log.InfoContext(ctx, string(e.Change.Kind), "outcome", e.Outcome, "user", e.Change.UserID, "domain", e.Change.Domain,
				"profile", e.Change.Profile, "userName", e.Change.UserName, "group", e.Change.Group, "trigger", l.Trigger.ID, "reason", lastReason(e.Change.Reasons),
				"seq", e.Seq, "digest", e.Digest, "names", res.Names)
		}
		if res.Again > 0 {
			h.Log.InfoContext(ctx, "again", "user", res.Key.UserID, "domain", res.Key.Domain, "after", res.Again.String(), "reason", res.Why, "names", res.Names)
		}
	}
}

// names are those of everybody who was looked at. Whether they may be in the
// log is its handler's affair.
func names(results []reconcile.Result) []string {
	var all []string
	for _, res := range results {
		all = append(all, res.Names...)
	}
	return all
}

func answer(batch event.Batch, errs []error) ([]byte, error) {
	out := batchAnswer{BatchItemFailures: []failure{}}
	for i, err := range errs {
		switch id := batch.Records[i].ID; {
		case err == nil:
		case id == "":
			return nil, fmt.Errorf("a record without an id: %w", err)
		default:
			out.BatchItemFailures = append(out.BatchItemFailures, failure{id})
		}
	}
	return json.Marshal(out)
}

func direct(results [][]reconcile.Result, errs []error) ([]byte, error) {
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	body, err := json.Marshal(summary(results))
	if err != nil {
		return nil, err
	}
	return json.Marshal(directAnswer{StatusCode: 200, Body: string(body)})
}
