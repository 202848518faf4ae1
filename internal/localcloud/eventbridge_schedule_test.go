package localcloud_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"studiokeeper/internal/localcloud"
)

// scheduled makes a rule that sends a constant text by the clock.
func (b *buses) scheduled(name, expression string) {
	b.t.Helper()
	_, err := b.events.PutRule(b.t.Context(), &eventbridge.PutRuleInput{Name: &name, ScheduleExpression: &expression})
	if err != nil {
		b.t.Fatal(err)
	}
	b.target(name, types.Target{Id: aws.String("queue"), Arn: aws.String(workARN), Input: aws.String(`"` + name + `"`)})
}

// fired counts how often a rule has fired.
func fired(c *localcloud.Cloud, rule string) (n int) {
	for _, e := range c.Events() {
		for _, name := range e.Rules {
			if name == rule {
				n++
			}
		}
	}
	return n
}

// wantFired moves the clock on and wants a rule to have fired so often in all. A rule that should not have
// fired is given a moment to do so.
func (b *buses) wantFired(rule string, d time.Duration, want int) {
	b.t.Helper()
	before := fired(b.cloud, rule)
	b.cloud.Advance(d)
	if want == before {
		time.Sleep(20 * time.Millisecond)
	} else {
		eventually(b.t, func() bool { return fired(b.cloud, rule) >= want })
	}
	if got := fired(b.cloud, rule); got != want {
		b.t.Errorf("%v later %s has fired %d times, want %d", d, rule, got, want)
	}
}

func TestARateFiresByTheClock(t *testing.T) {
	b := newBuses(t)
	b.scheduled("hourly", "rate(1 hour)")
	b.wantFired("hourly", 59*time.Minute, 0)
	b.wantFired("hourly", time.Minute, 1)
	b.wantFired("hourly", 72*time.Hour+30*time.Minute, 2)
	b.wantFired("hourly", 29*time.Minute, 2)
	b.wantFired("hourly", time.Minute, 3)
	eventually(t, func() bool { return len(b.cloud.Events()[2].Targets) == 1 })
	b.wantBodies("the constant input", b.work, `"hourly"/1 "hourly"/1 "hourly"/1`)
}

func TestADisabledScheduleStandsStill(t *testing.T) {
	b := newBuses(t)
	b.scheduled("hourly", "rate(1 hour)")
	_, err := b.events.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("hourly")})
	b.wantCode("disabling", err, "")
	b.wantFired("hourly", 3*time.Hour, 0)
	_, err = b.events.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: aws.String("hourly")})
	b.wantCode("enabling", err, "")
	b.wantFired("hourly", 59*time.Minute, 0)
	b.wantFired("hourly", time.Minute, 1)
}

// The clock starts on Sunday, 1 March 2026, at nine.
func TestCronFiresAtItsTimes(t *testing.T) {
	for _, tt := range []struct {
		expression   string
		before, then time.Duration // from the start: not yet, and from when it has fired
	}{
		{"cron(15 10 * * ? *)", 74 * time.Minute, 75 * time.Minute},
		{"cron(0/20 9 * * ? *)", 19 * time.Minute, 20 * time.Minute},
		{"cron(0 8 ? * MON-FRI *)", 23*time.Hour - time.Minute, 23 * time.Hour},
		{"cron(0 0 1,15 * ? *)", 13*24*time.Hour + 14*time.Hour, 13*24*time.Hour + 15*time.Hour},
		{"cron(0 0 1 4 ? 2026)", 30 * 24 * time.Hour, 31 * 24 * time.Hour},
	} {
		t.Run(tt.expression, func(t *testing.T) {
			b := newBuses(t)
			b.scheduled("cron", tt.expression)
			b.wantFired("cron", tt.before, 0)
			b.wantFired("cron", tt.then-tt.before, 1)
		})
	}
}

func TestSchedulesThatAreNoneAreRefused(t *testing.T) {
	b := newBuses(t)
	for _, expression := range []string{"cron(0 8 * * * *)", "cron(0 8 ? * *)", "cron(61 8 * * ? *)", "cron(0 8 L * ? *)", "cron(0 9-8 * * ? *)", "rate(0 hours)"} {
		_, err := b.events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: &expression})
		b.wantCode(expression, err, "ValidationException")
	}
}
