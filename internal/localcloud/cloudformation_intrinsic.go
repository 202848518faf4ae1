package localcloud

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// noValue stands for AWS::NoValue while a tree is resolved: what it is the value of is left out.
type noValue struct{}

func pseudoParameters() []string {
	return []string{"AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix", "AWS::StackName", "AWS::StackId", "AWS::NoValue", "AWS::NotificationARNs"}
}

// resolver works out the intrinsic functions of one stack.
type resolver struct {
	template *template
	refs     map[string]any            // of parameters, pseudo parameters and the resources there are
	atts     map[string]map[string]any // of the resources there are
	decided  map[string]bool           // conditions
	asking   map[string]bool           // conditions that are being decided
	pending  map[string]bool           // resources of which nobody can tell yet what they will be
}

// usedNames is what a tree refers to.
type usedNames struct {
	names, conditions []string
}

var subPattern = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// usesOf collects the parameters, resources and conditions that a tree refers to.
func usesOf(tree any) (u usedNames) {
	switch v := tree.(type) {
	case []any:
		for _, item := range v {
			u.join(usesOf(item))
		}
	case map[string]any:
		if name, argument, ok := intrinsic(v); ok {
			return usesOfFunction(name, argument)
		}
		for _, key := range sortedKeys(v) {
			u.join(usesOf(v[key]))
		}
	}
	return u
}

func (u *usedNames) join(other usedNames) {
	u.names = append(u.names, other.names...)
	u.conditions = append(u.conditions, other.conditions...)
}

func usesOfFunction(name string, argument any) (u usedNames) {
	list, _ := argument.([]any)
	switch name {
	case "Ref":
		u.names = []string{fmt.Sprint(argument)}
	case "Condition":
		u.conditions = []string{fmt.Sprint(argument)}
	case "Fn::GetAtt":
		resource, _, _ := attPath(argument)
		u.names = []string{resource}
	case "Fn::Sub":
		text, own, _ := subArguments(argument)
		for _, found := range subPattern.FindAllStringSubmatch(text, -1) {
			resource, _, _ := strings.Cut(strings.TrimSpace(found[1]), ".")
			if _, ok := own[resource]; !ok {
				u.names = append(u.names, resource)
			}
		}
		u.join(usesOf(any(own)))
	case "Fn::If":
		if len(list) > 0 {
			u.conditions = []string{fmt.Sprint(list[0])}
			u.join(usesOf(list[1:]))
		}
	default:
		u = usesOf(argument)
	}
	return u
}

// intrinsic tells an intrinsic function, which is an object with one member, from other objects.
func intrinsic(object map[string]any) (name string, argument any, ok bool) {
	if len(object) != 1 {
		return "", nil, false
	}
	for key, value := range object {
		_, isName := value.(string)
		if strings.HasPrefix(key, "Fn::") || key == "Ref" && isName || key == "Condition" && isName {
			return key, value, true
		}
	}
	return "", nil, false
}

// resolve works out a tree. An object's members and a list's items without a value are left out.
func (r *resolver) resolve(tree any) (any, error) {
	switch v := tree.(type) {
	case []any:
		items := make([]any, 0, len(v))
		for _, item := range v {
			resolved, err := r.resolve(item)
			if err != nil {
				return nil, err
			}
			if _, none := resolved.(noValue); !none {
				items = append(items, resolved)
			}
		}
		return items, nil
	case map[string]any:
		if name, argument, ok := intrinsic(v); ok {
			return r.call(name, argument)
		}
		return r.object(v)
	}
	return tree, nil
}

func (r *resolver) object(object map[string]any) (map[string]any, error) {
	resolved := make(map[string]any, len(object))
	for _, key := range sortedKeys(object) {
		value, err := r.resolve(object[key])
		if err != nil {
			return nil, err
		}
		if _, none := value.(noValue); !none {
			resolved[key] = value
		}
	}
	return resolved, nil
}

// call works out one intrinsic function.
func (r *resolver) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return r.ref(argument.(string))
	case "Fn::GetAtt":
		return r.getAtt(argument)
	case "Fn::Sub":
		return r.sub(argument)
	case "Fn::If":
		return r.choose(argument)
	case "Condition", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or":
		return r.truth(map[string]any{name: argument})
	}
	resolved, err := r.resolve(argument)
	if err != nil {
		return nil, err
	}
	list, _ := resolved.([]any)
	if len(list) == 2 {
		switch name {
		case "Fn::Join":
			return joinItems(list[0], list[1])
		case "Fn::Select":
			return selectItem(list[0], list[1])
		case "Fn::Split":
			return splitText(list[0], list[1])
		}
	}
	return nil, fmt.Errorf("Template error: the local cloud does not know %s with %s", name, kindOf(resolved))
}

func (r *resolver) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if r.pending[name] {
		return knownLater, nil
	}
	if value, ok := r.refs[name]; ok {
		return value, nil
	}
	return nil, fmt.Errorf("Unresolved resource dependencies [%s]: it is not in the stack", name)
}

// attPath takes the argument of Fn::GetAtt apart: a list of two, or resource.attribute.
func attPath(argument any) (resource, attribute string, ok bool) {
	if list, isList := argument.([]any); isList && len(list) == 2 {
		return fmt.Sprint(list[0]), fmt.Sprint(list[1]), true
	}
	text, _ := argument.(string)
	return strings.Cut(text, ".")
}

