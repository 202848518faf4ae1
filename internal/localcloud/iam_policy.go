package localcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// policyKind says what a policy document is put on, which decides what it may hold.
type policyKind int

const (
	identityPolicy policyKind = iota // on a role: what it may do
	trustPolicy                      // on a role: who may assume it
	resourcePolicy                   // on a queue: who may do what with it
)

// policy is a policy document, read once when it is stored.
type policy struct {
	statements []statement
	current    bool // of version 2012-10-17, which has policy variables
}

// statement is one statement of a policy.
type statement struct {
	sid         string
	deny        bool
	notAction   bool // actions are those it is not about
	notResource bool // resources are those it is not about
	actions     []string
	resources   []string
	principals  principalSet
	conditions  []keyCondition

	actionPatterns, resourcePatterns []textPattern
}

// principalSet is whom a statement of a trust or resource policy is about.
type principalSet struct {
	everybody bool
	aws       []string // accounts, roles, users and sessions
	services  []string
	federated []string
}

var (
	sidPattern       = whole(`[a-zA-Z0-9]*`)
	actionPattern    = whole(`\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+`)
	resourcePattern  = whole(`\*|arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]*:\S.*`)
	conditionKey     = regexp.MustCompile(`\A[a-zA-Z0-9-]+:\S`)
	principalPattern = whole(`\*|\d{12}|arn:aws[a-z-]*:(?:iam|sts)::\d{12}:\S+`)
)

// parsePolicy reads a policy document as strictly as IAM does. What the local cloud could not evaluate is an
// error too: nothing is taken for granted silently.
func parsePolicy(text string, kind policyKind) (*policy, error) {
	tree, err := policyJSON(text)
	if err != nil {
		return nil, err
	}
	document, ok := tree.(map[string]any)
	if !ok {
		return nil, errors.New("Syntax errors in policy: it is no JSON object.")
	}
	if err := onlyElements(document, "Version", "Id", "Statement"); err != nil {
		return nil, err
	}
	p := &policy{}
	switch version, there := document["Version"]; {
	case version == "2012-10-17":
		p.current = true
	case there && version != "2008-10-17":
		return nil, fmt.Errorf("Syntax errors in policy: The policy must contain a valid version string, which %v is not.", version)
	}
	return p, p.readStatements(document["Statement"], kind)
}

func (p *policy) readStatements(tree any, kind policyKind) error {
	list, ok := tree.([]any)
	if !ok {
		list = []any{tree}
	}
	if tree == nil || len(list) == 0 {
		return errors.New("Syntax errors in policy: Missing required field Statement.")
	}
	seen := map[string]bool{}
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return errors.New("Syntax errors in policy: a statement is no JSON object.")
		}
		s, err := readStatement(object, kind)
		if err != nil {
			return err
		}
		if s.sid != "" && seen[s.sid] {
			return errors.New("Statement IDs (SID) in a single policy must be unique.")
		}
		seen[s.sid] = true
		s.prepare(p.current)
		p.statements = append(p.statements, s)
	}
	return nil
}

func readStatement(object map[string]any, kind policyKind) (s statement, err error) {
	if err := onlyElements(object, "Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"); err != nil {
		return s, err
	}
	sid, isText := object["Sid"].(string)
	if object["Sid"] != nil && (!isText || !sidPattern.MatchString(sid)) {
		return s, fmt.Errorf("Statement IDs (SID) must be alpha-numeric, which %v is not.", object["Sid"])
	}
	s.sid = sid
	switch object["Effect"] {
	case "Allow":
	case "Deny":
		s.deny = true
	default:
		return s, errors.New("Syntax errors in policy: Effect must be Allow or Deny.")
	}
	if s.actions, s.notAction, err = oneOf(object, "Action", "NotAction", actionPattern,
		"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."); err != nil {
		return s, err
	}
	if err := s.readTargets(object, kind); err != nil {
		return s, err
	}
	s.conditions, err = readConditions(object["Condition"])
	return s, err
}

