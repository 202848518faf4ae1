package config

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"studiokeeper/internal/studio"
)

// ssmPrefix marks a reference to a Parameter Store parameter.
const ssmPrefix = "ssm:"

// Load reads the configuration from a file, or from the Parameter Store
// parameter NAME when ref is ssm:NAME, which the function ssm fetches. Its
// errors answer to ErrInvalid, except for a parameter that cannot be fetched.
func Load(ctx context.Context, ref string, env func(string) (string, bool),
	ssm func(ctx context.Context, name string) (string, error)) (*Config, error) {
	if name, ok := strings.CutPrefix(ref, ssmPrefix); ok {
		if name == "" || ssm == nil {
			return nil, fmt.Errorf("%w: %q names no parameter that could be read here", ErrInvalid, ref)
		}
		source, err := ssm(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("read the configuration from the parameter %s: %w", name, err)
		}
		return Parse(ref, []byte(source), env)
	}
	source, err := readFile(ref)
	if err != nil {
		return nil, fmt.Errorf("%w: %w (name another file with --config or $STUDIOKEEPER_CONFIG; the README shows a first one)",
			ErrInvalid, err)
	}
	return Parse(ref, source, env)
}

// readFile reads one byte more than is allowed, so that Parse can tell.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	source, err := io.ReadAll(io.LimitReader(f, maxText+1))
	return source, errors.Join(err, f.Close())
}

// Parse reads the configuration from its text; name is what errors call the
// file. The error is Errors, with every problem there is.
func Parse(name string, text []byte, env func(string) (string, bool)) (*Config, error) {
	r := &reader{file: name, env: env}
	root := parseTree(r, text)
	if root == nil {
		return nil, r.problems.sorted()
	}
	c := r.config(root)
	if len(r.problems) > 0 {
		return nil, r.problems.sorted()
	}
	c.Warnings = r.warnings
	for _, d := range c.Domains {
		if tooMany := studio.TooManyGroups(d, c.Mapping.Rules); tooMany != "" {
			c.Warnings = append(c.Warnings, tooMany)
		}
	}
	c.Digest = digest(*c)
	return c, nil
}

// digest leaves the rows' places out: a comment added above them changes
// nothing.
func digest(c Config) string {
	c.Mapping.Rules = slices.Clone(c.Mapping.Rules)
	for i := range c.Mapping.Rules {
		c.Mapping.Rules[i].Source = ""
	}
	meaning, _ := json.Marshal(c) // plain values always marshal
	sum := sha256.Sum256(meaning)
	return hex.EncodeToString(sum[:16])
}
