package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
)

const here = "111122223333"

const plain = `
deployment: prod
identityCenter: {region: us-east-1, identityStoreId: d-906716eb24}
domains:
  - {name: research, id: d-abcdefghijkl, region: us-east-1, account: "111122223333"}
mapping:
  roles: ["arn:aws:iam::111122223333:role/studio/*"]
  table: studiokeeper-mapping
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/studiokeeper-quarantine"}
state: {table: studiokeeper-state}
notices: {bus: default}
`

const two = `
deployment: prod
formerly: [old]
identityCenter:
  region: us-east-1
  assumeRole: {roleArn: "arn:aws:iam::999988887777:role/studiokeeper-directory"}
domains:
  - {name: research, id: d-abcdefghijkl, region: us-east-1, account: "111122223333", mode: observe}
  - name: sandbox
    id: d-mnopqrstuvwx
    region: eu-central-1
    account: "444455556666"
    assumeRole: {roleArn: "arn:aws:iam::444455556666:role/studiokeeper-member", externalId: 7f1c5a90}
mapping:
  roles: ["arn:aws:iam::111122223333:role/studio/*", "arn:aws:iam::444455556666:role/studio/*"]
  naming:
    - {group: "studio-*", domain: sandbox, role: "arn:aws:iam::{account}:role/studio/{group}"}
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/studiokeeper-quarantine", sharedSpaces: delete}
state: {table: studiokeeper-state}
`

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("studiokeeper.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func statements(t *testing.T, policies []deploy.Policy, err error) map[string]deploy.Statement {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]deploy.Statement{}
	for _, p := range policies {
		for _, s := range p.Document.Statement {
			if _, twice := all[s.Sid]; twice {
				t.Errorf("two statements are called %s", s.Sid)
			}
			all[s.Sid] = s
		}
	}
	return all
}

func ofFunction(t *testing.T, text string) map[string]deploy.Statement {
	t.Helper()
	policies, err := deploy.FunctionPolicies(parse(t, text), deploy.Options{Account: here})
	return statements(t, policies, err)
}

func TestEveryWriteIsFenced(t *testing.T) {
	all := ofFunction(t, plain)
	profiles := "arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-abcdefghijkl/*"
	for sid, want := range map[string]string{
		"MakeProfiles":          `{"ForAllValues:StringEquals":{"aws:TagKeys":["studiokeeper:applied","studiokeeper:deployment","studiokeeper:group","studiokeeper:leaving","studiokeeper:user-id"]},"StringEquals":{"aws:RequestTag/studiokeeper:deployment":["prod"]}}`,
		"ChangeOwnProfiles":     `{"StringEquals":{"aws:ResourceTag/studiokeeper:deployment":["prod"]}}`,
		"ClaimUntaggedProfiles": `{"ForAllValues:StringEquals":{"aws:TagKeys":["studiokeeper:applied","studiokeeper:deployment","studiokeeper:group","studiokeeper:leaving","studiokeeper:user-id"]},"Null":{"aws:ResourceTag/studiokeeper:deployment":["true"]},"StringEquals":{"aws:RequestTag/studiokeeper:deployment":["prod"]}}`,
		"UntagOwnProfiles":      `{"ForAllValues:StringEquals":{"aws:TagKeys":["studiokeeper:leaving"]},"StringEquals":{"aws:ResourceTag/studiokeeper:deployment":["prod"]}}`,
		"DeletePrivateSpaces":   `{"StringEquals":{"sagemaker:SpaceSharingType":["Private"]}}`,
		"GiveRoles":             `{"StringEquals":{"iam:PassedToService":["sagemaker.amazonaws.com"]}}`,
	} {
		s, there := all[sid]
		got, _ := json.Marshal(s.Condition)
		if !there || string(got) != want {
			t.Errorf("%s has the conditions %s, want %s", sid, got, want)
		}
		if strings.HasSuffix(sid, "Profiles") && !slices.Equal(s.Resource, []string{profiles}) {
			t.Errorf("%s is about %v, want %s", sid, s.Resource, profiles)
		}
	}
	want := []string{"arn:aws:iam::111122223333:role/studio/*", "arn:aws:iam::111122223333:role/studiokeeper-quarantine"}
	if got := all["GiveRoles"].Resource; !slices.Equal(got, want) {
		t.Errorf("roles that can be passed: %v, want %v", got, want)
	}
}

