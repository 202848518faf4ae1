package deploy_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

const lifecycle = `
deployment: prod
identityCenter: {region: us-east-1, identityStoreId: d-906716eb24}
domains:
  - {name: research, id: ID-OF-research, region: us-east-1, account: "111122223333"}
  - name: sandbox
    id: ID-OF-sandbox
    region: us-east-1
    account: "444455556666"
    signIn: user
    assumeRole: {roleArn: "arn:aws:iam::444455556666:role/studiokeeper-member", externalId: 7f1c5a90}
mapping:
  roles: ["arn:aws:iam::111122223333:role/studio/*", "arn:aws:iam::444455556666:role/studio/*"]
  table: studiokeeper-mapping
  cache: 0s
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/studiokeeper-quarantine", grace: 2h}
limits: {removals: {floor: 10, count: 10}}
state: {table: studiokeeper-state}
notices: {bus: default}
`

// standard is lifecycle with a naming standard, under which memberships are read
// from the user's side.
var standard = strings.Replace(lifecycle, "  cache: 0s\n", `  cache: 0s
  naming:
    - {group: "studio-*", domain: research, role: "arn:aws:iam::{account}:role/studio/{group}"}
`, 1)

// live is a story in which everything happens that the function does: people
// join, move, leave, come back and are adopted, rows change, and passes look at
// everybody. At each stage it tells what has become of all that, and goes on for
// as long as tell says so.
func (a *account) live(tell func(stage, state string) bool) {
	a.t.Helper()
	console := a.cloud.Console(here, region, store)
	groups, users := map[string]string{}, map[string]string{}
	for _, name := range []string{"ad-group-1", "ad-group-2", "ad-group-3", "studio-x"} {
		id, err := console.CreateGroup(name)
		a.must(err)
		groups[name] = id
	}
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace"} {
		id, err := console.CreateUser(localcloud.Person{UserName: name + "@example.com"})
		a.must(err)
		users[name] = id
	}
	join := func(user, group string) { a.must(console.AddMemberToGroup(groups[group], users[user])) }
	leave := func(user, group string) { a.must(console.RemoveMemberFromGroup(groups[group], users[user])) }

	a.row("ad-group-1", "research", here, 100)
	a.row("ad-group-2", "research", here, 200)
	a.row("ad-group-3", "sandbox", elsewhere, 100)
	time.Sleep(10 * time.Minute)   // until the domains are in service
	a.assign(groups["ad-group-1"]) // by hand, before anybody else does
	a.madeBySageMaker("bob-001", "bob@example.com")
	time.Sleep(time.Minute)
	// Assignments that seem to be there and are not: an earlier change is still spreading.
	for _, principal := range []string{groups["ad-group-2"], users["erin"]} {
		a.cloud.Inject(localcloud.Fault{Service: "sso", Operation: "CreateApplicationAssignment", Resource: principal, Code: "ConflictException", Times: 1})
	}
	for _, m := range [][2]string{
		{"alice", "ad-group-1"}, {"bob", "ad-group-1"}, {"carol", "ad-group-1"}, {"dave", "ad-group-2"}, {"erin", "ad-group-3"}, {"frank", "studio-x"}, {"grace", "ad-group-3"},
	} {
		join(m[0], m[1])
	}
	time.Sleep(10 * time.Minute)
	if !tell("joined", a.state()) {
		return
	}
	a.pass()
	if !tell("a pass", a.state()) {
		return
	}

	a.work("alice", "research", here)
	join("alice", "ad-group-2")
	time.Sleep(2 * time.Hour)
	if !tell("alice moved", a.state()) {
		return
	}
	leave("carol", "ad-group-1")
	leave("grace", "ad-group-3")
	time.Sleep(time.Hour)
	if !tell("carol and grace left", a.state()) {
		return
	}
	join("carol", "ad-group-1")
	join("grace", "ad-group-3")
	time.Sleep(time.Hour)
	if !tell("they are back", a.state()) {
		return
	}

	a.work("alice", "research", here)
	a.work("erin", "sandbox", elsewhere)
	leave("alice", "ad-group-1")
	leave("alice", "ad-group-2")
	leave("erin", "ad-group-3")
	a.must(console.UpdateUser(users["bob"], localcloud.Person{UserName: "robert@example.com"}))
	time.Sleep(time.Hour)
	if !tell("alice and erin left", a.state()) {
		return
	}
	time.Sleep(2 * time.Hour)
	a.pass()
	time.Sleep(time.Hour)
	a.pass()
	if !tell("after the grace", a.state()) {
		return
	}

	a.dropRow("ad-group-2", "research")
	time.Sleep(time.Hour)
	a.pass()
	if !tell("a row less", a.state()) {
		return
	}

	a.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "UpdateItem", Code: "InternalServerError"})
	a.row("ad-group-2", "research", here, 300)
	time.Sleep(10 * time.Minute)
	a.cloud.ClearFaults()
	tell("a change of a row that nobody could be told of", a.state())
}

