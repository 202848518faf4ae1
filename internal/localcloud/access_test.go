package localcloud_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

const workerRole = "arn:aws:iam::111122223333:role/worker"

// session is the configuration of a caller with a session of a role.
func (w *world) session(role string) aws.Config {
	w.t.Helper()
	key, secret, token, err := w.cloud.RoleCredentials(role, "events")
	if err != nil {
		w.t.Fatal(err)
	}
	config := w.as(key, home)
	config.Credentials = credentials.NewStaticCredentialsProvider(key, secret, token)
	return config
}

// statement is one that allows an action on a resource under a condition; an empty one is none.
func statement(action, resource, condition string) string {
	if condition == "" {
		condition = "{}"
	}
	return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q,"Condition":%s}`, action, resource, condition)
}

const (
	ours        = `{"StringEquals":{"aws:ResourceTag/studiokeeper:deployment":"prod"}}`
	oursByNow   = `{"StringEquals":{"aws:RequestTag/studiokeeper:deployment":"prod"}}`
	oursOrNone  = `{"StringEqualsIfExists":{"aws:ResourceTag/studiokeeper:deployment":"prod"},"ForAllValues:StringLike":{"aws:TagKeys":"studiokeeper:*"}}`
	atCreation  = `{"StringEquals":{"sagemaker:TaggingAction":"CreateUserProfile"}}`
	toStudio    = `{"StringEquals":{"iam:PassedToService":"sagemaker.amazonaws.com"}}`
	privateOnly = `{"StringEquals":{"sagemaker:SpaceSharingType":"Private"}}`
	profiles    = "arn:aws:sagemaker:us-east-1:111122223333:user-profile/*"
	spaces      = "arn:aws:sagemaker:us-east-1:111122223333:space/*"
	studioRoles = "arn:aws:iam::111122223333:role/studio/*"
)

// fenced is what a keeper of profiles may do, and nothing more.
func fenced() string {
	return policyOf(
		statement("sagemaker:CreateUserProfile", profiles, oursByNow), statement("sagemaker:AddTags", profiles, atCreation),
		statement("sagemaker:UpdateUserProfile", profiles, ours), statement("sagemaker:DeleteUserProfile", profiles, ours),
		statement("sagemaker:AddTags", profiles, strings.Replace(oursOrNone, "{", `{"Null":{"sagemaker:TaggingAction":"true"},`, 1)),
		statement("iam:PassRole", studioRoles, toStudio), statement("sagemaker:DeleteSpace", spaces, privateOnly),
	)
}

// tagged is a new profile's request with one tag, or none when the value is empty.
func tagged(domain, name, role, value string) *sagemaker.CreateUserProfileInput {
	in := newProfile(domain, name, name)
	in.UserSettings.ExecutionRole = &role
	in.Tags = nil
	if value != "" {
		in.Tags = []types.Tag{{Key: aws.String("studiokeeper:deployment"), Value: &value}}
	}
	return in
}

const goodRole, badRole = "arn:aws:iam::111122223333:role/studio/a", "arn:aws:iam::111122223333:role/admin"

func TestFencesOfStudioHold(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	in := newDomain("research", types.AuthModeSso)
	in.DefaultSpaceSettings = &types.DefaultSpaceSettings{ExecutionRole: aws.String(plainRole)}
	made, err := w.studio().CreateDomain(ctx, in)
	domain := *must(w, made, err).DomainId
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	for name, value := range map[string]string{"mine": "prod", "theirs": "test", "nobodys": "", "doomed": "prod"} {
		w.user(name)
		_, err := w.studio().CreateUserProfile(ctx, tagged(domain, name, badRole, value))
		w.wantCode("making "+name, err, "")
	}
	w.user("new")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	w.space(domain, "private", "mine", types.SharingTypePrivate)
	w.space(domain, "shared", "mine", types.SharingTypeShared)
	w.role("worker", trustLambda, fenced())
	studio := sagemaker.NewFromConfig(w.session(workerRole))

	update := func(name, role string) func() error {
		settings := &types.UserSettings{ExecutionRole: &role}
		return func() error {
			_, err := studio.UpdateUserProfile(ctx, &sagemaker.UpdateUserProfileInput{DomainId: &domain, UserProfileName: &name, UserSettings: settings})
			w.cloud.Advance(localcloud.DefaultProfileDelay)
			return err
		}
	}
	remove := func(name string) func() error {
		return func() error {
			_, err := studio.DeleteUserProfile(ctx, &sagemaker.DeleteUserProfileInput{DomainId: &domain, UserProfileName: &name})
			return err
		}
	}
	create := func(name, role, value string) func() error {
		return func() error {
			_, err := studio.CreateUserProfile(ctx, tagged(domain, name, role, value))
			return err
		}
	}
	tag := func(name, key string) func() error {
		arn := "arn:aws:sagemaker:us-east-1:111122223333:user-profile/" + domain + "/" + name
		return func() error {
			_, err := studio.AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: []types.Tag{{Key: &key, Value: aws.String("prod")}}})
			return err
		}
	}
	space := func(name string) func() error {
		return func() error {
			_, err := studio.DeleteSpace(ctx, &sagemaker.DeleteSpaceInput{DomainId: &domain, SpaceName: &name})
			return err
		}
	}
	canvas := func() error {
		_, err := studio.UpdateUserProfile(ctx, &sagemaker.UpdateUserProfileInput{DomainId: &domain, UserProfileName: aws.String("mine"),
			UserSettings: &types.UserSettings{CanvasAppSettings: &types.CanvasAppSettings{
				TimeSeriesForecastingSettings: &types.TimeSeriesForecastingSettings{AmazonForecastRoleArn: aws.String(badRole)}}}})
		return err
	}
	const denied = "AccessDeniedException"
	rows := []struct {
		name string
		do   func() error
		want string
	}{
		{"changing our profile", update("mine", goodRole), ""},
		{"changing another deployment's", update("theirs", goodRole), denied},
		{"changing nobody's", update("nobodys", goodRole), denied},
		{"changing one that is not there", update("gone", goodRole), denied},
		{"giving our profile a role outside", update("mine", badRole), denied},
		{"a role outside anywhere in the settings", canvas, denied},
		{"deleting our profile", remove("doomed"), ""},
		{"deleting another deployment's", remove("theirs"), denied},
		{"creating with our tag", create("new", goodRole, "prod"), ""},
		{"creating with another's tag", create("new2", goodRole, "test"), denied},
		{"creating without a tag", create("new2", goodRole, ""), denied},
		{"creating with a role outside", create("new2", badRole, "prod"), denied},
		{"stealing another deployment's", tag("theirs", "studiokeeper:deployment"), denied},
		{"adopting nobody's", tag("nobodys", "studiokeeper:deployment"), ""},
		{"putting a key of others on our profile", tag("mine", "cost-center"), denied},
		{"deleting a shared space", space("shared"), denied},
		{"deleting a private space", space("private"), ""},
		{"what no statement is about", func() error { _, err := studio.ListUserProfiles(ctx, &sagemaker.ListUserProfilesInput{}); return err }, denied},
	}
	for _, row := range rows {
		w.wantCode(row.name, row.do(), row.want)
	}
}

func TestRefusalReadsAsAWSs(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustLambda, policyOf(`{"Effect":"Deny","Action":"sagemaker:DeleteDomain","Resource":"*"}`))
	studio := sagemaker.NewFromConfig(w.session(workerRole))
	_, err := studio.UpdateUserProfile(ctx, &sagemaker.UpdateUserProfileInput{DomainId: aws.String("d-abc"), UserProfileName: aws.String("alice")})
	want := "User: arn:aws:sts::111122223333:assumed-role/worker/events is not authorized to perform: sagemaker:UpdateUserProfile on resource: " +
		"arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-abc/alice because no identity-based policy allows the sagemaker:UpdateUserProfile action"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = studio.DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: aws.String("d-abc")})
	if err == nil || !strings.HasSuffix(err.Error(), "with an explicit deny in an identity-based policy") {
		t.Errorf("an explicit deny: %v", err)
	}
	calls := w.cloud.Calls()
	last := calls[len(calls)-1]
	if diff := cmp.Diff([]string{"sagemaker:DeleteDomain"}, last.Actions); diff != "" || last.Denied != "sagemaker:DeleteDomain" {
		t.Errorf("the log has actions %v, denied %q", last.Actions, last.Denied)
	}
}

func TestLogTellsWhichActionsACallUsed(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.user("new")
	domain := w.domain("research", types.AuthModeSso)
	w.role("worker", trustLambda, fenced())
	_, err := sagemaker.NewFromConfig(w.session(workerRole)).CreateUserProfile(ctx, tagged(domain, "new", goodRole, "prod"))
	w.wantCode("creating", err, "")
	calls := w.cloud.Calls()
	last := calls[len(calls)-1]
	want := []string{"sagemaker:CreateUserProfile", "sagemaker:AddTags", "iam:PassRole"}
	if diff := cmp.Diff(want, last.Actions); diff != "" || last.Denied != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	for _, call := range calls[:len(calls)-1] {
		if call.Actions != nil {
			t.Errorf("%s.%s by %s was asked for %v, though nobody's policies bound it", call.Service, call.Operation, call.Principal, call.Actions)
		}
	}
}

func TestPolicyChangesTakeEffectAtOnceAndSessionsOutliveNoRole(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	store := func(config aws.Config) error {
		_, err := identitystore.NewFromConfig(config).ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: aws.String(storeID)})
		return err
	}
	early := w.session(workerRole)
	w.wantCode("before anybody made the role", store(early), "")
	w.role("worker", trustLambda, policyOf(allow("identitystore:ListUsers", "*")))
	w.wantCode("with a policy", store(early), "")
	w.policy("worker", policyOf(allow("identitystore:ListUsers", "arn:aws:identitystore::111122223333:identitystore/"+storeID)))
	w.wantCode("with the store only, without its users", store(early), "AccessDeniedException")
	w.policy("worker", policyOf(allow("identitystore:ListUsers", "arn:aws:identitystore::111122223333:identitystore/"+storeID),
		allow("identitystore:ListUsers", "arn:aws:identitystore:::user/*")))
	w.cloud.Advance(300 * 24 * time.Hour)
	late := w.session(workerRole)
	w.wantCode("with both, much later", store(early), "")
	_, err := w.access().DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("access")})
	w.wantCode("deleting the policy", err, "")
	_, err = w.access().DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("worker")})
	w.wantCode("deleting the role", err, "")
	w.wantCode("after the role is gone", store(late), "AccessDeniedException")
	w.wantCode("of the account's own keys", store(w.as(account, home)), "")
}

func TestBoundaryAndAttachedPoliciesCount(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	manage := func(name, policy string) *string {
		out, err := w.access().CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &policy})
		return must(w, out, err).Policy.Arn
	}
	bound, broad := manage("bound", policyOf(allow("sagemaker:List*", "*"))), manage("broad", policyOf(allow("sagemaker:*", "*")))
	made, err := w.access().CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("worker"), AssumeRolePolicyDocument: aws.String(trustLambda), PermissionsBoundary: bound})
	must(w, made, err)
	studio := sagemaker.NewFromConfig(w.session(workerRole))
	list := func() error { _, err := studio.ListDomains(ctx, &sagemaker.ListDomainsInput{}); return err }
	w.wantCode("a boundary grants nothing", list(), "AccessDeniedException")
	_, err = w.access().AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: broad})
	w.wantCode("attaching", err, "")
	w.wantCode("what both allow", list(), "")
	_, err = studio.DescribeDomain(ctx, &sagemaker.DescribeDomainInput{DomainId: aws.String("d-abc")})
	if codeOf(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "because no permissions boundary allows the sagemaker:DescribeDomain action") {
		t.Errorf("what the boundary does not allow: %v", err)
	}
	_, err = w.access().CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: broad, SetAsDefault: true, PolicyDocument: aws.String(policyOf(allow("sqs:*", "*")))})
	w.wantCode("a new version", err, "")
	w.wantCode("what the new version does not allow any more", list(), "AccessDeniedException")
}

func TestAssumeRoleHearsBothSides(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustLambda, policyOf(allow("sts:AssumeRole", "arn:aws:iam::444455556666:role/keeper")))
	w.role("other", trustLambda, policyOf(allow("sts:AssumeRole", "*")))
	w.role("idle", trustLambda, policyOf(allow("sqs:*", "*")))
	trusting := func(condition string) *string {
		return aws.String(policyOf(`{"Effect":"Allow","Principal":{"AWS":"` + workerRole + `"},"Action":"sts:AssumeRole","Condition":` + condition + `}`))
	}
	make := func(owner, name string, trust *string) {
		_, err := iam.NewFromConfig(w.as(owner, home)).CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: trust})
		w.wantCode("making "+name, err, "")
	}
	make(member, "keeper", trusting(`{"StringEquals":{"sts:ExternalId":"7f1c"}}`))
	make(member, "elsewhere", trusting(`{}`))
	make(account, "near", trusting(`{}`))
	make(account, "delegated", aws.String(trustHome))
	rows := []struct {
		name, caller, role, external, want string
	}{
		{"the right external id", "worker", "444455556666:role/keeper", "7f1c", ""},
		{"a wrong external id", "worker", "444455556666:role/keeper", "8888", "AccessDenied"},
		{"no external id", "worker", "444455556666:role/keeper", "", "AccessDenied"},
		{"a caller that the role does not trust", "other", "444455556666:role/keeper", "7f1c", "AccessDenied"},
		{"a role that the caller's policy does not allow", "worker", "444455556666:role/elsewhere", "", "AccessDenied"},
		{"a role of the same account that names the caller", "worker", "111122223333:role/near", "", ""},
		{"a role that leaves it to the account, with a policy", "other", "111122223333:role/delegated", "", ""},
		{"a role that leaves it to the account, without one", "idle", "111122223333:role/delegated", "", "AccessDenied"},
		{"a service's role", "other", "111122223333:role/idle", "", "AccessDenied"},
	}
	for _, row := range rows {
		in := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + row.role), RoleSessionName: aws.String("events")}
		if row.external != "" {
			in.ExternalId = &row.external
		}
		_, err := sts.NewFromConfig(w.session("arn:aws:iam::111122223333:role/"+row.caller)).AssumeRole(ctx, in)
		w.wantCode(row.name, err, row.want)
	}
}

func TestTransactionAsksForEachItemsAction(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	tables := dynamodb.NewFromConfig(w.as(account, home))
	for _, name := range []string{"state", "other"} {
		_, err := tables.CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: dynamotypes.BillingModePayPerRequest,
			AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
			KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
		})
		w.wantCode("creating "+name, err, "")
	}
	w.role("worker", trustLambda, policyOf(allow("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:111122223333:table/state"),
		allow("dynamodb:ConditionCheckItem", "arn:aws:dynamodb:us-east-1:111122223333:table/state")))
	mine := dynamodb.NewFromConfig(w.session(workerRole))
	key := func(v string) map[string]dynamotypes.AttributeValue {
		return map[string]dynamotypes.AttributeValue{"pk": &dynamotypes.AttributeValueMemberS{Value: v}}
	}
	put := func(table string) dynamotypes.TransactWriteItem {
		return dynamotypes.TransactWriteItem{Put: &dynamotypes.Put{TableName: &table, Item: key("a")}}
	}
	check := dynamotypes.TransactWriteItem{ConditionCheck: &dynamotypes.ConditionCheck{
		TableName: aws.String("state"), Key: key("b"), ConditionExpression: aws.String("attribute_not_exists(pk)")}}
	gone := dynamotypes.TransactWriteItem{Delete: &dynamotypes.Delete{TableName: aws.String("state"), Key: key("c")}}
	for name, row := range map[string]struct {
		items []dynamotypes.TransactWriteItem
		want  string
	}{
		"a put and a check":       {[]dynamotypes.TransactWriteItem{put("state"), check}, ""},
		"a delete":                {[]dynamotypes.TransactWriteItem{put("state"), gone}, "AccessDeniedException"},
		"a put into another":      {[]dynamotypes.TransactWriteItem{put("other"), check}, "AccessDeniedException"},
		"another put before ours": {[]dynamotypes.TransactWriteItem{put("other"), put("state")}, "AccessDeniedException"},
	} {
		_, err := mine.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: row.items})
		w.wantCode(name, err, row.want)
	}
}

func TestRefusedCallIsNotCarriedOut(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustLambda, policyOf(allow("sqs:*", "*")))
	w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "ListDomains", Answer: `{"Domains":[]}`})
	_, err := sagemaker.NewFromConfig(w.session(workerRole)).ListDomains(ctx, &sagemaker.ListDomainsInput{})
	w.wantCode("a call whose answer a fault makes", err, "AccessDeniedException")
	_, err = sagemaker.NewFromConfig(w.session(workerRole)).CreateDomain(ctx, newDomain("theirs", types.AuthModeIam))
	w.wantCode("creating a domain", err, "AccessDeniedException")
	w.cloud.ClearFaults()
	out, err := w.studio().ListDomains(ctx, &sagemaker.ListDomainsInput{})
	if domains := must(w, out, err).Domains; len(domains) != 0 {
		t.Errorf("there are %d domains, want none", len(domains))
	}
	if !slices.ContainsFunc(w.cloud.Records(account, home), func(r localcloud.Record) bool {
		return r.EventName == "CreateDomain" && r.ErrorCode == "AccessDeniedException"
	}) {
		t.Error("the trail has no record of the refused CreateDomain")
	}
}
