package deploy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxPolicy   = 6144 // characters of a managed policy, white space left out
	maxPolicies = 10   // managed policies of a role
)

// Document is an IAM policy document.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement is one statement of an identity's policy.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition Condition `json:",omitempty"`
}

// Condition is operator, key, values.
type Condition map[string]map[string][]string

// Policy is a managed policy of a role.
type Policy struct {
	Name        string
	Description string
	Document    Document
}

func document(statements ...Statement) Document {
	return Document{Version: "2012-10-17", Statement: statements}
}

func allow(sid string, actions []string, resources ...string) Statement {
	slices.Sort(resources)
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: slices.Compact(resources)}
}

// where adds conditions, all of which must hold.
func (s Statement) where(conditions ...Condition) Statement {
	s.Condition = Condition{}
	for _, c := range conditions {
		for operator, keys := range c {
			if s.Condition[operator] == nil {
				s.Condition[operator] = map[string][]string{}
			}
			for key, values := range keys {
				s.Condition[operator][key] = values
			}
		}
	}
	return s
}

func is(operator, key string, values ...string) Condition {
	return Condition{operator: {key: values}}
}

func size(d Document) int {
	text, _ := json.Marshal(d) // strings only: nothing could refuse to be encoded
	return len(strings.Join(strings.Fields(string(text)), ""))
}

// pack puts statements into as few managed policies as hold them in order.
func pack(role, of string, statements []Statement) ([]Policy, error) {
	var documents []Document
	for _, s := range statements {
		parts, err := split(s)
		if err != nil {
			return nil, fmt.Errorf("generate the policies of role %s: %w", role, err)
		}
		for _, part := range parts {
			last := len(documents) - 1
			if last >= 0 && size(document(append(slices.Clone(documents[last].Statement), part)...)) <= maxPolicy {
				documents[last].Statement = append(documents[last].Statement, part)
				continue
			}
			documents = append(documents, document(part))
		}
	}
	// One place is left for the customer key's policy.
	if len(documents) >= maxPolicies {
		return nil, fmt.Errorf("generate the policies of role %s: %w: they take %d managed policies of %d characters, and a role takes %d (%s)",
			role, ErrTooLarge, len(documents), maxPolicy, maxPolicies-1, remedy)
	}
	return named(role, of, documents), nil
}

const remedy = "name a role path such as arn:aws:iam::<account>:role/studio/* in mapping.roles instead of single roles, or keep fewer domains in one deployment"

func named(role, of string, documents []Document) []Policy {
	var policies []Policy
	for n, d := range documents {
		policies = append(policies, Policy{
			Name:        fmt.Sprintf("%s-%d", role, n+1),
			Description: fmt.Sprintf("%s (%d of %d)", of, n+1, len(documents)),
			Document:    d,
		})
	}
	return policies
}

// split parts a statement that fits into no policy by its resources.
func split(s Statement) ([]Statement, error) {
	if size(document(s)) <= maxPolicy {
		return []Statement{s}, nil
	}
	if len(s.Resource) < 2 {
		return nil, fmt.Errorf("%w: the statement %s alone has %d characters, and a policy takes %d (%s)", ErrTooLarge, s.Sid, size(document(s)), maxPolicy, remedy)
	}
	var parts []Statement
	middle := len(s.Resource) / 2
	for n, resources := range [][]string{s.Resource[:middle], s.Resource[middle:]} {
		half := s
		half.Sid, half.Resource = fmt.Sprintf("%s%d", s.Sid, n+1), resources
		more, err := split(half)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}
