package config

import (
	"encoding/json"
	"slices"
	"strings"
)

// policyDocument reads a policy of a role and refuses one that lets its holder
// escape.
func policyDocument(n node, partition string) json.RawMessage {
	if !n.is(object) {
		return nil
	}
	f := n.object()
	defer f.end()
	oneOf(f.need("Version", "2012-10-17"), "2012-10-17")
	f.get("Id").match(anyForm)
	written := f.need("Statement", "a list of statements")
	statements := []node{written}
	if written.given() && written.tree.kind != object {
		statements = written.items()
	}
	for _, s := range statements {
		statement(s, partition)
	}
	before := len(n.problems)
	w := &jsonWriter{what: "the policy"}
	if before > 0 || !w.value(n) {
		return nil
	}
	return json.RawMessage(w.String())
}

func statement(n node, partition string) {
	f := n.object()
	defer f.end()
	f.get("Sid").match(sidForm)
	effect := oneOf(f.need("Effect", "Allow or Deny"), "Allow", "Deny")
	actions := selected(f, "Action", "what may be done, such as s3:GetObject")
	resources := selected(f, "Resource", "the ARNs it is about, or *")
	f.get("Condition").is(object)
	if effect != "Allow" || !resources.touch("arn:"+partition+":sagemaker:*:*:user-profile/*") {
		return
	}
	var escapes []string
	for _, a := range EscapeActions() {
		if actions.folded().touch(strings.ToLower(a)) {
			escapes = append(escapes, a)
		}
	}
	if len(escapes) > 0 {
		n.wrong("allows %s on user profiles, with which the holder could take another role "+
			"(name actions without it, or resources that are no user profiles; conditions are not judged)", strings.Join(escapes, ", "))
	}
}

// selection is what Action or Resource lists, or everything but what NotAction
// or NotResource does.
type selection struct {
	patterns []string
	but      bool
}

func selected(f *fields, key, what string) selection {
	of, but := f.get(key), f.get("Not"+key)
	switch {
	case of.given() && but.given():
		but.wrong("%s is written too (keep one of the two)", key)
	case but.given():
		return selection{texts(but), true}
	case !of.given():
		f.need(key, what)
	}
	return selection{texts(of), false}
}

// texts are those of a list, or the one that stands for it.
func texts(n node) []string {
	items := []node{n}
	if n.given() && n.tree.kind == list {
		items = n.items()
	}
	var all []string
	for _, item := range items {
		if s, ok := item.text(); ok {
			all = append(all, policyVariable().ReplaceAllString(s, "*"))
		}
	}
	return all
}

// policyVariable is one that IAM fills in.
var policyVariable = lazily(`\$\{[^}]*\}`)

// folded is the selection in small letters: IAM does not tell them apart in actions.
func (s selection) folded() selection {
	folded := selection{but: s.but}
	for _, p := range s.patterns {
		folded.patterns = append(folded.patterns, strings.ToLower(p))
	}
	return folded
}

// touch reports whether the selection holds something of what the pattern
// stands for.
func (s selection) touch(pattern string) bool {
	if s.but {
		return !slices.ContainsFunc(s.patterns, func(p string) bool { return partsMeet(p, pattern, false) })
	}
	return slices.ContainsFunc(s.patterns, func(p string) bool { return partsMeet(p, pattern, true) })
}

// partsMeet compares ARNs part by part: no * of one reaches over a colon into
// the next. What has fewer parts, as * alone, is compared as a whole.
func partsMeet(a, b string, wild bool) bool {
	partsA, partsB := strings.SplitN(a, ":", arnParts), strings.SplitN(b, ":", arnParts)
	if len(partsA) != len(partsB) {
		return meets(a, b, wild)
	}
	for i := range partsA {
		if !meets(partsA[i], partsB[i], wild) {
			return false
		}
	}
	return true
}

// arnParts are partition, service, Region, account and resource, after "arn".
const arnParts = 6

// meets reports whether some text matches both patterns, of which * is any
// letters and ? is one. With wild false the letters of the second stand for
// themselves, so that the first must match all that the second does.
func meets(a, b string, wild bool) bool {
	reached := make([][]bool, len(a)+2)
	for i := range reached {
		reached[i] = make([]bool, len(b)+2)
	}
	reached[0][0] = true
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			if !reached[i][j] {
				continue
			}
			if starA := i < len(a) && a[i] == '*'; starA || wild && i < len(a) && j < len(b) && b[j] == '*' {
				reached[i+1][j] = true
			}
			if starB := wild && j < len(b) && b[j] == '*'; starB || i < len(a) && j < len(b) && a[i] == '*' {
				reached[i][j+1] = true
			}
			if i < len(a) && j < len(b) && single(a[i], b[j], wild) {
				reached[i+1][j+1] = true
			}
		}
	}
	return reached[len(a)][len(b)]
}

func single(a, b byte, wild bool) bool {
	if a == '*' || b == '*' {
		return false
	}
	return a == b || a == '?' || wild && b == '?'
}
