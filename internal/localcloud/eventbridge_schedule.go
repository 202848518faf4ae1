package localcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// schedule says when a rule fires by the cloud's clock: at a rate, from when it was put or enabled, or at the
// minutes that a cron expression names, in UTC.
type schedule struct {
	rate time.Duration
	cron []cronField // minute, hour, day of month, month, day of week, year
}

// cronField holds the values that a field names; nil is any.
type cronField []int

// lastYear is the last that a cron expression can name.
const lastYear = 2199

// cronFields are a field's least and most, and the names that count up from its least.
var cronFields = []struct {
	least, most int
	names       string
}{
	{0, 59, ""}, {0, 23, ""}, {1, 31, ""}, {1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"},
	{1, 7, "SUN MON TUE WED THU FRI SAT"}, {1970, lastYear, ""},
}

// parseSchedule reads a ScheduleExpression that scheduleOf matches. The local cloud knows lists, ranges and
// steps of cron expressions, and not L, W and #.
func parseSchedule(expression string) (*schedule, error) {
	kind, argument, _ := strings.Cut(strings.TrimSuffix(expression, ")"), "(")
	fields := strings.Fields(argument)
	if kind == "rate" {
		n, err := strconv.Atoi(fields[0])
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(fields[1], "s")]
		if err != nil || n > 100_000 {
			return nil, invalidf("Parameter ScheduleExpression is not valid.")
		}
		return &schedule{rate: time.Duration(n) * unit}, nil
	}
	if len(fields) != len(cronFields) || (fields[2] == "?") == (fields[4] == "?") {
		return nil, invalidf("Parameter ScheduleExpression is not valid.")
	}
	s := &schedule{}
	for i, text := range fields {
		field, err := parseCronField(i, text)
		if err != nil {
			return nil, invalidf("Parameter ScheduleExpression is not valid. Reason: the local cloud does not know %s: %v", text, err)
		}
		s.cron = append(s.cron, field)
	}
	return s, nil
}

func parseCronField(i int, text string) (cronField, error) {
	if text == "*" || text == "?" {
		return nil, nil
	}
	var field cronField
	for part := range strings.SplitSeq(text, ",") {
		span, step, stepped := strings.Cut(part, "/")
		from, to, ranged := strings.Cut(span, "-")
		if from == "*" {
			from, to, ranged = strconv.Itoa(cronFields[i].least), strconv.Itoa(cronFields[i].most), true
		}
		first, err := cronValue(i, from)
		if err != nil {
			return nil, err
		}
		last, by := first, 1
		switch {
		case ranged:
			last, err = cronValue(i, to)
		case stepped:
			last = cronFields[i].most
		}
		if err == nil && stepped {
			by, err = strconv.Atoi(step)
		}
		if err != nil || by < 1 || last < first {
			return nil, fmt.Errorf("%s is no value, range or step", part)
		}
		for n := first; n <= last; n += by {
			field = append(field, n)
		}
	}
	return field, nil
}

func cronValue(i int, text string) (int, error) {
	f := cronFields[i]
	if at := slices.Index(strings.Fields(f.names), strings.ToUpper(text)); at >= 0 {
		return f.least + at, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.least || n > f.most {
		return 0, fmt.Errorf("%s is not %d to %d", text, f.least, f.most)
	}
	return n, nil
}

func (f cronField) holds(n int) bool { return f == nil || slices.Contains(f, n) }

// after is the first time after t; zero: never again.
func (s *schedule) after(t time.Time) time.Time {
	if s.rate > 0 {
		return t.Add(s.rate)
	}
	t = t.UTC().Truncate(time.Minute).Add(time.Minute)
	for t.Year() <= lastYear {
		year, month, day := t.Date()
		switch {
		case !s.cron[5].holds(year):
			t = time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC)
		case !s.cron[3].holds(int(month)):
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !s.cron[2].holds(day) || !s.cron[4].holds(int(t.Weekday())+1):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case !s.cron[1].holds(t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !s.cron[0].holds(t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}

// arm sets when a rule fires next: never when it has no schedule or is disabled. The caller holds c.buses.mu.
func (c *Cloud) arm(r *rule, now time.Time) {
	r.next = time.Time{}
	if r.times == nil || r.state == types.RuleStateDisabled {
		return
	}
	r.next = r.times.after(now)
	c.buses.changed.fire()
	if !c.buses.ticking && c.running.Err() == nil {
		c.buses.ticking = true
		c.background(c.tick)
	}
}

// tick fires rules when their time has come, until none has a schedule or the cloud is closed. A jump of the
// clock fires a rule once, however many of its times it passes.
func (c *Cloud) tick(ctx context.Context) {
	for {
		moved, changed := c.moved.wait(), c.buses.changed.wait()
		next := c.fireDue(c.Now())
		if next.IsZero() || c.pause(ctx, next, moved, changed) != nil {
			return
		}
	}
}

// fireDue fires the rules that are due and tells when the next is; zero: nobody ticks any more.
func (c *Cloud) fireDue(now time.Time) (next time.Time) {
	s := &c.buses
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, buses := range s.buses {
		b := buses[defaultBus]
		if b == nil {
			continue
		}
		for _, name := range sortedKeys(b.rules) {
			r := b.rules[name]
			if r.next.IsZero() {
				continue
			}
			if !r.next.After(now) {
				c.fire(at, b, r, now)
				r.next = r.times.past(r.next, now)
			}
			if next.IsZero() || !r.next.IsZero() && r.next.Before(next) {
				next = r.next
			}
		}
	}
	s.ticking = !next.IsZero()
	return next
}

// past is the first time after now, in step with last.
func (s *schedule) past(last, now time.Time) time.Time {
	if s.rate > 0 {
		return last.Add(now.Sub(last).Truncate(s.rate) + s.rate)
	}
	return s.after(now)
}

// fire sends a scheduled event to a rule's targets. The caller holds c.buses.mu.
func (c *Cloud) fire(at place, b *bus, r *rule, now time.Time) {
	e := newEnvelope(at, "aws.events", "Scheduled Event", r.next)
	e.Resources, e.Detail = []string{r.arn}, json.RawMessage("{}")
	body, err := json.Marshal(e)
	if err != nil {
		return
	}
	seen := &Delivered{At: now, Account: at.account, Region: at.region, Bus: b.name, Event: body, Rules: []string{r.name}}
	c.buses.remember(seen)
	for _, t := range r.targets {
		c.buses.schedule(&delivery{of: seen, rule: r.name, ruleARN: r.arn, target: t, event: e, body: inputFor(t, body), hops: 1}, now)
	}
	c.dispatchLater()
}
