package cli

import (
	"bytes"
	"encoding/json"

	"github.com/spf13/cobra"

	"studiokeeper/internal/render"
)

func configSchemaCommand(env Environment) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Prints a JSON Schema of the configuration, for editors",
		Long: `Prints a JSON Schema (2020-12) of the configuration: every key with what it is
for, its values and its default. An editor that knows it completes keys and
marks mistakes while you type:

  studiokeeper config schema > studiokeeper.schema.json

and as the first line of studiokeeper.yaml

  # yaml-language-server: $schema=studiokeeper.schema.json

config check finds more: what a schema cannot say, such as a row of an account
that is not the domain's.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			return render.JSON(env.Stdout, configSchema())
		},
	}
}

// schema is a JSON Schema, as far as the configuration needs one.
// https://json-schema.org/draft/2020-12
type schema struct {
	Dialect              string              `json:"$schema,omitempty"`
	Title                string              `json:"title,omitempty"`
	Description          string              `json:"description,omitempty"`
	Type                 string              `json:"type,omitempty"`
	Enum                 []string            `json:"enum,omitempty"`
	Default              any                 `json:"default,omitempty"`
	Pattern              string              `json:"pattern,omitempty"`
	MaxLength            int                 `json:"maxLength,omitempty"`
	Minimum              *int                `json:"minimum,omitempty"`
	Maximum              *int                `json:"maximum,omitempty"`
	Items                *schema             `json:"items,omitempty"`
	MinItems             int                 `json:"minItems,omitempty"`
	UniqueItems          bool                `json:"uniqueItems,omitempty"`
	Properties           properties          `json:"properties,omitempty"`
	Required             []string            `json:"required,omitempty"`
	DependentRequired    map[string][]string `json:"dependentRequired,omitempty"`
	AdditionalProperties *bool               `json:"additionalProperties,omitempty"`
	Not                  *schema             `json:"not,omitempty"`
	AllOf                []*schema           `json:"allOf,omitempty"`
	AnyOf                []*schema           `json:"anyOf,omitempty"`
	OneOf                []*schema           `json:"oneOf,omitempty"`
}

// property is a key of an object; whether it is required is for the object to say.
type property struct {
	key   string
	value *schema
	need  bool
}

func need(key string, value *schema) property { return property{key, value, true} }

func may(key string, value *schema) property { return property{key, value, false} }

// properties are written in the order of the manual.
type properties []property

// MarshalJSON writes an object.
func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i, one := range p {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(quoteJSON(one.key) + ":")
		if err := e.Encode(one.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// as gives the value a default.
func (s *schema) as(value any) *schema {
	s.Default = value
	return s
}

// each makes the value a list of such values.
func (s *schema) each() *schema { return &schema{Type: "array", Items: s} }

// once refuses the same value twice in a list.
func (s *schema) once() *schema {
	s.UniqueItems = true
	return s
}

// filled refuses an empty list.
func (s *schema) filled() *schema {
	s.MinItems = 1
	return s
}

// refer is a reference to an environment variable. It may stand in every value.
const refer = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`

// spelled is text of a form, or with a reference in it.
func spelled(pattern string) *schema {
	return &schema{Type: "string", Pattern: pattern + "|" + refer}
}

// oneLine is any text that is not empty.
func oneLine() *schema {
	return &schema{Type: "string", Pattern: `^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*$`}
}

// oneOf is a word out of a few; the first is the default.
func oneOf[T ~string](words ...T) *schema {
	return choice(words...).as(words[0])
}

func choice[T ~string](words ...T) *schema {
	values := make([]string, len(words))
	for i, w := range words {
		values[i] = string(w)
	}
	return &schema{AnyOf: []*schema{{Enum: values}, {Type: "string", Pattern: refer}}}
}

// whole is a whole number.
func whole(low, high int) *schema {
	return &schema{AnyOf: []*schema{{Type: "integer", Minimum: &low, Maximum: &high}, {Type: "string", Pattern: refer}}}
}

// spans is a duration in Go's spelling.
func spans() *schema {
	return spelled(`^\+?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`)
}

// longer is a duration above 0s.
func longer() *schema {
	s := spans()
	s.AllOf = []*schema{{Pattern: `[1-9]|` + refer}}
	return s
}

// secretText is a reference to a secret.
func secretText() *schema {
	return &schema{Type: "string", Pattern: `^` + refer + `$|^file:.|^secretsmanager:(arn:aws[a-z-]*:secretsmanager:|.*` + refer + `)`}
}
