package config

import (
	"log/slog"
	"strings"
)

// SecretStore says where a secret is kept.
type SecretStore string

// The stores that a secret may be referred to in.
const (
	SecretInEnvironment SecretStore = "environment"    // ${NAME}
	SecretInFile        SecretStore = "file"           // file:PATH
	SecretInManager     SecretStore = "secretsmanager" // secretsmanager:ARN
)

// Secret refers to a secret; it never holds one. It masks itself wherever it
// is printed, marshalled or logged.
type Secret struct {
	store SecretStore
	name  string
}

const masked = "[secret]"

// Reference tells where the secret is: a variable's name, a file's path, an
// ARN. The store is "" when the configuration names no secret.
func (s Secret) Reference() (store SecretStore, name string) { return s.store, s.name }

// String masks the secret.
func (s Secret) String() string { return masked }

// GoString masks the secret for %#v.
func (s Secret) GoString() string { return masked }

// MarshalText masks the secret in JSON and every other encoding of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

var (
	variable  = lazily(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)
	secretARN = lazily(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$`)
)

// secret reads a reference to a secret. No message repeats the value: what
// stands there may be the secret itself.
func (n node) secret() Secret {
	const forms = "${NAME}, file:PATH or secretsmanager:ARN"
	if !n.given() || n.tree.kind == "" {
		return Secret{}
	}
	if n.tree.kind == empty {
		n.wrong("has no value (refer to the secret with %s)", forms)
		return Secret{}
	}
	written := n.tree.scalar
	if m := variable().FindStringSubmatch(written); m != nil && n.tree.kind == text {
		return Secret{SecretInEnvironment, m[1]}
	}
	for _, store := range []SecretStore{SecretInFile, SecretInManager} {
		if !strings.HasPrefix(written, string(store)+":") {
			continue
		}
		s, ok := n.text()
		name := strings.TrimPrefix(s, string(store)+":")
		switch {
		case !ok:
		case name == "":
			n.wrong("names nothing after %s: (want %s)", store, forms)
		case store == SecretInManager && !secretARN().MatchString(name):
			n.wrong("want secretsmanager: and the ARN of a secret (arn:aws:secretsmanager:<region>:<account>:secret:<name>)")
		default:
			return Secret{store, name}
		}
		return Secret{}
	}
	n.wrong("a secret is never written here (refer to it with %s)", forms)
	return Secret{}
}
