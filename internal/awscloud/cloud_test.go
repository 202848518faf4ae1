package awscloud

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	storeID = "d-906716eb24"
)

// TestMain lets tests wait side by side: those of failing calls wait for the SDK to give up far more than they compute.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// newCloud starts a local cloud in which nothing takes time but the end of an app, and a Session on it.
func newCloud(t *testing.T) (*localcloud.Cloud, *Session) {
	t.Helper()
	cloud := &localcloud.Cloud{ProfileDelay: -1, SpaceDelay: -1, AppDelay: -1, ProfileQuota: 1000}
	if err := cloud.CreateIdentityStore(account, region, storeID); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	t.Cleanup(func() { server.Close(); cloud.Close() })
	return cloud, sessionTo(server.URL)
}

// identity is an id as Identity Center makes them.
func identity(n int) string { return fmt.Sprintf("906716eb24-00000000-0000-4000-8000-%012d", n) }

// directory seeds a user per name and a group per display name; ids are identity(1…) and identity(1001…).
func directory(t *testing.T, cloud *localcloud.Cloud, users, groups []string) *localcloud.Console {
	t.Helper()
	console := cloud.Console(account, region, storeID)
	for n, name := range users {
		must(t, console.SeedUser(identity(n+1), localcloud.Person{UserName: name}))
	}
	for n, name := range groups {
		must(t, console.SeedGroup(identity(n+1001), name))
	}
	return console
}

func identityStore(s *Session) *IdentityStore {
	return &IdentityStore{Session: s, At: Place{Region: region}, StoreID: storeID}
}

// studioDomain makes a domain in Identity Center mode.
func studioDomain(t *testing.T, s *Session, at Place) studio.Domain {
	t.Helper()
	out, err := sagemaker.NewFromConfig(s.at(at)).CreateDomain(t.Context(), &sagemaker.CreateDomainInput{
		DomainName: aws.String("research"), AuthMode: sagemakertypes.AuthModeSso,
		DefaultUserSettings:  &sagemakertypes.UserSettings{ExecutionRole: aws.String(roleNamed("default"))},
		DefaultSpaceSettings: &sagemakertypes.DefaultSpaceSettings{ExecutionRole: aws.String(roleNamed("spaces"))},
		SubnetIds:            []string{"subnet-0a1b2c3d"}, VpcId: aws.String("vpc-0a1b2c3d"),
	})
	must(t, err)
	owner := cmp.Or(at.Account, account)
	return studio.Domain{Name: "research", ID: *out.DomainId, Region: at.Region, Account: owner, AssumeRole: at.Role}
}

func roleNamed(name string) string { return "arn:aws:iam::" + account + ":role/studio/" + name }

// newTable makes a DynamoDB table with two string keys.
func newTable(t *testing.T, s *Session, name, hash, sort string) {
	t.Helper()
	_, err := s.dynamodbAt(Place{}).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: &hash, AttributeType: types.ScalarAttributeTypeS}, {AttributeName: &sort, AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange},
		},
	})
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// failures are what every read must answer with an error, after as many attempts as are due.
func failures() map[string]struct {
	fault localcloud.Fault
	want  Fault
} {
	type row = struct {
		fault localcloud.Fault
		want  Fault
	}
	return map[string]row{
		"throttled without end":   {localcloud.Fault{Code: "ThrottlingException"}, Throttled},
		"an internal error":       {localcloud.Fault{Code: "InternalFailure", Status: 500}, Unavailable},
		"denied":                  {localcloud.Fault{Code: "AccessDeniedException"}, Denied},
		"expired credentials":     {localcloud.Fault{Code: "ExpiredTokenException", Status: 403}, Expired},
		"the connection dropped":  {localcloud.Fault{Drop: true}, Unavailable},
		"the answer was cut off":  {localcloud.Fault{Truncate: true}, Unavailable},
		"a store that is missing": {localcloud.Fault{Code: "ResourceNotFoundException"}, Missing},
	}
}

// answersNothing: of an answer without a body nothing can be cut off.
func answersNothing(operation string) bool {
	return operation == "DeleteSpace" || operation == "DeleteUserProfile"
}

// failsOnEveryFailure runs read under every failure of one operation: once throttled it must come
// through, otherwise it must be an error that names action and place.
func failsOnEveryFailure(t *testing.T, cloud *localcloud.Cloud, service, operation string, read func() error) {
	t.Helper()
	for name, f := range failures() {
		if f.fault.Truncate && answersNothing(operation) {
			continue
		}
		t.Run(operation+": "+name, func(t *testing.T) {
			cloud.ClearFaults()
			defer cloud.ClearFaults()
			f.fault.Service, f.fault.Operation = service, operation
			cloud.Inject(f.fault)
			err := read()
			if FaultOf(err) != f.want {
				t.Fatalf("got %q, want %q: %v", FaultOf(err), f.want, err)
			}
			failed, ok := errors.AsType[*Error](err)
			if !ok || !strings.HasSuffix(failed.Action, ":"+operation) || !strings.Contains(err.Error(), region) {
				t.Errorf("%v does not say what failed where", err)
			}
		})
	}
	t.Run(operation+": throttled once", func(t *testing.T) {
		cloud.ClearFaults()
		defer cloud.ClearFaults()
		cloud.Inject(localcloud.Fault{Service: service, Operation: operation, Code: "ThrottlingException", Times: 1})
		must(t, read())
	})
}
