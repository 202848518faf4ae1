package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/doctor"
)

// Deployment is doctor.Deployment on EventBridge, SQS and CloudWatch.
type Deployment struct {
	Session *awscloud.Session
	At      awscloud.Place // where the function is deployed
}

var _ doctor.Deployment = (*Deployment)(nil)

func eventsAPI() awscloud.API {
	return awscloud.API{ID: "EventBridge", Target: "AWSEvents", Signing: "events", Host: "events"}
}

func sqsAPI() awscloud.API {
	return awscloud.API{ID: "SQS", Target: "AmazonSQS", Signing: "sqs", Host: "sqs", Version: "1.0"}
}

func cloudWatchAPI() awscloud.API {
	return awscloud.API{ID: "CloudWatch", Target: "GraniteServiceVersion20100801", Signing: "monitoring", Host: "monitoring", Version: "1.0", Prefix: "cloudwatch"}
}

// describedRule is DescribeRule's wire form.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html
type describedRule struct{ EventPattern, ScheduleExpression, State string }

type listedTargets struct {
	Targets   []struct{ Arn string }
	NextToken string
}

// Rule implements doctor.Deployment.
func (d *Deployment) Rule(ctx context.Context, name string) (doctor.Rule, error) {
	var is describedRule
	if err := d.Session.Call(ctx, eventsAPI(), d.At, "DescribeRule", "rule "+name, map[string]string{"Name": name}, &is); err != nil {
		return doctor.Rule{}, err
	}
	found := doctor.Rule{Pattern: is.EventPattern, Schedule: is.ScheduleExpression, Enabled: strings.HasPrefix(is.State, "ENABLED")}
	in := map[string]string{"Rule": name}
	for {
		var page listedTargets
		if err := d.Session.Call(ctx, eventsAPI(), d.At, "ListTargetsByRule", "rule "+name, in, &page); err != nil {
			return doctor.Rule{}, err
		}
		for _, t := range page.Targets {
			found.Targets = append(found.Targets, t.Arn)
		}
		if page.NextToken == "" {
			return found, nil
		}
		in["NextToken"] = page.NextToken
	}
}

// Queue implements doctor.Deployment.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func (d *Deployment) Queue(ctx context.Context, name string) (doctor.Queue, error) {
	queue, err := d.Session.FindQueue(ctx, d.At, name)
	if err != nil {
		return doctor.Queue{}, err
	}
	var is struct{ Attributes map[string]string }
	in := map[string]any{"QueueUrl": queue.URL, "AttributeNames": []string{"ApproximateNumberOfMessages", "RedrivePolicy"}}
	if err := d.Session.Call(ctx, sqsAPI(), d.At, "GetQueueAttributes", "queue "+name, in, &is); err != nil {
		return doctor.Queue{}, err
	}
	waiting, err := strconv.Atoi(is.Attributes["ApproximateNumberOfMessages"])
	if err != nil {
		return doctor.Queue{}, d.Session.Failed("sqs:GetQueueAttributes", "queue "+name, d.At, fmt.Errorf("AWS's answer cannot be relied on: %w", err))
	}
	var redrive struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if err := json.Unmarshal([]byte(cmp.Or(is.Attributes["RedrivePolicy"], "{}")), &redrive); err != nil {
		return doctor.Queue{}, d.Session.Failed("sqs:GetQueueAttributes", "queue "+name, d.At, fmt.Errorf("AWS's answer cannot be relied on: %w", err))
	}
	return doctor.Queue{Dead: redrive.Target[strings.LastIndexByte(redrive.Target, ':')+1:], Waiting: waiting}, nil
}

// describedAlarms is DescribeAlarms' wire form.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
type describedAlarms struct {
	MetricAlarms []struct {
		AlarmName      string
		ActionsEnabled bool
		StateValue     string
	}
	NextToken string
}

// Alarms implements doctor.Deployment.
func (d *Deployment) Alarms(ctx context.Context, prefix string) ([]doctor.Alarm, error) {
	var found []doctor.Alarm
	in := map[string]any{"AlarmNamePrefix": prefix, "MaxRecords": 100}
	for {
		var page describedAlarms
		if err := d.Session.Call(ctx, cloudWatchAPI(), d.At, "DescribeAlarms", "alarms "+prefix+"*", in, &page); err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			found = append(found, doctor.Alarm{Name: a.AlarmName, Enabled: a.ActionsEnabled, Ringing: a.StateValue == "ALARM"})
		}
		if page.NextToken == "" {
			return found, nil
		}
		in["NextToken"] = page.NextToken
	}
}
