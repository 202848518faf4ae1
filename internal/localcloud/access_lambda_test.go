package localcloud_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"studiokeeper/internal/localcloud"
)

// quiet is a function with a role that takes whatever comes.
func quiet(role string) localcloud.Function {
	return localcloud.Function{Name: "worker", Role: role, Invoke: func(context.Context, []byte) ([]byte, error) { return []byte(`{}`), nil }}
}

// refusals are the error codes that calls of an operation were refused with.
func refusals(c *localcloud.Cloud, operation string) (codes []string) {
	for _, call := range c.Calls() {
		if call.Operation == operation && call.Denied != "" {
			codes = append(codes, call.Error)
		}
	}
	return codes
}

func TestFunctionRunsWithCredentialsOfItsRole(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustLambda, policyOf(allow("sqs:*", "*")))
	f := childFunction("1")
	f.Role = workerRole
	start(t, w.cloud, f)
	got, err := ask(t, w.cloud, "describe", "")
	must(w, got, err)
	config := w.as(got["key"], home)
	config.Credentials = credentials.NewStaticCredentialsProvider(got["key"], "secret", got["token"])
	who, err := sts.NewFromConfig(config).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if arn := *must(w, who, err).Arn; arn != "arn:aws:sts::111122223333:assumed-role/worker/child" || got["token"] == "" {
		t.Errorf("the function is %s with the token %q", arn, got["token"])
	}
}

func TestLambdaRefusesRolesItCannotAssume(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustHome, policyOf(allow("sqs:*", "*")))
	if err := w.cloud.StartFunction(quiet(workerRole)); err == nil || !strings.Contains(err.Error(), "cannot be assumed by Lambda") {
		t.Errorf("a role that does not trust Lambda: %v", err)
	}
	if err := w.cloud.StartFunction(quiet("worker")); err == nil || !strings.Contains(err.Error(), "no role's ARN") {
		t.Errorf("a role by its name: %v", err)
	}
}

func TestPollingTakesPermissionsOfTheFunctionsRole(t *testing.T) {
	q := newQueues(t)
	url := q.queue("work", "VisibilityTimeout", "60")
	full := []string{allow("sqs:ReceiveMessage", workARN), allow("sqs:DeleteMessage", workARN), allow("sqs:GetQueueAttributes", workARN)}
	q.role("worker", trustLambda, policyOf(full...))
	start(t, q.cloud, quiet(workerRole))
	mapping := localcloud.EventSourceMapping{QueueArn: workARN, Function: "worker"}
	for i, missing := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		q.policy("worker", policyOf(slices.Delete(slices.Clone(full), i, i+1)...))
		if err := q.cloud.MapQueue(mapping); err == nil || !strings.Contains(err.Error(), "permissions to call "+missing) {
			t.Errorf("mapping without %s: %v", missing, err)
		}
	}
	q.cloud.ResetCalls()
	q.policy("worker", policyOf(full...))
	if err := q.cloud.MapQueue(mapping); err != nil {
		t.Fatal(err)
	}
	q.send(url, "first", 0)
	eventually(t, func() bool { return q.cloud.CallCounts()["sqs.DeleteMessage"] == 1 })
	q.policy("worker", policyOf(full[0], full[2]))
	q.send(url, "second", 0)
	eventually(t, func() bool { return len(refusals(q.cloud, "DeleteMessage")) == 1 })
	if got := refusals(q.cloud, "DeleteMessage"); !strings.Contains(got[0], "AccessDenied") {
		t.Errorf("the refused delete was logged with %v", got)
	}
	q.wantCounts(url, "0", "1", "0")
}

func TestStreamTakesPermissionsOfTheFunctionsRole(t *testing.T) {
	st := newStreamed(t, dynamotypes.StreamViewTypeKeysOnly, nil)
	actions := []string{"GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"}
	st.role("worker", trustLambda, policyOf(allow("dynamodb:*", "*")))
	start(t, st.cloud, quiet(workerRole))
	mapping := localcloud.StreamMapping{StreamArn: st.arn, Function: "worker"}
	for _, missing := range actions {
		st.policy("worker", policyOf(allow("dynamodb:*", "*"), `{"Effect":"Deny","Action":"dynamodb:`+missing+`","Resource":"*"}`))
		if err := st.cloud.MapStream(mapping); err == nil || !strings.Contains(err.Error(), "dynamodb:"+missing) {
			t.Errorf("mapping without %s: %v", missing, err)
		}
	}
	st.policy("worker", policyOf(allow("dynamodb:GetRecords", st.arn), allow("dynamodb:GetShardIterator", st.arn),
		allow("dynamodb:DescribeStream", st.arn), allow("dynamodb:ListStreams", "*")))
	if err := st.cloud.MapStream(mapping); err != nil {
		t.Errorf("mapping with all four: %v", err)
	}
}

func TestQueuePolicySaysWhoMaySend(t *testing.T) {
	ctx := context.Background()
	b := newBuses(t)
	sendFrom := func(principal, condition string) string {
		return policyOf(`{"Effect":"Allow","Principal":` + principal + `,"Action":"SQS:SendMessage","Resource":"` + workARN + `","Condition":` + condition + `}`)
	}
	set := func(policy string) error {
		_, err := b.api.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: b.work, Attributes: map[string]string{"Policy": policy}})
		return err
	}
	b.rule("all", everything, workARN)
	events := `{"Service":"events.amazonaws.com"}`
	from := func(rule string) string {
		return `{"ArnEquals":{"aws:SourceArn":"arn:aws:events:us-east-1:111122223333:rule/` + rule + `"}}`
	}
	b.wantCode("a policy that is none", set(`{"Statement":[]}`), "InvalidAttributeValue")
	b.wantCode("a policy for another rule", set(sendFrom(events, from("other"))), "")
	b.emit("refused")
	eventually(t, func() bool { return len(b.cloud.Events()[0].Targets) == 1 })
	if got := b.cloud.Events()[0].Targets[0].Error; !strings.Contains(got, "does not let events.amazonaws.com send") {
		t.Errorf("the delivery that the policy does not allow: %q", got)
	}
	b.wantCode("a policy for this rule", set(sendFrom(events, from("all"))), "")
	b.emit("let in")
	eventually(t, func() bool { return len(b.cloud.Events()[1].Targets) == 1 })
	if got := b.cloud.Events()[1].Targets[0].Error; got != "" {
		t.Errorf("the delivery that the policy allows: %q", got)
	}

	b.role("worker", trustLambda, policyOf(allow("sns:*", "*")))
	mine := sqs.NewFromConfig(b.session(workerRole))
	send := func() error {
		_, err := mine.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: b.work, MessageBody: aws.String("x")})
		return err
	}
	refused := send()
	b.wantCode("a role that neither lets send", refused, "AccessDenied")
	b.wantCode("a policy that names the role", set(sendFrom(`{"AWS":"`+workerRole+`"}`, `{}`)), "")
	b.wantCode("a role that the queue lets send", send(), "")
	b.wantCode("a policy that leaves it to the account", set(sendFrom(`{"AWS":"111122223333"}`, `{}`)), "")
	b.wantCode("a role that its own policies do not let", send(), "AccessDenied")
}
