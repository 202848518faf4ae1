package localcloud

import (
	"fmt"
	"slices"
	"strings"
)

// template is a template that was read and is well-formed; values are trees with their intrinsic functions.
type template struct {
	text        string
	description string
	parameters  map[string]templateParameter
	conditions  map[string]any
	resources   map[string]templateResource
	outputs     map[string]templateOutput
}

// templateResource is a resource as the template has it, by its logical id.
type templateResource struct {
	kind       string // AWS::SQS::Queue
	of         resourceType
	properties map[string]any
	condition  string
	retain     bool // DeletionPolicy
	outlive    bool // UpdateReplacePolicy: what another takes the place of stays
	dependsOn  []string
	metadata   any
}

type templateOutput struct {
	value       any
	description string
	condition   string
	export      any
}

// validationError is what CloudFormation refuses a request with.
func validationError(format string, args ...any) *apiError {
	return errf(400, "ValidationError", format, args...)
}

// readTemplate reads a template and refuses one that CloudFormation would not begin with.
func readTemplate(text string) (*template, error) {
	tree, err := readTree(text)
	if err != nil {
		return nil, validationError("%v", err)
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, validationError("Template format error: unsupported structure.")
	}
	t := &template{
		text: text, parameters: map[string]templateParameter{}, conditions: map[string]any{},
		resources: map[string]templateResource{}, outputs: map[string]templateOutput{},
	}
	for _, name := range sortedKeys(object) {
		if err := t.section(name, object[name]); err != nil {
			return nil, err
		}
	}
	if len(t.resources) == 0 {
		return nil, validationError("Template format error: At least one Resources member must be defined.")
	}
	return t, t.check()
}

func (t *template) section(name string, tree any) error {
	switch name {
	case "AWSTemplateFormatVersion":
		if tree != "2010-09-09" {
			return validationError("Template format error: %v is not a supported value for AWSTemplateFormatVersion.", tree)
		}
		return nil
	case "Description":
		text, ok := tree.(string)
		if !ok || len(text) > 1024 {
			return validationError("Template format error: Description must be a string of at most 1024 bytes.")
		}
		t.description = text
		return nil
	case "Metadata":
		return nil
	}
	members, ok := tree.(map[string]any)
	if !ok {
		return validationError("Template format error: %s must be an object.", name)
	}
	switch name {
	case "Parameters":
		return eachMember(members, t.addParameter)
	case "Conditions":
		t.conditions = members
		return nil
	case "Resources":
		return eachMember(members, t.addResource)
	case "Outputs":
		return eachMember(members, t.addOutput)
	}
	return validationError("Template format error: the local cloud does not know the section %s", name)
}

// eachMember hands on the members that have to be objects, in the order of their names.
func eachMember(members map[string]any, add func(name string, object map[string]any) error) error {
	for _, name := range sortedKeys(members) {
		object, ok := members[name].(map[string]any)
		if !ok {
			return validationError("Template format error: [%s] must be an object.", name)
		}
		if err := add(name, object); err != nil {
			return err
		}
	}
	return nil
}

func (t *template) addResource(name string, object map[string]any) error {
	r := templateResource{properties: map[string]any{}}
	for _, key := range sortedKeys(object) {
		value := object[key]
		ok := true
		switch key {
		case "Type":
			r.kind, ok = value.(string)
		case "Properties":
			r.properties, ok = value.(map[string]any)
		case "Condition":
			r.condition, ok = value.(string)
		case "DependsOn":
			r.dependsOn, ok = nameList(value)
		case "DeletionPolicy":
			ok = slices.Contains([]any{"Retain", "Delete", "RetainExceptOnCreate"}, value)
			r.retain = value == "Retain" || value == "RetainExceptOnCreate"
		case "UpdateReplacePolicy":
			ok = slices.Contains([]any{"Retain", "Delete"}, value)
			r.outlive = value == "Retain"
		case "Metadata":
			r.metadata = value
		default:
			return validationError("Invalid template resource property '%s' of %s", key, name)
		}
		if !ok {
			return validationError("Template format error: %s of resource %s cannot be %v", key, name, value)
		}
	}
	if r.kind == "" {
		return validationError("Template format error: [/Resources/%s] Every Resources object must contain a Type member.", name)
	}
	t.resources[name] = r
	return nil
}

// nameList is one name or a list of them.
func nameList(value any) ([]string, bool) {
	if name, ok := value.(string); ok {
		return []string{name}, true
	}
	list, ok := value.([]any)
	var names []string
	for _, item := range list {
		name, isName := item.(string)
		names, ok = append(names, name), ok && isName
	}
	return names, ok
}

