package localcloud

import (
	"strings"
	"testing"
)

func TestEveryOperationHasItsPermissions(t *testing.T) {
	c := &Cloud{}
	for _, s := range c.services() {
		table := accessTable[s.name]
		for _, name := range sortedKeys(s.ops) {
			if _, listed := table[name]; !listed {
				t.Errorf("accessTable does not say what %s.%s asks a caller's policies for", s.name, name)
			}
		}
		for _, name := range sortedKeys(table) {
			if _, served := s.ops[name]; !served {
				t.Errorf("accessTable has %s.%s, which the local cloud does not serve", s.name, name)
			}
		}
	}
}

// slowGlob is a second reading of a pattern with * and ?, by definition instead of by marking places.
func slowGlob(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return slowGlob(pattern[1:], text) || text != "" && slowGlob(pattern, text[1:])
	case text == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == text[0]) && slowGlob(pattern[1:], text[1:])
}

func TestWildcardsMatchAsTheirDefinitionSays(t *testing.T) {
	var patterns, texts []string
	grow := func(alphabet string, longest int) (all []string) {
		all = []string{""}
		for from, n := 0, 0; n < longest; n++ {
			for end := len(all); from < end; from++ {
				for _, r := range alphabet {
					all = append(all, all[from]+string(r))
				}
			}
		}
		return all
	}
	patterns, texts = grow("ab*?", 4), grow("ab", 5)
	for _, raw := range patterns {
		p := newTextPattern(raw, true, false, true)
		for _, text := range texts {
			if got, want := p.matches(text, nil), slowGlob(raw, text); got != want {
				t.Fatalf("%q matches %q: %t, want %t", raw, text, got, want)
			}
		}
	}
}

