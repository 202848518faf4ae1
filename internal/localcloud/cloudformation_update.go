package localcloud

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

func (s *stackState) updateStack(c *call, in *cloudformation.UpdateStackInput) (*cloudformation.UpdateStackOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(c, in.StackName)
	if err != nil {
		return nil, err
	}
	o, err := st.nextOrder(c, aws.ToBool(in.UsePreviousTemplate), in.TemplateBody, in.TemplateURL, in.Parameters, in.Tags, in.Capabilities)
	if err != nil {
		return nil, err
	}
	planned, err := st.plan(c, o)
	if err != nil {
		return nil, err
	}
	if len(planned) == 0 && !st.shownDifferently(c, o) {
		return nil, validationError("No updates are to be performed.")
	}
	copyPresentMembers(&st.Stack, &struct {
		Capabilities []types.Capability
		RoleARN      *string
	}{in.Capabilities, in.RoleARN})
	st.changeSets = map[string]*changeSet{} // they were about what the stack was
	st.update(c, o)
	return &cloudformation.UpdateStackOutput{StackId: st.StackId}, nil
}

// nextOrder works out what a stack is to become. The caller holds the lock of its stacks.
func (st *stack) nextOrder(c *call, previous bool, body, url *string, parameters []types.Parameter, tags []types.Tag, capabilities []types.Capability) (*order, error) {
	if err := st.updatable(); err != nil {
		return nil, err
	}
	t := st.ordered.template
	if !previous {
		var err error
		if t, err = c.templateOf(body, url); err != nil {
			return nil, err
		}
	}
	for _, logical := range sortedKeys(t.resources) {
		if is := st.live(logical); is != nil && is.kind != t.resources[logical].kind {
			return nil, validationError("Update of resource type is not permitted. The new template modifies resource type of the following resources: [%s]", logical)
		}
	}
	return t.ordered(parameters, tags, capabilities, st)
}

func (st *stack) updatable() error {
	switch st.StackStatus {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete:
		return nil
	}
	return validationError("Stack:%s is in %s state and can not be updated.", *st.StackId, st.StackStatus)
}

// live is a resource that is there, or nil.
func (st *stack) live(logical string) *stackResource {
	r := st.resources[logical]
	if r == nil || r.id == "" || r.status == types.ResourceStatusDeleteComplete || r.status == types.ResourceStatusDeleteSkipped {
		return nil
	}
	return r
}

// update makes the stack what it is to be; when something fails it becomes again what it was.
func (st *stack) update(c *call, o *order) {
	before := st.ordered
	st.become(c, types.StackStatusUpdateInProgress, "User Initiated")
	failed, old, err := st.converge(c, o)
	if err == nil {
		st.become(c, types.StackStatusUpdateCompleteCleanupInProgress, "")
		st.tidy(c, o.template, before.template, old)
		st.become(c, types.StackStatusUpdateComplete, "")
		st.LastUpdatedTime = aws.Time(c.cloud.Now())
		return
	}
	why := err.Error()
	if failed != "" {
		why = fmt.Sprintf("The following resource(s) failed to update: [%s]. ", failed)
	}
	st.become(c, types.StackStatusUpdateRollbackInProgress, why)
	st.restore(c, before, o.template, old)
}

// restore takes an update back. What it had replaced comes into its place again.
func (st *stack) restore(c *call, before *order, failed *template, old map[string]*stackResource) {
	for logical, was := range old {
		old[logical], st.resources[logical] = st.resources[logical], was
	}
	at, _, err := st.converge(c, before)
	if err != nil {
		st.become(c, types.StackStatusUpdateRollbackFailed, fmt.Sprintf("The following resource(s) failed to update: [%s]. %v", at, err))
		return
	}
	st.become(c, types.StackStatusUpdateRollbackCompleteCleanupInProgress, "")
	st.tidy(c, before.template, failed, old)
	st.become(c, types.StackStatusUpdateRollbackComplete, "")
}

// converge brings every resource of the order into being or up to date. old are those that others have taken
// the place of, which are still there; so are those that the order has no more.
func (st *stack) converge(c *call, o *order) (failed string, old map[string]*stackResource, err error) {
	st.ordered = o
	o.describes(st)
	r, old := st.resolver(c, o), map[string]*stackResource{}
	needed, err := o.template.order()
	if err != nil {
		return "", old, err
	}
	for _, logical := range needed {
		wanted, err := r.condition(o.template.resources[logical].condition)
		if err != nil {
			return logical, old, err
		}
		if !wanted {
			continue
		}
		replaced, err := st.bring(c, r, logical)
		if replaced != nil {
			old[logical] = replaced
		}
		if err != nil {
			return logical, old, err
		}
	}
	return "", old, st.setOutputs(r)
}

