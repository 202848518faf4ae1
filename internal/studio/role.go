package studio

import (
	"errors"
	"fmt"
	"strings"
)

// Role is a parsed IAM role ARN.
type Role struct {
	ARN       string
	Partition string
	Account   string
	Path      string // "/", or "/studio/"
	Name      string
}

// maxRoleName is IAM's limit for the name of a role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxRoleName = 64

// ParseRole reads an IAM role ARN: arn:<partition>:iam::<account>:role/<path/><name>.
func ParseRole(arn string) (Role, error) {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || !partition(fields[1]) || fields[2] != "iam" || fields[3] != "" || !accountID(fields[4]) {
		return Role{}, notARole(arn)
	}
	resource, ok := strings.CutPrefix(fields[5], "role/")
	if !ok {
		return Role{}, notARole(arn)
	}
	if strings.ContainsAny(resource, "*?") {
		return Role{}, fmt.Errorf("%q holds a wildcard; name one role", arn)
	}
	at := strings.LastIndexByte(resource, '/') + 1
	path, name := "/"+resource[:at], resource[at:]
	if !each(path, func(c byte) bool { return c >= '!' && c <= '~' }) || name == "" || len(name) > maxRoleName || !each(name, roleNameByte) {
		return Role{}, notARole(arn)
	}
	return Role{ARN: arn, Partition: fields[1], Account: fields[4], Path: path, Name: name}, nil
}

func notARole(arn string) error {
	return fmt.Errorf("%q is not the ARN of an IAM role (arn:aws:iam::<account>:role/<name>)", arn)
}

func partition(s string) bool {
	return strings.HasPrefix(s, "aws") && each(s, func(c byte) bool { return c == '-' || c >= 'a' && c <= 'z' })
}

func accountID(s string) bool {
	return len(s) == 12 && each(s, func(c byte) bool { return c >= '0' && c <= '9' })
}

func roleNameByte(c byte) bool {
	return asciiAlphanumeric(rune(c)) || strings.IndexByte("_+=,.@-", c) >= 0
}

func each(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

// RolePattern is an entry of mapping.roles: one ARN, or a path prefix that
// ends in "/*".
type RolePattern string

// ParseRolePattern checks an entry of mapping.roles. Only a whole path may be
// opened: a prefix such as role/stud* would also admit roles made later under
// a name nobody had in mind.
func ParseRolePattern(s string) (RolePattern, error) {
	prefix, wild := strings.CutSuffix(s, "/*")
	if !wild {
		_, err := ParseRole(s)
		return RolePattern(s), err
	}
	if !strings.Contains(prefix, ":role/") {
		return "", errors.New("a pattern opens one path, as arn:aws:iam::<account>:role/<path>/*; every role of an account is too much")
	}
	if _, err := ParseRole(prefix); err != nil {
		return "", fmt.Errorf("%q is not a role path of the form arn:aws:iam::<account>:role/<path>/*", s)
	}
	return RolePattern(s), nil
}

// Allows reports whether the pattern admits the role.
func (p RolePattern) Allows(arn string) bool {
	if prefix, wild := strings.CutSuffix(string(p), "*"); wild {
		_, err := ParseRole(arn)
		return err == nil && strings.HasPrefix(arn, prefix)
	}
	return string(p) == arn
}

// PartitionOf is the AWS partition that a Region belongs to.
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}
