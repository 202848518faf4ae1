package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// policy is an IAM policy document, as far as it is judged here.
type policy struct{ Statement list[statement] }

type statement struct {
	Effect            string
	Principal         principal
	Action, NotAction list[string]
	Resource          list[string]
	Condition         map[string]any
}

// list is one value or several, which IAM writes alike.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]T)(l))
	}
	var one T
	err := json.Unmarshal(text, &one)
	*l = list[T]{one}
	return err
}

// principal is whom a trust policy speaks of; "*" is everybody.
type principal struct{ Service, AWS list[string] }

// UnmarshalJSON implements json.Unmarshaler.
func (p *principal) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		*p = principal{Service: list[string]{"*"}}
		return nil
	}
	type kinds principal
	return json.Unmarshal(text, (*kinds)(p))
}

func parsePolicy(text string) (policy, error) {
	var p policy
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("read the policy %.60q: %w", text, err)
	}
	return p, nil
}

// trusts tells whether a service may take the action; conditions count as met.
func (p policy) trusts(service, action string) bool {
	concerns := func(effect string) func(statement) bool {
		return func(s statement) bool {
			named := slices.Contains(s.Principal.Service, service) || slices.Contains(s.Principal.Service, "*")
			return s.Effect == effect && named && s.names(action) && (effect == "Allow" || len(s.Condition) == 0)
		}
	}
	return slices.ContainsFunc(p.Statement, concerns("Allow")) && !slices.ContainsFunc(p.Statement, concerns("Deny"))
}

func (s statement) names(action string) bool {
	return slices.ContainsFunc(s.Action, func(pattern string) bool {
		start, wild := strings.CutSuffix(strings.ToLower(pattern), "*")
		action := strings.ToLower(action)
		return action == start || wild && strings.HasPrefix(action, start)
	})
}

// grants are what policies allow, in words to compare and to show; none where
// everything is denied.
func grants(documents []string) ([]string, error) {
	var all []string
	for _, text := range documents {
		p, err := parsePolicy(text)
		if err != nil {
			return nil, err
		}
		for _, s := range p.Statement {
			if s.deniesAll() {
				return nil, nil
			}
			all = append(all, s.grants()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (s statement) deniesAll() bool {
	return s.Effect == "Deny" && len(s.Condition) == 0 && slices.Contains(s.Action, "*") && slices.Contains(s.Resource, "*")
}

func (s statement) grants() []string {
	if s.Effect != "Allow" {
		return nil
	}
	on := " on " + strings.Join(s.Resource, " ")
	var all []string
	for _, action := range s.Action {
		all = append(all, action+on)
	}
	if len(s.NotAction) > 0 {
		all = append(all, "all but "+strings.Join(s.NotAction, " ")+on)
	}
	return all
}