func (a *account) row(group, domain, account string, priority int) {
	a.t.Helper()
	_, err := dynamodb.NewFromConfig(a.as(here)).PutItem(context.Background(), &dynamodb.PutItemInput{
		TableName: aws.String("studiokeeper-mapping"), Item: map[string]dynamotypes.AttributeValue{
			"group": &dynamotypes.AttributeValueMemberS{Value: group}, "domain": &dynamotypes.AttributeValueMemberS{Value: domain},
			"role":     &dynamotypes.AttributeValueMemberS{Value: "arn:aws:iam::" + account + ":role/studio/" + group},
			"priority": &dynamotypes.AttributeValueMemberN{Value: fmt.Sprint(priority)},
		},
	})
	a.must(err)
}

func (a *account) dropRow(group, domain string) {
	a.t.Helper()
	_, err := dynamodb.NewFromConfig(a.as(here)).DeleteItem(context.Background(), &dynamodb.DeleteItemInput{
		TableName: aws.String("studiokeeper-mapping"), Key: map[string]dynamotypes.AttributeValue{
			"group": &dynamotypes.AttributeValueMemberS{Value: group}, "domain": &dynamotypes.AttributeValueMemberS{Value: domain},
		},
	})
	a.must(err)
}

// application is the Identity Center application of a domain.
func (a *account) application(account, domain string) *string {
	a.t.Helper()
	facts, err := sagemaker.NewFromConfig(a.as(account)).DescribeDomain(context.Background(), &sagemaker.DescribeDomainInput{DomainId: aws.String(a.domains[domain])})
	a.must(err)
	return facts.SingleSignOnApplicationArn
}

func (a *account) assign(group string) {
	a.t.Helper()
	_, err := ssoadmin.NewFromConfig(a.as(here)).CreateApplicationAssignment(context.Background(), &ssoadmin.CreateApplicationAssignmentInput{
		ApplicationArn: a.application(here, "research"), PrincipalId: &group, PrincipalType: ssotypes.PrincipalTypeGroup,
	})
	a.must(err)
}

// madeBySageMaker is a profile as SageMaker makes it at a first sign-in.
func (a *account) madeBySageMaker(name, userName string) {
	a.t.Helper()
	_, err := sagemaker.NewFromConfig(a.as(here)).CreateUserProfile(context.Background(), &sagemaker.CreateUserProfileInput{
		DomainId: aws.String(a.domains["research"]), UserProfileName: &name,
		SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &userName,
	})
	a.must(err)
}

// pass sends what the schedule sends.
func (a *account) pass() {
	a.t.Helper()
	_, err := sqs.NewFromConfig(a.as(here)).SendMessage(context.Background(), &sqs.SendMessageInput{
		QueueUrl: aws.String(a.queues[deploy.PassName]), MessageBody: aws.String(`{"studiokeeper":{"version":1,"scope":"everybody"}}`),
	})
	a.must(err)
	time.Sleep(10 * time.Minute)
}