func TestConditionsHold(t *testing.T) {
	keys := contextKeys{
		"aws:requesttag/team": {"ML"}, "aws:tagkeys": {"team", "cost"}, "aws:principaltag/team": {"ML"},
		"aws:principalarn": {"arn:aws:iam::111122223333:role/studio/a"}, "aws:star": {"a*"},
		"aws:n": {"9"}, "aws:currenttime": {"2026-03-01T09:00:00Z"}, "aws:yes": {"true"},
	}
	rows := []struct {
		operator, key, values string
		want                  bool
	}{
		{"StringEquals", "aws:RequestTag/team", `"ML"`, true},
		{"StringEquals", "aws:RequestTag/team", `["x","ML"]`, true},
		{"StringEquals", "aws:RequestTag/team", `"ml"`, false},
		{"StringEquals", "aws:RequestTag/team", `"M*"`, false},
		{"StringEquals", "aws:RequestTag/gone", `"ML"`, false},
		{"StringEquals", "aws:RequestTag/team", `"${aws:PrincipalTag/team}"`, true},
		{"StringEquals", "aws:RequestTag/team", `"${aws:PrincipalTag/gone}"`, false},
		{"StringEquals", "aws:RequestTag/team", `"${aws:PrincipalTag/gone, 'ML'}"`, true},
		{"StringLike", "aws:yes", `"${aws:star}"`, false},
		{"StringEqualsIfExists", "aws:RequestTag/gone", `"ML"`, true},
		{"StringEqualsIfExists", "aws:RequestTag/team", `"x"`, false},
		{"StringNotEquals", "aws:RequestTag/team", `["x","ML"]`, false},
		{"StringNotEquals", "aws:RequestTag/team", `["x","y"]`, true},
		{"StringNotEquals", "aws:RequestTag/gone", `"x"`, true},
		{"StringEqualsIgnoreCase", "aws:RequestTag/team", `"ml"`, true},
		{"StringNotEqualsIgnoreCase", "aws:RequestTag/team", `"ml"`, false},
		{"StringLike", "aws:RequestTag/team", `"?L"`, true},
		{"StringNotLike", "aws:RequestTag/team", `"M*"`, false},
		{"ForAllValues:StringEquals", "aws:TagKeys", `["team","cost","more"]`, true},
		{"ForAllValues:StringEquals", "aws:TagKeys", `["team"]`, false},
		{"ForAllValues:StringEquals", "aws:gone", `["team"]`, true},
		{"ForAnyValue:StringEquals", "aws:TagKeys", `["team"]`, true},
		{"ForAnyValue:StringEquals", "aws:TagKeys", `["x"]`, false},
		{"ForAnyValue:StringEquals", "aws:gone", `["x"]`, false},
		{"ForAnyValue:StringNotEquals", "aws:TagKeys", `["team"]`, true},
		{"ForAnyValue:StringNotEquals", "aws:TagKeys", `["team","cost"]`, false},
		{"ForAllValues:StringNotLike", "aws:TagKeys", `"te*"`, false},
		{"ArnLike", "aws:PrincipalArn", `"arn:aws:iam::*:role/studio/*"`, true},
		{"ArnLike", "aws:PrincipalArn", `"arn:aws:*:role/studio/a"`, false},
		{"ArnEquals", "aws:PrincipalArn", `"arn:aws:iam::111122223333:role/studio/a"`, true},
		{"ArnNotLike", "aws:PrincipalArn", `"arn:aws:iam::*:role/*"`, false},
		{"ArnNotEquals", "aws:PrincipalArn", `"arn:aws:iam::*:role/b"`, true},
		{"Null", "aws:gone", `"true"`, true},
		{"Null", "aws:gone", `"false"`, false},
		{"Null", "aws:TagKeys", `false`, true},
		{"Bool", "aws:yes", `true`, true},
		{"Bool", "aws:yes", `"false"`, false},
		{"NumericLessThan", "aws:n", `"10"`, true},
		{"NumericGreaterThanEquals", "aws:n", `9`, true},
		{"NumericNotEquals", "aws:n", `"9.0"`, false},
		{"DateLessThan", "aws:CurrentTime", `"2026-03-01T10:00:00+00:00"`, true},
		{"DateGreaterThan", "aws:CurrentTime", `"2026-03-02"`, false},
	}
	for _, row := range rows {
		text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{"` +
			row.operator + `":{"` + row.key + `":` + row.values + `}}}}`
		p, err := parsePolicy(text, identityPolicy)
		if err != nil {
			t.Errorf("%s %s %s: %v", row.operator, row.key, row.values, err)
			continue
		}
		got := decide([]*policy{p}, accessRequest{action: "a:B", resource: "*", keys: keys}) == allowed
		if got != row.want {
			t.Errorf("%s %s %s holds: %t, want %t", row.operator, row.key, row.values, got, row.want)
		}
	}
}

func TestStatementsDecideTogether(t *testing.T) {
	statement := func(effect, rest string) string { return `{"Effect":"` + effect + `",` + rest + `}` }
	rows := []struct {
		name       string
		statements []string
		action, on string
		want       decision
	}{
		{"nothing said", []string{statement("Allow", `"Action":"a:B","Resource":"*"`)}, "a:C", "*", implicitDeny},
		{"actions whatever their case", []string{statement("Allow", `"Action":"A:b*","Resource":"*"`)}, "a:Become", "*", allowed},
		{"a deny after an allow", []string{statement("Allow", `"Action":"*","Resource":"*"`), statement("Deny", `"Action":"a:B","Resource":"*"`)}, "a:B", "*", explicitDeny},
		{"a deny before an allow", []string{statement("Deny", `"Action":"a:B","Resource":"*"`), statement("Allow", `"Action":"*","Resource":"*"`)}, "a:B", "*", explicitDeny},
		{"all actions but some", []string{statement("Allow", `"NotAction":["a:B","c:*"],"Resource":"*"`)}, "a:D", "*", allowed},
		{"one of those", []string{statement("Allow", `"NotAction":["a:B","c:*"],"Resource":"*"`)}, "c:D", "*", implicitDeny},
		{"a resource of a prefix", []string{statement("Allow", `"Action":"a:B","Resource":"arn:aws:a:::x/*"`)}, "a:B", "arn:aws:a:::x/y/z", allowed},
		{"resources differ by case", []string{statement("Allow", `"Action":"a:B","Resource":"arn:aws:a:::x/*"`)}, "a:B", "arn:aws:a:::X/y", implicitDeny},
		{"no resource where one is named", []string{statement("Allow", `"Action":"a:B","Resource":"arn:aws:a:::x/*"`)}, "a:B", "*", implicitDeny},
		{"all resources but one", []string{statement("Allow", `"Action":"a:B","NotResource":"arn:aws:a:::x"`)}, "a:B", "arn:aws:a:::x", implicitDeny},
		{"another than that", []string{statement("Allow", `"Action":"a:B","NotResource":"arn:aws:a:::x"`)}, "a:B", "arn:aws:a:::y", allowed},
	}
	for _, row := range rows {
		p, err := parsePolicy(`{"Version":"2012-10-17","Statement":[`+strings.Join(row.statements, ",")+`]}`, identityPolicy)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := decide([]*policy{p}, accessRequest{action: row.action, resource: row.on}); got != row.want {
			t.Errorf("%s: decision %d, want %d", row.name, got, row.want)
		}
	}
}

func TestPoliciesThatCannotBeReadAreRefused(t *testing.T) {
	good := `"Effect":"Allow","Action":"a:B","Resource":"*"`
	wrap := func(statement string) string { return `{"Version":"2012-10-17","Statement":[{` + statement + `}]}` }
	rows := map[string]string{
		"an unknown version":        `{"Version":"2020-01-01","Statement":[{` + good + `}]}`,
		"no statement":              `{"Version":"2012-10-17","Statement":[]}`,
		"an unknown element":        wrap(good + `,"Conditions":{}`),
		"an element twice":          wrap(good + `,"Effect":"Deny"`),
		"text after the end":        wrap(good) + "x",
		"an unknown effect":         wrap(`"Effect":"allow","Action":"a:B","Resource":"*"`),
		"no action":                 wrap(`"Effect":"Allow","Resource":"*"`),
		"action and its negation":   wrap(good + `,"NotAction":"a:C"`),
		"an action without service": wrap(`"Effect":"Allow","Action":"B","Resource":"*"`),
		"no resource":               wrap(`"Effect":"Allow","Action":"a:B"`),
		"a resource that is no ARN": wrap(`"Effect":"Allow","Action":"a:B","Resource":"bucket"`),
		"a principal":               wrap(good + `,"Principal":"*"`),
		"a sid with a dash":         wrap(good + `,"Sid":"a-b"`),
		"a sid twice":               wrap(good + `,"Sid":"a"},{` + good + `,"Sid":"a"`),
		"an operator nobody knows":  wrap(good + `,"Condition":{"StringSame":{"aws:x":"y"}}`),
		"an operator not evaluated": wrap(good + `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`),
		"a set nobody knows":        wrap(good + `,"Condition":{"ForSome:StringLike":{"aws:x":"y"}}`),
		"Null with IfExists":        wrap(good + `,"Condition":{"NullIfExists":{"aws:x":"true"}}`),
		"Bool of a word":            wrap(good + `,"Condition":{"Bool":{"aws:x":"yes"}}`),
		"Numeric of a word":         wrap(good + `,"Condition":{"NumericEquals":{"aws:x":"ten"}}`),
		"a key without a vendor":    wrap(good + `,"Condition":{"StringEquals":{"x":"y"}}`),
		"a condition without keys":  wrap(good + `,"Condition":{"StringEquals":{}}`),
	}
	if _, err := parsePolicy(wrap(good), identityPolicy); err != nil {
		t.Fatalf("the policy that all of these differ from: %v", err)
	}
	for name, text := range rows {
		if _, err := parsePolicy(text, identityPolicy); err == nil {
			t.Errorf("%s is accepted: %s", name, text)
		}
	}
}

func FuzzPolicyDocument(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:B*","Resource":"arn:aws:a:::${aws:x}/*"}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotAction":["a:?"],"NotResource":"*","Condition":{"ForAllValues:NumericEqualsIfExists":{"a:b":[1,"2"]}}}}`)
	f.Add(`{"Statement":{"Effect":"Allow","Principal":{"AWS":["111122223333"],"Service":"x"},"Action":"*"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []policyKind{identityPolicy, trustPolicy, resourcePolicy} {
			p, err := parsePolicy(text, kind)
			if err != nil {
				continue
			}
			r := accessRequest{action: "a:Bc", resource: "arn:aws:a:::y/z", keys: contextKeys{"a:b": {"1"}}}
			if verdict := decide([]*policy{p}, r); verdict == allowed && !strings.Contains(text, "Allow") {
				t.Errorf("%s allows without a statement that does", text)
			}
			p.decideFor(caller{account: "111122223333", arn: "arn:aws:iam::111122223333:user/a"}, r)
		}
	})
}
