package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/carry"
	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localad"
	"studiokeeper/internal/localcloud"
)

const directoryRole = "arn:aws:iam::" + here + ":role/" + deploy.DirectoryName

// overAPI is written through the Identity Store API, finds the store by itself
// and carries the mapped groups over.
const overAPI = `
deployment: prod
identityCenter: {region: us-east-1}
domains: [{name: research, id: d-abcdefghijkl, region: us-east-1, account: "111122223333"}]
mapping: {roles: ["arn:aws:iam::111122223333:role/studio/*"], table: studiokeeper-mapping}
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/studiokeeper-quarantine"}
state: {table: studiokeeper-state}
directory:
  ldap: {urls: ["LDAP"], plain: true, baseDN: "DC=corp,DC=example", bindDN: svc@corp.example, password: "secretsmanager:PASSWORD"}
`

// overSCIM is written over SCIM.
const overSCIM = overAPI + `  scim: {endpoint: "https://scim.us-east-1.amazonaws.com/TENANT/scim/v2/", token: "secretsmanager:TOKEN"}
`

// corporation is an account beside which there is an Active Directory, and in
// which the directory's stack is deployed.
type corporation struct {
	*account
	ad *localad.Domain
}

// newCorporation makes the accounts and everything that the stack finds there.
func newCorporation(t *testing.T, text string) (corporation, string) {
	t.Helper()
	c := corporation{account: &account{t: t, cloud: &localcloud.Cloud{}}}
	t.Cleanup(c.cloud.Close)
	c.must(c.cloud.CreateIdentityStore(here, region, store))
	c.makeTable("studiokeeper-mapping", "group", "domain")
	c.makeTable("studiokeeper-state", "pk", "sk")
	c.row("ad-group-1", "research", here, 100)
	fill := []string{"LDAP", c.openDirectory(), "PASSWORD", c.secret("corp/ad", "s3cret")}
	if strings.Contains(text, "TENANT") {
		tenant, token, err := c.cloud.EnableSCIM(here, region, store)
		c.must(err)
		fill = append(fill, "TENANT", tenant, "TOKEN", c.secret("corp/scim", token))
	}
	return c, strings.NewReplacer(fill...).Replace(text)
}

// openDirectory starts the Active Directory and tells where it is.
func (c *corporation) openDirectory() string {
	c.t.Helper()
	var err error
	c.ad, err = localad.New("corp.example")
	c.must(err)
	c.must(c.ad.AddUser(localad.User{Account: "svc", Password: "s3cret"}))
	c.must(c.ad.AddGroup(localad.Group{Account: "ad-group-1"}))
	for _, name := range []string{"alice", "bob", "carol"} {
		c.must(c.ad.AddUser(localad.User{Account: name, Mail: name + "@corp.example", GivenName: name, Surname: "Doe"}))
		c.must(c.ad.AddMember("ad-group-1", name))
	}
	controller, err := c.ad.Serve(localad.Options{})
	c.must(err)
	c.t.Cleanup(func() { _ = controller.Close() })
	return controller.URL()
}

func (c *corporation) secret(name, text string) (arn string) {
	c.t.Helper()
	api := awscloud.API{ID: "Secrets Manager", Target: "secretsmanager", Signing: "secretsmanager", Host: "secretsmanager"}
	var out struct{ ARN string }
	err := awscloud.NewSession(c.as(here), "test").Call(context.Background(), api, awscloud.Place{Region: region}, "CreateSecret", name,
		map[string]string{"Name": name, "SecretString": text}, &out)
	c.must(err)
	return out.ARN
}

// deployed makes the stack with the policies that change leaves of the template,
// and tells what became of it.
func (c *corporation) deployed(text string, change func(action string) bool) string {
	c.t.Helper()
	_, err := ssm.NewFromConfig(c.as(here)).PutParameter(context.Background(), &ssm.PutParameterInput{
		Name: aws.String(parameter), Value: &text, Type: ssmtypes.ParameterTypeString,
	})
	c.must(err)
	c.cloud.Host.Invoke = c.runs
	made, err := deploy.Directory(parse(c.t, text), deploy.Options{Parameter: parameter})
	c.must(err)
	body, err := made.JSON()
	c.must(err)
	api := cloudformation.NewFromConfig(c.as(here))
	value := func(name, value string) types.Parameter {
		return types.Parameter{ParameterKey: &name, ParameterValue: &value}
	}
	stack, err := api.CreateStack(context.Background(), &cloudformation.CreateStackInput{
		StackName: aws.String(deploy.DirectoryName), TemplateBody: c.keep(body, change), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Parameters: []types.Parameter{
			value("CodeBucket", "code"), value("CodeKey", "1.zip"), value("SubnetIds", "subnet-0a1b2c3d,subnet-0e1f2a3b"), value("SecurityGroupIds", "sg-0a1b2c3d"),
			value("Schedule", "rate(365 days)"), // the story decides when
		},
	})
	c.must(err)
	is, err := api.DescribeStacks(context.Background(), &cloudformation.DescribeStacksInput{StackName: stack.StackId})
	c.must(err)
	return string(is.Stacks[0].StackStatus)
}

