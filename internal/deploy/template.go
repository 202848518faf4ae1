package deploy

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"studiokeeper/internal/config"
)

// Template is a CloudFormation template.
type Template struct {
	header                          string
	description                     string
	parameters, conditions, outputs object
	resources                       object
}

// YAML is the template as text, after a comment of how to deploy it.
func (t *Template) YAML() ([]byte, error) {
	body, err := yaml.MarshalWithOptions(t.object(), yaml.Indent(2), yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("write the template: %w", err)
	}
	var b strings.Builder
	for line := range strings.Lines(t.header) {
		b.WriteString("# " + line)
	}
	return append([]byte(b.String()), body...), nil
}

// JSON is the template for programs.
func (t *Template) JSON() ([]byte, error) { return json.MarshalIndent(t.object(), "", "  ") }

func (t *Template) object() object {
	o := object{{"AWSTemplateFormatVersion", "2010-09-09"}, {"Description", t.description}}
	for _, section := range []field{{"Parameters", t.parameters}, {"Conditions", t.conditions}, {"Resources", t.resources}, {"Outputs", t.outputs}} {
		if len(section.value.(object)) > 0 {
			o = append(o, section)
		}
	}
	return o
}

func (t *Template) parameter(name, def, description string, more ...field) {
	p := object{{"Type", "String"}, {"Description", description}}
	if def != required {
		p = append(p, field{"Default", def})
	}
	t.parameters = append(t.parameters, field{name, append(p, more...)})
}

// required marks a parameter without a default.
const required = "\x00"

func (t *Template) when(condition string, holds object) {
	t.conditions = append(t.conditions, field{condition, holds})
}

func equals(parameter, value string) object {
	return object{{"Fn::Equals", []any{ref(parameter), value}}}
}

func not(o object) object { return object{{"Fn::Not", []any{o}}} }

func (t *Template) add(name, kind string, properties object, attributes ...field) {
	t.resources = append(t.resources, field{name, append(append(object{{"Type", kind}}, attributes...), field{"Properties", properties})})
}

func (t *Template) output(name, description string, value any) {
	t.outputs = append(t.outputs, field{name, object{{"Description", description}, {"Value", value}}})
}

// Main is the template of everything in the function's account.
func Main(c *config.Config, o Options) (*Template, error) {
	g, err := newGenerator(c, o)
	if err != nil {
		return nil, err
	}
	policies, err := g.functionPolicies()
	if err != nil {
		return nil, err
	}
	t := &Template{
		description: "studiokeeper, deployment " + g.Deployment + ": SageMaker Studio user profiles in step with group membership",
		header:      fmt.Sprintf(mainHeader, g.Deployment, g.region(), g.region()),
	}
	g.mainParameters(t)
	g.queues(t)
	if err := g.rules(t); err != nil {
		return nil, err
	}
	g.makeTables(t)
	g.role(t, policies)
	g.functions(t)
	g.alarms(t)
	return t, g.dashboard(t)
}

const mainHeader = `studiokeeper, deployment %s: deploy it in Identity Center's Region, %s.
Upload the zip of "studiokeeper deploy package" to a bucket in that Region, then:
  aws cloudformation deploy --region %s --stack-name studiokeeper \
    --template-file FILE --capabilities CAPABILITY_NAMED_IAM \
    --parameter-overrides CodeBucket=BUCKET CodeKey=KEY
`

func (g *generator) mainParameters(t *Template) {
	t.parameter("CodeBucket", required, "Bucket in this Region that holds the function's zip")
	t.parameter("CodeKey", required, "Key of the function's zip; give every version a key of its own, so that an update is noticed")
	t.parameter("Architecture", "arm64", "Architecture that the zip was built for", field{"AllowedValues", []string{"arm64", "x86_64"}})
	t.parameter("KeyArn", "", "Customer key for queues, tables, logs and functions; its policy must let events.amazonaws.com and logs use it. Empty: keys of AWS")
	t.parameter("AlarmTopicArn", "", "SNS topic that alarms are sent to. Empty: none")
	t.parameters = append(t.parameters, field{"LogRetention", object{
		{"Type", "Number"}, {"Description", "Days that logs are kept"}, {"Default", 90},
		{"AllowedValues", []int{7, 14, 30, 60, 90, 180, 365, 731, 1827, 3653}}}})
	t.parameter("CreateTables", "yes", "no where the tables are there already, as after an uninstallation, which keeps them", field{"AllowedValues", []string{"yes", "no"}})
	t.when("HasKey", not(equals("KeyArn", "")))
	t.when("HasTopic", not(equals("AlarmTopicArn", "")))
	t.when("CreatesTables", equals("CreateTables", "yes"))
	if g.Mapping.Table != "" {
		none := "arn:" + g.partition() + ":dynamodb:" + g.region() + ":000000000000:table/none/stream/none"
		t.parameter("MappingStreamArn", none, "With CreateTables no: the ARN of the mapping table's stream")
	}
}

// tags tell an operator what a resource belongs to.
func (g *generator) tags() any {
	return []any{
		object{{"Key", "application"}, {"Value", "studiokeeper"}},
		object{{"Key", "studiokeeper:deployment"}, {"Value", g.Deployment}},
	}
}
