package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go/middleware"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// office is an organisation on a local cloud in this process, which tells of
// every call that the commands make.
type office struct {
	t      *testing.T
	cloud  *localcloud.Cloud
	aws    aws.Config
	dir    string
	env    []string
	domain string
	people []string // user ids
	group  string
}

const officeConfig = `deployment: prod
mode: %s
identityCenter: {region: us-east-1, identityStoreId: d-906716eb24}
domains:
  - {name: research, id: %s, region: us-east-1, account: "111122223333"}
mapping:
  rules:
    - {group: staff, domain: research, role: "arn:aws:iam::111122223333:role/studio/staff"}
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/quarantine"}
state: {table: state}
notices: {bus: default}
`

// newOffice has so many people in the group staff, none of whom has a profile.
func newOffice(t *testing.T, people int, mode string) *office {
	t.Helper()
	o := &office{t: t, cloud: &localcloud.Cloud{ProfileDelay: 500 * time.Millisecond}, dir: t.TempDir()}
	server := httptest.NewServer(o.cloud)
	t.Cleanup(func() { o.cloud.Close(); server.Close() })
	o.aws = aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, HTTPClient: server.Client(), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), APIOptions: []func(*middleware.Stack) error{awscloud.PlainBody}}
	o.must(o.cloud.CreateIdentityStore("111122223333", "us-east-1", store))
	var err error
	o.people, err = o.console().SeedUsers(people, func(i int) localcloud.Person {
		return localcloud.Person{UserName: fmt.Sprintf("p%03d@example.com", i), DisplayName: "P"}
	})
	o.must(err)
	o.group, err = o.console().CreateGroup("staff")
	o.must(err)
	o.must(o.console().SeedMembers(o.group, o.people))
	made, err := sagemaker.NewFromConfig(o.aws).CreateDomain(t.Context(), &sagemaker.CreateDomainInput{
		DomainName: aws.String("research"), AuthMode: sagemakertypes.AuthModeSso, VpcId: aws.String("vpc-0a1b2c3d"), SubnetIds: []string{"subnet-0a1b2c3d"},
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String("arn:aws:iam::111122223333:role/default")},
	})
	o.must(err)
	o.domain = *made.DomainId
	o.stateTable()
	o.cloud.Advance(time.Minute)
	o.configure(mode)
	o.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + o.dir, "AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_EC2_METADATA_DISABLED=true", "GOGC=400", "STUDIOKEEPER_CONFIG=" + filepath.Join(o.dir, "studiokeeper.yaml"), "STUDIOKEEPER_LOCAL_CLOCK=" + server.URL + "/_clock/Now",
	}
	return o
}

func (o *office) console() *localcloud.Console {
	return o.cloud.Console("111122223333", "us-east-1", store)
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) stateTable() {
	_, err := dynamodb.NewFromConfig(o.aws).CreateTable(o.t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("state"), BillingMode: dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: dynamotypes.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: dynamotypes.ScalarAttributeTypeS},
		},
		KeySchema: []dynamotypes.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: dynamotypes.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: dynamotypes.KeyTypeRange},
		},
	})
	o.must(err)
}

func (o *office) configure(mode string) {
	o.must(os.WriteFile(filepath.Join(o.dir, "studiokeeper.yaml"), fmt.Appendf(nil, officeConfig, mode, o.domain), 0o600))
}

// unmap takes the row of the group out of the configuration; another stays.
func (o *office) unmap() {
	file := filepath.Join(o.dir, "studiokeeper.yaml")
	text, err := os.ReadFile(file)
	o.must(err)
	_, err = o.console().CreateGroup("others")
	o.must(err)
	o.must(os.WriteFile(file, bytes.Replace(text, []byte("group: staff"), []byte("group: others"), 1), 0o600))
}

// leave takes people out of the group.
func (o *office) leave(people ...string) {
	for _, id := range people {
		o.must(o.console().RemoveMemberFromGroup(o.group, id))
	}
}

// ran is how a command ended.
type ran struct {
	out, err string
	code     int
}

