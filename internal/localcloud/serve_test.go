package localcloud_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func signed(service string) string {
	return "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
}

// post sends a request as it is and returns status, error type and body.
func (w *world) post(headers map[string]string, body string) (int, string, string) {
	w.t.Helper()
	request, err := http.NewRequest(http.MethodPost, w.url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for k, v := range headers {
		request.Header.Set(k, v)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("x-amzn-ErrorType"), string(answer)
}

func TestWhatTheCloudDoesNotKnowIsAProperError(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	form := "application/x-www-form-urlencoded"
	rows := []struct {
		name       string
		headers    map[string]string
		body       string
		status     int
		inTheReply string
	}{
		{"an unknown operation", map[string]string{"X-Amz-Target": "SageMaker.CreateModel", "Authorization": signed("sagemaker")}, "{}", 400, `"__type":"UnknownOperationException"`},
		{"an unknown service", map[string]string{"X-Amz-Target": "Kinesis_20131202.PutRecord", "Authorization": signed("kinesis")}, "{}", 400, "it serves identitystore, sagemaker"},
		{"a REST service", map[string]string{"Authorization": signed("route53")}, "", 400, "UnknownOperationException"},
		{"an unknown query operation", map[string]string{"Content-Type": form, "Authorization": signed("sts")}, "Action=Nope&Version=2011-06-15", 400, "<Code>InvalidAction</Code>"},
		{"an unknown query service", map[string]string{"Content-Type": form, "Authorization": signed("sns")}, "Action=Publish", 400, "<Code>InvalidAction</Code>"},
		{"no signature", map[string]string{"X-Amz-Target": "SageMaker.ListDomains"}, "{}", 403, "MissingAuthenticationTokenException"},
		{"half a signature", map[string]string{"X-Amz-Target": "SageMaker.ListDomains", "Authorization": "Bearer x"}, "{}", 400, "IncompleteSignatureException"},
	}
	for _, row := range rows {
		status, _, reply := w.post(row.headers, row.body)
		if status != row.status || !strings.Contains(reply, row.inTheReply) || strings.Contains(strings.ToLower(reply), "<html") {
			t.Errorf("%s: got %d %s, want %d with %s", row.name, status, reply, row.status, row.inTheReply)
		}
	}
}

func TestRequestsThatDoNotFitTheModel(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	rows := []struct {
		name, target, body string
		want, names        string
	}{
		{"no JSON", "AWSIdentityStore.ListUsers", "{", "SerializationException", "JSON"},
		{"a list", "AWSIdentityStore.ListUsers", "[]", "SerializationException", "object"},
		{"two values", "AWSIdentityStore.ListUsers", "{}{}", "SerializationException", "goes on"},
		{"a number for a string", "AWSIdentityStore.ListUsers", `{"IdentityStoreId":5}`, "SerializationException", "identityStoreId"},
		{"a string for a number", "AWSIdentityStore.ListUsers", `{"IdentityStoreId":"d-906716eb24","MaxResults":"5"}`, "SerializationException", "maxResults"},
		{"a fraction for a whole number", "AWSIdentityStore.ListUsers", `{"IdentityStoreId":"d-906716eb24","MaxResults":5.5}`, "SerializationException", "maxResults"},
		{"a number beyond 32 bits", "AWSIdentityStore.ListUsers", `{"IdentityStoreId":"d-906716eb24","MaxResults":4294967301}`, "SerializationException", "maxResults"},
		{"an absurd exponent", "AWSIdentityStore.ListUsers", `{"IdentityStoreId":"d-906716eb24","MaxResults":1e999999999}`, "SerializationException", "maxResults"},
		{"null in a list", "AWSIdentityStore.ListUsers", `{"IdentityStoreId":"d-906716eb24","Filters":[null]}`, "SerializationException", "filters.1"},
		{"a required member missing", "AWSIdentityStore.ListUsers", `{}`, "ValidationException", "'identityStoreId'"},
		{"a required member null", "AWSIdentityStore.DescribeUser", `{"IdentityStoreId":null}`, "ValidationException", "2 validation errors"},
		{"a union with two members", "AWSIdentityStore.GetUserId", `{"IdentityStoreId":"d-906716eb24","AlternateIdentifier":{"ExternalId":{},"UniqueAttribute":{}}}`, "SerializationException", "alternateIdentifier"},
		{"a union of nothing known", "AWSIdentityStore.GetUserId", `{"IdentityStoreId":"d-906716eb24","AlternateIdentifier":{"Nope":1}}`, "SerializationException", "alternateIdentifier"},
		{"a value outside an enumeration", "SageMaker.ListUserProfiles", `{"SortOrder":"Sideways"}`, "ValidationException", "'sortOrder'"},
		{"an unknown member, which AWS ignores", "SageMaker.ListUserProfiles", `{"Nope":{"a":[1]}}`, "", "UserProfiles"},
		{"another spelling, which is unknown", "SageMaker.ListUserProfiles", `{"maxResults":1000}`, "", "UserProfiles"},
		{"null for a member that may be left out", "SageMaker.ListUserProfiles", `{"MaxResults":null}`, "", "UserProfiles"},
		{"no body", "SageMaker.ListUserProfiles", ``, "", "UserProfiles"},
	}
	for _, row := range rows {
		_, got, reply := w.post(map[string]string{"X-Amz-Target": row.target, "Authorization": signed("x")}, row.body)
		if got != row.want || !strings.Contains(reply, row.names) {
			t.Errorf("%s: got %q %s, want %q naming %s", row.name, got, reply, row.want, row.names)
		}
	}
}

func TestRateIsLimitedPerOperationAndRefills(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{Throttle: true})
	list := func() error {
		_, err := w.identity().ListGroups(ctx, &identitystore.ListGroupsInput{IdentityStoreId: aws.String(storeID)})
		return err
	}
	for range 20 {
		w.wantCode("within the rate", list(), "")
	}
	w.wantCode("the 21st within a second", list(), "ThrottlingException")
	_, err := w.identity().ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: aws.String(storeID)})
	w.wantCode("another operation meanwhile", err, "")
	w.cloud.Advance(100 * time.Millisecond)
	w.wantCode("a tenth of a second later", list(), "")
	w.wantCode("and again", list(), "")
	w.wantCode("and a third time", list(), "ThrottlingException")
}

