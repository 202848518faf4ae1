package localcloud

import (
	"slices"
	"strings"
)

// scimPatch is one operation of a PATCH request.
type scimPatch struct {
	op       string // add, replace or remove
	path     string // as given
	value    any
	hasValue bool
}

// scimPatches reads a PATCH request's operations.
func scimPatches(body map[string]any) ([]scimPatch, error) {
	var message struct {
		Schemas    []string         `json:"schemas"`
		Operations []map[string]any `json:"Operations"`
	}
	if err := fromSCIM(body, &message); err != nil {
		return nil, err
	}
	if err := checkSchemas(message.Schemas, scimPatchSchema); err != nil {
		return nil, err
	}
	if len(message.Operations) == 0 {
		return nil, validation("A PATCH request needs Operations")
	}
	var all []scimPatch
	for _, given := range message.Operations {
		one, err := scimPatchOf(given)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func scimPatchOf(given map[string]any) (scimPatch, error) {
	p := scimPatch{value: given["value"]}
	_, p.hasValue = given["value"]
	for name, member := range given {
		text, isText := member.(string)
		switch {
		case name == "value":
		case name == "op" && isText:
			p.op = strings.ToLower(text)
		case name == "path" && isText:
			p.path = text
		default:
			return p, validation("Invalid member %s of an operation", name)
		}
	}
	switch {
	case !slices.Contains([]string{"add", "replace", "remove"}, p.op):
		return p, validation("The operation must be add, replace or remove")
	case p.op == "remove" && p.path == "":
		return p, validation("Missing path in PATCH request")
	case p.op != "remove" && (!p.hasValue || p.value == nil):
		return p, validation("Missing value in PATCH request")
	}
	return p, nil
}

// scimMayPatch are the attributes of a user that PATCH may change.
var scimMayPatch = []string{
	"userName", "active", "externalId", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale",
	"timezone", "name", "emails", "addresses", "phoneNumbers", "roles", scimEnterpriseSchema,
}

// patchUser carries a PATCH request out on a user's tree.
func patchUser(tree, body map[string]any) error {
	patches, err := scimPatches(body)
	if err != nil {
		return err
	}
	seen := map[string]int{}
	for _, p := range patches {
		targets, err := p.targets()
		if err != nil {
			return err
		}
		for _, to := range targets {
			if seen[to.attribute]++; seen[to.attribute] > 1 && (to.attribute == "userName" || to.attribute == "active") {
				return validation("Multiple operations on %s", to.attribute)
			}
			if err := to.apply(tree, p.op); err != nil {
				return err
			}
		}
	}
	return nil
}

// scimTarget is one attribute that an operation changes.
type scimTarget struct {
	attribute string
	where     *scimTerm // which element of a multi-valued attribute; nil: all of it
	part      string    // sub-attribute; "": all of it
	value     any
}

// targets are what an operation is about: its path, or without one the members of its value.
func (p scimPatch) targets() ([]scimTarget, error) {
	if p.path != "" {
		to, err := scimPath(p.path)
		to.value = p.value
		return []scimTarget{to}, err
	}
	object, is := p.value.(map[string]any)
	if !is {
		return nil, validation("Without a path the value must be an object")
	}
	var all []scimTarget
	for _, name := range sortedKeys(object) {
		to, err := scimPath(name)
		if err != nil {
			return nil, err
		}
		to.value = object[name]
		all = append(all, to)
	}
	return all, nil
}

// scimPath reads a path such as name.familyName, emails[type eq "work"].value or <schema>:department.
func scimPath(path string) (to scimTarget, err error) {
	rest := path
	for _, schema := range []string{scimEnterpriseSchema, scimUserSchema} {
		if len(rest) < len(schema) || !strings.EqualFold(rest[:len(schema)], schema) {
			continue
		}
		rest = strings.TrimPrefix(rest[len(schema):], ":")
		if schema == scimEnterpriseSchema {
			to.attribute, to.part = schema, rest
			rest = ""
		}
	}
	if to.attribute == "" {
		if open, end := strings.IndexByte(rest, '['), strings.LastIndexByte(rest, ']'); open > 0 && end > open {
			terms, err := scimFilter(rest[open+1 : end])
			if err != nil || len(terms) != 1 {
				return to, validation("Invalid path %s", path)
			}
			to.where, rest = &terms[0], rest[:open]+rest[end+1:]
		}
		to.attribute, to.part, _ = strings.Cut(rest, ".")
	}
	to.attribute, to.part = spelled(to.attribute), spelled(to.part)
	if !slices.Contains(scimMayPatch, to.attribute) {
		return to, validation("The attribute path %s cannot be changed", path)
	}
	return to, nil
}

// spelled spells a name, or names joined by dots, as the schema does.
func spelled(path string) string {
	names := strings.Split(path, ".")
	for i, name := range names {
		if canonical, known := scimSpelling[strings.ToLower(name)]; known {
			names[i] = canonical
		}
	}
	return strings.Join(names, ".")
}

func (to scimTarget) apply(tree map[string]any, op string) error {
	switch {
	case op == "remove" && (to.attribute == "userName" || to.attribute == "active"):
		return validation("%s cannot be removed", to.attribute)
	case to.attribute == "active":
		to.value = truth(to.value)
	}
	if list, is := tree[to.attribute].([]any); is || scimLists[to.attribute] {
		return to.applyToList(tree, list, op)
	}
	return to.applyToObject(tree, op)
}

// truth is a boolean that came as text, as some identity providers send it.
func truth(value any) any {
	switch text, _ := value.(string); strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	}
	return value
}

// scimLists are the multi-valued attributes.
var scimLists = map[string]bool{"emails": true, "addresses": true, "phoneNumbers": true, "roles": true}

func (to scimTarget) applyToObject(tree map[string]any, op string) error {
	if to.where != nil {
		return validation("%s has no elements to choose from", to.attribute)
	}
	if to.part != "" {
		inner, is := tree[to.attribute].(map[string]any)
		if !is && tree[to.attribute] != nil {
			return validation("%s has no %s", to.attribute, to.part)
		}
		if inner == nil {
			inner = map[string]any{}
		}
		first, rest, _ := strings.Cut(to.part, ".")
		return scimTarget{attribute: first, part: rest, value: to.value}.applyWithin(tree, to.attribute, inner, op)
	}
	had, isObject := tree[to.attribute].(map[string]any)
	given, is := to.value.(map[string]any)
	switch {
	case op == "remove":
		delete(tree, to.attribute)
	case isObject && is:
		for name, value := range given {
			had[name] = value
		}
	default:
		tree[to.attribute] = to.value
	}
	return nil
}

// applyWithin changes a member of a complex attribute, which goes when nothing is left of it.
func (to scimTarget) applyWithin(tree map[string]any, attribute string, inner map[string]any, op string) error {
	if err := to.applyToObject(inner, op); err != nil {
		return err
	}
	tree[attribute] = inner
	if len(inner) == 0 {
		delete(tree, attribute)
	}
	return nil
}

func (to scimTarget) applyToList(tree map[string]any, list []any, op string) error {
	if to.where == nil && to.part == "" {
		to.replaceList(tree, list, op)
		return nil
	}
	var kept []any
	found := false
	for _, element := range list {
		object, _ := element.(map[string]any)
		if object == nil || (to.where != nil && object[to.where.attribute] != to.where.value) {
			kept = append(kept, element)
			continue
		}
		found = true
		if op == "remove" && to.part == "" {
			continue
		}
		if err := to.changeElement(object, op); err != nil {
			return err
		}
		kept = append(kept, object)
	}
	if !found && op != "remove" {
		return validation("No element of %s matches the path", to.attribute)
	}
	setList(tree, to.attribute, kept)
	return nil
}

func (to scimTarget) changeElement(object map[string]any, op string) error {
	if to.part != "" {
		return scimTarget{attribute: to.part, value: to.value}.applyToObject(object, op)
	}
	given, is := to.value.(map[string]any)
	if !is {
		return validation("An element of %s must be an object", to.attribute)
	}
	for name, value := range given {
		object[name] = value
	}
	return nil
}

// replaceList replaces, extends or removes a multi-valued attribute; one value stands for a list of it.
func (to scimTarget) replaceList(tree map[string]any, list []any, op string) {
	given, isList := to.value.([]any)
	if !isList {
		given = []any{to.value}
	}
	switch op {
	case "remove":
		given = nil
	case "add":
		given = append(slices.Clone(list), given...)
	}
	setList(tree, to.attribute, given)
}

func setList(tree map[string]any, attribute string, list []any) {
	tree[attribute] = list
	if len(list) == 0 {
		delete(tree, attribute)
	}
}
