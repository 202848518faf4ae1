package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
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
	"studiokeeper/internal/provision"
)

const storeID = "d-906716eb24"

func TestMain(m *testing.M) {
	for name, value := range map[string]string{"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// in runs a story in virtual time on a local cloud.
func in(t *testing.T, story func(t *testing.T, cloud *localcloud.Cloud, s *store.Identity, r store.Records)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cloud := &localcloud.Cloud{}
		defer cloud.Close()
		cfg := aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: cloud}},
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		}
		must(t, cloud.CreateIdentityStore("111122223333", "us-east-1", storeID))
		makeTable(t, cfg)
		session := awscloud.NewSession(cfg, "test")
		at := awscloud.Place{Region: "us-east-1"}
		story(t, cloud, &store.Identity{Session: session, At: at, StoreID: storeID}, store.Records{State: &awscloud.State{Session: session, At: at, Table: "state"}})
	})
}

func makeTable(t *testing.T, cfg aws.Config) {
	t.Helper()
	in := &dynamodb.CreateTableInput{TableName: aws.String("state"), BillingMode: dynamotypes.BillingModePayPerRequest}
	for _, name := range []string{"pk", "sk"} {
		kind := map[string]dynamotypes.KeyType{"pk": dynamotypes.KeyTypeHash, "sk": dynamotypes.KeyTypeRange}[name]
		in.AttributeDefinitions = append(in.AttributeDefinitions, dynamotypes.AttributeDefinition{AttributeName: &name, AttributeType: dynamotypes.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema, dynamotypes.KeySchemaElement{AttributeName: &name, KeyType: kind})
	}
	_, err := dynamodb.NewFromConfig(cfg).CreateTable(context.Background(), in)
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func alice() directory.Person {
	return directory.Person{UserName: "alice@corp.example", Email: "alice@corp.example", DisplayName: "Alice Doe", GivenName: "Alice", FamilyName: "Doe"}
}

func TestAUserIsWhatWasWritten(t *testing.T) {
	in(t, func(t *testing.T, _ *localcloud.Cloud, s *store.Identity, _ store.Records) {
		ctx := context.Background()
		p := alice()
		var err error
		p.ID, err = s.CreateUser(ctx, p)
		must(t, err)
		_, err = s.CreateUser(ctx, alice())
		if !errors.Is(err, provision.ErrTaken) {
			t.Errorf("a second time: %v", err)
		}
		after := directory.Person{ID: p.ID, UserName: "a.doe@corp.example", Email: "a.doe@corp.example", DisplayName: "A. Doe", GivenName: "A.", FamilyName: "Doe"}
		must(t, s.UpdateUser(ctx, p, after))
		must(t, s.UpdateUser(ctx, after, after))
		now, err := s.User(ctx, p.ID)
		must(t, err)
		wants(t, "after a change", now, after)
		bare := after
		bare.Email = ""
		must(t, s.UpdateUser(ctx, after, bare))
		all, err := s.Users(ctx)
		must(t, err)
		wants(t, "without an address", all, []directory.Person{bare})
		off := bare
		off.Disabled = true
		if err := s.UpdateUser(ctx, bare, off); s.CanDisable() || !errors.Is(err, provision.ErrCannot) {
			t.Errorf("disabling: %v", err)
		}
		must(t, s.DeleteUser(ctx, p.ID))
		must(t, s.DeleteUser(ctx, p.ID))
		if _, err := s.User(ctx, p.ID); !errors.Is(err, provision.ErrGone) {
			t.Errorf("reading somebody who is gone: %v", err)
		}
		if err := s.UpdateUser(ctx, p, after); !errors.Is(err, provision.ErrGone) {
			t.Errorf("changing somebody who is gone: %v", err)
		}
	})
}

func TestMembersComeAndGo(t *testing.T) {
	in(t, func(t *testing.T, _ *localcloud.Cloud, s *store.Identity, _ store.Records) {
		ctx := context.Background()
		group, err := s.CreateGroup(ctx, directory.TargetGroup{Name: "studio-a"})
		must(t, err)
		_, err = s.CreateGroup(ctx, directory.TargetGroup{Name: "studio-a"})
		if !errors.Is(err, provision.ErrTaken) {
			t.Errorf("a second time: %v", err)
		}
		must(t, s.RenameGroup(ctx, group, "studio-b"))
		var ids []string
		for n := range 3 {
			p := alice()
			p.UserName, p.Email = fmt.Sprintf("u%d", n), ""
			id, err := s.CreateUser(ctx, p)
			must(t, err)
			ids = append(ids, id)
		}
		must(t, s.AddMembers(ctx, group, ids[:2]))
		must(t, s.AddMembers(ctx, group, ids))
		members, err := s.Members(ctx, group)
		must(t, err)
		must(t, s.RemoveMembers(ctx, group, members[:1]))
		must(t, s.RemoveMembers(ctx, group, members[:2]))
		left, err := s.Members(ctx, group)
		must(t, err)
		wants(t, "who is left", left, members[2:])
		groups, err := s.Groups(ctx)
		must(t, err)
		wants(t, "groups", groups, []directory.TargetGroup{{ID: group, Name: "studio-b"}})
		nobody := "11111111-2222-3333-4444-555555555555"
		if err := s.AddMembers(ctx, group, []string{nobody}); !errors.Is(err, provision.ErrGone) {
			t.Errorf("somebody who is not there: %v", err)
		}
		if _, err := s.Members(ctx, nobody); !errors.Is(err, provision.ErrGone) {
			t.Errorf("a group that is not there: %v", err)
		}
		if err := s.RenameGroup(ctx, nobody, "x"); !errors.Is(err, provision.ErrGone) {
			t.Errorf("renaming a group that is not there: %v", err)
		}
	})
}

// A list is whole or an error, and stays below the API's rate.
func TestListsAreWholeOrFail(t *testing.T) {
	in(t, func(t *testing.T, cloud *localcloud.Cloud, s *store.Identity, _ store.Records) {
		console := cloud.Console("111122223333", "us-east-1", storeID)
		for n := range 5_000 {
			must(t, console.SeedUser(fmt.Sprintf("%08x-0000-0000-0000-000000000000", n), localcloud.Person{UserName: fmt.Sprintf("u%d", n)}))
		}
		cloud.Throttle = true
		began := time.Now()
		all, err := s.Users(context.Background())
		must(t, err)
		took := time.Since(began)
		if len(all) != 5_000 || took < 1900*time.Millisecond || took > 3*time.Second {
			t.Errorf("%d users in %s; 50 pages at 20 a second take 2s", len(all), took)
		}
		for _, c := range cloud.Calls() {
			if c.Error != "" {
				t.Errorf("%s: %s", c.Operation, c.Error)
			}
		}
		cloud.Inject(localcloud.Fault{Operation: "ListUsers", After: 3, Code: "InternalServerException"})
		if all, err := s.Users(context.Background()); err == nil || all != nil {
			t.Errorf("half a list: %d users, %v", len(all), err)
		}
		cloud.ClearFaults()
		cloud.Inject(localcloud.Fault{Operation: "ListUsers", Answer: `{"Users":[{"UserName":"nobody","IdentityStoreId":"d-906716eb24"}]}`})
		if all, err := s.Users(context.Background()); err == nil || all != nil {
			t.Errorf("a user without an id: %v, %v", all, err)
		}
	})
}

func TestRecordsAreKept(t *testing.T) {
	in(t, func(t *testing.T, _ *localcloud.Cloud, _ *store.Identity, r store.Records) {
		ctx := context.Background()
		left := time.Date(2026, 3, 2, 1, 2, 3, 4, time.UTC)
		kept := []directory.Record{
			{Kind: directory.GroupObject, GUID: "g-1", ID: "id-1", Made: true, Name: "studio-a"},
			{Kind: directory.UserObject, GUID: "u-1", Made: true, Name: "alice"},
			{Kind: directory.UserObject, GUID: "u-2", ID: "id-2", Name: "bob", Left: left},
		}
		must(t, r.Keep(ctx, kept))
		must(t, r.Keep(ctx, kept))
		got, err := r.Records(ctx)
		must(t, err)
		wants(t, "records", got, kept)
		kept[1].ID, kept[2].Left = "id-3", time.Time{}
		must(t, r.Keep(ctx, kept[1:]))
		must(t, r.Forget(ctx, kept[0]))
		must(t, r.Forget(ctx, kept[0]))
		got, err = r.Records(ctx)
		must(t, err)
		wants(t, "records after changes", got, kept[1:])
	})
}

// A record that cannot be understood is an error, not somebody less.
func TestARecordThatIsNoneIsAnError(t *testing.T) {
	in(t, func(t *testing.T, _ *localcloud.Cloud, _ *store.Identity, r store.Records) {
		shelf := awscloud.Shelf{State: r.State, Key: "directory"}
		for _, bad := range []awscloud.ShelfItem{{Name: "u-1"}, {Name: "user#"}, {Name: "user#u-1", Texts: map[string]string{"left": "yesterday"}}} {
			must(t, shelf.Put(context.Background(), []awscloud.ShelfItem{bad}))
			_, err := r.Records(context.Background())
			if err == nil || !strings.Contains(err.Error(), bad.Name) || !strings.Contains(err.Error(), "repair it") {
				t.Errorf("%s: got %v", bad.Name, err)
			}
			must(t, shelf.Drop(context.Background(), bad.Name))
		}
	})
}
