package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// starting is an account on a local cloud, and an empty folder to start in.
type starting struct {
	*sample
	t *testing.T
}

// newStarting has an identity store with the group ad-group-2, and no domain.
func newStarting(t *testing.T) starting {
	t.Helper()
	s := emptyStarting(t)
	if err := s.makeStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func emptyStarting(t *testing.T) starting {
	t.Helper()
	s, err := serveCloud(t.Context(), "127.0.0.1:0", &localcloud.Cloud{ProfileDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": s.endpoint, "AWS_REGION": sampleRegion, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"STUDIOKEEPER_CONFIG": "", "AD_PASSWORD": "x", "SCIM_TOKEN": "x",
	} {
		t.Setenv(name, value)
	}
	t.Chdir(t.TempDir())
	return starting{s, t}
}

// domain makes a Studio domain and answers its id.
func (s starting) domain(name, region string, mode sagemakertypes.AuthMode) string {
	s.t.Helper()
	cfg := s.aws.Copy()
	cfg.Region = region
	made, err := sagemaker.NewFromConfig(cfg).CreateDomain(s.t.Context(), &sagemaker.CreateDomainInput{
		DomainName: &name, AuthMode: mode, VpcId: aws.String("vpc-0a1b2c3d"), SubnetIds: []string{"subnet-0a1b2c3d"},
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String(sampleDefault)},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return *made.DomainId
}

// groups makes groups and answers their ids by name.
func (s starting) groups(names ...string) map[string]string {
	s.t.Helper()
	ids := map[string]string{}
	console := s.cloud.Console(sampleAccount, sampleRegion, sampleStore)
	for _, name := range names {
		id, err := console.CreateGroup(name)
		if err != nil {
			s.t.Fatal(err)
		}
		ids[name] = id
	}
	return ids
}

// ended is how a command ended.
type ended struct {
	code           int
	stdout, stderr string
}

func runCommand(t *testing.T, args ...string) ended {
	t.Helper()
	var out, messages bytes.Buffer
	env := Environment{Lookup: os.LookupEnv, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &messages}
	code := Run(t.Context(), args, env)
	return ended{code, out.String(), messages.String()}
}

// init runs init and wants it done.
func (s starting) init(args ...string) ended {
	s.t.Helper()
	e := runCommand(s.t, append([]string{"init"}, args...)...)
	if e.code != 0 {
		s.t.Fatalf("init %q ended in %d:\n%s", args, e.code, e.stderr)
	}
	return e
}

// written is the file as the loader reads it.
func written(t *testing.T) (string, *config.Config) {
	t.Helper()
	text, err := os.ReadFile("studiokeeper.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text), parsed(t, string(text))
}

func parsed(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("studiokeeper.yaml", []byte(text), os.LookupEnv)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c
}

// switchedOn is the text with every key on that a # stands before. Prose has an
// odd number of blanks behind it.
func switchedOn(text string) string {
	return regexp.MustCompile(`(?m)^( *)#((?:  )*\S)`).ReplaceAllString(text, "$1$2")
}

func TestInitWritesWhatItFinds(t *testing.T) {
	s := newStarting(t)
	research := s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	lab := s.domain("lab", sampleRegion, sagemakertypes.AuthModeIam)
	old := s.domain("old", sampleRegion, sagemakertypes.AuthModeSso)
	if err := s.cloud.MoveToUnifiedStudio(sampleAccount, sampleRegion, old); err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range 250 {
		names = append(names, fmt.Sprintf("team-%03d", n))
	}
	ids := s.groups(names...)

	e := s.init("--group", "team-000", "--group", "team-249", "--group", "groupId:"+sampleGroup)
	text, c := written(t)
	if c.Mode != studio.Observe || c.Deployment != "prod" || c.IdentityCenter.IdentityStoreID != sampleStore || c.IdentityCenter.Region != sampleRegion {
		t.Errorf("got %+v", c)
	}
	if len(c.Domains) != 1 || c.Domains[0].ID != research || c.Domains[0].Account != sampleAccount {
		t.Errorf("domains: got %+v", c.Domains)
	}
	got := map[string]string{}
	for _, r := range c.Mapping.Rules {
		got[r.Group.ID] = r.Role
	}
	want := map[string]string{ids["team-000"]: sampleRoles + "team-000", ids["team-249"]: sampleRoles + "team-249", sampleGroup: sampleRoles + "ad-group-2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules: want -, got +:\n%s", diff)
	}
	for _, reason := range []string{
		"lab (" + lab + ", us-east-1): its AuthMode is IAM", "old (" + old + ", us-east-1): it belongs to SageMaker Unified Studio",
	} {
		if !strings.Contains(e.stderr, reason) || !strings.Contains(text, "#   "+reason) {
			t.Errorf("%q is not told:\n%s", reason, e.stderr)
		}
	}
	if e.stdout != "" || len(c.Warnings) > 0 {
		t.Errorf("stdout %q, advice %q", e.stdout, c.Warnings)
	}
	if check := runCommand(t, "config", "check"); check.code != 0 || check.stdout != "studiokeeper.yaml is valid (domains: 1, rules: 3)\n" || check.stderr != "" {
		t.Errorf("config check: %+v", check)
	}
}

func TestOfDomainsWithoutAnApplicationIsTold(t *testing.T) {
	s := newStarting(t)
	id := s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	if err := s.cloud.ForgetApplication(sampleAccount, sampleRegion, id); err != nil {
		t.Fatal(err)
	}
	e := s.init()
	text, c := written(t)
	note := id + " names no application, as those made before October 2023"
	if len(c.Domains) != 1 || !strings.Contains(e.stderr, note) || !strings.Contains(text, "  # "+note) {
		t.Errorf("got %+v\n%s", c.Domains, e.stderr)
	}
}

func TestEveryKeyOfTheFileCanBeSwitchedOn(t *testing.T) {
	s := newStarting(t)
	s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	s.domain("123", sampleRegion, sagemakertypes.AuthModeSso)
	s.groups("R&D", "yes")
	for _, args := range [][]string{nil, {"--group", "R&D", "--group", "yes"}, {"--group", "yes", "--mapping-table", "none"}} {
		text := s.init(append(args, "--out", "-")...).stdout
		parsed(t, text)
		c := parsed(t, switchedOn(text))
		if len(c.Domains) != 3 || len(c.Mapping.Rules) == 0 || len(c.Mapping.Naming) != 1 || c.Mapping.Table == "" || c.Directory == nil || c.Directory.SCIM == nil ||
			c.Notices.Bus == "" || c.IdentityCenter.AssumeRole.ExternalID == "" || len(c.Formerly) != 1 || c.Domains[2].AssumeRole.RoleARN == "" {
			t.Errorf("%q: something stays off: %+v", args, c)
		}
	}
}

// odd are names that a text file may stumble over.
var odd = []string{
	`it's "quoted"`, "a: b", "a #b", "# c", "- x", "yes", "123", "1e3", "null", "~", "größe", "数据", " leading", "trailing ", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a`",
	`back\slash`, "a\tb", "a\nb: c", "a\r\nb", "x, y", "a/b/c", "R&D (ML)", "${HOME}", "$${X}", "?", "|", ">", strings.Repeat("long", 200),
}

func TestOddNamesOfGroups(t *testing.T) {
	s := newStarting(t)
	s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	ids := map[string]string{}
	for name, id := range s.groups(odd...) {
		ids[id] = name
	}
	args := []string{"--out", "-"}
	for id := range ids {
		args = append(args, "--group", "groupId:"+id)
	}
	checkOdd(t, parsed(t, s.init(args...).stdout).Mapping.Rules, ids, len(ids))
	// As examples they are as right, once they are switched on.
	checkOdd(t, parsed(t, switchedOn(s.init("--out", "-").stdout)).Mapping.Rules, ids, shownRows)
	for id, name := range ids {
		rules := parsed(t, s.init("--out", "-", "--group", name).stdout).Mapping.Rules
		if len(rules) != 1 || rules[0].Group.ID != id {
			t.Errorf("--group %q: got %+v, want %s", name, rules, id)
		}
	}
}

// checkOdd wants so many rows, each of a group that is there and with a role of its own.
func checkOdd(t *testing.T, rows []studio.Row, ids map[string]string, count int) {
	t.Helper()
	roles := map[string]bool{}
	for _, r := range rows {
		if _, known := ids[r.Group.ID]; !known && r.Group.ID != sampleGroup {
			t.Errorf("a row of %q", r.Group.ID)
		}
		roles[strings.ToLower(r.Role)] = true
	}
	if len(rows) != count || len(roles) != count {
		t.Errorf("%d rows with %d roles, want %d", len(rows), len(roles), count)
	}
}

func TestExamplesAreAtMostTwenty(t *testing.T) {
	s := newStarting(t)
	s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	var names []string
	for n := range 249 {
		names = append(names, fmt.Sprintf("team-%03d", n))
	}
	s.groups(names...)
	text := s.init("--out", "-").stdout
	if got := strings.Count(text, "#  - groupId: "); got != 20 || !strings.Contains(text, "… and 230 more groups") {
		t.Errorf("%d examples:\n%s", got, text)
	}
}

func TestOfManyGroupsProgressIsTold(t *testing.T) {
	s := newStarting(t)
	s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	for n := range 1050 {
		if err := s.cloud.Console(sampleAccount, sampleRegion, sampleStore).SeedGroup(fmt.Sprintf("14f83478-a061-708f-8de4-%012d", n), fmt.Sprint("g", n)); err != nil {
			t.Fatal(err)
		}
	}
	if e := s.init("--out", "-"); !strings.HasPrefix(e.stderr, "500 groups so far\n1000 groups so far\nAccount ") || !strings.Contains(e.stderr, "groups: 1051.") {
		t.Errorf("got %s", e.stderr)
	}
}

func TestDomainsOfSeveralRegionsAreNamedApart(t *testing.T) {
	s := newStarting(t)
	if err := s.cloud.CreateIdentityStore(sampleAccount, "eu-west-1", "d-0123456789"); err != nil {
		t.Fatal(err)
	}
	here := s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	there := s.domain("research", "eu-west-1", sagemakertypes.AuthModeSso)
	e := s.init("--region", sampleRegion, "--region", "eu-west-1", "--region", sampleRegion, "--group", "ad-group-2")
	_, c := written(t)
	if len(c.Domains) != 1 || c.Domains[0].ID != here || !strings.Contains(e.stderr, there+", eu-west-1): it belongs to another instance of IAM Identity Center, ssoins-") {
		t.Errorf("of another instance: got %+v\n%s", c.Domains, e.stderr)
	}

	domains := []studio.Domain{
		{Name: "a", Region: "us-east-1", ID: "d-1"}, {Name: "a", Region: "eu-west-1", ID: "d-2"},
		{Name: "b", Region: "us-east-1", ID: "d-3"}, {Name: "b", Region: "us-east-1", ID: "d-4"},
		{Name: "c", Region: "us-east-1", ID: "d-5"}, {Name: "", Region: "us-east-1", ID: "d-6"}, {Name: "no good", Region: "us-east-1", ID: "d-7"},
	}
	nameApart(domains)
	var names []string
	for _, d := range domains {
		names = append(names, d.Name)
	}
	if diff := cmp.Diff([]string{"a-us-east-1", "a-eu-west-1", "b-d-3", "b-d-4", "c", "d-6", "d-7"}, names); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestIdentityCenterInAnotherAccount(t *testing.T) {
	const there, role = "444455556666", "arn:aws:iam::444455556666:role/studiokeeper-identity"
	s := emptyStarting(t)
	if err := s.cloud.CreateIdentityStore(there, sampleRegion, sampleStore); err != nil {
		t.Fatal(err)
	}
	if err := s.cloud.Console(there, sampleRegion, sampleStore).SeedGroup(sampleGroup, "ad-group-2"); err != nil {
		t.Fatal(err)
	}
	s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	s.cloud.TrustRole(role, "7f1c")
	s.init("--identity-role", role, "--identity-external-id", "7f1c", "--group", "ad-group-2")
	_, c := written(t)
	if want := (studio.AssumeRole{RoleARN: role, ExternalID: "7f1c"}); c.IdentityCenter.AssumeRole != want || c.Domains[0].Account != sampleAccount {
		t.Errorf("got %+v and %+v", c.IdentityCenter, c.Domains)
	}
	for _, call := range s.cloud.Calls() {
		if call.Operation == "ListGroups" && call.Account != there {
			t.Errorf("groups were listed in %s", call.Account)
		}
	}
}

func TestWhatInitRefuses(t *testing.T) {
	s := newStarting(t)
	s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	lab := s.domain("lab", sampleRegion, sagemakertypes.AuthModeIam)
	denied := func(service, operation string) *localcloud.Fault {
		return &localcloud.Fault{Service: service, Operation: operation, Code: "AccessDeniedException"}
	}
	for _, row := range []struct {
		args  string
		fault *localcloud.Fault
		code  int
		want  []string
	}{
		{args: "--identity-region eu-west-1", code: 4, want: []string{"see no instance of IAM Identity Center in eu-west-1", "--identity-region", "--identity-role"}},
		{args: "--region eu-west-1 --identity-region us-east-1", code: 4, want: []string{"no Studio domain in eu-west-1", "--region"}},
		{fault: denied("sso", "ListInstances"), code: 1, want: []string{"sso:ListInstances", "allow sso:ListInstances there"}},
		{fault: denied("sagemaker", "ListDomains"), code: 1, want: []string{"sagemaker:ListDomains", "allow sagemaker:ListDomains there"}},
		{fault: denied("identitystore", "ListGroups"), code: 1, want: []string{"allow identitystore:ListGroups there", "--identity-role"}},
		{fault: denied("sts", "GetCallerIdentity"), code: 1, want: []string{"sts:GetCallerIdentity"}},
		{fault: denied("sagemaker", "DescribeDomain"), code: 1, want: []string{"research (", "it could not be described", "allow sagemaker:DescribeDomain there"}},
		{args: "--domain lab", code: 4, want: []string{"--domain: lab cannot be looked after: its AuthMode is IAM"}},
		{args: "--domain " + lab, code: 4, want: []string{"--domain: " + lab + " cannot be looked after: its AuthMode is IAM"}},
		{args: "--domain reserch", code: 4, want: []string{`--domain: there is no domain "reserch" (there are: research)`}},
		{args: "--group ad-group-3", code: 4, want: []string{`--group: there is no group "ad-group-3" among 1 (did you mean "ad-group-2"?)`}},
		{args: "--group groupId:14f83478-a061-708f-8de4-000000000000", code: 4, want: []string{"--group: there is no group"}},
		{args: "--identity-store d-0000000000", code: 4, want: []string{`--identity-store: there is no identity store "d-0000000000" in us-east-1`}},
		{args: "--deployment Prod", code: 4, want: []string{"--deployment: want 1 to 32 of a-z, 0-9 and -"}},
		{args: "--mode watch --state-table x", code: 4, want: []string{"--mode: want observe or enforce", "--state-table: want a DynamoDB table's name"}},
		{args: "--mapping-table studiokeeper-state", code: 4, want: []string{"--mapping-table", "is the state table"}},
		{args: "--mapping-table none", code: 4, want: []string{"--group", "--mapping-table"}},
		{args: "--role arn:aws:iam::{account}:role/{group}", code: 4, want: []string{"--role", "a path of their own"}},
		{args: "--role arn:aws:iam::{account}:role/{group}/x", code: 4, want: []string{"--role: {group} belongs into the role's name"}},
		{args: "--role arn:aws:iam::{account}:role/studio/{team}", code: 4, want: []string{"--role: {team} stands for nothing here"}},
		{args: "--role arn:aws:iam::444455556666:role/studio/{group} --group ad-group-2", code: 4, want: []string{"mapping.rules[0].role: the role lies in account 444455556666", "--role"}},
		{args: "--quarantine-role powerless", code: 4, want: []string{"--quarantine-role: "}},
		{args: "--quarantine-role arn:aws:iam::{account}:role/{group}", code: 4, want: []string{"--quarantine-role: {group} stands for nothing here"}},
		{args: "--quarantine-role arn:aws:iam::{account}:role/studio/ad-group-2 --group ad-group-2", code: 4, want: []string{"is a mapped role too", "--quarantine-role"}},
		{args: "--region nowhere", code: 4, want: []string{"--region: want a Region"}},
		{args: "--identity-external-id 7f1c", code: 4, want: []string{"--identity-role"}},
		{args: "--out none/studiokeeper.yaml", code: 4, want: []string{"--out: ", "there is no folder none"}},
		{args: "--config other.yaml", code: 4, want: []string{"--config does nothing here", "--out"}},
		{args: "research", code: 4, want: []string{"takes no arguments"}},
	} {
		t.Run(row.args, func(t *testing.T) {
			s.cloud.ClearFaults()
			if row.fault != nil {
				s.cloud.Inject(*row.fault)
			}
			e := runCommand(t, append([]string{"init"}, strings.Fields(row.args)...)...)
			for _, want := range row.want {
				if !strings.Contains(e.stderr, want) {
					t.Errorf("it does not say %q:\n%s", want, e.stderr)
				}
			}
			if e.code != row.code || e.stdout != "" {
				t.Errorf("it ended in %d, want %d; stdout %q\n%s", e.code, row.code, e.stdout, e.stderr)
			}
			if files, _ := os.ReadDir("."); len(files) > 0 {
				t.Fatalf("%s was written", files[0].Name())
			}
		})
	}
}

func TestSeveralIdentityStoresAreToldApart(t *testing.T) {
	s := newStarting(t)
	research := s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	if err := s.cloud.CreateIdentityStore(sampleAccount, sampleRegion, "d-ffffffffff"); err != nil {
		t.Fatal(err)
	}
	e := runCommand(t, "init")
	if e.code != 4 || !strings.Contains(e.stderr, "there are 2 identity stores in us-east-1: d-906716eb24, d-ffffffffff; choose one with --identity-store") {
		t.Errorf("got %+v", e)
	}
	s.init("--identity-store", sampleStore)
	if _, c := written(t); c.Domains[0].ID != research || c.IdentityCenter.IdentityStoreID != sampleStore {
		t.Errorf("got %+v", c)
	}
}

func TestWithoutARegionOneIsAskedFor(t *testing.T) {
	newStarting(t)
	t.Setenv("AWS_REGION", "")
	if e := runCommand(t, "init"); e.code != 4 || !strings.Contains(e.stderr, "there is no AWS Region") || !strings.Contains(e.stderr, "--region") {
		t.Errorf("got %+v", e)
	}
}

func TestADomainThatCannotBeDescribedHoldsNothingUp(t *testing.T) {
	s := newStarting(t)
	research := s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	other := s.domain("other", sampleRegion, sagemakertypes.AuthModeSso)
	s.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "DescribeDomain", Resource: other, Code: "AccessDeniedException"})
	e := runCommand(t, "init", "--group", "ad-group-2")
	if _, c := written(t); len(c.Domains) != 1 || c.Domains[0].ID != research {
		t.Errorf("got %+v", c.Domains)
	}
	if e.code != 5 || !strings.Contains(e.stderr, "domain "+other+" is left out: sagemaker:DescribeDomain") {
		t.Errorf("it ended in %d:\n%s", e.code, e.stderr)
	}
}

func TestAFileIsNeverWrittenOverUnasked(t *testing.T) {
	s := newStarting(t)
	s.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	if err := os.WriteFile("studiokeeper.yaml", []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := runCommand(t, "init")
	if text, _ := os.ReadFile("studiokeeper.yaml"); e.code != 4 || string(text) != "mine\n" || !strings.Contains(e.stderr, "--force") {
		t.Errorf("it ended in %d and the file says %q:\n%s", e.code, text, e.stderr)
	}
	if len(s.cloud.Calls()) > 1 { // the domain was made
		t.Error("AWS was asked before")
	}
	s.init("--force")
	written(t)
}

func TestPartitions(t *testing.T) {
	for arn, want := range map[string]string{"arn:aws-cn:iam::111122223333:user/x": "aws-cn", "arn:aws:sts::111122223333:assumed-role/x/y": "aws", "": "aws"} {
		if got := partitionOf(arn); got != want {
			t.Errorf("%s: got %s", arn, got)
		}
	}
	s := &starter{given: func(string) bool { return false }, answers: answers{role: defaultRole, quarantine: defaultQuarantine, mode: "observe", deployment: "prod",
		stateTable: "studiokeeper-state", mappingTable: "studiokeeper-mapping", out: "f"}, env: Environment{Lookup: os.LookupEnv}}
	f := findings{account: sampleAccount, partition: "aws-cn", instance: awscloud.FoundInstance{StoreID: sampleStore, Region: "cn-north-1"},
		domains: []studio.Domain{{Name: "research", ID: "d-abcdefghijkl", Region: "cn-north-1", Account: sampleAccount}}}
	if err := s.askLast(f); err != nil {
		t.Fatal(err)
	}
	_, c, err := s.compose(f)
	if err != nil || !slices.Equal(c.Mapping.Roles, []studio.RolePattern{"arn:aws-cn:iam::111122223333:role/studio/*"}) || !strings.HasPrefix(c.Offboarding.QuarantineRole, "arn:aws-cn:") {
		t.Errorf("got %+v, %v", c, err)
	}
}

// asking is a starter in an account with two domains and three groups, whose
// answers are these lines.
func asking(t *testing.T, lines ...string) (*starter, *bytes.Buffer) {
	t.Helper()
	session, err := awscloud.Load(t.Context(), "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	env := Environment{Lookup: os.LookupEnv, Stdout: &said, Stderr: &said}
	s := &starter{env: env, find: &awscloud.Discovery{Session: session}}
	s.flags(&cobra.Command{}) // which sets the defaults
	s.given = func(string) bool { return false }
	s.ask = newAsker(t.Context(), strings.NewReader(strings.Join(lines, "\n")+"\n"), &said)
	return s, &said
}

func TestAConversation(t *testing.T) {
	st := newStarting(t)
	st.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	finance := st.domain("finance", sampleRegion, sagemakertypes.AuthModeSso)
	ids := st.groups("R&D, all", "team-1")
	s, said := asking(t, "Test", "test", "", "", "finance", "team", "R&D, all", "", "", "", "nonsense/", "none", "own.yaml")
	if err := s.run(t.Context(), map[string]bool{"explain": true}); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	text, err := os.ReadFile("own.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := parsed(t, string(text))
	if c.Deployment != "test" || len(c.Domains) != 1 || c.Domains[0].ID != finance || c.Mapping.Table != "" ||
		len(c.Mapping.Rules) != 1 || c.Mapping.Rules[0].Group.ID != ids["R&D, all"] || c.Mapping.Rules[0].Role != sampleRoles+"R-D,-all" {
		t.Errorf("got %+v\n%s", c, said)
	}
	for _, want := range []string{
		"Name of this installation [prod]:   want 1 to 32 of a-z", "1  research\n", "3  team-1\nWhich", "studiokeeper explain USER --config own.yaml",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
}

func TestAConversationThatStops(t *testing.T) {
	st := newStarting(t)
	st.domain("research", sampleRegion, sagemakertypes.AuthModeSso)
	for n := range 6 {
		s, _ := asking(t, make([]string, n)...)
		if err := s.run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "nothing was written: the input ended") {
			t.Errorf("after %d answers: %v", n, err)
		}
		if files, _ := os.ReadDir("."); len(files) > 0 {
			t.Fatalf("after %d answers %s was written", n, files[0].Name())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, _ := asking(t)
	s.ask = newAsker(ctx, strings.NewReader(""), s.env.Stderr)
	if err := s.run(ctx, nil); err == nil || !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("interrupted: %v", err)
	}
}