func (r *resolver) getAtt(argument any) (any, error) {
	resource, attribute, ok := attPath(argument)
	if !ok {
		return nil, fmt.Errorf("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	}
	if r.pending[resource] {
		return knownLater, nil
	}
	atts, there := r.atts[resource]
	if !there {
		return nil, fmt.Errorf("Unresolved resource dependencies [%s]: it is not in the stack", resource)
	}
	if value, ok := atts[attribute]; ok {
		return value, nil
	}
	return nil, fmt.Errorf("Template error: resource %s does not support attribute type %s in Fn::GetAtt", resource, attribute)
}

// subArguments takes the argument of Fn::Sub apart: a text, or a text and values of its own.
func subArguments(argument any) (text string, own map[string]any, ok bool) {
	if list, isList := argument.([]any); isList && len(list) == 2 {
		text, ok = list[0].(string)
		own, isList = list[1].(map[string]any)
		return text, own, ok && isList
	}
	text, ok = argument.(string)
	return text, nil, ok
}

func (r *resolver) sub(argument any) (any, error) {
	text, own, ok := subArguments(argument)
	if !ok {
		return nil, fmt.Errorf("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments")
	}
	values, err := r.object(own)
	if err != nil {
		return nil, err
	}
	out := subPattern.ReplaceAllStringFunc(text, func(found string) string {
		value, failed := r.substitute(strings.TrimSpace(found[2:len(found)-1]), values)
		if failed != nil && err == nil {
			err = failed
		}
		return value
	})
	return strings.ReplaceAll(out, "${!", "${"), err
}

func (r *resolver) substitute(name string, own map[string]any) (string, error) {
	value, ok := own[name]
	var err error
	switch {
	case ok:
	case strings.Contains(name, ".") && !strings.HasPrefix(name, "AWS::"):
		value, err = r.getAtt(name)
	default:
		value, err = r.ref(name)
	}
	if err != nil {
		return "", err
	}
	return scalarText(value)
}

// scalarText is a scalar as text.
func scalarText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number, bool:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("Template error: %s stands where a text is wanted", kindOf(value))
}

func joinItems(separator, items any) (any, error) {
	list, ok := items.([]any)
	between, isText := separator.(string)
	if !ok || !isText {
		return nil, fmt.Errorf("Template error: every Fn::Join object requires a delimiter and a list of strings")
	}
	parts := make([]string, len(list))
	for i, item := range list {
		text, err := scalarText(item)
		if err != nil {
			return nil, err
		}
		parts[i] = text
	}
	return strings.Join(parts, between), nil
}

func selectItem(index, items any) (any, error) {
	n, err := strconv.Atoi(fmt.Sprint(index))
	list, ok := items.([]any)
	if err != nil || !ok || n < 0 || n >= len(list) {
		return nil, fmt.Errorf("Template error: Fn::Select cannot select nonexistent value at index %v", index)
	}
	return list[n], nil
}

func splitText(separator, text any) (any, error) {
	at, ok := separator.(string)
	all, isText := text.(string)
	if !ok || !isText {
		return nil, fmt.Errorf("Template error: every Fn::Split object requires two string parameters")
	}
	var parts []any
	for _, part := range strings.Split(all, at) {
		parts = append(parts, part)
	}
	return parts, nil
}

func (r *resolver) choose(argument any) (any, error) {
	list, _ := argument.([]any)
	if len(list) != 3 {
		return nil, fmt.Errorf("Template error: Fn::If requires a list argument with the condition name and two values")
	}
	yes, err := r.condition(fmt.Sprint(list[0]))
	if err != nil {
		return nil, err
	}
	if yes {
		return r.resolve(list[1])
	}
	return r.resolve(list[2])
}

// condition decides a condition of the template; none is true.
func (r *resolver) condition(name string) (bool, error) {
	if name == "" {
		return true, nil
	}
	if yes, ok := r.decided[name]; ok {
		return yes, nil
	}
	tree, ok := r.template.conditions[name]
	if !ok {
		return false, fmt.Errorf("Template error: unresolved condition %s", name)
	}
	if r.asking[name] {
		return false, fmt.Errorf("Template validation error: the condition %s rests on itself", name)
	}
	r.asking[name] = true
	defer delete(r.asking, name)
	yes, err := r.truth(tree)
	if err == nil {
		r.decided[name] = yes
	}
	return yes, err
}

func (r *resolver) truth(tree any) (bool, error) {
	object, _ := tree.(map[string]any)
	name, argument, ok := intrinsic(object)
	list, _ := argument.([]any)
	switch {
	case ok && name == "Condition":
		return r.condition(fmt.Sprint(argument))
	case ok && name == "Fn::Equals" && len(list) == 2:
		return r.equal(list[0], list[1])
	case ok && name == "Fn::Not" && len(list) == 1:
		yes, err := r.truth(list[0])
		return !yes, err
	case ok && (name == "Fn::And" || name == "Fn::Or") && len(list) >= 2 && len(list) <= 10:
		return r.several(list, name == "Fn::And")
	}
	return false, fmt.Errorf("Template validation error: a condition is one of Condition, Fn::Equals, Fn::Not, Fn::And and Fn::Or, with as many arguments as it takes")
}

func (r *resolver) equal(a, b any) (bool, error) {
	left, err := r.resolve(a)
	if err != nil {
		return false, err
	}
	right, err := r.resolve(b)
	return reflect.DeepEqual(plainText(left), plainText(right)), err
}

// plainText compares scalars by their text, as CloudFormation does: "5" equals 5.
func plainText(value any) any {
	if text, err := scalarText(value); err == nil {
		return text
	}
	return value
}

func (r *resolver) several(list []any, all bool) (bool, error) {
	for _, item := range list {
		yes, err := r.truth(item)
		if err != nil || yes != all {
			return yes, err
		}
	}
	return all, nil
}
