package localcloud

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

func (s *stackState) describeStacks(c *call, in *cloudformation.DescribeStacksInput) (*cloudformation.DescribeStacksOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.StackName != nil {
		st, err := s.find(c, in.StackName)
		if err != nil {
			return nil, err
		}
		return &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{st.Stack}}, nil
	}
	out := &cloudformation.DescribeStacksOutput{Stacks: []types.Stack{}}
	for _, name := range sortedKeys(s.stacks[c.place()]) {
		out.Stacks = append(out.Stacks, s.stacks[c.place()][name].Stack)
	}
	return out, nil
}

// describeStackEvents gives the newest first.
func (s *stackState) describeStackEvents(c *call, in *cloudformation.DescribeStackEventsInput) (*cloudformation.DescribeStackEventsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(c, in.StackName)
	if err != nil {
		return nil, err
	}
	events := slices.Clone(st.events)
	slices.Reverse(events)
	return &cloudformation.DescribeStackEventsOutput{StackEvents: events}, nil
}

func (s *stackState) describeStackResources(c *call, in *cloudformation.DescribeStackResourcesInput) (*cloudformation.DescribeStackResourcesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(c, in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.DescribeStackResourcesOutput{StackResources: []types.StackResource{}}
	for _, logical := range sortedKeys(st.resources) {
		r := st.resources[logical]
		if in.LogicalResourceId != nil && *in.LogicalResourceId != logical {
			continue
		}
		out.StackResources = append(out.StackResources, types.StackResource{
			StackId: st.StackId, StackName: st.StackName, LogicalResourceId: &logical, PhysicalResourceId: &r.id,
			ResourceType: &r.kind, ResourceStatus: r.status, ResourceStatusReason: &r.reason, Timestamp: &r.changed,
		})
	}
	return out, nil
}

func (s *stackState) listStackResources(c *call, in *cloudformation.ListStackResourcesInput) (*cloudformation.ListStackResourcesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(c, in.StackName)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.ListStackResourcesOutput{StackResourceSummaries: []types.StackResourceSummary{}}
	for _, logical := range sortedKeys(st.resources) {
		r := st.resources[logical]
		out.StackResourceSummaries = append(out.StackResourceSummaries, types.StackResourceSummary{
			LogicalResourceId: &logical, PhysicalResourceId: &r.id, ResourceType: &r.kind,
			ResourceStatus: r.status, ResourceStatusReason: &r.reason, LastUpdatedTimestamp: &r.changed,
		})
	}
	return out, nil
}

func (s *stackState) getTemplate(c *call, in *cloudformation.GetTemplateInput) (*cloudformation.GetTemplateOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(c, in.StackName)
	if err != nil {
		return nil, err
	}
	if st.ordered == nil {
		return nil, validationError("Stack with id %s has no template yet: its change set was not executed", *in.StackName)
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: &st.ordered.template.text}, nil
}

func (s *stackState) validateTemplate(c *call, in *cloudformation.ValidateTemplateInput) (*cloudformation.ValidateTemplateOutput, error) {
	t, err := c.templateOf(in.TemplateBody, in.TemplateURL)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.ValidateTemplateOutput{Description: aws.String(t.description), Parameters: []types.TemplateParameter{}}
	for _, name := range sortedKeys(t.parameters) {
		p := t.parameters[name]
		out.Parameters = append(out.Parameters, types.TemplateParameter{
			ParameterKey: &name, DefaultValue: p.standard, NoEcho: &p.hidden, Description: aws.String(p.description),
		})
	}
	names, reason := t.capabilities()
	for _, name := range names {
		out.Capabilities = append(out.Capabilities, types.Capability(name))
	}
	if len(names) > 0 {
		out.CapabilitiesReason = &reason
	}
	return out, nil
}
