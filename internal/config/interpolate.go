package config

import (
	"strings"
)

// reference is ${NAME}, or the escape $${ for a literal one. It works on
// values that are already parsed: what a variable holds stays one text and
// never becomes YAML.
var reference = lazily(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{`)

// interpolated is the node's text with every reference replaced.
func (n node) interpolated() (s string, ok bool) {
	ok = true
	s = reference().ReplaceAllStringFunc(n.tree.scalar, func(found string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(found, "${"), "}")
		switch {
		case found == "$${":
			return "${"
		case name == "":
			n.wrong("a reference is written ${NAME}, with letters, digits and _ (a literal ${ is written $${)")
			ok = false
			return ""
		}
		value, set := n.env(name)
		if !set {
			n.wrong("the environment variable %s is not set (set it, or write $${ for a literal ${)", name)
			ok = false
		}
		return value
	})
	return s, ok
}
