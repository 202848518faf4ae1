package reconcile_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	identitytypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	store   = "d-906716eb24"
	roles   = "arn:aws:iam::111122223333:role/studio/"
)

// world is a local cloud with the real adapters and a reconciler on it.
type world struct {
	t      testing.TB
	cloud  *localcloud.Cloud
	aws    aws.Config
	domain string
	keeper *reconcile.Reconciler
	queue  *queue
	config string // file
	http   awscloud.HTTPClient
}

// endpoint is where all clouds answer, none of which has a socket.
const endpoint = "http://aws.local"

// TestMain sets what all worlds share. They live briefly and leave much behind:
// the collector has better things to do than to follow them, unless they are as
// large as the largest burst. Benchmarks have all processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.bench"); f.Value.String() == "" {
		localcloud.OneProcessor(1024)
	}
	debug.SetGCPercent(300)
	debug.SetMemoryLimit(5 << 30)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CA_BUNDLE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// newWorld makes a domain called research and opens a reconciler; edit changes
// the configuration's text. It has no sockets: they would cost more than what is
// tested, and in a testing/synctest bubble, time that is only waited for takes
// none without them.
func newWorld(t testing.TB, edit func(string) string) *world {
	t.Helper()
	cloud := &localcloud.Cloud{ProfileDelay: -1}
	t.Cleanup(cloud.Close)
	client := &http.Client{Transport: localcloud.Transport{Cloud: cloud}}
	w := &world{t: t, cloud: cloud, queue: &queue{cloud: cloud}, http: client}
	w.aws = aws.Config{Region: region, BaseEndpoint: aws.String(endpoint), HTTPClient: client, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	w.must(cloud.CreateIdentityStore(account, region, store))
	w.makeTable("mapping", "group", "domain")
	w.makeTable("state", "pk", "sk")
	w.domain = w.makeDomain("research")
	w.open(edit)
	return w
}

// virtually runs a story in memory, in time that passes by itself.
func virtually(edit func(string) string, story func(t *testing.T, w *world)) func(*testing.T) {
	return func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { story(t, newWorld(t, edit)) })
	}
}

func (w *world) makeDomain(name string) string {
	w.t.Helper()
	made, err := sagemaker.NewFromConfig(w.aws).CreateDomain(context.Background(), &sagemaker.CreateDomainInput{
		DomainName: &name, AuthMode: sagemakertypes.AuthModeSso, VpcId: aws.String("vpc-0a1b2c3d"), SubnetIds: []string{"subnet-0a1b2c3d"},
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String("arn:aws:iam::111122223333:role/default")},
	})
	w.must(err)
	return *made.DomainId
}

// withDomains is a world with n domains: research, d1, d2 …
func withDomains(t testing.TB, n int, edit func(string) string) *world {
	t.Helper()
	w := newWorld(t, edit)
	var lines strings.Builder
	for i := 1; i < n; i++ {
		name := fmt.Sprintf("d%d", i)
		fmt.Fprintf(&lines, "  - {name: %s, id: %s, region: us-east-1, account: \"111122223333\", signIn: none}\n", name, w.makeDomain(name))
	}
	w.open(func(s string) string {
		if edit != nil {
			s = edit(s)
		}
		return strings.Replace(s, "mapping:\n", lines.String()+"mapping:\n", 1)
	})
	return w
}

const configText = `
deployment: prod
formerly: [pilot]
identityCenter: {region: us-east-1, identityStoreId: d-906716eb24}
domains:
  - {name: research, id: DOMAIN, region: us-east-1, account: "111122223333", signIn: none}
mapping:
  roles: ["arn:aws:iam::111122223333:role/studio/*"]
  table: mapping
  cache: 0s
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/quarantine"}
state: {table: state}
`

func (w *world) open(edit func(string) string) {
	w.t.Helper()
	text := strings.ReplaceAll(configText, "DOMAIN", w.domain)
	if edit != nil {
		text = edit(text)
	}
	file := filepath.Join(w.t.TempDir(), "studiokeeper.yaml")
	w.must(os.WriteFile(file, []byte(text), 0o600))
	w.config = file
	keeper, err := app.Open(context.Background(), w.options())
	w.must(err)
	keeper.Now, keeper.Mapping.Now = w.cloud.Now, w.cloud.Now
	keeper.Leases.(*awscloud.State).Now = w.cloud.Now
	w.keeper = keeper
}

