package localcloud

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"
)

// changeSet is an order that waits for somebody to say yes.
type changeSet struct {
	cloudformation.DescribeChangeSetOutput
	order *order
}

func (s *stackState) createChangeSet(c *call, in *cloudformation.CreateChangeSetInput) (*cloudformation.CreateChangeSetOutput, error) {
	if !stackName.MatchString(*in.ChangeSetName) {
		return nil, validationError("1 validation error detected: Value '%s' at 'changeSetName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", *in.ChangeSetName)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, o, err := s.reviewed(c, in)
	if err != nil {
		return nil, err
	}
	if st.changeSets[*in.ChangeSetName] != nil {
		return nil, errf(400, "AlreadyExistsException", "ChangeSet %s already exists for stack %s", *in.ChangeSetName, *st.StackId)
	}
	set := &changeSet{order: o}
	if set.Changes, err = st.plan(c, o); err != nil {
		return nil, err
	}
	set.describe(c, st, in)
	st.changeSets[*in.ChangeSetName] = set
	return &cloudformation.CreateChangeSetOutput{Id: set.ChangeSetId, StackId: st.StackId}, nil
}

// reviewed gives the stack that a change set is about, which one of type CREATE makes. The caller holds s.mu.
func (s *stackState) reviewed(c *call, in *cloudformation.CreateChangeSetInput) (*stack, *order, error) {
	st := s.stacks[c.place()][*in.StackName]
	if in.ChangeSetType != types.ChangeSetTypeCreate {
		st, err := s.find(c, in.StackName)
		if err != nil {
			return nil, nil, err
		}
		o, err := st.nextOrder(c, aws.ToBool(in.UsePreviousTemplate), in.TemplateBody, in.TemplateURL, in.Parameters, in.Tags, in.Capabilities)
		return st, o, err
	}
	switch {
	case !stackName.MatchString(*in.StackName):
		return nil, nil, validationError("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", *in.StackName)
	case st != nil && st.StackStatus != types.StackStatusReviewInProgress:
		return nil, nil, validationError("Stack [%s] already exists and cannot be created again with the changeSet [%s].", *in.StackName, *in.ChangeSetName)
	}
	t, err := c.templateOf(in.TemplateBody, in.TemplateURL)
	if err != nil {
		return nil, nil, err
	}
	o, err := t.ordered(in.Parameters, in.Tags, in.Capabilities, nil)
	if err != nil {
		return nil, nil, err
	}
	if st == nil {
		st = s.add(c, *in.StackName)
		st.become(c, types.StackStatusReviewInProgress, "User Initiated")
	}
	return st, o, nil
}

// describe fills in what DescribeChangeSet shows.
func (set *changeSet) describe(c *call, st *stack, in *cloudformation.CreateChangeSetInput) {
	arn := fmt.Sprintf("arn:aws:cloudformation:%s:%s:changeSet/%s/%s", c.region, c.account, *in.ChangeSetName, uuid.NewString())
	set.ChangeSetId, set.ChangeSetName, set.StackId, set.StackName = &arn, in.ChangeSetName, st.StackId, st.StackName
	set.CreationTime, set.Description, set.Capabilities = &c.now, in.Description, in.Capabilities
	set.Parameters, set.Tags = set.order.template.shownParameters(set.order.values), set.order.tags
	set.Status, set.ExecutionStatus = types.ChangeSetStatusCreateComplete, types.ExecutionStatusAvailable
	if st.ordered != nil && len(set.Changes) == 0 && !st.shownDifferently(c, set.order) {
		set.Status, set.ExecutionStatus = types.ChangeSetStatusFailed, types.ExecutionStatusUnavailable
		set.StatusReason = aws.String("The submitted information didn't contain changes. Submit different information to create a change set.")
	}
}

// findChangeSet gives a change set by its ARN, or by its name and its stack. The caller holds s.mu.
func (s *stackState) findChangeSet(c *call, name, ofStack *string) (*stack, *changeSet, error) {
	for _, st := range s.stacks[c.place()] {
		for _, set := range st.changeSets {
			named := *set.ChangeSetName == *name && ofStack != nil && slices.Contains([]string{*st.StackName, *st.StackId}, *ofStack)
			if *set.ChangeSetId == *name || named {
				return st, set, nil
			}
		}
	}
	return nil, nil, errf(http.StatusNotFound, "ChangeSetNotFound", "ChangeSet [%s] does not exist", *name)
}

func (s *stackState) describeChangeSet(c *call, in *cloudformation.DescribeChangeSetInput) (*cloudformation.DescribeChangeSetOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, set, err := s.findChangeSet(c, in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, err
	}
	shown := set.DescribeChangeSetOutput
	return &shown, nil
}

// executeChangeSet carries one out. Whatever else was proposed for the stack is out of date then.
func (s *stackState) executeChangeSet(c *call, in *cloudformation.ExecuteChangeSetInput) (*cloudformation.ExecuteChangeSetOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, set, err := s.findChangeSet(c, in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, err
	}
	if set.ExecutionStatus != types.ExecutionStatusAvailable {
		return nil, errf(400, "InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current status of [%s]", *set.ChangeSetId, set.Status)
	}
	set.ExecutionStatus, st.ChangeSetId = types.ExecutionStatusExecuteComplete, set.ChangeSetId
	st.changeSets = map[string]*changeSet{*set.ChangeSetName: set}
	st.Capabilities = set.Capabilities
	if st.ordered == nil {
		st.DisableRollback = in.DisableRollback
		st.create(c, set.order)
	} else {
		st.update(c, set.order)
	}
	return &cloudformation.ExecuteChangeSetOutput{}, nil
}

// deleteChangeSet deletes one; one that is not there is no error.
func (s *stackState) deleteChangeSet(c *call, in *cloudformation.DeleteChangeSetInput) (*cloudformation.DeleteChangeSetOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, set, err := s.findChangeSet(c, in.ChangeSetName, in.StackName); err == nil {
		delete(st.changeSets, *set.ChangeSetName)
	}
	return &cloudformation.DeleteChangeSetOutput{}, nil
}

// getTemplateSummary describes a template, or that of a stack.
func (s *stackState) getTemplateSummary(c *call, in *cloudformation.GetTemplateSummaryInput) (*cloudformation.GetTemplateSummaryOutput, error) {
	t, err := s.summarized(c, in)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.GetTemplateSummaryOutput{Description: aws.String(t.description), Parameters: []types.ParameterDeclaration{}, Version: aws.String("2010-09-09")}
	for _, name := range sortedKeys(t.parameters) {
		p := t.parameters[name]
		out.Parameters = append(out.Parameters, types.ParameterDeclaration{
			ParameterKey: &name, ParameterType: &p.kind, DefaultValue: p.standard, NoEcho: &p.hidden, Description: aws.String(p.description),
			ParameterConstraints: &types.ParameterConstraints{AllowedValues: p.allowed},
		})
	}
	for _, logical := range sortedKeys(t.resources) {
		out.ResourceTypes = append(out.ResourceTypes, t.resources[logical].kind)
	}
	slices.Sort(out.ResourceTypes)
	out.ResourceTypes = slices.Compact(out.ResourceTypes)
	names, reason := t.capabilities()
	for _, name := range names {
		out.Capabilities, out.CapabilitiesReason = append(out.Capabilities, types.Capability(name)), &reason
	}
	return out, nil
}

func (s *stackState) summarized(c *call, in *cloudformation.GetTemplateSummaryInput) (*template, error) {
	if in.StackName == nil {
		return c.templateOf(in.TemplateBody, in.TemplateURL)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(c, in.StackName)
	if err != nil {
		return nil, err
	}
	if st.ordered == nil {
		return nil, validationError("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
	}
	return st.ordered.template, nil
}
