package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/rogpeppe/go-internal/testscript"
)

// door goes through a door of the local cloud that has no API.
func door(ts *testscript.TestScript, path string, body map[string]any) (int, map[string]string) {
	text, err := json.Marshal(body)
	ts.Check(err)
	resp, err := http.Post(ts.Getenv("AWS_ENDPOINT_URL")+path, "application/json", bytes.NewReader(text))
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	var out map[string]string
	ts.Check(json.Unmarshal(answer, &out))
	return resp.StatusCode, out
}

// console OPERATION KEY=VALUE… does what an administrator clicks.
func console(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: console OPERATION KEY=VALUE...")
	}
	body := map[string]any{"identityStoreId": store}
	for _, a := range args[1:] {
		key, value, _ := strings.Cut(a, "=")
		body[key] = value
	}
	if status, out := door(ts, "/_console/"+args[0], body); status != http.StatusOK {
		ts.Fatalf("%s: %d %v", args[0], status, out)
	}
}

// signin USER PROFILE opens the domain as that user does, until they land in a
// profile whose name begins so; ! signin USER wants it denied.
func signin(ts *testscript.TestScript, neg bool, args []string) {
	body := map[string]any{"domainId": domainID(ts), "userId": args[0]}
	if neg {
		if status, out := door(ts, "/_portal/SignIn", body); status != http.StatusForbidden {
			ts.Fatalf("%s may sign in: %d %v", args[0], status, out)
		}
		return
	}
	arguments(ts, neg, args, "signin USER PROFILE")
	for until := time.Now().Add(patience); ; time.Sleep(glance) {
		status, out := door(ts, "/_portal/SignIn", body)
		if status == http.StatusOK && strings.HasPrefix(out["userProfileName"], args[1]) {
			return
		}
		if time.Now().After(until) {
			ts.Fatalf("%s lands at %d %v", args[0], status, out)
		}
	}
}

// advance SECONDS moves the local cloud's time.
func advance(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "advance SECONDS")
	var seconds int
	_, err := fmt.Sscan(args[0], &seconds)
	ts.Check(err)
	if status, out := door(ts, "/_clock/Advance", map[string]any{"seconds": seconds}); status != http.StatusOK {
		ts.Fatalf("%d %v", status, out)
	}
}

func domainID(ts *testscript.TestScript) string {
	list, err := sagemaker.NewFromConfig(client(ts)).ListDomains(context.Background(), &sagemaker.ListDomainsInput{})
	ts.Check(err)
	if len(list.Domains) == 0 {
		ts.Fatalf("there is no domain")
	}
	return *list.Domains[0].DomainId
}

// joined FILE GROUP USER… writes the event of a membership, for replay; of several
// a CloudTrail log with the events of all.
func joined(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: joined FILE GROUP USER...")
	}
	var events []string
	for _, id := range args[2:] {
		events = append(events, fmt.Sprintf(`{"eventSource":"sso-directory.amazonaws.com","eventName":"AddMemberToGroup","eventID":"e-1",
		"requestParameters":{"identityStoreId":%q,"groupId":%q,"member":{"memberId":%q}}}`, store, args[1], id))
	}
	text := events[0]
	if len(events) > 1 {
		text = `{"Records":[` + strings.Join(events, ",") + `]}`
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// configure OLD NEW changes the configuration's text.
func configure(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "configure OLD NEW")
	file := ts.Getenv("STUDIOKEEPER_CONFIG")
	text, err := os.ReadFile(file)
	ts.Check(err)
	unescape := strings.NewReplacer(`\n`, "\n")
	from, to := unescape.Replace(args[0]), unescape.Replace(args[1])
	if !bytes.Contains(text, []byte(from)) {
		ts.Fatalf("the configuration has no %q:\n%s", from, text)
	}
	ts.Check(os.WriteFile(file, []byte(strings.Replace(string(text), from, to, 1)), 0o600))
}

// byhand NAME USERNAME ROLE makes a profile as an administrator would; "-" is
// no role.
func byhand(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "byhand NAME USERNAME ROLE")
	in := &sagemaker.CreateUserProfileInput{
		DomainId: aws.String(domainID(ts)), UserProfileName: &args[0], SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &args[1],
	}
	if args[2] != "-" {
		in.UserSettings = &sagemakertypes.UserSettings{ExecutionRole: aws.String("arn:aws:iam::111122223333:role/" + args[2])}
	}
	_, err := sagemaker.NewFromConfig(client(ts)).CreateUserProfile(context.Background(), in)
	ts.Check(err)
}