func (w *world) options() app.Options {
	return app.Options{Config: w.config, Lookup: os.LookupEnv, Queue: w.queue, Log: slog.New(slog.DiscardHandler), HTTP: w.http}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) makeTable(name, hash, sort string) {
	w.t.Helper()
	key := func(name string, kind dynamotypes.KeyType) dynamotypes.KeySchemaElement {
		return dynamotypes.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	text := func(name string) dynamotypes.AttributeDefinition {
		return dynamotypes.AttributeDefinition{AttributeName: &name, AttributeType: dynamotypes.ScalarAttributeTypeS}
	}
	_, err := dynamodb.NewFromConfig(w.aws).CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{text(hash), text(sort)},
		KeySchema:            []dynamotypes.KeySchemaElement{key(hash, dynamotypes.KeyTypeHash), key(sort, dynamotypes.KeyTypeRange)},
	})
	w.must(err)
}

func (w *world) console() *localcloud.Console { return w.cloud.Console(account, region, store) }

func (w *world) user(name string) string {
	w.t.Helper()
	id, err := w.console().CreateUser(localcloud.Person{UserName: name})
	w.must(err)
	return id
}

// group makes a group with members, and, unless role is empty, a row for it.
func (w *world) group(name, role string, priority int, members ...string) string {
	w.t.Helper()
	id, err := w.console().CreateGroup(name)
	w.must(err)
	w.join(id, members...)
	if role != "" {
		w.row(name, "research", roles+role, priority)
	}
	return id
}

func (w *world) join(group string, users ...string) {
	w.t.Helper()
	for _, u := range users {
		w.must(w.console().AddMemberToGroup(group, u))
	}
}

func (w *world) row(group, domain, role string, priority int) {
	w.t.Helper()
	_, err := dynamodb.NewFromConfig(w.aws).PutItem(context.Background(), &dynamodb.PutItemInput{
		TableName: aws.String("mapping"),
		Item: map[string]dynamotypes.AttributeValue{
			"group":    &dynamotypes.AttributeValueMemberS{Value: group},
			"domain":   &dynamotypes.AttributeValueMemberS{Value: domain},
			"role":     &dynamotypes.AttributeValueMemberS{Value: role},
			"priority": &dynamotypes.AttributeValueMemberN{Value: fmt.Sprint(priority)},
		},
	})
	w.must(err)
}

// added is the event of a membership, whether or not there is one.
func added(user, group string) event.Look {
	return event.Look{
		Scope: event.User, StoreID: store, UserID: user, Expect: &event.Expect{GroupID: group, Member: true},
		Trigger: event.Trigger{ID: "event-1", Name: "AddMemberToGroup"},
	}
}

// handle looks, and shows what was planned.
func (w *world) handle(l event.Look) []string {
	w.t.Helper()
	done, err := w.try(l)
	w.must(err)
	return done
}

func (w *world) try(l event.Look) ([]string, error) {
	results, err := w.keeper.Handle(context.Background(), l)
	var done []string
	for _, r := range results {
		for _, c := range r.Changes {
			step := string(c.Kind)
			if c.Kind.Reports() {
				step += ": " + c.Reasons[len(c.Reasons)-1].Code
			}
			done = append(done, step)
		}
	}
	return done, err
}

// settle makes all later looks, moving the cloud's clock to each.
func (w *world) settle() []string {
	w.t.Helper()
	var done []string
	for n := 0; ; n++ {
		l, due, ok := w.queue.next()
		if !ok {
			return done
		}
		if n > 5000 {
			w.t.Fatal("looks never end")
		}
		if wait := due.Sub(w.cloud.Now()); wait > 0 {
			w.cloud.Advance(wait)
		}
		done = append(done, w.handle(l)...)
	}
}

// profiles describes all profiles as "UserName role", in order.
func (w *world) profiles() []string {
	w.t.Helper()
	var out []string
	for _, p := range w.described() {
		role := strings.TrimPrefix(aws.ToString(p.UserSettings.ExecutionRole), roles)
		out = append(out, strings.TrimSpace(*p.SingleSignOnUserValue+" "+role))
	}
	slices.Sort(out)
	return out
}