// work lets somebody have a private space in which an app runs.
func (a *account) work(user, in, owner string) {
	a.t.Helper()
	ctx, api, domain := context.Background(), sagemaker.NewFromConfig(a.as(owner)), aws.String(a.domains[in])
	list, err := api.ListUserProfiles(ctx, &sagemaker.ListUserProfilesInput{DomainIdEquals: domain, UserProfileNameContains: &user})
	a.must(err)
	if len(list.UserProfiles) == 0 {
		return // has none, and so can do no work
	}
	name := aws.String("space-of-" + user)
	_, err = api.CreateSpace(ctx, &sagemaker.CreateSpaceInput{
		DomainId: domain, SpaceName: name, OwnershipSettings: &sagemakertypes.OwnershipSettings{OwnerUserProfileName: list.UserProfiles[0].UserProfileName},
		SpaceSharingSettings: &sagemakertypes.SpaceSharingSettings{SharingType: sagemakertypes.SharingTypePrivate},
		SpaceSettings:        &sagemakertypes.SpaceSettings{AppType: sagemakertypes.AppTypeJupyterLab},
	})
	if err != nil && !strings.Contains(err.Error(), "ResourceInUse") {
		a.must(err)
	}
	time.Sleep(time.Minute)
	_, err = api.CreateApp(ctx, &sagemaker.CreateAppInput{DomainId: domain, SpaceName: name, AppType: sagemakertypes.AppTypeJupyterLab, AppName: aws.String("default")})
	if err != nil && !strings.Contains(err.Error(), "ResourceInUse") {
		a.must(err)
	}
	time.Sleep(time.Minute)
}

// state is what there is: profiles with role and tags, spaces, assignments,
// dead letters.
func (a *account) state() string {
	a.t.Helper()
	var parts []string
	for name, owner := range map[string]string{"research": here, "sandbox": elsewhere} {
		parts = append(parts, a.profiles(name, owner)...)
		parts = append(parts, a.assigned(name, owner))
	}
	for _, name := range []string{deploy.EventsName, deploy.PassName} {
		out, err := sqs.NewFromConfig(a.as(here)).GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
			QueueUrl: aws.String(a.queues[name+"-dead"]), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages},
		})
		a.must(err)
		parts = append(parts, fmt.Sprint(name, " dead letters: ", out.Attributes["ApproximateNumberOfMessages"]))
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

func (a *account) profiles(domain, owner string) (parts []string) {
	a.t.Helper()
	ctx, api, id := context.Background(), sagemaker.NewFromConfig(a.as(owner)), aws.String(a.domains[domain])
	list, err := api.ListUserProfiles(ctx, &sagemaker.ListUserProfilesInput{DomainIdEquals: id})
	a.must(err)
	for _, p := range list.UserProfiles {
		is, err := api.DescribeUserProfile(ctx, &sagemaker.DescribeUserProfileInput{DomainId: id, UserProfileName: p.UserProfileName})
		a.must(err)
		tags, err := api.ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: is.UserProfileArn})
		a.must(err)
		role, leaving := "none", ""
		if is.UserSettings != nil {
			role = aws.ToString(is.UserSettings.ExecutionRole)
		}
		if slices.ContainsFunc(tags.Tags, func(t sagemakertypes.Tag) bool { return *t.Key == studio.TagLeaving }) {
			leaving = ", leaving"
		}
		parts = append(parts, fmt.Sprintf("%s in %s: %s, %d tags%s", *is.SingleSignOnUserValue, domain, role[strings.LastIndex(role, "/")+1:], len(tags.Tags), leaving))
	}
	spaces, err := api.ListSpaces(ctx, &sagemaker.ListSpacesInput{DomainIdEquals: id})
	a.must(err)
	return append(parts, fmt.Sprintf("%d spaces in %s", len(spaces.Spaces), domain))
}

func (a *account) assigned(domain, owner string) string {
	a.t.Helper()
	out, err := ssoadmin.NewFromConfig(a.as(here)).ListApplicationAssignments(context.Background(), &ssoadmin.ListApplicationAssignmentsInput{ApplicationArn: a.application(owner, domain)})
	a.must(err)
	return fmt.Sprintf("%d assigned to %s", len(out.ApplicationAssignments), domain)
}
