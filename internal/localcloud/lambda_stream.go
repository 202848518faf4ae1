package localcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A batch of a stream that failed is tried again after streamBackoff of real time, then twice that, up to
// lastBackoff.
const streamBackoff = 20 * time.Millisecond

// StreamMapping makes Lambda read a DynamoDB table's stream and invoke a function with what it finds.
// Changes of one partition key come in order and one batch at a time; a batch that fails is tried again,
// and holds up what is behind it in its shard, until it succeeds, is given up, or is a day old.
type StreamMapping struct {
	// StreamArn is the stream's ARN, as DescribeTable shows it. TableName, of a table in the function's
	// account and Region, stands for its latest stream.
	StreamArn, TableName string
	Function             string // its name or ARN
	// FromStart begins with the changes of the last 24 hours, as StartingPosition TRIM_HORIZON does;
	// otherwise, as LATEST, with those to come.
	FromStart bool
	BatchSize int // how many changes an invocation gets at most, 1 to 10,000; 0 means 100
	// MaximumRetryAttempts is how often a failed batch is tried again, 0 to 10,000; nil or -1: until it is too old.
	MaximumRetryAttempts *int
	// BisectBatchOnFunctionError splits a failed batch in two, which does not count as a try.
	BisectBatchOnFunctionError bool
	// ReportBatchItemFailures lets the function name the sequence number to go on from. Without it a batch
	// fails as a whole.
	ReportBatchItemFailures bool
	// OnFailureQueueArn is where a notice of a batch goes that is given up; empty: nowhere.
	OnFailureQueueArn string
}

func (m *StreamMapping) check() error {
	switch {
	case (m.StreamArn == "") == (m.TableName == ""):
		return errors.New("it needs a StreamArn or a TableName")
	case m.BatchSize < 0 || m.BatchSize > 10_000:
		return fmt.Errorf("BatchSize %d is not 1 to 10000", m.BatchSize)
	case m.MaximumRetryAttempts != nil && (*m.MaximumRetryAttempts < -1 || *m.MaximumRetryAttempts > 10_000):
		return fmt.Errorf("MaximumRetryAttempts %d is not -1 to 10000", *m.MaximumRetryAttempts)
	}
	if m.BatchSize == 0 {
		m.BatchSize = 100
	}
	return nil
}

// MapStream starts reading a table's stream for a function. It fails when the function, the table or its
// stream is not there.
func (c *Cloud) MapStream(m StreamMapping) error {
	c.start()
	end, arn, err := c.mapStream(m)
	if err == nil {
		err = c.keepMappingOf(m.Function, arn, end)
	}
	if err != nil {
		return fmt.Errorf("mapping the stream %s: %w", m.StreamArn+m.TableName, err)
	}
	return nil
}

// mapStream gives what ends the reading, and the stream's ARN.
func (c *Cloud) mapStream(m StreamMapping) (context.CancelFunc, string, error) {
	if err := m.check(); err != nil {
		return nil, "", err
	}
	fn, err := c.function(m.Function)
	if err != nil {
		return nil, "", err
	}
	c.dynamo.mu.Lock()
	defer c.dynamo.mu.Unlock()
	s := c.dynamo.streamOf(m, place{fn.Account, fn.Region})
	if s == nil {
		return nil, "", fmt.Errorf("there is no such stream in Region %s, or it is off", fn.Region)
	}
	if err := fn.readsStream(s.arn); err != nil {
		return nil, "", err
	}
	from := s.last
	if m.FromStart {
		from = 0
	}
	return fn.until(func(ctx context.Context) {
		var shards sync.WaitGroup
		for shard := range streamShards {
			r := &streamReader{StreamMapping: m, cloud: c, fn: fn, stream: s, shard: shard, read: from}
			shards.Go(func() { r.run(ctx) })
		}
		shards.Wait()
	}), s.arn, nil
}

// streamOf finds the stream a mapping names, if it is on. The caller holds d.mu.
func (d *dynamoState) streamOf(m StreamMapping, home place) *tableStream {
	name := m.TableName
	if m.StreamArn != "" {
		parts := strings.SplitN(m.StreamArn, ":", 6)
		if len(parts) != 6 || parts[3] != home.region {
			return nil
		}
		home.account = parts[4]
		name, _, _ = strings.Cut(strings.TrimPrefix(parts[5], "table/"), "/")
	}
	t := d.tables[home][name]
	if t == nil || t.stream == nil || t.stream.off || (m.StreamArn != "" && m.StreamArn != t.stream.arn) {
		return nil
	}
	return t.stream
}

