package config

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"studiokeeper/internal/studio"
)

// vars is an environment.
func vars(pairs ...string) func(string) (string, bool) {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func noParameters(context.Context, string) (string, error) {
	return "", errors.New("no parameter is read in this test")
}

func load(t *testing.T, ref string) *Config {
	t.Helper()
	c, err := Load(t.Context(), ref, vars("SANDBOX_ID", "d-sandbox00001"), noParameters)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parse(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	c, err := Parse("studiokeeper.yaml", []byte(text), vars(env...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const minimal = `deployment: prod
identityCenter: {region: us-east-1}
domains:
  - {name: research, id: d-abcdefghijkl, region: us-east-1, account: "111122223333"}
mapping:
  rules:
    - {groupId: 14f83478-a061-708f-8de4-a3a2b99e9d89, domain: research, role: "arn:aws:iam::111122223333:role/studio/a"}
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/quarantine"}
`

func TestTheFullExampleLoads(t *testing.T) {
	gpu := func(c *Config) studio.Settings { return c.Mapping.Rules[1].Settings }
	c := load(t, "testdata/full.yaml")
	want := &Config{
		Deployment: "prod", Formerly: []string{"prod-old"}, Mode: studio.Enforce,
		IdentityCenter: IdentityCenter{Region: "us-east-1", IdentityStoreID: "d-906716eb24"},
		Domains: []studio.Domain{
			{Name: "research", ID: "d-abcdefghijkl", Region: "us-east-1", Account: "111122223333",
				AssumeRole: studio.AssumeRole{RoleARN: "arn:aws:iam::111122223333:role/studiokeeper-member", ExternalID: "7f1c5a90"},
				SignIn:     studio.SignInGroup, Adopt: studio.AdoptUnset, OnRoleChange: studio.StopApps, State: studio.Managed, Mode: studio.Enforce},
			{Name: "sandbox", ID: "d-sandbox00001", Region: "eu-central-1", Account: "444455556666",
				SignIn: studio.SignInUser, Adopt: studio.AdoptAll, OnRoleChange: studio.WhenIdle, State: studio.Managed, Mode: studio.Observe},
		},
		Mapping: Mapping{
			Roles: []studio.RolePattern{"arn:aws:iam::111122223333:role/studio/*", "arn:aws:iam::444455556666:role/studio/*"},
			Rules: []studio.Row{
				{Group: studio.GroupRef{Name: "ad-group-1"}, Domain: "research", Role: "arn:aws:iam::111122223333:role/studio/ad-group-1",
					Priority: 100, Source: "testdata/full.yaml:33:7 (mapping.rules[0])"},
				{Group: studio.GroupRef{ID: "14f83478-a061-708f-8de4-a3a2b99e9d89"}, Domain: "research", Role: "arn:aws:iam::111122223333:role/studio/gpu",
					Priority: 200, Settings: gpu(c), Source: "testdata/full.yaml:38:7 (mapping.rules[1])"},
				{Group: studio.GroupRef{Name: "R&D (ML)"}, Domain: "sandbox", Role: "arn:aws:iam::444455556666:role/studio/rnd",
					Priority: 100, Settings: gpu(c), Source: "testdata/full.yaml:54:7 (mapping.rules[2])"},
			},
			Table: "studiokeeper-mapping",
			Naming: []NamingRule{
				{Group: "studio-*", Domain: "research", Role: "arn:aws:iam::{account}:role/studio/{group}", Priority: 100,
					Source: "testdata/full.yaml:60:7 (mapping.naming[0])"},
				{Group: "/^ml-(dev|ops)-(.+)$/", Domain: "sandbox", Role: "arn:aws:iam::{account}:role/studio/{domain}-{2}-{1}", Priority: 50,
					Source: "testdata/full.yaml:63:7 (mapping.naming[1])"},
			},
			Cache: time.Minute,
		},
		GroupRoles: []GroupRole{
			{Group: studio.GroupRef{Name: "ad-group-1"}, ManagedPolicies: []string{"arn:aws:iam::aws:policy/AmazonSageMakerCanvasFullAccess"},
				InlinePolicies: map[string]json.RawMessage{"data": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",` +
					`"Resource":"arn:aws:s3:::data/${aws:PrincipalTag/team}/*"}]}`)},
				Boundary: "arn:aws:iam::111122223333:policy/studio", Roles: []string{"arn:aws:iam::111122223333:role/studio/ad-group-1"}},
			{Role: "arn:aws:iam::111122223333:role/studio/gpu", Roles: []string{"arn:aws:iam::111122223333:role/studio/gpu"}},
		},
		Offboarding: Offboarding{Grace: 168 * time.Hour, QuarantineRole: "arn:aws:iam::{account}:role/studiokeeper-quarantine", SharedSpaces: HoldSpaces},
		Limits: Limits{
			Removals: Limit{Count: 10, Percent: 20, Floor: 2, Window: time.Hour},
			Changes:  Limit{Count: 50, Percent: 50, Floor: 10, Window: time.Hour},
			Held:     HeldKeep, RejectFor: 720 * time.Hour,
		},
		State: State{Table: "studiokeeper-state"}, Notices: Notices{Bus: "default"}, Log: Log{Names: LogIDs},
		Protected: Protected{Users: []string{"breakglass@example.com"}},
		Directory: &Directory{
			LDAP: LDAP{URLs: []string{"ldaps://dc1.corp.example", "ldaps://dc2.corp.example"}, CAFile: "corp-ca.pem", BaseDN: "DC=corp,DC=example",
				BindDN: "CN=svc-studiokeeper,OU=Service,DC=corp,DC=example", Password: Secret{SecretInEnvironment, "AD_PASSWORD"},
				UserOUs: []string{"OU=People,DC=corp,DC=example", `OU=R\, D,DC=corp,DC=example`}, Filter: `(&(employeeType=staff)(!(title=Visitor \28guest\29)))`,
				OtherDomains: []string{"emea.corp.example"}, PageSize: 500,
				Attributes: Attributes{UserName: "sAMAccountName", Email: "mail", DisplayName: "displayName", GivenName: "givenName", FamilyName: "sn", GroupName: "sAMAccountName"}},
			Groups: []string{"studio-*"},
			Adopt:  AdoptUserName,
			SCIM:   &SCIM{Endpoint: "https://scim.us-east-1.amazonaws.com/0a1b2c3d/scim/v2/", Token: Secret{SecretInEnvironment, "SCIM_TOKEN"}},
			Grace:  168 * time.Hour,
		},
		Warnings: []string{"testdata/full.yaml:33:14: mapping.rules[0].group: 2 rules from here on name their groups by display name, " +
			"which another group can take over (write groupId, which none can)"},
	}
	ignore := []cmp.Option{cmpopts.IgnoreUnexported(NamingRule{}), cmpopts.IgnoreFields(Config{}, "Digest"), cmp.AllowUnexported(Secret{})}
	if diff := cmp.Diff(want, c, ignore...); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	wantSettings := studio.Settings(`{"CanvasAppSettings":{"ModelRegisterSettings":{"CrossAccountModelRegisterRoleArn":"arn:aws:iam::111122223333:role/studio/registry"}},` +
		`"JupyterLabAppSettings":{"AppLifecycleManagement":{"IdleSettings":{"IdleTimeoutInMinutes":60,"LifecycleManagement":"ENABLED"}},` +
		`"LifecycleConfigArns":["arn:aws:sagemaker:us-east-1:111122223333:studio-lifecycle-config/start"]},"SecurityGroups":["sg-0abc1234"],` +
		`"SpaceStorageSettings":{"DefaultEbsStorageSettings":{"DefaultEbsVolumeSizeInGb":20,"MaximumEbsVolumeSizeInGb":100}}}`)
	if diff := cmp.Diff(wantSettings, gpu(c)); diff != "" {
		t.Errorf("settings: want -, got +:\n%s", diff)
	}
}

func TestWhatIsLeftOutGetsItsDefault(t *testing.T) {
	c := parse(t, minimal)
	want := &Config{
		Deployment: "prod", Mode: studio.Enforce,
		IdentityCenter: IdentityCenter{Region: "us-east-1"},
		Domains: []studio.Domain{{Name: "research", ID: "d-abcdefghijkl", Region: "us-east-1", Account: "111122223333",
			SignIn: studio.SignInGroup, Adopt: studio.AdoptUnset, OnRoleChange: studio.StopApps, State: studio.Managed, Mode: studio.Enforce}},
		Mapping: Mapping{
			Roles: []studio.RolePattern{"arn:aws:iam::111122223333:role/studio/a"},
			Rules: []studio.Row{{Group: studio.GroupRef{ID: "14f83478-a061-708f-8de4-a3a2b99e9d89"}, Domain: "research",
				Role: "arn:aws:iam::111122223333:role/studio/a", Priority: 100, Source: "studiokeeper.yaml:7:7 (mapping.rules[0])"}},
			Cache: time.Minute,
		},
		Offboarding: Offboarding{Grace: 168 * time.Hour, QuarantineRole: "arn:aws:iam::{account}:role/quarantine", SharedSpaces: HoldSpaces},
		Limits: Limits{
			Removals: Limit{Count: 10, Percent: 20, Floor: 2, Window: time.Hour},
			Changes:  Limit{Count: 50, Percent: 50, Floor: 10, Window: time.Hour},
			Held:     HeldKeep, RejectFor: 720 * time.Hour,
		},
		Log: Log{Names: LogIDs},
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreFields(Config{}, "Digest")); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestALoweredCountLowersTheDefaultFloor(t *testing.T) {
	got := parse(t, minimal+"limits: {removals: {count: 0}}\n").Limits.Removals
	if want := (Limit{Count: 0, Percent: 20, Floor: 0, Window: time.Hour}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestADomainTakesTheModeOfAll(t *testing.T) {
	c := parse(t, minimal+"mode: observe\n")
	if got := c.Domains[0].Mode; got != studio.Observe {
		t.Errorf("the domain's mode is %q, want observe", got)
	}
}

func TestRetiringDomainsNeedNoRules(t *testing.T) {
	text := strings.Replace(minimal, `name: research,`, `name: research, state: retire,`, 1)
	text = text[:strings.Index(text, "  rules:")] + "  rules: []\noffboarding: {grace: 0s}\n"
	if c := parse(t, text); c.Offboarding.Grace != 0 || len(c.Mapping.Rules) != 0 {
		t.Errorf("got %+v and %+v, want no grace and no rules", c.Offboarding, c.Mapping.Rules)
	}
}

func TestLookUps(t *testing.T) {
	c := load(t, "testdata/full.yaml")
	sandbox, ok := c.Domain("sandbox")
	if !ok || sandbox.ID != "d-sandbox00001" {
		t.Fatalf("Domain(sandbox) = %+v, %v", sandbox, ok)
	}
	if _, ok := c.Domain("Sandbox"); ok {
		t.Error("Domain(Sandbox) was found, want names to be case sensitive")
	}
	if got, want := c.QuarantineRole(sandbox), "arn:aws:iam::444455556666:role/studiokeeper-quarantine"; got != want {
		t.Errorf("QuarantineRole = %q, want %q", got, want)
	}
	for arn, want := range map[string]bool{
		"arn:aws:iam::111122223333:role/studio/new":              true,
		"arn:aws:iam::444455556666:role/studio/team/new":         true,
		"arn:aws:iam::111122223333:role/admin":                   false,
		"arn:aws:iam::777788889999:role/studio/new":              false,
		"arn:aws:iam::111122223333:role/studiokeeper-quarantine": false,
	} {
		if got := c.RoleAllowed(arn); got != want {
			t.Errorf("RoleAllowed(%s) = %v, want %v", arn, got, want)
		}
	}
}

func TestTheDigestIsTheMeaning(t *testing.T) {
	base := parse(t, minimal).Digest
	same := []string{"# a comment\n" + minimal, minimal + "mode: enforce\n", minimal + "limits: {removals: {count: 10}}\n", "\ufeff" + minimal}
	for _, text := range same {
		if got := parse(t, text).Digest; got != base {
			t.Errorf("the digest changed with\n%s", text)
		}
	}
	other := []string{minimal + "mode: observe\n", minimal + "formerly: [old]\n", strings.Replace(minimal, "role/studio/a", "role/studio/b", 1)}
	for _, text := range other {
		if got := parse(t, text).Digest; got == base {
			t.Errorf("the digest stayed with\n%s", text)
		}
	}
}

func TestLoadReadsAParameter(t *testing.T) {
	asked := ""
	ssm := func(_ context.Context, name string) (string, error) { asked = name; return minimal, nil }
	c, err := Load(t.Context(), "ssm:/studiokeeper/prod", vars(), ssm)
	if err != nil {
		t.Fatal(err)
	}
	if asked != "/studiokeeper/prod" || c.Mapping.Rules[0].Source != "ssm:/studiokeeper/prod:7:7 (mapping.rules[0])" {
		t.Errorf("asked for %q, row from %q", asked, c.Mapping.Rules[0].Source)
	}
}

func TestLoadSaysWhatItCouldNotRead(t *testing.T) {
	_, err := Load(t.Context(), "testdata/none.yaml", vars(), noParameters)
	if !errors.Is(err, ErrInvalid) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: got %v, want ErrInvalid and fs.ErrNotExist", err)
	}
	denied := errors.New("AccessDeniedException")
	_, err = Load(t.Context(), "ssm:x", vars(), func(context.Context, string) (string, error) { return "", denied })
	if errors.Is(err, ErrInvalid) || !errors.Is(err, denied) {
		t.Errorf("a parameter that cannot be fetched: got %v, want the cause and not ErrInvalid", err)
	}
	if _, err = Load(t.Context(), "ssm:x", vars(), nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("no way to read parameters: got %v, want ErrInvalid", err)
	}
	big := t.TempDir() + "/big.yaml"
	if err := os.WriteFile(big, []byte(strings.Repeat("# more\n", maxText/7+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = Load(t.Context(), big, vars(), nil); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "are the limit") {
		t.Errorf("too large a file: got %v, want the limit", err)
	}
}