// readTargets reads what an identity policy is about, whom a trust policy is about, or both.
func (s *statement) readTargets(object map[string]any, kind policyKind) (err error) {
	if kind == trustPolicy {
		if object["Resource"] != nil || object["NotResource"] != nil {
			return errors.New("Has prohibited field Resource.")
		}
	} else if s.resources, s.notResource, err = oneOf(object, "Resource", "NotResource", resourcePattern,
		`a Resource must be in ARN format or "*".`); err != nil {
		return err
	}
	if kind == identityPolicy {
		if object["Principal"] != nil {
			return errors.New("Policy document should not specify a principal.")
		}
		return nil
	}
	s.principals, err = readPrincipals(object["Principal"])
	return err
}

// oneOf reads an element or its negation, of which there must be exactly one.
func oneOf(object map[string]any, name, negation string, valid *regexp.Regexp, otherwise string) ([]string, bool, error) {
	value, there := object[name]
	not, negated := object[negation]
	if there == negated {
		return nil, false, fmt.Errorf("Policy statement must contain either %s or %s.", name, negation)
	}
	if negated {
		value = not
	}
	list, err := texts(value)
	if err != nil || len(list) == 0 {
		return nil, false, fmt.Errorf("Policy statement must contain %ss: a string or a list of strings.", strings.ToLower(name))
	}
	for _, item := range list {
		if !valid.MatchString(item) {
			return nil, false, fmt.Errorf("%s: %s", item, otherwise)
		}
	}
	return list, negated, nil
}

func readPrincipals(tree any) (principalSet, error) {
	var set principalSet
	if tree == "*" {
		set.everybody = true
		return set, nil
	}
	object, ok := tree.(map[string]any)
	if !ok || len(object) == 0 {
		return set, errors.New("Missing required field Principal.")
	}
	for kind, value := range object {
		list, err := texts(value)
		if err != nil || len(list) == 0 {
			return set, fmt.Errorf("Invalid principal in policy: %s must be a string or a list of strings.", kind)
		}
		if err := set.add(kind, list); err != nil {
			return set, err
		}
	}
	return set, nil
}

func (p *principalSet) add(kind string, names []string) error {
	switch kind {
	case "Service":
		p.services = names
	case "Federated":
		p.federated = names
	case "AWS":
		p.aws = names
		p.everybody = slices.Contains(names, "*")
		for _, name := range names {
			if !principalPattern.MatchString(name) || name != "*" && strings.ContainsAny(name, "*?") {
				return fmt.Errorf(`Invalid principal in policy: "AWS":%q`, name)
			}
		}
	default:
		return fmt.Errorf("Invalid principal in policy: %s is no kind of principal that the local cloud knows.", kind)
	}
	return nil
}

// onlyElements refuses elements that the grammar does not have.
func onlyElements(object map[string]any, known ...string) error {
	for _, name := range sortedKeys(object) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("Syntax errors in policy: there is no element %q (names are case sensitive).", name)
		}
	}
	return nil
}

// texts reads a string or a list of strings; booleans and numbers count as their text.
func texts(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	out := make([]string, len(list))
	for i, item := range list {
		switch v := item.(type) {
		case string:
			out[i] = v
		case bool, json.Number:
			out[i] = fmt.Sprint(v)
		default:
			return nil, fmt.Errorf("%s where a string is wanted", kindOf(item))
		}
	}
	return out, nil
}

// policyJSON reads one JSON value in which no object has a member twice.
func policyJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	value, err := strictValue(d, 0)
	if err != nil {
		return nil, fmt.Errorf("Syntax errors in policy: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("Syntax errors in policy: it goes on after its end.")
	}
	return value, nil
}

func strictValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch {
	case depth > 20:
		return nil, errors.New("it is nested too deeply")
	case token == json.Delim('{'):
		return strictObject(d, depth)
	case token == json.Delim('['):
		list := []any{}
		for d.More() {
			item, err := strictValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := d.Token()
		return list, err
	}
	return token, nil
}

func strictObject(d *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("%q stands there twice", name)
		}
		if object[name], err = strictValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return object, err
}