// streamReader is a started StreamMapping's way through one shard.
type streamReader struct {
	StreamMapping
	cloud  *Cloud
	fn     *function
	stream *tableStream
	shard  int
	read   uint64 // sequence number of the last change taken
}

// run reads until the stream is off and empty, or ctx ends.
func (r *streamReader) run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := r.stream.changed.wait()
		batch, off := r.take()
		if len(batch) > 0 {
			r.awaitAccess(ctx)
			r.process(ctx, batch)
			continue
		}
		if off {
			return
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// awaitAccess holds changes back while the function's role may not read them.
func (r *streamReader) awaitAccess(ctx context.Context) {
	for ctx.Err() == nil && r.fn.asFunction("dynamodb", "GetRecords", r.stream.arn, true) != nil {
		r.cloud.sleep(ctx, time.Second)
	}
}

func (r *streamReader) take() (batch []*change, off bool) {
	r.cloud.dynamo.mu.Lock()
	defer r.cloud.dynamo.mu.Unlock()
	batch = r.stream.after(r.read, r.shard, r.BatchSize, maxPayload*3/4)
	if len(batch) > 0 {
		r.read = batch[len(batch)-1].sequence
	}
	return batch, r.stream.off
}

// process tries a batch until nothing of it is left. Changes before the first failed one count as done and
// the tries begin anew.
func (r *streamReader) process(ctx context.Context, batch []*change) {
	for tries := 1; ; tries++ {
		if batch = r.fresh(batch); len(batch) == 0 {
			return
		}
		done, failure := r.try(ctx, batch)
		switch {
		case done == len(batch) || ctx.Err() != nil:
			return
		case done > 0:
			batch, tries = batch[done:], 0
		case r.BisectBatchOnFunctionError && len(batch) > 1:
			r.process(ctx, batch[:len(batch)/2])
			r.process(ctx, batch[len(batch)/2:])
			return
		case r.exhausted(tries):
			r.giveUp(batch, tries, failure)
			return
		}
		if !wait(ctx, min(streamBackoff<<min(tries, 10), lastBackoff)) {
			return
		}
	}
}

// fresh leaves out the changes at the front that the stream does not hold any more.
func (r *streamReader) fresh(batch []*change) []*change {
	now := r.cloud.Now()
	for len(batch) > 0 && now.Sub(batch[0].at) > streamLife {
		batch = batch[1:]
	}
	return batch
}

func (r *streamReader) exhausted(tries int) bool {
	most := r.MaximumRetryAttempts
	return most != nil && *most >= 0 && tries > *most
}

// try invokes the function and tells how many changes, from the first, are done with.
func (r *streamReader) try(ctx context.Context, batch []*change) (done int, failure error) {
	records, numbers := make([]json.RawMessage, len(batch)), make([]string, len(batch))
	for i, c := range batch {
		records[i], numbers[i] = c.record, c.number()
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		return 0, fmt.Errorf("writing an event of %d changes: %w", len(batch), err)
	}
	answer, err := r.fn.invoke(ctx, payload, len(batch))
	if err != nil {
		return 0, err
	}
	if !r.ReportBatchItemFailures {
		return len(batch), nil
	}
	failed, err := failures(answer, numbers)
	if err != nil {
		return 0, err
	}
	for i, number := range numbers {
		if failed[number] {
			return i, nil
		}
	}
	return len(batch), nil
}

// giveUp sends the notice of a batch that no retry is left for. As in AWS it tells where the changes are in
// the stream, not what they are.
func (r *streamReader) giveUp(batch []*change, tries int, failure error) {
	if r.OnFailureQueueArn == "" || r.fn.asFunction("sqs", "SendMessage", r.OnFailureQueueArn, true) != nil {
		return
	}
	first, last := batch[0], batch[len(batch)-1]
	var functionError any
	if failure != nil {
		functionError = "Unhandled"
	}
	notice, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": noticeTime(r.cloud.Now()),
		"requestContext": map[string]any{
			"requestId": newRequestID(), "functionArn": r.fn.arn,
			"condition": "RetryAttemptsExhausted", "approximateInvokeCount": tries,
		},
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": functionError},
		"DDBStreamBatchInfo": map[string]any{
			"shardId":             fmt.Sprintf("shardId-%020d", r.shard),
			"startSequenceNumber": first.number(), "endSequenceNumber": last.number(),
			"approximateArrivalOfFirstRecord": noticeTime(first.at), "approximateArrivalOfLastRecord": noticeTime(last.at),
			"batchSize": len(batch), "streamArn": r.stream.arn,
		},
	})
	if err == nil {
		_ = r.cloud.enqueue(r.OnFailureQueueArn, notice, "", "")
	}
}

// noticeTime is a time as Lambda's notices write it.
func noticeTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
