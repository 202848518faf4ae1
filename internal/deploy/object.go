package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// object is a JSON object whose keys keep their order, for people to read.
type object []field

type field struct {
	key   string
	value any
}

// MarshalYAML writes an object with long-form intrinsics, which are objects too.
func (o object) MarshalYAML() (any, error) {
	m := yaml.MapSlice{}
	for _, f := range o {
		m = append(m, yaml.MapItem{Key: f.key, Value: f.value})
	}
	return m, nil
}

// MarshalJSON writes an object.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", f.key, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func ref(name string) object { return object{{"Ref", name}} }

func attribute(of, name string) object { return object{{"Fn::GetAtt", []string{of, name}}} }

// choose is yes where the condition holds.
func choose(condition string, yes, no any) object {
	return object{{"Fn::If", []any{condition, yes, no}}}
}

// only is the value where the condition holds, and nothing otherwise.
func only(condition string, value any) object {
	return choose(condition, value, ref("AWS::NoValue"))
}

// sub lets CloudFormation fill in what a text refers to.
func sub(text string) any {
	if !strings.Contains(text, "${") {
		return text
	}
	return object{{"Fn::Sub", text}}
}

func subs(texts []string) any {
	var all []any
	for _, t := range texts {
		all = append(all, sub(t))
	}
	return all
}

// object is the document in a template.
func (d Document) object() object {
	var statements []any
	for _, s := range d.Statement {
		one := object{{"Sid", s.Sid}, {"Effect", s.Effect}, {"Action", s.Action}, {"Resource", subs(s.Resource)}}
		if s.Condition != nil {
			one = append(one, field{"Condition", s.Condition})
		}
		statements = append(statements, one)
	}
	return object{{"Version", d.Version}, {"Statement", statements}}
}