func (w *world) described() []*sagemaker.DescribeUserProfileOutput {
	w.t.Helper()
	client := sagemaker.NewFromConfig(w.aws)
	var out []*sagemaker.DescribeUserProfileOutput
	pages := sagemaker.NewListUserProfilesPaginator(client, &sagemaker.ListUserProfilesInput{DomainIdEquals: &w.domain})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		w.must(err)
		for _, p := range page.UserProfiles {
			d, err := client.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: &w.domain, UserProfileName: p.UserProfileName})
			w.must(err)
			if d.UserSettings == nil {
				d.UserSettings = &sagemakertypes.UserSettings{}
			}
			out = append(out, d)
		}
	}
	return out
}

// makeProfile makes a profile as somebody else would.
func (w *world) makeProfile(name, userName, role string, tags map[string]string) {
	w.t.Helper()
	in := &sagemaker.CreateUserProfileInput{
		DomainId: &w.domain, UserProfileName: &name, SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &userName,
	}
	if role != "" {
		in.UserSettings = &sagemakertypes.UserSettings{ExecutionRole: &role}
	}
	for key, value := range tags {
		in.Tags = append(in.Tags, sagemakertypes.Tag{Key: &key, Value: &value})
	}
	_, err := sagemaker.NewFromConfig(w.aws).CreateUserProfile(context.Background(), in)
	w.must(err)
}

func (w *world) tags(userName string) map[string]string {
	w.t.Helper()
	for _, p := range w.described() {
		if *p.SingleSignOnUserValue != userName {
			continue
		}
		out, err := sagemaker.NewFromConfig(w.aws).ListTags(context.Background(), &sagemaker.ListTagsInput{ResourceArn: p.UserProfileArn})
		w.must(err)
		tags := map[string]string{}
		for _, tag := range out.Tags {
			tags[*tag.Key] = *tag.Value
		}
		return tags
	}
	return nil
}

// entries are what the journal holds of a user.
func (w *world) entries(user string) []plan.Entry {
	w.t.Helper()
	out, err := dynamodb.NewFromConfig(w.aws).Query(context.Background(), &dynamodb.QueryInput{
		TableName: aws.String("state"), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":pk": &dynamotypes.AttributeValueMemberS{Value: "journal#" + user}},
	})
	w.must(err)
	var entries []plan.Entry
	for _, item := range out.Items {
		if item["sk"].(*dynamotypes.AttributeValueMemberS).Value == "head" {
			continue
		}
		var e plan.Entry
		w.must(json.Unmarshal([]byte(item["entry"].(*dynamotypes.AttributeValueMemberS).Value), &e))
		entries = append(entries, e)
	}
	return entries
}

// journal lists what the journal holds of a user, as "kind outcome".
func (w *world) journal(user string) []string {
	w.t.Helper()
	var lines []string
	for _, e := range w.entries(user) {
		lines = append(lines, string(e.Change.Kind)+" "+string(e.Outcome))
	}
	return lines
}

func (w *world) leave(group, user string) {
	w.t.Helper()
	w.must(w.console().RemoveMemberFromGroup(group, user))
}

// deleteMembership goes through the Identity Store API, whose event names nobody.
func (w *world) deleteMembership(group, user string) {
	w.t.Helper()
	client := identitystore.NewFromConfig(w.aws)
	m, err := client.GetGroupMembershipId(context.Background(), &identitystore.GetGroupMembershipIdInput{
		IdentityStoreId: aws.String(store), GroupId: &group, MemberId: &identitytypes.MemberIdMemberUserId{Value: user},
	})
	w.must(err)
	_, err = client.DeleteGroupMembership(context.Background(), &identitystore.DeleteGroupMembershipInput{IdentityStoreId: aws.String(store), MembershipId: m.MembershipId})
	w.must(err)
}

// writes counts the calls that changed a profile since the last reset.
func (w *world) writes() int {
	n := 0
	for call, count := range w.cloud.CallCounts() {
		if slices.Contains([]string{"sagemaker.CreateUserProfile", "sagemaker.UpdateUserProfile", "sagemaker.DeleteUserProfile", "sagemaker.AddTags", "sagemaker.DeleteTags"}, call) {
			n += count
		}
	}
	return n
}

func name(user, userName string) string {
	return studio.ProfileName(store, studio.User{ID: user, UserName: userName})
}
