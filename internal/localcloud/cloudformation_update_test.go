package localcloud_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// updateInput is stackInput for an update.
func updateInput(body string, parameters ...string) *cloudformation.UpdateStackInput {
	in := stackInput(body, parameters...)
	return &cloudformation.UpdateStackInput{StackName: in.StackName, TemplateBody: in.TemplateBody, Capabilities: in.Capabilities, Parameters: in.Parameters}
}

func (w *world) update(in *cloudformation.UpdateStackInput) cftypes.Stack {
	w.t.Helper()
	out, err := w.stacks().UpdateStack(context.Background(), in)
	return w.describeStack(must(w, out, err).StackId)
}

// queueAttribute is an attribute of a queue by its name, or the code that asking for it failed with.
func (w *world) queueAttribute(name string, attribute sqstypes.QueueAttributeName) string {
	w.t.Helper()
	queues := sqs.NewFromConfig(w.as(account, home))
	url, err := queues.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return codeOf(err)
	}
	out, err := queues.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{attribute}})
	return must(w, out, err).Attributes[string(attribute)]
}

const noQueue = "AWS.SimpleQueueService.NonExistentQueue"

func TestAnUpdateChangesWhatTheTemplateChanged(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.stack(stackInput(smallStack))
	before := w.physical("Dead")
	next := strings.Replace(smallStack, `VisibilityTimeout: "60"`, "VisibilityTimeout: 90", 1)
	next = strings.Replace(next, "  Rule:\n", "  Extra: {Type: AWS::SQS::Queue, Properties: {QueueName: extra}}\n  Rule:\n", 1)
	s := w.update(updateInput(next, "Tier", "large"))
	if s.StackStatus != cftypes.StackStatusUpdateComplete {
		t.Fatalf("the stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
	}
	if got := w.queueAttribute("work", sqstypes.QueueAttributeNameVisibilityTimeout); got != "90" {
		t.Errorf("VisibilityTimeout is %s, want 90", got)
	}
	if got := w.queueAttribute("work", sqstypes.QueueAttributeNameMessageRetentionPeriod); got != "1209600" {
		t.Errorf("MessageRetentionPeriod is %s, want 1209600", got)
	}
	if w.queueAttribute("extra", sqstypes.QueueAttributeNameQueueArn) == noQueue || w.physical("Dead") != before {
		t.Errorf("the new queue is missing, or one that did not change is another now: %s", w.physical("Dead"))
	}
	w.update(updateInput(smallStack))
	if got := w.queueAttribute("extra", sqstypes.QueueAttributeNameQueueArn); got != noQueue {
		t.Errorf("the queue that the template has no more is still there: %s", got)
	}
	if w.physical("Only") != "" {
		t.Errorf("a resource whose condition does not hold any more is still there: %s", w.physical("Only"))
	}
	_, err := w.stacks().UpdateStack(t.Context(), updateInput(smallStack))
	if err == nil || !strings.Contains(err.Error(), "No updates are to be performed.") {
		t.Errorf("an update without a change: %v", err)
	}
	kept := updateInput(smallStack, "Name", "")
	kept.Parameters[0] = cftypes.Parameter{ParameterKey: aws.String("Name"), UsePreviousValue: aws.Bool(true)}
	_, err = w.stacks().UpdateStack(t.Context(), kept)
	if err == nil || !strings.Contains(err.Error(), "No updates are to be performed.") {
		t.Errorf("an update with the previous value: %v", err)
	}
}

// physical is a resource's physical id in the small stack, "" when it is not there.
func (w *world) physical(logical string) string {
	w.t.Helper()
	out, err := w.stacks().DescribeStackResources(context.Background(), &cloudformation.DescribeStackResourcesInput{StackName: aws.String("small")})
	for _, r := range must(w, out, err).StackResources {
		if *r.LogicalResourceId == logical {
			return *r.PhysicalResourceId
		}
	}
	return ""
}

func TestAnUpdateReplacesWhatCannotChange(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.stack(stackInput(smallStack))
	s := w.update(updateInput(smallStack, "Name", "other"))
	if s.StackStatus != cftypes.StackStatusUpdateComplete || *s.Outputs[0].OutputValue != w.url+"/"+account+"/other" {
		t.Fatalf("the stack is %s with %v: %s", s.StackStatus, s.Outputs, w.reasons(s.StackId))
	}
	if got := w.queueAttribute("work", sqstypes.QueueAttributeNameQueueArn); got != noQueue {
		t.Errorf("the replaced queue is still there: %s", got)
	}
	if got := w.queueAttribute("other", sqstypes.QueueAttributeNameRedrivePolicy); !strings.Contains(got, "other-dead") {
		t.Errorf("the queue's redrive policy is %s", got)
	}
}

func TestAnUpdateThatFailsIsTakenBack(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.stack(stackInput(smallStack))
	// The queues change or are replaced before the table fails, whose name stays though its key changes.
	next := strings.Replace(smallStack, "AttributeName: pk, KeyType", "AttributeName: sk, KeyType", 1)
	next = strings.Replace(next, "AttributeName: pk, AttributeType", "AttributeName: sk, AttributeType", 1)
	next = strings.Replace(next, `VisibilityTimeout: "60"`, "VisibilityTimeout: 90", 1)
	for _, name := range []string{"work", "other"} {
		s := w.update(updateInput(next, "Name", name))
		if s.StackStatus != cftypes.StackStatusUpdateRollbackComplete || !strings.Contains(w.reasons(s.StackId), "custom-named resource requires replacing. Rename state") {
			t.Fatalf("%s: the stack is %s: %s", name, s.StackStatus, w.reasons(s.StackId))
		}
		if got := w.queueAttribute("work", sqstypes.QueueAttributeNameVisibilityTimeout); got != "60" {
			t.Errorf("%s: VisibilityTimeout is %s, want 60 again", name, got)
		}
		if got := w.queueAttribute("other", sqstypes.QueueAttributeNameQueueArn); got != noQueue {
			t.Errorf("%s: the queue that was to take its place is still there: %s", name, got)
		}
	}
	if s := w.update(updateInput(smallStack, "Tier", "large")); s.StackStatus != cftypes.StackStatusUpdateComplete {
		t.Errorf("after that it cannot be updated: %s", w.reasons(s.StackId))
	}
}

func (w *world) changeSet(name string, kind cftypes.ChangeSetType, body string, parameters ...string) *cloudformation.DescribeChangeSetOutput {
	w.t.Helper()
	in := stackInput(body, parameters...)
	made, err := w.stacks().CreateChangeSet(context.Background(), &cloudformation.CreateChangeSetInput{
		StackName: in.StackName, ChangeSetName: &name, ChangeSetType: kind, TemplateBody: in.TemplateBody, Parameters: in.Parameters, Capabilities: in.Capabilities,
	})
	out, err := w.stacks().DescribeChangeSet(context.Background(), &cloudformation.DescribeChangeSetInput{ChangeSetName: must(w, made, err).Id})
	return must(w, out, err)
}

func (w *world) execute(set *cloudformation.DescribeChangeSetOutput) error {
	_, err := w.stacks().ExecuteChangeSet(context.Background(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.ChangeSetName, StackName: set.StackName})
	return err
}

func changesOf(set *cloudformation.DescribeChangeSetOutput) string {
	var all []string
	for _, c := range set.Changes {
		r := c.ResourceChange
		all = append(all, strings.TrimSuffix(string(r.Action)+" "+*r.LogicalResourceId+" "+string(r.Replacement), " "))
	}
	return strings.Join(all, ", ")
}

func TestAChangeSetSaysWhatItWillDoAndDoesIt(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	first := w.changeSet("first", cftypes.ChangeSetTypeCreate, smallStack)
	if want := "Add Dead, Add Queue, Add Role, Add Rule, Add Table"; changesOf(first) != want {
		t.Errorf("the first changes are %s, want %s", changesOf(first), want)
	}
	if s := w.describeStack(first.StackId); s.StackStatus != cftypes.StackStatusReviewInProgress || w.queueAttribute("work", "QueueArn") != noQueue {
		t.Errorf("before anybody says yes the stack is %s", s.StackStatus)
	}
	w.wantCode("ExecuteChangeSet", w.execute(first), "")
	if s := w.describeStack(first.StackId); s.StackStatus != cftypes.StackStatusCreateComplete {
		t.Fatalf("the stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
	}
	w.wantCode("executing it again", w.execute(first), "InvalidChangeSetStatus")
	second := w.changeSet("second", cftypes.ChangeSetTypeUpdate, smallStack, "Name", "other", "Tier", "large")
	if want := "Modify Dead True, Add Only, Modify Queue True, Modify Role False, Modify Rule False"; changesOf(second) != want {
		t.Errorf("the second changes are %s, want %s", changesOf(second), want)
	}
	none := w.changeSet("none", cftypes.ChangeSetTypeUpdate, smallStack)
	if none.Status != cftypes.ChangeSetStatusFailed || !strings.Contains(aws.ToString(none.StatusReason), "didn't contain changes") {
		t.Errorf("a change set without changes is %s: %s", none.Status, aws.ToString(none.StatusReason))
	}
	w.wantCode("executing it", w.execute(none), "InvalidChangeSetStatus")
	w.wantCode("executing the second", w.execute(second), "")
	if s := w.describeStack(first.StackId); s.StackStatus != cftypes.StackStatusUpdateComplete {
		t.Errorf("the stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
	}
	w.wantCode("a change set that is out of date", w.execute(none), "ChangeSetNotFound")
	_, err := w.stacks().DeleteChangeSet(t.Context(), &cloudformation.DeleteChangeSetInput{ChangeSetName: second.ChangeSetId})
	w.wantCode("DeleteChangeSet", err, "")
	_, err = w.stacks().DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{ChangeSetName: second.ChangeSetId})
	w.wantCode("a deleted change set", err, "ChangeSetNotFound")
}

func TestATemplateIsReadFromS3(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	large := smallStack + "\n" + strings.Repeat("# more than a request may hold\n", 2000)
	w.store("small.template", []byte(large))
	in := stackInput(large)
	_, err := w.stacks().CreateStack(t.Context(), in)
	w.wantCode("a template that is too long for a request", err, "ValidationError")
	in.TemplateBody, in.TemplateURL = nil, aws.String("https://s3.us-east-1.amazonaws.com/code/small.template")
	if s := w.stack(in); s.StackStatus != cftypes.StackStatusCreateComplete {
		t.Errorf("the stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
	}
	summary, err := w.stacks().GetTemplateSummary(t.Context(), &cloudformation.GetTemplateSummaryInput{TemplateURL: aws.String("https://code.s3.us-east-1.amazonaws.com/small.template")})
	if must(w, summary, err); len(summary.Parameters) != 2 || !cmp.Equal(summary.Capabilities, []cftypes.Capability{cftypes.CapabilityCapabilityNamedIam}) {
		t.Errorf("the summary is %+v", summary)
	}
	in.StackName, in.TemplateURL = aws.String("other"), aws.String(w.url+"/code/none")
	_, err = w.stacks().CreateStack(t.Context(), in)
	if err == nil || !strings.Contains(err.Error(), "S3 error: The specified key does not exist.") {
		t.Errorf("a template that is not there: %v", err)
	}
}

func TestAWSCommandLineInterfaceDeploys(t *testing.T) {
	t.Parallel()
	needCLI(t)
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	file := filepath.Join(t.TempDir(), "template.yaml")
	deploy := func(body string, arguments ...string) string {
		t.Helper()
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		// The AWS CLI names its change sets after the second.
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		return w.plainCLI(append([]string{"cloudformation", "deploy", "--template-file", file, "--stack-name", "small",
			"--capabilities", "CAPABILITY_NAMED_IAM", "--s3-bucket", "code", "--no-fail-on-empty-changeset"}, arguments...)...)
	}
	if got := deploy(smallStack, "--parameter-overrides", "Name=jobs"); !strings.Contains(got, "Successfully created/updated stack - small") {
		t.Errorf("the first time it printed %s", got)
	}
	if got := deploy(smallStack); !strings.Contains(got, "No changes to deploy") {
		t.Errorf("the second time it printed %s", got)
	}
	if got := deploy(strings.Replace(smallStack, `"60"`, "75", 1)); !strings.Contains(got, "Successfully created/updated stack - small") {
		t.Errorf("after a change it printed %s", got)
	}
	if got := w.queueAttribute("jobs", sqstypes.QueueAttributeNameVisibilityTimeout); got != "75" {
		t.Errorf("VisibilityTimeout is %s, want 75", got)
	}
}
