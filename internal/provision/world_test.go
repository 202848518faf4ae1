package provision_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/awscloud/store"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	storeID = "d-906716eb24"
)

// TestMain sets what the SDK looks for, so that nothing of this machine counts.
// Worlds live briefly and leave much behind, which the collector need not follow.
func TestMain(m *testing.M) {
	localcloud.OneProcessor(256)
	debug.SetGCPercent(300)
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// active is an Active Directory as values.
type active struct {
	source directory.Source
	err    error
}

// Read implements provision.Active.
func (a *active) Read(context.Context) (directory.Source, error) { return a.source, a.err }

// world is a local cloud with the real adapters on it, beside an Active
// Directory as values.
type world struct {
	t       testing.TB
	cloud   *localcloud.Cloud
	ad      *active
	state   *awscloud.State
	carry   *provision.Provisioner
	accept  []string
	renames bool
}

func newWorld(t testing.TB) *world {
	t.Helper()
	cloud := &localcloud.Cloud{}
	t.Cleanup(cloud.Close)
	cfg := aws.Config{
		Region: region, BaseEndpoint: aws.String("http://aws.local"), HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: cloud}},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	w := &world{t: t, cloud: cloud, ad: &active{}}
	w.must(cloud.CreateIdentityStore(account, region, storeID))
	w.makeTable(dynamodb.NewFromConfig(cfg))
	session := awscloud.NewSession(cfg, "test")
	w.state = &awscloud.State{Session: session, At: awscloud.Place{Region: region}, Table: "state", Now: cloud.Now}
	identity := &store.Identity{Session: session, At: awscloud.Place{Region: region}, StoreID: storeID}
	w.carry = &provision.Provisioner{
		Deployment: "prod", StoreID: storeID, Way: directory.ByAPI, Mode: studio.Enforce,
		Active: w.ad, Store: identity, Writer: identity, Records: store.Records{State: w.state},
		Carried: func(context.Context) (func(string) bool, error) {
			return func(name string) bool { return strings.HasPrefix(name, "studio-") }, nil
		},
		Adopt: directory.AdoptNone, Grace: 168 * time.Hour, Limit: plan.Limit{Count: 10, Percent: 20, Floor: 2, Window: time.Hour},
		Renames:  plan.Limit{Count: 50, Percent: 50, Floor: 10, Window: time.Hour},
		Removals: w.state, Leases: w.state, Journal: w.state, Now: cloud.Now, Log: slog.New(slog.DiscardHandler),
	}
	return w
}

// virtually runs a story in time that passes by itself.
func virtually(t *testing.T, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		story(w)
	})
}

func (w *world) makeTable(client *dynamodb.Client) {
	w.t.Helper()
	in := &dynamodb.CreateTableInput{TableName: aws.String("state"), BillingMode: dynamotypes.BillingModePayPerRequest}
	for name, kind := range map[string]dynamotypes.KeyType{"pk": dynamotypes.KeyTypeHash, "sk": dynamotypes.KeyTypeRange} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, dynamotypes.AttributeDefinition{AttributeName: &name, AttributeType: dynamotypes.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema, dynamotypes.KeySchemaElement{AttributeName: &name, KeyType: kind})
	}
	slices.SortFunc(in.KeySchema, func(a, b dynamotypes.KeySchemaElement) int {
		return strings.Compare(string(a.KeyType), string(b.KeyType))
	})
	_, err := client.CreateTable(context.Background(), in)
	w.must(err)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// guid is a GUID that a name stands for.
func guid(name string) string { return fmt.Sprintf("%08x-0000-0000-0000-%012x", len(name), hash(name)) }

func hash(name string) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h & 0xffffffffffff
}

// hire puts accounts into Active Directory.
func (w *world) hire(names ...string) {
	for _, name := range names {
		w.ad.source.Users = append(w.ad.source.Users, directory.Account{
			GUID: guid(name), DN: "CN=" + name + ",OU=Staff,DC=corp,DC=example", UserName: name + "@corp.example", Email: name + "@corp.example",
			DisplayName: name + " Doe", GivenName: name, FamilyName: "Doe",
		})
	}
}

