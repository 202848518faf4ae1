package localcloud

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// templateParameter is one of a template's parameters.
type templateParameter struct {
	kind        string // String, Number, CommaDelimitedList, List<Number>, or an id of EC2's or a list of them
	standard    *string
	description string
	allowed     []string
	pattern     string
	constraint  string // ConstraintDescription
	hidden      bool   // NoEcho
	limits      map[string]float64
}

// ec2IDs are ids that parameters may be of. There is no EC2 to look them up in: what is spelled like one exists.
var ec2IDs = map[string]*wholePattern{
	"AWS::EC2::Subnet::Id":        whole(`subnet-[0-9a-f]{8,17}`),
	"AWS::EC2::SecurityGroup::Id": whole(`sg-[0-9a-f]{8,17}`),
	"AWS::EC2::VPC::Id":           whole(`vpc-[0-9a-f]{8,17}`),
}

// idOf is how the parameter's ids are spelled, if it is of ids.
func (p *templateParameter) idOf() (*wholePattern, bool) {
	id, is := ec2IDs[strings.TrimSuffix(strings.TrimPrefix(p.kind, "List<"), ">")]
	return id, is
}

func (t *template) addParameter(name string, object map[string]any) error {
	p := templateParameter{limits: map[string]float64{}}
	for _, key := range sortedKeys(object) {
		if err := p.set(key, object[key]); err != nil {
			return validationError("Template format error: %s of parameter %s: %v", key, name, err)
		}
	}
	_, isID := p.idOf()
	if !isID && !slices.Contains([]string{"String", "Number", "CommaDelimitedList", "List<Number>"}, p.kind) {
		return validationError("Template format error: Unrecognized parameter type: %s (parameter %s)", p.kind, name)
	}
	if p.pattern != "" {
		if _, err := regexp.Compile(p.pattern); err != nil {
			return validationError("Template format error: AllowedPattern of parameter %s: %v", name, err)
		}
	}
	t.parameters[name] = p
	return nil
}

func (p *templateParameter) set(key string, value any) error {
	list, isList := value.([]any)
	_, isObject := value.(map[string]any)
	if isList != (key == "AllowedValues") || isObject {
		return fmt.Errorf("it cannot be %s", kindOf(value))
	}
	text := fmt.Sprint(value)
	switch key {
	case "Type":
		p.kind = text
	case "Default":
		p.standard = &text
	case "Description":
		p.description = text
	case "AllowedPattern":
		p.pattern = text
	case "ConstraintDescription":
		p.constraint = text
	case "NoEcho":
		p.hidden = text == "true"
	case "AllowedValues":
		for _, item := range list {
			p.allowed = append(p.allowed, fmt.Sprint(item))
		}
	case "MinLength", "MaxLength", "MinValue", "MaxValue":
		n, err := strconv.ParseFloat(text, 64)
		p.limits[key] = n
		return err
	default:
		return fmt.Errorf("parameters have no such attribute")
	}
	return nil
}

// value checks a parameter's value and gives it as Ref does.
func (p *templateParameter) value(name, text string) (any, error) {
	items := []string{text}
	isList := p.kind == "CommaDelimitedList" || strings.HasPrefix(p.kind, "List<")
	if isList {
		items = strings.Split(text, ",")
	}
	var list []any
	for _, item := range items {
		if isList {
			item = strings.TrimSpace(item)
		}
		if err := p.check(name, item); err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	if isList {
		return list, nil
	}
	return text, nil
}

func (p *templateParameter) check(name, item string) error {
	refuse := func(why string) error {
		if p.constraint != "" {
			why = p.constraint
		}
		return validationError("Parameter '%s' %s", name, why)
	}
	number, err := strconv.ParseFloat(item, 64)
	if strings.Contains(p.kind, "Number") && err != nil {
		return validationError("Parameter '%s' must be a number", name)
	}
	if id, isID := p.idOf(); isID && !id.MatchString(item) {
		return validationError("Parameter validation failed: parameter value %s for parameter name %s does not exist", item, name)
	}
	if len(p.allowed) > 0 && !slices.Contains(p.allowed, item) {
		return refuse("must be one of AllowedValues")
	}
	if p.pattern != "" && !whole(p.pattern).MatchString(item) {
		return refuse("must match pattern " + p.pattern)
	}
	for _, key := range sortedKeys(p.limits) {
		measured := number
		if strings.HasSuffix(key, "Length") {
			measured = float64(len(item))
		}
		limit := p.limits[key]
		if strings.HasPrefix(key, "Min") && measured < limit || strings.HasPrefix(key, "Max") && measured > limit {
			return refuse(fmt.Sprintf("does not keep to its %s of %v", key, limit))
		}
	}
	return nil
}

// parameterValues gives every parameter its value: the one given, or its default.
func (t *template) parameterValues(given map[string]string) (map[string]any, error) {
	for _, name := range sortedKeys(given) {
		if _, ok := t.parameters[name]; !ok {
			return nil, validationError("Parameters: [%s] do not exist in the template", name)
		}
	}
	values := map[string]any{}
	var missing []string
	for _, name := range sortedKeys(t.parameters) {
		p := t.parameters[name]
		text, ok := given[name]
		if !ok && p.standard == nil {
			missing = append(missing, name)
			continue
		}
		if !ok {
			text = *p.standard
		}
		value, err := p.value(name, text)
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	if len(missing) > 0 {
		return nil, validationError("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	return values, nil
}