// mayBeAny are the actions that IAM knows no resource for.
var mayBeAny = []string{"ListStudio", "FindIdentityCenter", "ListStreams"}

func TestOnlyWhatHasNoResourceIsForAll(t *testing.T) {
	for sid, s := range ofFunction(t, plain) {
		if slices.Contains(s.Resource, "*") != slices.Contains(mayBeAny, sid) {
			t.Errorf("%s is about %v", sid, s.Resource)
		}
	}
}

func TestObservingTakesEveryWriteAway(t *testing.T) {
	for sid, s := range ofFunction(t, "mode: observe"+plain) {
		for _, action := range s.Action {
			service, name, _ := strings.Cut(action, ":")
			reads := strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "IsMember")
			if (service == "sagemaker" || service == "sso" || service == "iam" || service == "identitystore") && !reads {
				t.Errorf("%s allows %s", sid, action)
			}
		}
	}
}

func TestAnotherAccountIsChangedUnderItsOwnRoleOnly(t *testing.T) {
	c := parse(t, two)
	policies, err := deploy.MemberPolicies(c, deploy.Options{Account: here}, "arn:aws:iam::444455556666:role/studiokeeper-member")
	member := statements(t, policies, err)
	own := ofFunction(t, two)
	if _, there := own["MakeProfiles"]; there {
		t.Error("the function's own role makes profiles in a domain that is observed")
	}
	want := []string{"arn:aws:iam::444455556666:role/studiokeeper-member", "arn:aws:iam::999988887777:role/studiokeeper-directory"}
	if got := own["EnterOtherAccounts"].Resource; !slices.Equal(got, want) {
		t.Errorf("the function may assume %v, want %v", got, want)
	}
	want = []string{"arn:aws:iam::444455556666:role/studio/*", "arn:aws:iam::444455556666:role/studiokeeper-quarantine"}
	if got := member["GiveRoles"].Resource; !slices.Equal(got, want) {
		t.Errorf("the member role may pass %v, want %v", got, want)
	}
	if _, there := member["ReadIdentityStore"]; there {
		t.Error("the member role reads the identity store, which another role does")
	}
	if got := member["ClaimFormerProfiles"].Condition["StringEquals"]["aws:ResourceTag/studiokeeper:deployment"]; !slices.Equal(got, []string{"old"}) {
		t.Errorf("profiles of %v are taken over, want old", got)
	}
	if s := member["DeleteSpaces"]; s.Effect != "Allow" || s.Condition != nil {
		t.Errorf("with sharedSpaces: delete every space may go, got %+v", s)
	}
	policies, err = deploy.MemberPolicies(c, deploy.Options{Account: here}, "arn:aws:iam::999988887777:role/studiokeeper-directory")
	directory := statements(t, policies, err)
	if !slices.Contains(directory["ReadIdentityStore"].Action, "identitystore:ListGroupMembershipsForMember") {
		t.Error("naming asks for all groups of a user, and the directory's role does not let it")
	}
}

// manyRoles is a configuration with n roles, each named.
func manyRoles(n int) string {
	var roles []string
	for i := range n {
		roles = append(roles, fmt.Sprintf("arn:aws:iam::111122223333:role/a-department-with-a-long-name/team-%04d", i))
	}
	list, _ := json.Marshal(roles)
	return strings.Replace(plain, `["arn:aws:iam::111122223333:role/studio/*"]`, string(list), 1)
}

func TestPoliciesAreSplitBeforeTheyAreTooLarge(t *testing.T) {
	policies, err := deploy.FunctionPolicies(parse(t, manyRoles(200)), deploy.Options{Account: here})
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for _, p := range policies {
		text, _ := json.Marshal(p.Document)
		if len(text) > 6144 {
			t.Errorf("%s has %d characters", p.Name, len(text))
		}
		for _, s := range p.Document.Statement {
			if slices.Contains(s.Action, "iam:PassRole") {
				passed += len(s.Resource)
			}
		}
	}
	if passed != 201 {
		t.Errorf("%d roles can be passed, want 200 and the quarantine role", passed)
	}
	_, err = deploy.FunctionPolicies(parse(t, manyRoles(2000)), deploy.Options{Account: here})
	if !errors.Is(err, deploy.ErrTooLarge) || !strings.Contains(err.Error(), "role/studio/*") {
		t.Errorf("2000 roles: %v, want ErrTooLarge with the remedy", err)
	}
}