func TestRatesNameTheirSource(t *testing.T) {
	for _, r := range localcloud.Rates() {
		if r.PerSecond <= 0 || r.Burst <= 0 {
			t.Errorf("%+v can never be met", r)
		}
		if r.Service == "identitystore" && (!r.Published || r.PerSecond != 20) {
			t.Errorf("%+v is not AWS's published rate", r)
		}
	}
}

func TestFaultsStrikeAsOrdered(t *testing.T) {
	ctx := context.Background()
	list := func(w *world) error {
		_, err := w.studio().ListDomains(ctx, &sagemaker.ListDomainsInput{})
		return err
	}
	t.Run("after two calls, for two calls", func(t *testing.T) {
		w := newWorld(t, &localcloud.Cloud{})
		w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "ListDomains", After: 2, Times: 2, Code: "InternalFailure", Status: 500})
		var got []string
		for range 5 {
			got = append(got, codeOf(list(w)))
		}
		if diff := cmp.Diff([]string{"", "", "InternalFailure", "InternalFailure", ""}, got); diff != "" {
			t.Errorf("codes (-want +got):\n%s", diff)
		}
	})
	t.Run("until cleared", func(t *testing.T) {
		w := newWorld(t, &localcloud.Cloud{})
		w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Code: "AccessDeniedException"})
		w.wantCode("before clearing", list(w), "AccessDeniedException")
		w.cloud.ClearFaults()
		w.wantCode("after clearing", list(w), "")
	})
	t.Run("on one resource", func(t *testing.T) {
		w := newWorld(t, &localcloud.Cloud{})
		w.cloud.Inject(localcloud.Fault{Resource: "second", Code: "InternalFailure"})
		_, err := w.studio().CreateDomain(ctx, newDomain("first", smtypes.AuthModeIam))
		w.wantCode("the first domain", err, "")
		_, err = w.studio().CreateDomain(ctx, newDomain("second", smtypes.AuthModeIam))
		w.wantCode("the second domain", err, "InternalFailure")
	})
}

