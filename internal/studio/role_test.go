package studio_test

import (
	"testing"

	"studiokeeper/internal/studio"
)

func TestParseRole(t *testing.T) {
	r, err := studio.ParseRole("arn:aws-us-gov:iam::111122223333:role/studio/team-a/data_scientist")
	want := studio.Role{ARN: "arn:aws-us-gov:iam::111122223333:role/studio/team-a/data_scientist", Partition: "aws-us-gov", Account: "111122223333", Path: "/studio/team-a/", Name: "data_scientist"}
	if err != nil || r != want {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, bad := range []string{
		"", "studio", "arn:aws:iam::111122223333:user/x", "arn:aws:iam::1111:role/x", "arn:aws:iam::111122223333:role/",
		"arn:aws:iam::111122223333:role/a b", "arn:aws:iam::111122223333:role/studio/*", "arn:aws:iam::111122223333:role/st?r/x",
		"arn:aws:sts::111122223333:assumed-role/x/y", "arn:aws:iam::111122223333:role/x\n",
	} {
		if _, err := studio.ParseRole(bad); err == nil {
			t.Errorf("ParseRole(%q) found a role", bad)
		}
	}
}

func TestRolePatterns(t *testing.T) {
	const account = "arn:aws:iam::111122223333:role/"
	for _, c := range []struct {
		pattern, role string
		allowed       bool
	}{
		{account + "studio/*", account + "studio/a", true},
		{account + "studio/*", account + "studio/team/a", true},
		{account + "studio/*", account + "studio", false},
		{account + "studio/*", account + "studio/", false},
		{account + "studio/*", account + "studios/a", false},
		{account + "studio/*", "arn:aws:iam::444455556666:role/studio/a", false},
		{account + "a", account + "a", true},
		{account + "a", account + "ab", false},
	} {
		p, err := studio.ParseRolePattern(c.pattern)
		if err != nil {
			t.Errorf("ParseRolePattern(%q): %v", c.pattern, err)
		}
		if p.Allows(c.role) != c.allowed {
			t.Errorf("%s allows %s: %v, want %v", c.pattern, c.role, !c.allowed, c.allowed)
		}
	}
	for _, bad := range []string{"*", account + "*", account + "/*", account + "stud*", "arn:aws:iam::*:role/studio/*", account + "a*b/*"} {
		if _, err := studio.ParseRolePattern(bad); err == nil {
			t.Errorf("ParseRolePattern(%q) was accepted", bad)
		}
	}
}

func TestGroupRefsGoThroughTheirKey(t *testing.T) {
	for _, key := range []string{"ad-group-1", "R&D (ML)", "groupId:14f83478-a061-708f-8de4-a3a2b99e9d89"} {
		if got := studio.ParseGroupRef(key).Key(); got != key {
			t.Errorf("%q became %q", key, got)
		}
	}
}

func TestOwner(t *testing.T) {
	for _, c := range []struct {
		tags map[string]string
		want studio.Owner
	}{
		{nil, studio.Nobody},
		{map[string]string{"team": "ml"}, studio.Nobody},
		{map[string]string{studio.TagDeployment: "prod"}, studio.Ours},
		{map[string]string{studio.TagDeployment: "old"}, studio.Former},
		{map[string]string{studio.TagDeployment: "test"}, studio.Foreign},
		{map[string]string{studio.TagDeployment: ""}, studio.Foreign},
	} {
		if got := (studio.Profile{Tags: c.tags}).Owner("prod", []string{"old"}); got != c.want {
			t.Errorf("%v is %s, want %s", c.tags, got, c.want)
		}
	}
}

func TestGroupIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"14f83478-a061-708f-8de4-a3a2b99e9d89":            true,
		"9067117934-14f83478-a061-708f-8de4-a3a2b99e9d89": true,
		"oops": false, "": false, "14f83478-a061-708f-8de4-a3a2b99e9d8": false, "14f83478xa061-708f-8de4-a3a2b99e9d89": false,
		"906711793z-14f83478-a061-708f-8de4-a3a2b99e9d89": false, "14f83478-a061-708f-8de4-a3a2b99e9d89-9067117934": false,
	} {
		if got := studio.IsID(id); got != want {
			t.Errorf("IsID(%q) = %v", id, got)
		}
	}
}

func TestMoreGroupsThanAnApplicationTakes(t *testing.T) {
	rows := func(n int) []studio.Row {
		var out []studio.Row
		for i := range n {
			out = append(out, studio.Row{Domain: "research", Group: studio.GroupRef{Name: string(rune('a'+i%26)) + string(rune('a'+i/26))}})
		}
		return append(out, studio.Row{Domain: "lab", Group: studio.GroupRef{Name: "other"}})
	}
	d := studio.Domain{Name: "research", SignIn: studio.SignInGroup}
	if got := studio.TooManyGroups(d, rows(100)); got != "" {
		t.Errorf("100 groups: %s", got)
	}
	if studio.TooManyGroups(d, rows(101)) == "" {
		t.Error("101 groups fit")
	}
	if d.SignIn = studio.SignInUser; studio.TooManyGroups(d, rows(101)) != "" {
		t.Error("nobody assigns groups there")
	}
}
