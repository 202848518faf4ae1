package localcloud

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"
)

func (st *stack) resolver(c *call, o *order) *resolver {
	r := &resolver{
		template: o.template, pending: map[string]bool{}, refs: map[string]any{}, atts: map[string]map[string]any{},
		decided: map[string]bool{}, asking: map[string]bool{},
	}
	for name, value := range o.values {
		r.refs[name] = value
	}
	for name, value := range map[string]string{
		"AWS::AccountId": c.account, "AWS::Region": c.region, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
		"AWS::StackName": *st.StackName, "AWS::StackId": *st.StackId,
	} {
		r.refs[name] = value
	}
	r.refs["AWS::NotificationARNs"] = []any{}
	return r
}

// create makes everything the template holds, or nothing: what was made goes again when something fails.
func (st *stack) create(c *call, o *order) {
	st.ordered = o
	o.describes(st)
	st.become(c, types.StackStatusCreateInProgress, "User Initiated")
	r := st.resolver(c, o)
	failed, err := st.makeAll(c, r)
	if err == nil {
		err = st.setOutputs(r)
	}
	if err == nil {
		st.become(c, types.StackStatusCreateComplete, "")
		return
	}
	why := err.Error()
	if failed != "" {
		why = fmt.Sprintf("The following resource(s) failed to create: [%s]. ", failed)
	}
	if st.DisableRollback != nil && *st.DisableRollback {
		st.become(c, types.StackStatusCreateFailed, why)
		return
	}
	st.become(c, types.StackStatusRollbackInProgress, why)
	if left := st.removeAll(c, nil); len(left) > 0 {
		st.become(c, types.StackStatusRollbackFailed, fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(left, ", ")))
		return
	}
	st.become(c, types.StackStatusRollbackComplete, why)
}

// makeAll makes the resources in order and names the one that failed.
func (st *stack) makeAll(c *call, r *resolver) (failed string, err error) {
	order, err := st.ordered.template.order()
	if err != nil {
		return "", err
	}
	for _, logical := range order {
		wanted, err := r.condition(st.ordered.template.resources[logical].condition)
		if err != nil {
			return logical, err
		}
		if !wanted {
			continue
		}
		if err := st.make(c, r, logical); err != nil {
			return logical, err
		}
	}
	return "", nil
}

func (st *stack) make(c *call, r *resolver, logical string) error {
	of := st.ordered.template.resources[logical]
	resource := &stackResource{kind: of.kind, of: of.of}
	st.resources[logical], st.order = resource, append(st.order, logical)
	st.progress(c, logical, types.ResourceStatusCreateInProgress, "")
	properties, err := r.properties(of)
	if err == nil {
		resource.properties = properties
		resource.name = st.nameOf(logical, properties)
		resource.made, err = of.of.create(resource.provision(c, logical))
	}
	if err != nil {
		st.progress(c, logical, types.ResourceStatusCreateFailed, err.Error())
		return err
	}
	r.knows(logical, resource.made)
	st.progress(c, logical, types.ResourceStatusCreateComplete, "")
	return nil
}

// properties are a resource's as its type wants them.
func (r *resolver) properties(of templateResource) (map[string]any, error) {
	properties, err := r.object(of.properties)
	if err != nil {
		return nil, err
	}
	return of.of.properties.take(properties, "")
}

// knows makes a resource known to those that refer to it.
func (r *resolver) knows(logical string, m made) {
	r.refs[logical], r.atts[logical] = m.id, m.atts
	if m.ref != "" {
		r.refs[logical] = m.ref
	}
}

func (r *stackResource) provision(c *call, logical string) *provision {
	return &provision{call: c, kind: r.kind, logical: logical, name: r.name, made: r.made, properties: r.properties}
}

// nameOf is what the template calls a resource, or a name after the stack that nobody else has.
func (st *stack) nameOf(logical string, properties map[string]any) string {
	if named, ok := properties[st.ordered.template.resources[logical].of.named].(string); ok && named != "" {
		return named
	}
	stem := *st.StackName + "-" + logical
	return stem[:min(len(stem), 50)] + "-" + randomKey(12)
}

func (st *stack) setOutputs(r *resolver) error {
	st.Outputs = []types.Output{}
	for _, name := range sortedKeys(st.ordered.template.outputs) {
		o := st.ordered.template.outputs[name]
		wanted, err := r.condition(o.condition)
		if err != nil {
			return err
		}
		if !wanted {
			continue
		}
		value, err := r.resolve(o.value)
		if err != nil {
			return err
		}
		text, err := scalarText(value)
		if err != nil {
			return fmt.Errorf("output %s: %w", name, err)
		}
		st.Outputs = append(st.Outputs, types.Output{OutputKey: &name, OutputValue: &text, Description: aws.String(o.description)})
	}
	return nil
}

// removeAll deletes the resources, the last made first, and names those that would not go.
func (st *stack) removeAll(c *call, retain []string) (failed []string) {
	for _, logical := range slices.Backward(slices.Clone(st.order)) {
		resource := st.resources[logical]
		created := resource.id != ""
		switch {
		case resource.status == types.ResourceStatusDeleteComplete || resource.status == types.ResourceStatusDeleteSkipped:
			continue
		case created && (st.ordered.template.resources[logical].retain && st.StackStatus != types.StackStatusRollbackInProgress || slices.Contains(retain, logical)):
			st.progress(c, logical, types.ResourceStatusDeleteSkipped, "")
			continue
		}
		st.progress(c, logical, types.ResourceStatusDeleteInProgress, "")
		if created {
			if err := resource.of.remove(resource.provision(c, logical)); err != nil {
				st.progress(c, logical, types.ResourceStatusDeleteFailed, err.Error())
				failed = append(failed, logical)
				continue
			}
		}
		st.progress(c, logical, types.ResourceStatusDeleteComplete, "")
	}
	return failed
}

// become changes the stack's status and writes the event of it.
func (st *stack) become(c *call, status types.StackStatus, reason string) {
	st.StackStatus, st.StackStatusReason = status, nil
	if reason != "" {
		st.StackStatusReason = &reason
	}
	st.event(c, *st.StackName, *st.StackId, "AWS::CloudFormation::Stack", types.ResourceStatus(status), reason)
}

func (st *stack) progress(c *call, logical string, status types.ResourceStatus, reason string) {
	r := st.resources[logical]
	r.status, r.reason, r.changed = status, reason, c.cloud.Now()
	st.event(c, logical, r.id, r.kind, status, reason)
}

func (st *stack) event(c *call, logical, physical, kind string, status types.ResourceStatus, reason string) {
	e := types.StackEvent{
		EventId: aws.String(uuid.NewString()), StackId: st.StackId, StackName: st.StackName, Timestamp: aws.Time(c.cloud.Now()),
		LogicalResourceId: &logical, PhysicalResourceId: &physical, ResourceType: &kind, ResourceStatus: status,
	}
	if reason != "" {
		e.ResourceStatusReason = &reason
	}
	st.events = append(st.events, e)
}