// account gives somebody's account, to be changed.
func (w *world) account(name string) *directory.Account {
	w.t.Helper()
	for n := range w.ad.source.Users {
		if w.ad.source.Users[n].GUID == guid(name) {
			return &w.ad.source.Users[n]
		}
	}
	w.t.Fatalf("nobody is called %s", name)
	return nil
}

// group makes a group of Active Directory, or gives it other members.
func (w *world) group(name string, members ...string) {
	var in []directory.SourceMember
	for _, m := range members {
		in = append(in, directory.SourceMember{GUID: guid(m), DN: "CN=" + m + ",OU=Staff,DC=corp,DC=example"})
	}
	for n := range w.ad.source.Groups {
		if w.ad.source.Groups[n].Name == name {
			w.ad.source.Groups[n].Members = in
			return
		}
	}
	w.ad.source.Groups = append(w.ad.source.Groups, directory.SourceGroup{GUID: guid(name), DN: "CN=" + name + ",OU=Groups,DC=corp,DC=example", Name: name, Members: in})
}

func by() plan.Trigger {
	return plan.Trigger{Kind: "person", ID: "arn:aws:iam::111122223333:user/ops", Name: "directory apply"}
}

func (w *world) plan() (provision.Proposal, error) {
	return w.carry.Plan(context.Background(), provision.Options{AcceptGone: w.accept, AcceptRenames: w.renames})
}

// run plans and applies, and shows what became of each change.
func (w *world) run() []string {
	w.t.Helper()
	done, err := w.try()
	w.must(err)
	return shown(done)
}

func (w *world) try() (directory.Result, error) {
	made, err := w.plan()
	if err != nil {
		return directory.Result{}, err
	}
	return w.carry.Apply(context.Background(), made, provision.Options{}, by())
}

func shown(done directory.Result) []string {
	out := []string{}
	for _, s := range done.Steps {
		line := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s: %s", s.Kind, strings.TrimSuffix(s.UserName, "@corp.example"), s.Group, s.Outcome)), " ")
		out = append(out, strings.ReplaceAll(line, " :", ":"))
	}
	slices.Sort(out)
	return append(out, done.Problems...)
}

// there shows the identity store: every user with their groups.
func (w *world) there() []string {
	w.t.Helper()
	ctx := context.Background()
	users, err := w.carry.Store.Users(ctx)
	w.must(err)
	groups, err := w.carry.Store.Groups(ctx)
	w.must(err)
	in := map[string][]string{}
	for _, g := range groups {
		members, err := w.carry.Store.Members(ctx, g.ID)
		w.must(err)
		for _, m := range members {
			in[m.UserID] = append(in[m.UserID], g.Name)
		}
	}
	out := []string{}
	for _, u := range users {
		slices.Sort(in[u.ID])
		out = append(out, strings.TrimSpace(strings.TrimSuffix(u.UserName, "@corp.example")+" "+strings.Join(in[u.ID], " ")))
	}
	slices.Sort(out)
	return out
}

func (w *world) want(what string, got, want any) {
	w.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// writes counts the calls that changed the identity store.
func (w *world) writes() int {
	n := 0
	for _, c := range w.cloud.Calls() {
		if c.Service == "identitystore" && !strings.HasPrefix(c.Operation, "List") && !strings.HasPrefix(c.Operation, "Describe") && !strings.HasPrefix(c.Operation, "Get") {
			n++
		}
	}
	return n
}

func (w *world) held() []string {
	w.t.Helper()
	all, err := w.state.Removals(context.Background(), plan.DirectoryDomain)
	w.must(err)
	out := []string{}
	for _, r := range all {
		out = append(out, strings.TrimSuffix(r.UserName, "@corp.example")+" "+string(r.Decision))
	}
	slices.Sort(out)
	return out
}

// decide does what removals approve and reject do.
func (w *world) decide(d reconcile.Decision) {
	w.t.Helper()
	all, err := w.state.Removals(context.Background(), plan.DirectoryDomain)
	w.must(err)
	for _, r := range all {
		if r.Decision == reconcile.Held {
			r.Decision, r.At, r.Until = d, w.cloud.Now(), w.cloud.Now().Add(720*time.Hour)
			w.must(w.state.Decide(context.Background(), r))
		}
	}
}

func wantError(t testing.TB, err error, is error, says string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want %v that says %q", err, is, says)
	}
}