func TestFaultBeforeOrAfterTheEffect(t *testing.T) {
	ctx := context.Background()
	rows := []struct {
		name  string
		fault localcloud.Fault
		made  int
	}{
		{"an error before", localcloud.Fault{Code: "InternalFailure", Effect: localcloud.Before}, 0},
		{"an error after", localcloud.Fault{Code: "InternalFailure", Effect: localcloud.After}, 1},
		{"a connection lost before", localcloud.Fault{Drop: true, Effect: localcloud.Before}, 0},
		{"a connection lost after", localcloud.Fault{Drop: true, Effect: localcloud.After}, 1},
		{"an answer cut", localcloud.Fault{Truncate: true}, 1},
	}
	for _, row := range rows {
		w := newWorld(t, &localcloud.Cloud{})
		row.fault.Operation = "CreateDomain"
		w.cloud.Inject(row.fault)
		if _, err := w.studio().CreateDomain(ctx, newDomain("research", smtypes.AuthModeIam)); err == nil {
			t.Errorf("%s: the client noticed nothing", row.name)
		}
		list, err := w.studio().ListDomains(ctx, &sagemaker.ListDomainsInput{})
		if got := len(must(w, list, err).Domains); got != row.made {
			t.Errorf("%s: %d domains exist, want %d", row.name, got, row.made)
		}
	}
}

func TestFaultDelaysTheCall(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.cloud.Inject(localcloud.Fault{Operation: "ListDomains", Delay: 30 * time.Millisecond})
	began := time.Now()
	_, err := w.studio().ListDomains(context.Background(), &sagemaker.ListDomainsInput{})
	w.wantCode("the delayed call", err, "")
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("the call took %s, want at least 30ms", took)
	}
}

func TestCallLogTellsEveryCall(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.group("ml")
	_, err := w.studio().DescribeDomain(ctx, &sagemaker.DescribeDomainInput{DomainId: aws.String("d-none")})
	w.wantCode("describing", err, "ResourceNotFound")
	now := w.cloud.Now()
	user := "arn:aws:iam::" + account + ":user/" + account
	want := []localcloud.Call{
		{Service: "identitystore", Operation: "CreateGroup", Account: account, Region: home, Principal: user, Time: now},
		{Service: "sagemaker", Operation: "DescribeDomain", Account: account, Region: home, Principal: user, Time: now, Error: "ResourceNotFound"},
	}
	got := w.cloud.Calls()
	for i := range got {
		if got[i].End.Before(got[i].Start) || got[i].Start.IsZero() {
			t.Errorf("call %d ended at %s, began at %s", i, got[i].End, got[i].Start)
		}
		got[i].Start, got[i].End = time.Time{}, time.Time{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"identitystore.CreateGroup": 1, "sagemaker.DescribeDomain": 1}, w.cloud.CallCounts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	w.cloud.ResetCalls()
	if got := w.cloud.Calls(); len(got) != 0 {
		t.Errorf("after the reset: %v", got)
	}
}

// It remembers many, of which each had a signature.
func TestCallLogHoldsOnToNoSignature(t *testing.T) {
	const calls, size = 64, 1 << 20
	var c localcloud.Cloud
	defer c.Close()
	held := heldBy(func() {
		for range calls {
			r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
			r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
			r.Header.Set("Authorization", signed("dynamodb")+strings.Repeat("0", size))
			c.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
	if n := len(c.Calls()); n != calls || held > calls*size/4 {
		t.Errorf("%d calls with signatures of %d bytes are remembered in %d bytes", n, size, held)
	}
}

// heldBy is by how much more memory is in use after f.
func heldBy(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

func TestFailedCallLeavesARecordAndAReadLeavesNone(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	_, err := w.studio().DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: aws.String("d-none")})
	w.wantCode("deleting", err, "ResourceNotFound")
	_, err = w.studio().ListDomains(ctx, &sagemaker.ListDomainsInput{})
	w.wantCode("listing", err, "")
	want := []string{`sagemaker.amazonaws.com DeleteDomain {"domainId":"d-none"} ResourceNotFound`}
	if diff := cmp.Diff(want, w.trail()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}