// tag USERNAME KEY=VALUE… tags the user's profile as an administrator would.
func tag(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: tag USERNAME KEY=VALUE...")
	}
	api, domain, name := sagemaker.NewFromConfig(client(ts)), domainID(ts), profileNamed(ts, args[0])
	d, err := api.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: &domain, UserProfileName: &name})
	ts.Check(err)
	var tags []sagemakertypes.Tag
	for _, tag := range args[1:] {
		key, value, _ := strings.Cut(tag, "=")
		tags = append(tags, sagemakertypes.Tag{Key: &key, Value: &value})
	}
	_, err = api.AddTags(context.Background(), &sagemaker.AddTagsInput{ResourceArn: d.UserProfileArn, Tags: tags})
	ts.Check(err)
}

// profileNamed finds the name of the user's profile.
func profileNamed(ts *testscript.TestScript, userName string) string {
	api := sagemaker.NewFromConfig(client(ts))
	list, err := api.ListUserProfiles(context.Background(), &sagemaker.ListUserProfilesInput{MaxResults: aws.Int32(100)})
	ts.Check(err)
	for _, p := range list.UserProfiles {
		d, err := api.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: p.DomainId, UserProfileName: p.UserProfileName})
		ts.Check(err)
		if *d.SingleSignOnUserValue == userName {
			return *p.UserProfileName
		}
	}
	ts.Fatalf("%s has no profile", userName)
	return ""
}

// runapp USERNAME starts an app under the user's profile and waits until it runs.
func runapp(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "runapp USERNAME")
	api, domain, name := sagemaker.NewFromConfig(client(ts)), domainID(ts), profileNamed(ts, args[0])
	_, err := api.CreateApp(context.Background(), &sagemaker.CreateAppInput{
		DomainId: &domain, UserProfileName: &name, AppType: sagemakertypes.AppTypeJupyterServer, AppName: aws.String("default"),
	})
	ts.Check(err)
	advance(ts, false, []string{"5"})
}

// apps USERNAME COUNT waits until so many of the user's apps are left.
func apps(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "apps USERNAME COUNT")
	api, domain, name := sagemaker.NewFromConfig(client(ts)), domainID(ts), profileNamed(ts, args[0])
	for until := time.Now().Add(patience); ; time.Sleep(glance) {
		list, err := api.ListApps(context.Background(), &sagemaker.ListAppsInput{DomainIdEquals: &domain, UserProfileNameEquals: &name})
		ts.Check(err)
		left := 0
		for _, a := range list.Apps {
			if a.Status == sagemakertypes.AppStatusInService || a.Status == sagemakertypes.AppStatusPending {
				left++
			}
		}
		if fmt.Sprint(left) == args[1] {
			return
		}
		if time.Now().After(until) {
			ts.Fatalf("%s has %d apps, want %s", args[0], left, args[1])
		}
	}
}

// item TABLE JSON puts an item whose attributes are strings, or numbers where
// the JSON has a number.
func item(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "item TABLE JSON")
	var fields map[string]any
	ts.Check(json.Unmarshal([]byte(args[1]), &fields))
	_, err := dynamodb.NewFromConfig(client(ts)).PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &args[0], Item: attributes(fields)})
	ts.Check(err)
}

func attributes(fields map[string]any) map[string]dynamotypes.AttributeValue {
	out := map[string]dynamotypes.AttributeValue{}
	for key, value := range fields {
		out[key] = attribute(value)
	}
	return out
}

func attribute(value any) dynamotypes.AttributeValue {
	switch v := value.(type) {
	case string:
		return &dynamotypes.AttributeValueMemberS{Value: v}
	case float64:
		return &dynamotypes.AttributeValueMemberN{Value: fmt.Sprint(v)}
	case map[string]any:
		return &dynamotypes.AttributeValueMemberM{Value: attributes(v)}
	case []any:
		list := &dynamotypes.AttributeValueMemberL{}
		for _, e := range v {
			list.Value = append(list.Value, attribute(e))
		}
		return list
	default:
		return &dynamotypes.AttributeValueMemberNULL{Value: true}
	}
}

