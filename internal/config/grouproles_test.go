package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// defining is the sound text with group roles.
func defining(definitions string) string {
	return strings.Replace(sound, "offboarding:\n", "groupRoles:\n"+definitions+"offboarding:\n", 1)
}

func TestAPolicyThatLeavesUserProfilesAloneIsTaken(t *testing.T) {
	for name, statement := range map[string]string{
		"other actions":                    `{Effect: Allow, Action: ["sagemaker:Create*Job", "sagemaker:DescribeUserProfile", "sagemaker:ListTags"], Resource: "*"}`,
		"tags of other things":             `{Effect: Allow, Action: "sagemaker:AddTags", Resource: ["arn:aws:sagemaker:*:*:training-job/*", "arn:aws:sagemaker:*:*:space/*"]}`,
		"everything but profiles, as AWS":  `{Effect: Allow, Action: "sagemaker:*", NotResource: ["arn:aws:sagemaker:*:*:domain/*", "arn:aws:sagemaker:*:*:user-profile/*"]}`,
		"everything but another service":   `{Effect: Allow, NotAction: ["sagemaker:*", "iam:*"], Resource: "*"}`,
		"what is denied":                   `{Effect: Deny, Action: "*", Resource: "*"}`,
		"a variable within another ARN":    `{Effect: Allow, Action: "s3:*", Resource: "arn:aws:s3:::home/$${aws:userid}/*", Condition: {Bool: {aws:SecureTransport: "true"}}}`,
		"one statement instead of a list":  `{Effect: Allow, Action: "*", Resource: "arn:aws:s3:::data"}`,
		"nothing of this partition's kind": `{Effect: Allow, Action: "sagemaker:*", Resource: "arn:aws-cn:sagemaker:*:*:user-profile/*"}`,
	} {
		text := defining(`  - {group: ad-group-1, inlinePolicies: {own: {Version: "2012-10-17", Statement: ` + statement + "}}}\n")
		if found := problems(t, text); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestAGroupsRolesAreThoseOfItsRows(t *testing.T) {
	naming := "  naming:\n    - {group: \"studio-*\", domain: research, role: \"arn:aws:iam::{account}:role/studio/{1}\"}\n"
	text := strings.Replace(defining("  - group: studio-vision\n  - group: ad-group-1\n"), "  rules:\n", naming+"  rules:\n", 1)
	var got [][]string
	for _, g := range parse(t, text).GroupRoles {
		got = append(got, g.Roles)
	}
	want := [][]string{{"arn:aws:iam::111122223333:role/studio/vision"}, {"arn:aws:iam::111122223333:role/studio/a"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if unnamed := problems(t, strings.Replace(text, "group: studio-vision", "group: studio-a/b", 1)); len(unnamed) != 1 || !strings.Contains(unnamed[0], "cannot be relied on") {
		t.Errorf("a name that makes no role: %q", unnamed)
	}
}