func (o *office) command(args ...string) (cmd *exec.Cmd, out, stderr *bytes.Buffer) {
	path, err := exec.LookPath("studiokeeper")
	o.must(err)
	cmd = exec.CommandContext(context.Background(), path, args...)
	out, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = o.env, o.dir, out, stderr
	return cmd, out, stderr
}

// run runs a command to its end, which must have that code.
func (o *office) run(code int, args ...string) ran {
	o.t.Helper()
	cmd, out, stderr := o.command(args...)
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		o.t.Fatal(err)
	}
	r := ran{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if r.code != code {
		o.t.Fatalf("%v ended in %d, want %d:\n%s\n%s", args, r.code, code, r.out, r.err)
	}
	return r
}

// cutOff runs a command, and sends it a signal once so many profiles were made.
func (o *office) cutOff(sig syscall.Signal, after int, args ...string) (r ran, took time.Duration) {
	o.t.Helper()
	cmd, out, stderr := o.command(args...)
	o.must(cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // how it ended is in ProcessState
	for until := time.Now().Add(patience); o.cloud.CallCounts()["sagemaker.CreateUserProfile"] < after; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(until) {
			_ = cmd.Process.Kill()
			<-ended
			o.t.Fatalf("not so many profiles were made:\n%s\n%s", out, stderr)
		}
	}
	sent := time.Now()
	o.must(cmd.Process.Signal(sig))
	<-ended
	return ran{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}, time.Since(sent)
}

// profiles are all profiles of the domain, by the UserName they were made for.
func (o *office) profiles() map[string][]*sagemaker.DescribeUserProfileOutput {
	api := sagemaker.NewFromConfig(o.aws)
	found := map[string][]*sagemaker.DescribeUserProfileOutput{}
	pages := sagemaker.NewListUserProfilesPaginator(api, &sagemaker.ListUserProfilesInput{DomainIdEquals: &o.domain, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(o.t.Context())
		o.must(err)
		for _, p := range page.UserProfiles {
			d, err := api.DescribeUserProfile(o.t.Context(), &sagemaker.DescribeUserProfileInput{DomainId: &o.domain, UserProfileName: p.UserProfileName})
			o.must(err)
			found[*d.SingleSignOnUserValue] = append(found[*d.SingleSignOnUserValue], d)
		}
	}
	return found
}

// allReady wants everybody to have one profile, finished, with the group's role
// and our tag.
func (o *office) allReady() {
	o.t.Helper()
	api, found := sagemaker.NewFromConfig(o.aws), o.profiles()
	for i, id := range o.people {
		has := found[fmt.Sprintf("p%03d@example.com", i)]
		if len(has) != 1 || has[0].Status != sagemakertypes.UserProfileStatusInService || aws.ToString(has[0].UserSettings.ExecutionRole) != "arn:aws:iam::111122223333:role/studio/staff" {
			o.t.Fatalf("p%03d has %d profiles: %+v", i, len(has), has)
		}
		tags, err := api.ListTags(o.t.Context(), &sagemaker.ListTagsInput{ResourceArn: has[0].UserProfileArn})
		o.must(err)
		if !slices.ContainsFunc(tags.Tags, func(t sagemakertypes.Tag) bool { return *t.Key == studio.TagUserID && *t.Value == id }) {
			o.t.Errorf("the profile of p%03d has the tags %v", i, tags.Tags)
		}
	}
	if len(found) != len(o.people) {
		o.t.Errorf("%d users have profiles, want %d", len(found), len(o.people))
	}
}

// writes are the calls since the last reset that may change something, but for
// those of the services named.
func (o *office) writes(but ...string) []string {
	var found []string
	for call, n := range o.cloud.CallCounts() {
		service, operation, _ := strings.Cut(call, ".")
		reads := slices.ContainsFunc([]string{"Get", "List", "Describe", "Query", "Scan", "BatchGet", "IsMemberInGroups", "AssumeRole"}, func(prefix string) bool {
			return strings.HasPrefix(operation, prefix)
		})
		if !reads && !slices.Contains(but, service) {
			found = append(found, fmt.Sprintf("%d %s", n, call))
		}
	}
	return found
}
