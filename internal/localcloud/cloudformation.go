package localcloud

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"
)

// stackState is CloudFormation. An operation has done its work when it answers.
type stackState struct {
	mu     sync.Mutex // held while a stack is worked on
	stacks map[place]map[string]*stack
	gone   []*stack        // deleted; they are found by their ids
	names  map[string]bool // of resources that no service keeps
}

// stack is a stack and what it holds.
type stack struct {
	types.Stack
	home       place
	ordered    *order // what it is, or is becoming; nil: it is only under review
	resources  map[string]*stackResource
	order      []string // as they were made
	events     []types.StackEvent
	changeSets map[string]*changeSet // by name
}

// stackResource is one resource of a stack.
type stackResource struct {
	made
	kind, name string
	of         resourceType
	status     types.ResourceStatus
	reason     string
	properties map[string]any
	unfinished bool // an update failed halfway
	changed    time.Time
}

func cloudformationService(c *Cloud) service {
	s := &c.stacks
	return service{
		name: "cloudformation", version: "2010-05-15",
		ops: map[string]operation{
			"CreateStack":            handle(nil, nil, s.createStack, "StackName"),
			"UpdateStack":            handle(nil, nil, s.updateStack, "StackName"),
			"CreateChangeSet":        handle(nil, nil, s.createChangeSet, "StackName", "ChangeSetName"),
			"DescribeChangeSet":      handle(nil, nil, s.describeChangeSet, "ChangeSetName"),
			"ExecuteChangeSet":       handle(nil, nil, s.executeChangeSet, "ChangeSetName"),
			"DeleteChangeSet":        handle(nil, nil, s.deleteChangeSet, "ChangeSetName"),
			"GetTemplateSummary":     handle(nil, nil, s.getTemplateSummary),
			"DeleteStack":            handle(nil, nil, s.deleteStack, "StackName"),
			"DescribeStacks":         handle(nil, nil, s.describeStacks),
			"DescribeStackEvents":    handle(nil, nil, s.describeStackEvents, "StackName"),
			"DescribeStackResources": handle(nil, nil, s.describeStackResources, "StackName"),
			"ListStackResources":     handle(nil, nil, s.listStackResources, "StackName"),
			"GetTemplate":            handle(nil, nil, s.getTemplate, "StackName"),
			"ValidateTemplate":       handle(nil, nil, s.validateTemplate),
		},
	}
}

// find gives a stack by its name or id. The caller holds s.mu.
func (s *stackState) find(c *call, name *string) (*stack, error) {
	asked := aws.ToString(name)
	for _, st := range s.stacks[c.place()] {
		if *st.StackName == asked || *st.StackId == asked {
			return st, nil
		}
	}
	for _, st := range s.gone {
		if *st.StackId == asked && st.home == c.place() {
			return st, nil
		}
	}
	return nil, validationError("Stack with id %s does not exist", asked)
}

var stackName = whole(`[a-zA-Z][-a-zA-Z0-9]{0,127}`)

func (s *stackState) createStack(c *call, in *cloudformation.CreateStackInput) (*cloudformation.CreateStackOutput, error) {
	if !stackName.MatchString(*in.StackName) {
		return nil, validationError("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", *in.StackName)
	}
	t, err := c.templateOf(in.TemplateBody, in.TemplateURL)
	if err != nil {
		return nil, err
	}
	o, err := t.ordered(in.Parameters, in.Tags, in.Capabilities, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stacks[c.place()][*in.StackName] != nil {
		return nil, errf(400, "AlreadyExistsException", "Stack [%s] already exists", *in.StackName)
	}
	st := s.add(c, *in.StackName)
	copyMembers(&st.Stack, in)
	st.create(c, o)
	return &cloudformation.CreateStackOutput{StackId: st.StackId}, nil
}

// acknowledged demands the capabilities that the template needs.
func (t *template) acknowledged(given []types.Capability) error {
	needed, _ := t.capabilities()
	for _, need := range needed {
		ok := false
		for _, has := range given {
			ok = ok || string(has) == need || has == types.CapabilityCapabilityNamedIam
		}
		if !ok {
			return errf(400, "InsufficientCapabilitiesException", "Requires capabilities : [%s]", need)
		}
	}
	return nil
}

func (t *template) shownParameters(values map[string]any) []types.Parameter {
	shown := []types.Parameter{}
	for _, name := range sortedKeys(values) {
		text := fmt.Sprint(values[name])
		if list, ok := values[name].([]any); ok {
			joined, _ := joinItems(",", list)
			text = fmt.Sprint(joined)
		}
		if t.parameters[name].hidden {
			text = "****"
		}
		shown = append(shown, types.Parameter{ParameterKey: &name, ParameterValue: &text})
	}
	return shown
}

func (s *stackState) add(c *call, name string) *stack {
	if s.stacks == nil {
		s.stacks = map[place]map[string]*stack{}
	}
	if s.stacks[c.place()] == nil {
		s.stacks[c.place()] = map[string]*stack{}
	}
	id := fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", c.region, c.account, name, uuid.NewString())
	st := &stack{home: c.place(), resources: map[string]*stackResource{}, changeSets: map[string]*changeSet{}}
	st.StackId, st.StackName, st.CreationTime = &id, &name, &c.now
	s.stacks[c.place()][name] = st
	return st
}

func (s *stackState) deleteStack(c *call, in *cloudformation.DeleteStackInput) (*cloudformation.DeleteStackOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(c, in.StackName)
	if err != nil || st.StackStatus == types.StackStatusDeleteComplete {
		return &cloudformation.DeleteStackOutput{}, nil // deleting is idempotent
	}
	st.become(c, types.StackStatusDeleteInProgress, "User Initiated")
	if failed := st.removeAll(c, in.RetainResources); len(failed) > 0 {
		st.become(c, types.StackStatusDeleteFailed, fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(failed, ", ")))
		return &cloudformation.DeleteStackOutput{}, nil
	}
	st.become(c, types.StackStatusDeleteComplete, "")
	st.DeletionTime = aws.Time(c.cloud.Now())
	delete(s.stacks[st.home], *st.StackName)
	s.gone = append(s.gone, st)
	return &cloudformation.DeleteStackOutput{}, nil
}