// domain VARIABLE NAME ACCOUNT MODE makes another domain, in service, and
// keeps its id.
func domain(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "domain VARIABLE NAME ACCOUNT MODE")
	cfg := client(ts)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(args[2], "local", "") // an account id as key is that account
	made, err := sagemaker.NewFromConfig(cfg).CreateDomain(context.Background(), &sagemaker.CreateDomainInput{
		DomainName: &args[1], AuthMode: sagemakertypes.AuthMode(args[3]), VpcId: aws.String("vpc-0a1b2c3d"), SubnetIds: []string{"subnet-0a1b2c3d"},
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String("arn:aws:iam::" + args[2] + ":role/default")},
	})
	ts.Check(err)
	advance(ts, false, []string{"5"})
	ts.Setenv(args[0], *made.DomainId)
}

// profilein ACCOUNT DOMAIN USERNAME ROLE waits for a profile with that role ARN.
func profilein(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "profilein ACCOUNT DOMAIN USERNAME ROLE")
	cfg := client(ts)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(args[0], "local", "")
	for until := time.Now().Add(patience); !givenIn(ts, sagemaker.NewFromConfig(cfg), args[1], args[2], args[3]); time.Sleep(glance) {
		if time.Now().After(until) {
			ts.Fatalf("%s has no profile with %s in %s", args[2], args[3], args[1])
		}
	}
}

// again ACCOUNT DOMAIN deletes the domain's profile, once it is in service, and
// waits until there is another.
func again(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "again ACCOUNT DOMAIN")
	cfg := client(ts)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(args[0], "local", "")
	api := sagemaker.NewFromConfig(cfg)
	list := func() []sagemakertypes.UserProfileDetails {
		out, err := api.ListUserProfiles(context.Background(), &sagemaker.ListUserProfilesInput{DomainIdEquals: &args[1]})
		ts.Check(err)
		return out.UserProfiles
	}
	before := list()
	for until := time.Now().Add(patience); len(before) != 1 || before[0].Status != sagemakertypes.UserProfileStatusInService; before = list() {
		if time.Now().After(until) {
			ts.Fatalf("%s has the profiles %+v, want one in service", args[1], before)
		}
		time.Sleep(glance)
	}
	_, err := api.DeleteUserProfile(context.Background(), &sagemaker.DeleteUserProfileInput{DomainId: &args[1], UserProfileName: before[0].UserProfileName})
	ts.Check(err)
	for until := time.Now().Add(patience); ; time.Sleep(glance) {
		if now := list(); len(now) == 1 && !now[0].CreationTime.Equal(*before[0].CreationTime) {
			return
		}
		if time.Now().After(until) {
			ts.Fatalf("no other profile came to be in %s", args[1])
		}
	}
}

// givenIn reports whether the user has a profile with that role in the domain.
func givenIn(ts *testscript.TestScript, api *sagemaker.Client, domain, userName, role string) bool {
	list, err := api.ListUserProfiles(context.Background(), &sagemaker.ListUserProfilesInput{DomainIdEquals: &domain})
	ts.Check(err)
	for _, p := range list.UserProfiles {
		d, err := api.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: &domain, UserProfileName: p.UserProfileName})
		if err == nil && *d.SingleSignOnUserValue == userName && d.UserSettings != nil && aws.ToString(d.UserSettings.ExecutionRole) == role {
			return true
		}
	}
	return false
}

// setting USERNAME FIELD JSON wants a field of the profile's UserSettings.
func setting(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "setting USERNAME FIELD JSON")
	name, domain := profileNamed(ts, args[0]), domainID(ts)
	body := fmt.Sprintf(`{"DomainId":%q,"UserProfileName":%q}`, domain, name)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, ts.Getenv("AWS_ENDPOINT_URL"), strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("X-Amz-Target", "SageMaker.DescribeUserProfile")
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=00")
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	var out struct{ UserSettings map[string]json.RawMessage }
	ts.Check(json.NewDecoder(resp.Body).Decode(&out))
	if got := string(out.UserSettings[args[1]]); got != args[2] {
		ts.Fatalf("%s of %s is %s, want %s", args[1], args[0], got, args[2])
	}
}

// watch NAME PATTERN puts events that match into a queue of that name.
func watch(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "watch NAME PATTERN")
	ctx, cfg := context.Background(), client(ts)
	_, err := sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &args[0]})
	ts.Check(err)
	rules := eventbridge.NewFromConfig(cfg)
	_, err = rules.PutRule(ctx, &eventbridge.PutRuleInput{Name: &args[0], EventPattern: &args[1]})
	ts.Check(err)
	_, err = rules.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &args[0], Targets: []eventtypes.Target{
		{Id: aws.String("queue"), Arn: aws.String("arn:aws:sqs:us-east-1:111122223333:" + args[0])},
	}})
	ts.Check(err)
}

