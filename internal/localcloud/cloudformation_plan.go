package localcloud

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// knownLater stands for what a resource will be called that is not there yet.
const knownLater = "{{changeSet:KNOWN_AFTER_APPLY}}"

// plan lists what bringing the stack to an order would do to its resources, in the order it would be done.
func (st *stack) plan(c *call, o *order) ([]types.Change, error) {
	r := st.resolver(c, o)
	needed, err := o.template.order()
	if err != nil {
		return nil, err
	}
	var planned []types.Change
	kept := map[string]bool{}
	for _, logical := range needed {
		wanted, err := r.condition(o.template.resources[logical].condition)
		if err != nil {
			return nil, validationError("%v", err)
		}
		if !wanted {
			continue
		}
		kept[logical] = true
		if change := st.planOne(r, logical); change != nil {
			planned = append(planned, types.Change{Type: types.ChangeTypeResource, ResourceChange: change})
		}
	}
	for _, logical := range sortedKeys(st.resources) {
		if is := st.live(logical); is != nil && !kept[logical] {
			planned = append(planned, types.Change{Type: types.ChangeTypeResource, ResourceChange: &types.ResourceChange{
				Action: types.ChangeActionRemove, LogicalResourceId: &logical, PhysicalResourceId: &is.id, ResourceType: &is.kind,
			}})
		}
	}
	return planned, nil
}

// planOne is what would be done to one resource; nil: nothing.
func (st *stack) planOne(r *resolver, logical string) *types.ResourceChange {
	of, is := r.template.resources[logical], st.live(logical)
	change := &types.ResourceChange{Action: types.ChangeActionAdd, LogicalResourceId: &logical, ResourceType: aws.String(of.kind)}
	if is == nil {
		r.pending[logical] = true
		return change
	}
	r.knows(logical, is.made)
	properties, err := r.properties(of)
	if err == nil && reflect.DeepEqual(properties, is.properties) {
		return nil
	}
	change.Action, change.PhysicalResourceId, change.Replacement = types.ChangeActionModify, &is.id, types.ReplacementFalse
	switch {
	case err != nil: // it rests on what is known later
		change.Replacement = types.ReplacementConditional
	case is.needsAnother(properties):
		change.Replacement, r.pending[logical] = types.ReplacementTrue, true
	}
	return change
}

// shownDifferently reports whether an order that changes no resource changes the stack itself.
func (st *stack) shownDifferently(c *call, o *order) bool {
	tagged := func(tags []types.Tag) map[string]string {
		byKey := map[string]string{}
		for _, tag := range tags {
			byKey[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		return byKey
	}
	return !reflect.DeepEqual(o.template.outputs, st.ordered.template.outputs) || !reflect.DeepEqual(tagged(o.tags), tagged(st.Tags))
}
