package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
)

// defined are group roles in two accounts.
const defined = two + `
groupRoles:
  - role: arn:aws:iam::111122223333:role/studio/ad-group-1
    managedPolicies: ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]
    inlinePolicies:
      data:
        Version: 2012-10-17
        Statement:
          - Sid: ReadOwnTeamsData
            Effect: Allow
            Action: [s3:GetObject, s3:ListBucket]
            Resource: ["arn:aws:s3:::research", "arn:aws:s3:::research/$${aws:PrincipalTag/team}/*"]
    boundary: arn:aws:iam::111122223333:policy/studio
  - role: arn:aws:iam::111122223333:role/studio/ad-group-2
  - group: studio-vision
`

// role is an execution role as a template has it.
type role struct {
	RoleName, Path, PermissionsBoundary string
	ManagedPolicyArns                   []string
	AssumeRolePolicyDocument            struct {
		Statement []struct{ Action []string }
	}
	Policies []struct {
		PolicyName     string
		PolicyDocument struct {
			Statement []struct {
				Effect           string
				Action, Resource any
			}
		}
	}
}

// groupRoles are those of a template, by path and name.
func groupRoles(t *testing.T, text, account string) map[string]role {
	t.Helper()
	made, err := deploy.GroupRoles(parse(t, text), account)
	if err != nil {
		t.Fatal(err)
	}
	written, err := made.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct{ Properties role }
	}
	if err := json.Unmarshal(written, &template); err != nil {
		t.Fatal(err)
	}
	roles := map[string]role{}
	for _, r := range template.Resources {
		roles[r.Properties.Path+r.Properties.RoleName] = r.Properties
	}
	return roles
}

func TestEveryAccountHasItsOwnGroupRoles(t *testing.T) {
	roles := groupRoles(t, defined, here)
	first := roles["/studio/ad-group-1"]
	if len(roles) != 2 || first.PermissionsBoundary != "arn:aws:iam::111122223333:policy/studio" || len(first.ManagedPolicyArns) != 1 {
		t.Errorf("account %s gets %+v", here, roles)
	}
	if trusted := fmt.Sprint(first.AssumeRolePolicyDocument.Statement[0].Action); trusted != "[sts:AssumeRole sts:SetSourceIdentity]" {
		t.Errorf("SageMaker may %s", trusted)
	}
	if roles = groupRoles(t, defined, "444455556666"); len(roles) != 1 || roles["/studio/studio-vision"].RoleName == "" {
		t.Errorf("naming gives account 444455556666 %+v", roles)
	}
	for account, want := range map[string]string{"": "111122223333, 444455556666", "999988887777": "none in account 999988887777"} {
		if _, err := deploy.GroupRoles(parse(t, defined), account); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("account %q: %v", account, err)
		}
	}
	if _, err := deploy.GroupRoles(parse(t, plain), ""); !errors.Is(err, config.ErrInvalid) {
		t.Errorf("without definitions: %v", err)
	}
}

func TestEveryGroupRoleIsFenced(t *testing.T) {
	for name, r := range groupRoles(t, defined, here) {
		fence := r.Policies[0]
		s := fence.PolicyDocument.Statement[0]
		if fence.PolicyName != config.FencePolicy || s.Effect != "Deny" || fmt.Sprint(s.Resource) != "[arn:aws:sagemaker:*:*:user-profile/*]" ||
			fmt.Sprint(s.Action) != fmt.Sprint(config.EscapeActions()) {
			t.Errorf("%s: the fence is %+v", name, fence)
		}
	}
}

func TestGroupRolesThatAreTooLargeAreRefused(t *testing.T) {
	long := strings.Repeat("x", 10240)
	text := strings.Replace(defined, "arn:aws:s3:::research\"", "arn:aws:s3:::"+long+"\"", 1)
	if _, err := deploy.GroupRoles(parse(t, text), here); !errors.Is(err, deploy.ErrTooLarge) || !strings.Contains(err.Error(), "managed policy") {
		t.Errorf("a policy of 10,240 characters: %v", err)
	}
	var many strings.Builder
	for i := range 501 {
		fmt.Fprintf(&many, "  - role: arn:aws:iam::111122223333:role/studio/team-%d\n", i)
	}
	if _, err := deploy.GroupRoles(parse(t, defined+many.String()), here); !errors.Is(err, deploy.ErrTooLarge) {
		t.Errorf("503 roles: %v", err)
	}
}

func TestARoleKeepsItsPlaceInTheTemplate(t *testing.T) {
	resources := func(text string) string {
		made, err := deploy.GroupRoles(parse(t, text), here)
		if err != nil {
			t.Fatal(err)
		}
		written, err := made.YAML()
		if err != nil {
			t.Fatal(err)
		}
		_, second, _ := strings.Cut(string(written), "Roleadgroup2")
		name, _, _ := strings.Cut(second, ":")
		return name
	}
	_, rest, _ := strings.Cut(defined, "  - role: arn:aws:iam::111122223333:role/studio/ad-group-2")
	head, _, _ := strings.Cut(defined, "  - role: arn:aws:iam::111122223333:role/studio/ad-group-1")
	if all, alone := resources(defined), resources(head+"  - role: arn:aws:iam::111122223333:role/studio/ad-group-2"+rest); all == "" || all != alone {
		t.Errorf("the role is called %q, and %q when the definition before it is gone", all, alone)
	}
}