// noticed NAME TEXT… waits for a watched event that holds every text.
func noticed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: noticed NAME TEXT...")
	}
	api := sqs.NewFromConfig(client(ts))
	url := queueURL(ts, api, args[0])
	var seen []string
	for until := time.Now().Add(patience); time.Now().Before(until); {
		got, err := api.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		ts.Check(err)
		for _, m := range got.Messages {
			seen = append(seen, *m.Body)
			if !slices.ContainsFunc(args[1:], func(text string) bool { return !strings.Contains(*m.Body, text) }) {
				return
			}
		}
	}
	ts.Fatalf("no event holds %q among\n%s", args[1:], strings.Join(seen, "\n"))
}

// undeploy takes away the queue by which a function is known to be deployed.
func undeploy(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "undeploy")
	api := sqs.NewFromConfig(client(ts))
	url := queueURL(ts, api, "studiokeeper-events")
	_, err := api.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: &url})
	ts.Check(err)
}

// role USERNAME ROLE waits until the user's profile has a role outside studio/.
func role(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "role USERNAME ROLE")
	profile(ts, false, []string{args[0], "../" + args[1]})
}

// noprofile USERNAME waits until the user has none; time goes on meanwhile.
func noprofile(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "noprofile USERNAME")
	for until := time.Now().Add(patience); ; time.Sleep(glance) {
		if !anyProfile(ts, args[0]) {
			return
		}
		if time.Now().After(until) {
			ts.Fatalf("%s still has a profile", args[0])
		}
		advance(ts, false, []string{"5"})
	}
}

// pass sends what the hourly schedule sends.
func pass(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "pass")
	api := sqs.NewFromConfig(client(ts))
	url := queueURL(ts, api, "studiokeeper-pass")
	_, err := api.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(
		`{"version":"0","id":"s-1","detail-type":"Scheduled Event","source":"aws.events","account":"111122223333","time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail":{}}`)})
	ts.Check(err)
	advance(ts, false, []string{"5"})
}

// held USERNAME waits until the guard holds the user's removal.
func held(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "held USERNAME")
	for until := time.Now().Add(patience); ; time.Sleep(glance) {
		out, err := dynamodb.NewFromConfig(client(ts)).Query(context.Background(), &dynamodb.QueryInput{
			TableName: aws.String("studiokeeper-state"), KeyConditionExpression: aws.String("pk = :pk"),
			ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":pk": &dynamotypes.AttributeValueMemberS{Value: "removal#research"}},
		})
		ts.Check(err)
		for _, it := range out.Items {
			text, _ := json.Marshal(it)
			if strings.Contains(string(text), args[0]) && strings.Contains(string(text), `"held"`) {
				return
			}
		}
		if time.Now().After(until) {
			ts.Fatalf("the removal of %s is not held", args[0])
		}
	}
}

// tamper alter USER SEQ FROM TO changes a user's entry in the table, and tamper
// delete USER SEQ takes it out; its copy stays.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || args[0] == "alter" && len(args) != 5 {
		ts.Fatalf("usage: tamper alter USER SEQ FROM TO, or tamper delete USER SEQ")
	}
	table, api, ctx := aws.String("studiokeeper-state"), dynamodb.NewFromConfig(client(ts)), context.Background()
	out, err := api.Query(ctx, &dynamodb.QueryInput{
		TableName: table, KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":pk": &dynamotypes.AttributeValueMemberS{Value: "journal#" + args[1]}},
	})
	ts.Check(err)
	for _, it := range out.Items {
		entry, ok := it["entry"].(*dynamotypes.AttributeValueMemberS)
		if !ok || !strings.Contains(entry.Value, `"seq":`+args[2]+`,`) {
			continue
		}
		if args[0] == "delete" {
			_, err = api.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: table, Key: map[string]dynamotypes.AttributeValue{"pk": it["pk"], "sk": it["sk"]}})
		} else {
			it["entry"] = &dynamotypes.AttributeValueMemberS{Value: strings.Replace(entry.Value, args[3], args[4], 1)}
			_, err = api.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: it})
		}
		ts.Check(err)
		return
	}
	ts.Fatalf("%s has no entry %s", args[1], args[2])
}