// keep leaves of a template's allowed actions those that change wants to keep.
func (c *corporation) keep(template []byte, change func(action string) bool) *string {
	c.t.Helper()
	var tree map[string]any
	c.must(json.Unmarshal(template, &tree))
	for _, s := range allowedIn(tree) {
		s["Action"] = slices.DeleteFunc(s["Action"].([]any), func(action any) bool { return !change(fmt.Sprint(action)) })
		if len(s["Action"].([]any)) == 0 {
			s["Effect"], s["Action"] = "Deny", "none:None"
		}
	}
	return c.json(tree)
}

// allowedIn are the statements that allow something, of all policies but those
// for a key of the customer's.
func allowedIn(template map[string]any) (statements []map[string]any) {
	for _, r := range template["Resources"].(map[string]any) {
		resource := r.(map[string]any)
		if resource["Type"] != "AWS::IAM::ManagedPolicy" || resource["Condition"] != nil {
			continue
		}
		for _, s := range resource["Properties"].(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			if statement := s.(map[string]any); statement["Effect"] == "Allow" {
				statements = append(statements, statement)
			}
		}
	}
	return statements
}

// runs is the function, with the variables and the role that the stack gives it.
func (c *corporation) runs(f localcloud.Function) func(context.Context, []byte) ([]byte, error) {
	key, _, _, err := c.cloud.RoleCredentials(f.Role, f.Name)
	if err != nil {
		return func(context.Context, []byte) ([]byte, error) { return nil, err }
	}
	lookup := func(name string) (string, bool) {
		for _, pair := range f.Env {
			if value, is := strings.CutPrefix(pair, name+"="); is {
				return value, true
			}
		}
		return "", false
	}
	config, _ := lookup("STUDIOKEEPER_CONFIG")
	handle := carry.Function(carry.Options{
		Config: config, Lookup: lookup, Running: f.Name, Now: c.cloud.Now, Log: slog.New(slog.NewTextHandler(&c.log, nil)),
		HTTP: &http.Client{Transport: asRole{localcloud.Transport{Cloud: c.cloud}, key}},
	})
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		sum, err := handle(ctx, json.RawMessage(payload))
		if err != nil {
			return nil, err
		}
		return json.Marshal(sum)
	}
}

// live is a story in which everything happens that is carried over: people are
// hired, renamed, moved, disabled and back, groups are renamed and people deleted.
// At each stage it tells what has become of all that, for as long as tell says so.
func (c *corporation) live(tell func(stage, state string) bool) {
	c.t.Helper()
	ad := c.ad
	for _, s := range []struct {
		name   string
		change func() error
		later  time.Duration
	}{
		{"hired", func() error { return nil }, 0},
		{"alice has another name", func() error { return ad.Set("alice", "sn", "Roe") }, time.Minute},
		{"bob left the group", func() error { return ad.RemoveMember("ad-group-1", "bob") }, time.Minute},
		{"bob is back", func() error { return ad.AddMember("ad-group-1", "bob") }, time.Minute},
		{"carol is disabled", func() error { return ad.Disable("carol", true) }, time.Minute},
		{"after the grace", func() error { return nil }, 169 * time.Hour},
		{"the group has another name", func() error {
			c.row("ad-group-9", "research", here, 100)
			return ad.Rename("ad-group-1", "ad-group-9")
		}, time.Minute},
	} {
		c.cloud.Advance(s.later)
		c.must(s.change())
		answer, err := c.cloud.Invoke(deploy.DirectoryName, []byte(`{}`))
		if err != nil {
			answer = []byte("failed")
		}
		if !tell(s.name, string(answer)+" "+c.there()) {
			return
		}
	}
}

// there is who is in Identity Center, and in which groups.
func (c *corporation) there() string {
	c.t.Helper()
	ctx, api := context.Background(), identitystore.NewFromConfig(c.as(here))
	users, err := api.ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: aws.String(store)})
	c.must(err)
	groups, err := api.ListGroups(ctx, &identitystore.ListGroupsInput{IdentityStoreId: aws.String(store)})
	c.must(err)
	var parts []string
	for _, u := range users.Users {
		parts = append(parts, fmt.Sprint(*u.UserName, " ", *u.Name.FamilyName, " ", u.UserStatus))
	}
	for _, g := range groups.Groups {
		members, err := api.ListGroupMemberships(ctx, &identitystore.ListGroupMembershipsInput{IdentityStoreId: aws.String(store), GroupId: g.GroupId})
		c.must(err)
		parts = append(parts, fmt.Sprintf("%s has %d", *g.DisplayName, len(members.GroupMemberships)))
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}
