package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rogpeppe/go-internal/testscript"
)

// dead FILE... puts messages into the dead-letter queue of events.
func dead(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: dead FILE...")
	}
	api := sqs.NewFromConfig(client(ts))
	url := queueURL(ts, api, "studiokeeper-events-dead")
	for _, file := range args {
		_, err := api.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(ts.ReadFile(file))})
		ts.Check(err)
	}
}

// listening FILE NAME waits until a worker's log says where it listens, and
// keeps the address.
func listening(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "listening FILE NAME")
	at := regexp.MustCompile(`"msg":"listening","address":"([^"]+)"`)
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		log, _ := os.ReadFile(ts.MkAbs(args[0]))
		if found := at.FindSubmatch(log); found != nil {
			ts.Setenv(args[1], string(found[1]))
			return
		}
		if time.Now().After(until) {
			ts.Fatalf("no worker listens:\n%s", log)
		}
	}
}

// rule on|off NAME enables or disables a rule.
func rule(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "rule on|off NAME")
	api := eventbridge.NewFromConfig(client(ts))
	var err error
	if args[0] == "on" {
		_, err = api.EnableRule(context.Background(), &eventbridge.EnableRuleInput{Name: &args[1]})
	} else {
		_, err = api.DisableRule(context.Background(), &eventbridge.DisableRuleInput{Name: &args[1]})
	}
	ts.Check(err)
}

// scrape URL TEXT gives what a worker answers, once that has the text in it.
func scrape(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "scrape URL TEXT")
	var answer []byte
	for until := time.Now().Add(patience); ; time.Sleep(glance) {
		resp, err := http.Get(args[0])
		if err == nil {
			answer, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		// The metrics of an invocation are there once it has ended.
		if err == nil && strings.Contains(string(answer), args[1]) {
			break
		}
		if time.Now().After(until) {
			ts.Fatalf("%s: %v\n%s", args[0], err, answer)
		}
	}
	_, err := ts.Stdout().Write(answer)
	ts.Check(err)
}
