package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"studiokeeper/internal/cli"
	"studiokeeper/internal/config"
)

// printed is what `config schema` prints.
func printed(t *testing.T) []byte {
	t.Helper()
	var out, messages bytes.Buffer
	env := cli.Environment{Lookup: os.LookupEnv, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &messages}
	if code := cli.Run(t.Context(), []string{"config", "schema"}, env); code != 0 || messages.Len() > 0 {
		t.Fatalf("config schema ended in %d: %s", code, messages.String())
	}
	return out.Bytes()
}

// compiled is the schema as a validator of the standard takes it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(printed(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("studiokeeper.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("studiokeeper.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance is a YAML text as an editor hands it to the schema.
func instance(text string) (any, error) {
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
}

// inMarkdown is the first YAML block of a page.
func inMarkdown(t *testing.T, file string) string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	block, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatalf("%s shows no configuration", file)
	}
	return block
}

func TestTheSchemaTakesEveryExample(t *testing.T) {
	full, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// What stands there for a secret word is none.
	design := strings.Replace(inMarkdown(t, "../../docs/design.md"), "7f1c…", "7f1c", 1)
	schema := compiled(t)
	for name, text := range map[string]string{
		"full.yaml": string(full), "README.md": inMarkdown(t, "../../README.md"), "design.md": design,
		"the tests' own": config.Sound, "the smallest": config.Minimal,
		"retiring": strings.NewReplacer("name: research,", "name: research, state: retire,", "rules:", "rules: [] #", "    - {group", "    # {group").Replace(config.Minimal),
		"no grace": strings.Replace(config.Minimal, `{quarantineRole: "arn:aws:iam::{account}:role/quarantine"}`, "{grace: 0s}", 1),
		"references": strings.NewReplacer("d-abcdefghijkl", "'${ID}'", `"111122223333"`, "'${ACCOUNT}'", "{region: us-east-1}", "{region: 'us-${WHERE}-1'}",
			"rules:", "cache: ${CACHE}\n  rules:").Replace(config.Minimal) + "mode: ${MODE}\nlimits: {removals: {count: '${COUNT}'}}\n",
	} {
		doc, err := instance(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// beyond are the bad inputs of which a schema cannot know, by what they are about.
var beyond = []string{
	"a deployment that was this one", "an assumed role in another account", "two domains of one name", "two domains of one id",
	"a row of an unknown domain", "a row of another account's role", "a role outside mapping.roles", "two rows that disagree", "two rows that say the same",
	"two rows of another priority only", "a role within settings outside mapping.roles", "a quarantine role in another account", "a quarantine role that is mapped",
	"a floor above the count", "one table for two purposes", "an expression with its parentheses turned round", "a naming rule's expression that is none",
	"a naming rule with more captures than groups", "a naming rule for another account", "a naming rule outside mapping.roles", "a naming rule of an unknown domain",
	// Of what is in settings config check knows.
	"a misspelled setting, and others at their own places", "settings with a union of two members, and a number in a list of text",
	"a user where a role belongs", "a naming rule's misspelled setting", "a setting without a value", "a setting with a number that JSON has not",
	"settings and a list of roles with a broken value",
	"plain LDAP where every URL is encrypted", "a filter that ends and goes on",
	"a group role of a group without a row", "a group role outside mapping.roles", "a group role defined twice",
	"a policy document with an unknown key", "a policy document without its parts", "a policy under the fence's name", "a policy with which the holder escapes",
	// Of how it is written the YAML parser knows, and tells before the schema is asked.
	"a key written twice", "a second document", "a merge key", "a tag", "brackets without end", "a control character",
	"an anchor inside itself", "a priority with leading zeros",
}

func TestTheSchemaRefusesWhatTheLoaderRefuses(t *testing.T) {
	schema := compiled(t)
	unused := slices.Clone(beyond)
	for _, bad := range config.BadInputs() {
		doc, err := instance(bad.Text)
		known := slices.Contains(beyond, bad.Name)
		unused = slices.DeleteFunc(unused, func(name string) bool { return name == bad.Name })
		if err != nil {
			continue // no YAML: nothing for a schema to see
		}
		switch err := schema.Validate(doc); {
		case err == nil && !known:
			t.Errorf("%s: the schema takes it", bad.Name)
		case err != nil && known:
			t.Errorf("%s: listed as beyond a schema, but it is refused: %v", bad.Name, err)
		}
	}
	if len(unused) > 0 {
		t.Errorf("no bad input is named %q", unused)
	}
}

// node is a part of the schema, as JSON has it.
type node = map[string]any

// objects calls visit for every object of the configuration, with its path; [0] stands for a place in a list.
func objects(path string, n node, visit func(path string, n node)) {
	if items, ok := n["items"].(node); ok {
		objects(path+"[0]", items, visit)
	}
	keys, ok := n["properties"].(node)
	if !ok {
		return
	}
	visit(path, n)
	for key, value := range keys {
		objects(strings.TrimPrefix(path+"."+key, "."), value.(node), visit)
	}
}

func tree(t *testing.T) node {
	t.Helper()
	var n node
	if err := json.Unmarshal(printed(t), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// with is the full example with a value at a path, objects and lists on the way included.
func with(t *testing.T, text, path string, value any) string {
	t.Helper()
	var root any
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON, &root); err != nil {
		t.Fatal(err)
	}
	put(root.(node), strings.Split(strings.ReplaceAll(path, "[0]", ".0"), "."), value)
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func put(at any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	if path[0] == "0" {
		list, _ := at.([]any)
		if len(list) == 0 {
			list = []any{nil}
		}
		list[0] = put(list[0], path[1:], value)
		return list
	}
	object, _ := at.(node)
	if object == nil {
		object = node{}
	}
	object[path[0]] = put(object[path[0]], path[1:], value)
	return object
}

func environment(name string) (string, bool) { return "d-sandbox00001", name == "SANDBOX_ID" }

func TestTheLoaderAndTheSchemaKnowTheSameKeys(t *testing.T) {
	full, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`there is no such key \(known here: (.*)\)`)
	seen := 0
	objects("", tree(t), func(path string, n node) {
		seen++
		const key = "somethingElseAltogether"
		_, err := config.Parse("f", []byte(with(t, string(full), strings.TrimPrefix(path+"."+key, "."), 1)), environment)
		problems, _ := errors.AsType[config.Errors](err)
		i := slices.IndexFunc(problems, func(p config.Problem) bool { return strings.HasSuffix(p.Path, key) })
		if i < 0 {
			t.Fatalf("%q: the loader says nothing of an unknown key there: %v", path, err)
		}
		loader := strings.Split(known.FindStringSubmatch(problems[i].Text)[1], ", ")
		slices.Sort(loader)
		if diff := cmp.Diff(loader, slices.Sorted(maps.Keys(n["properties"].(node)))); diff != "" {
			t.Errorf("%q: loader -, schema +:\n%s", path, diff)
		}
		if n["additionalProperties"] != false {
			t.Errorf("%q: the schema takes any key", path)
		}
	})
	if seen != 21 {
		t.Errorf("%d objects were looked at, want 21", seen)
	}
}

func TestEveryKeyOfTheSchemaSaysWhatItIs(t *testing.T) {
	objects("", tree(t), func(path string, n node) {
		for key, value := range n["properties"].(node) {
			text, _ := value.(node)["description"].(string)
			if len(strings.Fields(text)) < 2 || strings.ContainsAny(text, "\t\n") {
				t.Errorf("%s.%s is described as %q", path, key, text)
			}
		}
	})
}

// without are the optional words, numbers and durations that have no default of their own.
var without = []string{"domains[0].mode"}

func TestDefaultsInTheSchemaAreTheLoaders(t *testing.T) {
	text := config.Minimal + "directory: {ldap: {urls: [\"ldaps://dc1\"], baseDN: DC=corp, bindDN: CN=svc, password: \"file:pw\"}}\n" +
		"notices: {bus: default}\n"
	naming := strings.Replace(text, "  rules:", `  roles: ["arn:aws:iam::111122223333:role/studio/*"]
  naming: [{group: "studio-*", domain: research, role: "arn:aws:iam::{account}:role/studio/{group}"}]
  rules:`, 1)
	meaning := func(text string) string {
		c, err := config.Parse("f", []byte(text), environment)
		if err != nil {
			t.Fatal(err)
		}
		return c.Digest
	}
	objects("", tree(t), func(path string, n node) {
		for key, value := range n["properties"].(node) {
			at := strings.TrimPrefix(path+"."+key, ".")
			def, has := value.(node)["default"]
			decided := strings.Contains(fmt.Sprint(value.(node)["anyOf"]), "enum") || strings.Contains(fmt.Sprint(value), "integer") && value.(node)["type"] == nil
			if _, object := value.(node)["properties"]; !object && decided && !has && !slices.Contains(without, at) {
				t.Errorf("%s has no default in the schema", at)
			}
			if has && meaning(with(t, naming, at, def)) != meaning(with(t, naming, "deployment", "prod")) {
				t.Errorf("%s: %v, the schema's default, is not the loader's", at, def)
			}
		}
	})
}

func TestTheSchemaUsesEverySpelling(t *testing.T) {
	text := string(printed(t))
	for path, s := range config.Spellings() {
		quoted, _ := json.Marshal(s.Pattern)
		if !strings.Contains(text, strings.Trim(string(quoted), `"`)) {
			t.Errorf("the schema has no %s, the spelling of %s", s.Pattern, path)
		}
	}
}