// bring makes a resource or changes it; replaced is the one whose place it took.
func (st *stack) bring(c *call, r *resolver, logical string) (replaced *stackResource, err error) {
	is, of := st.live(logical), r.template.resources[logical]
	if is == nil {
		st.forget(logical)
		return nil, st.make(c, r, logical)
	}
	properties, err := r.properties(of)
	if err != nil {
		st.progress(c, logical, types.ResourceStatusUpdateFailed, err.Error())
		return nil, err
	}
	if !is.unfinished && reflect.DeepEqual(properties, is.properties) {
		r.knows(logical, is.made)
		return nil, nil
	}
	if is.needsAnother(properties) {
		return st.replace(c, r, logical)
	}
	return nil, st.change(c, r, logical, properties)
}

// needsAnother reports whether new properties want a new resource in the place of the old one.
func (r *stackResource) needsAnother(properties map[string]any) bool {
	if r.of.update == nil {
		return true
	}
	for name, p := range r.of.properties {
		if p.fixed && !reflect.DeepEqual(properties[name], r.properties[name]) {
			return true
		}
	}
	return false
}

// change updates a resource in its place. Its properties are the new ones even if that fails halfway, so that
// taking the update back goes from there.
func (st *stack) change(c *call, r *resolver, logical string, properties map[string]any) error {
	is := st.resources[logical]
	st.progress(c, logical, types.ResourceStatusUpdateInProgress, "")
	p := is.provision(c, logical)
	p.properties, p.old = properties, is.properties
	is.properties, is.unfinished = properties, true
	after, err := is.of.update(p)
	if err != nil {
		st.progress(c, logical, types.ResourceStatusUpdateFailed, err.Error())
		return err
	}
	is.made, is.unfinished = after, false
	r.knows(logical, after)
	st.progress(c, logical, types.ResourceStatusUpdateComplete, "")
	return nil
}

// replace makes another resource in the place of one, which goes when all the rest is done. Both are there
// for a while, so that they cannot share a name.
func (st *stack) replace(c *call, r *resolver, logical string) (*stackResource, error) {
	is := st.resources[logical]
	properties, err := r.properties(r.template.resources[logical])
	if named := is.of.named; err == nil && named != "" && properties[named] != nil && properties[named] == is.properties[named] {
		err = fmt.Errorf("CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename %v and update the stack again.", properties[named])
	}
	if err != nil {
		st.progress(c, logical, types.ResourceStatusUpdateFailed, err.Error())
		return nil, err
	}
	st.progress(c, logical, types.ResourceStatusUpdateInProgress, "Requested update requires the creation of a new physical resource; hence creating one.")
	st.forget(logical)
	if err := st.make(c, r, logical); err != nil {
		return is, err
	}
	return is, nil
}

// forget takes a resource out of the stack's books.
func (st *stack) forget(logical string) {
	delete(st.resources, logical)
	st.order = slices.DeleteFunc(st.order, func(name string) bool { return name == logical })
}

// tidy removes what a finished update left over: resources that it replaced, and those that the template has
// no more or whose condition does not hold. What cannot be deleted is left, as AWS leaves it.
func (st *stack) tidy(c *call, t, before *template, old map[string]*stackResource) {
	for _, logical := range sortedKeys(old) {
		if old[logical].id != "" {
			st.discard(c, logical, old[logical], before.resources[logical].outlive)
		}
	}
	for _, logical := range slices.Backward(slices.Clone(st.order)) {
		if st.wants(c, logical) {
			continue
		}
		if st.live(logical) != nil {
			st.discard(c, logical, st.resources[logical], before.resources[logical].retain)
		}
		st.forget(logical)
	}
}

// wants reports whether the stack is to have a resource.
func (st *stack) wants(c *call, logical string) bool {
	of, there := st.ordered.template.resources[logical]
	wanted, err := st.resolver(c, st.ordered).condition(of.condition)
	return there && wanted && err == nil
}

func (st *stack) discard(c *call, logical string, r *stackResource, retain bool) {
	note := func(status types.ResourceStatus, reason string) {
		st.event(c, logical, r.id, r.kind, status, strings.TrimSpace(reason))
	}
	if retain {
		note(types.ResourceStatusDeleteSkipped, "")
		return
	}
	note(types.ResourceStatusDeleteInProgress, "")
	if err := r.of.remove(r.provision(c, logical)); err != nil {
		note(types.ResourceStatusDeleteFailed, err.Error())
		return
	}
	note(types.ResourceStatusDeleteComplete, "")
}