func (t *template) addOutput(name string, object map[string]any) error {
	o := templateOutput{value: object["Value"]}
	o.description, _ = object["Description"].(string)
	o.condition, _ = object["Condition"].(string)
	if o.value == nil {
		return validationError("Template format error: Output %s is malformed. Every Outputs member must contain a Value object", name)
	}
	if object["Export"] != nil {
		return validationError("Template format error: Output %s has an Export; the local cloud's stacks export nothing", name)
	}
	t.outputs[name] = o
	return nil
}

// check gives the resources their types, and refuses unknown ones, names that lead nowhere, and circles.
func (t *template) check() error {
	var unknown []string
	types := resourceTypes()
	for _, name := range sortedKeys(t.resources) {
		r := t.resources[name]
		r.of = types[r.kind]
		t.resources[name] = r
		if r.of.create == nil && !slices.Contains(unknown, r.kind) {
			unknown = append(unknown, r.kind)
		}
	}
	if len(unknown) > 0 {
		return validationError("Template format error: Unrecognized resource types: [%s]", strings.Join(unknown, ", "))
	}
	if err := t.checkNames(); err != nil {
		return err
	}
	_, err := t.order()
	return err
}

func (t *template) checkNames() error {
	for _, name := range sortedKeys(t.resources) {
		r := t.resources[name]
		if err := t.checkUses(r.properties, r.condition, "Resources block of the template"); err != nil {
			return err
		}
		for _, other := range r.dependsOn {
			if _, ok := t.resources[other]; !ok {
				return validationError("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", other)
			}
		}
	}
	for _, name := range sortedKeys(t.outputs) {
		if err := t.checkUses(t.outputs[name].value, t.outputs[name].condition, "Outputs block of the template"); err != nil {
			return err
		}
	}
	return t.checkUses(t.conditions, "", "Conditions block of the template")
}

func (t *template) checkUses(tree any, condition, where string) error {
	u := usesOf(tree)
	if condition != "" {
		u.conditions = append(u.conditions, condition)
	}
	for _, name := range u.conditions {
		if _, ok := t.conditions[name]; !ok {
			return validationError("Template format error: Unresolved condition dependency %s in the %s", name, where)
		}
	}
	for _, name := range u.names {
		_, isParameter := t.parameters[name]
		_, isResource := t.resources[name]
		if !isParameter && !isResource && !slices.Contains(pseudoParameters(), name) {
			return validationError("Template format error: Unresolved resource dependencies [%s] in the %s", name, where)
		}
	}
	return nil
}

// order gives the resources so that each comes after those it needs.
func (t *template) order() ([]string, error) {
	var order []string
	state := map[string]int{}
	var visit func(name string) error
	visit = func(name string) error {
		switch state[name] {
		case 1:
			return validationError("Circular dependency between resources: [%s]", name)
		case 2:
			return nil
		}
		state[name] = 1
		for _, other := range t.needs(name) {
			if err := visit(other); err != nil {
				return err
			}
		}
		state[name] = 2
		order = append(order, name)
		return nil
	}
	for _, name := range sortedKeys(t.resources) {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// needs lists the resources that one refers to or depends on.
func (t *template) needs(name string) []string {
	r := t.resources[name]
	var found []string
	for _, other := range append(usesOf(r.properties).names, r.dependsOn...) {
		if _, ok := t.resources[other]; ok {
			found = append(found, other)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// capabilities lists what the caller must have acknowledged, and why.
func (t *template) capabilities() (names []string, reason string) {
	var kinds []string
	for _, id := range sortedKeys(t.resources) {
		r := t.resources[id]
		if !strings.HasPrefix(r.kind, "AWS::IAM::") {
			continue
		}
		kinds = append(kinds, r.kind)
		need := "CAPABILITY_IAM"
		if r.properties["RoleName"] != nil || r.properties["ManagedPolicyName"] != nil {
			need = "CAPABILITY_NAMED_IAM"
		}
		if !slices.Contains(names, need) {
			names = append(names, need)
		}
	}
	if slices.Contains(names, "CAPABILITY_NAMED_IAM") {
		names = []string{"CAPABILITY_NAMED_IAM"}
	}
	slices.Sort(kinds)
	return names, fmt.Sprintf("The following resource(s) require capabilities: [%s]", strings.Join(slices.Compact(kinds), ", "))
}
