package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
)

const sampleStack = "studiokeeper"

// deploy makes what the template of the sample configuration says, so that the
// functions run under exactly the role that a deployment gives them.
func (s *sample) deploy(ctx context.Context, worker bool) error {
	body, err := s.template(worker)
	if err != nil {
		return err
	}
	api := cloudformation.NewFromConfig(s.aws)
	parameter := func(name, value string) types.Parameter {
		return types.Parameter{ParameterKey: &name, ParameterValue: &value}
	}
	made, err := api.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: aws.String(sampleStack), TemplateBody: &body, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Parameters: []types.Parameter{parameter("CodeBucket", "local"), parameter("CodeKey", "studiokeeper.zip")},
	})
	if err != nil {
		return err
	}
	stacks, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: made.StackId})
	if err != nil {
		return err
	}
	stack := stacks.Stacks[0]
	if stack.StackStatus != types.StackStatusCreateComplete {
		return s.whyNot(ctx, api, stack)
	}
	outputs := map[string]string{}
	for _, o := range stack.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	s.queueURL, s.passURL = outputs["EventsQueueUrl"], outputs["PassQueueUrl"]
	return nil
}

// whyNot names the resources that could not be made.
func (s *sample) whyNot(ctx context.Context, api *cloudformation.Client, stack types.Stack) error {
	reasons := []string{aws.ToString(stack.StackStatusReason)}
	events, err := api.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: stack.StackId})
	if err != nil {
		return err
	}
	for _, e := range events.StackEvents {
		if e.ResourceStatus == types.ResourceStatusCreateFailed {
			reasons = append(reasons, aws.ToString(e.LogicalResourceId)+": "+aws.ToString(e.ResourceStatusReason))
		}
	}
	return fmt.Errorf("the stack %s ended in %s: %s", sampleStack, stack.StackStatus, strings.Join(reasons, "; "))
}

// template is the main template of the sample configuration, with its
// schedules off: whoever moves the cloud's clock decides when a pass comes.
// Without a worker it has no functions.
func (s *sample) template(worker bool) (string, error) {
	text, err := os.ReadFile(s.config)
	if err != nil {
		return "", err
	}
	cfg, err := config.Parse(s.config, text, func(string) (string, bool) { return "", false })
	if err != nil {
		return "", err
	}
	made, err := deploy.Main(cfg, deploy.Options{})
	if err != nil {
		return "", err
	}
	if text, err = made.JSON(); err != nil {
		return "", err
	}
	var tree sampleTemplate
	if err := json.Unmarshal(text, &tree); err != nil {
		return "", err
	}
	tree.stopSchedules()
	if !worker {
		tree.dropFunctions()
	}
	text, err = json.Marshal(tree)
	return string(text), err
}

// sampleTemplate is a template, as far as the sample changes it.
type sampleTemplate struct {
	AWSTemplateFormatVersion, Description string
	Parameters, Conditions                json.RawMessage
	Resources                             map[string]sampleResource
	Outputs                               map[string]json.RawMessage
}

type sampleResource struct {
	Type                                           string
	Condition, DeletionPolicy, UpdateReplacePolicy string          `json:",omitempty"`
	DependsOn                                      json.RawMessage `json:",omitempty"`
	Properties                                     map[string]json.RawMessage
}

func (t *sampleTemplate) stopSchedules() {
	for _, r := range t.Resources {
		if r.Properties["ScheduleExpression"] != nil {
			r.Properties["State"] = json.RawMessage(`"DISABLED"`)
		}
	}
}

func (t *sampleTemplate) dropFunctions() {
	maps.DeleteFunc(t.Resources, func(name string, r sampleResource) bool {
		if strings.HasPrefix(r.Type, "AWS::Lambda::") {
			delete(t.Outputs, name+"Arn")
			return true
		}
		return false
	})
}
