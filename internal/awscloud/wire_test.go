package awscloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// sessionTo is a Session whose every call goes to url, and which retries without waiting.
func sessionTo(url string) *Session {
	return NewSession(aws.Config{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("111122223333", "secret", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(retries(3), func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}, "test")
}

// served is a Session whose every call answer handles.
func served(t *testing.T, answer http.HandlerFunc) *Session {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return sessionTo(server.URL)
}

func research() studio.Domain {
	return studio.Domain{Name: "research", ID: "d-abcdefghijkl", Region: "us-east-1", Account: "111122223333"}
}

func TestRefusalsAreDecodedFromEveryFormAWSUses(t *testing.T) {
	tests := []struct{ name, header, body, code, message string }{
		{"type", "", `{"__type":"ResourceInUse","message":"busy"}`, "ResourceInUse", "busy"},
		{"type with a namespace", "", `{"__type":"com.amazonaws.sagemaker#ResourceInUse","Message":"busy"}`, "ResourceInUse", "busy"},
		{"type with a URL", "", `{"__type":"ResourceInUse:http://internal.amazon.com/x","message":"busy"}`, "ResourceInUse", "busy"},
		{"type with both", "", `{"__type":"ns#ResourceInUse:http://x","message":"busy"}`, "ResourceInUse", "busy"},
		{"header", "ResourceInUse:http://x", `{"message":"busy"}`, "ResourceInUse", "busy"},
		{"header over body", "ResourceInUse", `{"__type":"Other","message":"busy"}`, "ResourceInUse", "busy"},
		{"old code member", "", `{"code":"ResourceInUse","message":"busy"}`, "ResourceInUse", "busy"},
		{"a proxy's page", "", "<html>\n<body>no</body>", "HTTP400", `an answer without an error code: "<html>"`},
		{"nothing at all", "", "", "HTTP400", `an answer without an error code: ""`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := served(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("x-amzn-RequestId", "0a1b2c")
				if test.header != "" {
					w.Header().Set("x-amzn-ErrorType", test.header)
				}
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, test.body)
			})
			err := s.jsonAt(sagemakerAPI(), Place{}).call(t.Context(), "DescribeUserProfile", struct{}{}, &struct{}{})
			refused, ok := errors.AsType[smithy.APIError](err)
			if !ok {
				t.Fatalf("want a smithy.APIError, got %v", err)
			}
			got := []string{refused.ErrorCode(), refused.ErrorMessage()}
			if diff := cmp.Diff([]string{test.code, test.message}, got); diff != "" {
				t.Error(diff)
			}
			id, ok := errors.AsType[interface {
				error
				ServiceRequestID() string
			}](err)
			if !ok || id.ServiceRequestID() != "0a1b2c" {
				t.Errorf("the request id is lost in %v", err)
			}
		})
	}
}

func TestARequestIsSignedAndNamesItsTargetAndUs(t *testing.T) {
	var got http.Header
	var body, path string
	s := served(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got, body, path = r.Header, string(raw), r.URL.Path
		_, _ = io.WriteString(w, `{"Parameter":{"Value":"deployment: prod"}}`)
	})
	value, err := s.Parameter(t.Context(), Place{Region: "eu-west-1"}, "/studiokeeper/config")
	if err != nil || value != "deployment: prod" {
		t.Fatalf("got %q, %v", value, err)
	}
	if want := `{"Name":"/studiokeeper/config","WithDecryption":true}`; body != want {
		t.Errorf("body %s, want %s", body, want)
	}
	for header, want := range map[string]string{
		"X-Amz-Target": "AmazonSSM.GetParameter", "Content-Type": "application/x-amz-json-1.1",
		"Authorization": "/eu-west-1/ssm/aws4_request", "User-Agent": "app/studiokeeper",
	} {
		if !strings.Contains(got.Get(header), want) {
			t.Errorf("%s: %q lacks %q", header, got.Get(header), want)
		}
	}
	if path != "/" {
		t.Errorf("path %q, want /", path)
	}
}

func TestAnswersThatCannotBeRightAreErrors(t *testing.T) {
	arn := "arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-abcdefghijkl/alice"
	tests := map[string]string{
		"empty":              ``,
		"half a document":    `{"UserProfileName":"alice","UserProfile`,
		"not an object":      `["alice"]`,
		"a page of HTML":     `<html>`,
		"nobody":             `{}`,
		"without a status":   `{"UserProfileName":"alice","UserProfileArn":"` + arn + `"}`,
		"of somebody else":   `{"UserProfileName":"bob","UserProfileArn":"` + arn + `","Status":"InService"}`,
		"odd user settings":  `{"UserProfileName":"alice","UserProfileArn":"` + arn + `","Status":"InService","UserSettings":[]}`,
		"more than 10 MB":    `{"UserProfileName":"` + strings.Repeat("a", maxAnswer) + `"}`,
		"a time that is not": `{"UserProfileName":"alice","UserProfileArn":"` + arn + `","Status":"InService","CreationTime":"yesterday"}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			s := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			_, err := (&Profiles{s}).Describe(t.Context(), research(), "alice")
			if err == nil || errors.Is(err, reconcile.ErrGone) {
				t.Errorf("got %v, want an error that is not ErrGone", err)
			}
			if err != nil && !strings.Contains(err.Error(), `"alice" in domain d-abcdefghijkl (account 111122223333, us-east-1)`) {
				t.Errorf("%v does not say what and where", err)
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsAskedForAgain(t *testing.T) {
	asked := 0
	s := served(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		body := `{"Parameter":{"Value":"x"}}`
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		if asked == 1 {
			_, _ = io.WriteString(w, body[:9])
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, body)
	})
	value, err := s.Parameter(t.Context(), Place{}, "p")
	if value != "x" || err != nil || asked != 2 {
		t.Errorf("got %q, %v after %d requests, want x after 2", value, err, asked)
	}
}

func TestTheRetryLoopTriesWhatMayPassAndNothingElse(t *testing.T) {
	tests := []struct {
		name   string
		status int
		code   string
		tries  int
		fault  Fault
	}{
		{"throttled", 400, "ThrottlingException", 3, Throttled},
		{"a server error", 500, "InternalFailure", 3, Unavailable},
		{"a gateway without a code", 503, "", 3, Unavailable},
		{"denied", 400, "AccessDeniedException", 1, Denied},
		{"expired", 400, "ExpiredTokenException", 1, Expired},
		{"invalid", 400, "ValidationException", 1, Refused},
		{"missing", 400, "ParameterNotFound", 1, Missing},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			s := served(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.WriteHeader(test.status)
				_, _ = fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, test.code)
			})
			_, err := s.Parameter(t.Context(), Place{}, "p")
			if asked != test.tries || FaultOf(err) != test.fault {
				t.Errorf("%d requests and %q, want %d and %q: %v", asked, FaultOf(err), test.tries, test.fault, err)
			}
		})
	}
}

func TestAnEndedContextIsRecognised(t *testing.T) {
	s := served(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client hung up
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Parameter(ctx, Place{}, "p")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the time for this run was over") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	tests := []struct {
		code, message string
		want          string
	}{
		{"AccessDeniedException", "not authorized",
			`sagemaker:DescribeUserProfile on user profile "alice" in domain d-abcdefghijkl (account 111122223333, us-east-1): ` +
				`AccessDeniedException: not authorized (request r-1); allow sagemaker:DescribeUserProfile there to whoever runs this`},
		{"ExpiredTokenException", "expired",
			`sagemaker:DescribeUserProfile on user profile "alice" in domain d-abcdefghijkl (account 111122223333, us-east-1): ` +
				`ExpiredTokenException: expired (request r-1); get new credentials, then run it again`},
		{"ThrottlingException", "Rate exceeded",
			`sagemaker:DescribeUserProfile on user profile "alice" in domain d-abcdefghijkl (account 111122223333, us-east-1): ` +
				`ThrottlingException: Rate exceeded (request r-1); it was tried again several times; try later, or run fewer things at once`},
	}
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			s := served(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("x-amzn-RequestId", "r-1")
				w.WriteHeader(400)
				_, _ = fmt.Fprintf(w, `{"__type":%q,"message":%q}`, test.code, test.message)
			})
			_, err := (&Profiles{s}).Describe(t.Context(), research(), "alice")
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSageMakersRefusalsHaveAMeaning(t *testing.T) {
	tests := []struct {
		operation, code, message string
		want                     error
	}{
		{"DescribeUserProfile", "ResourceNotFound", "UserProfile [d-abcdefghijkl/alice] does not exist.", reconcile.ErrGone},
		{"DescribeUserProfile", "ResourceNotFound", "User profile 'alice' does not exist in domain 'd-abcdefghijkl'", reconcile.ErrGone},
		{"DescribeUserProfile", "ResourceNotFound", "Domain [d-abcdefghijkl] does not exist.", nil},
		{"DescribeUserProfile", "ResourceNotFound", "Domain [arn:aws:sagemaker:us-east-1:111122223333:domain/d-x] does not exist", nil},
		{"ListTags", "ResourceNotFound", "", reconcile.ErrGone},
		{"CreateUserProfile", "ResourceInUse", "UserProfile [d-abcdefghijkl/alice] already exists.", reconcile.ErrNameTaken},
		{"CreateUserProfile", "ResourceInUse", "UserProfile [d-abcdefghijkl/sso-user-already] already exists.", reconcile.ErrNameTaken},
		{"CreateUserProfile", "ResourceInUse", "SingleSignOnUserValue [alice] already has UserProfile [d-x/alice-471].", reconcile.ErrUserHasProfile},
		{"CreateUserProfile", "ValidationException", "User alice@example.com is already associated with UserProfile alice-471", reconcile.ErrUserHasProfile},
		{"CreateUserProfile", "ValidationException", "SSO user [alice] is not assigned to the domain's application", reconcile.ErrNotAssigned},
		{"CreateUserProfile", "ValidationException", "The SSO user is not associated with Domain [d-x]", reconcile.ErrNotAssigned},
		{"CreateUserProfile", "ValidationException", "SingleSignOnUserValue [alice] does not exist in IAM Identity Center.", nil},
		{"CreateUserProfile", "ResourceLimitExceeded", "The account-level service limit is 60", reconcile.ErrQuota},
		{"CreateUserProfile", "ResourceInUse", "Domain [d-abcdefghijkl] is in Updating status.", reconcile.ErrBusy},
		{"UpdateUserProfile", "ResourceInUse", "UserProfile [x] has running App(s)", reconcile.ErrBusy},
		{"UpdateUserProfile", "ValidationException", "UserProfile [x] is in Pending state", reconcile.ErrBusy},
		{"UpdateUserProfile", "ValidationException", "1 validation error detected", nil},
		{"UpdateUserProfile", "ResourceNotFound", "UserProfile [x] does not exist.", reconcile.ErrGone},
		{"DescribeDomain", "ResourceNotFound", "Domain [d-abcdefghijkl] does not exist.", reconcile.ErrGone},
		{"ListApps", "ResourceNotFound", "Domain [d-abcdefghijkl] does not exist.", nil},
		{"DeleteApp", "ResourceNotFound", "App [d-abcdefghijkl/alice/JupyterServer/default] does not exist.", reconcile.ErrGone},
		{"DeleteApp", "ResourceNotFound", "App with name 'default' does not exist in domain 'd-abcdefghijkl'", reconcile.ErrGone},
		{"DeleteApp", "ResourceNotFound", "Domain [d-abcdefghijkl] does not exist.", nil},
		{"DeleteApp", "ValidationException", "App [arn:aws:sagemaker:us-east-1:111122223333:app/x] has already been deleted.", reconcile.ErrGone},
		{"DeleteApp", "ValidationException", "The app is already deleted", reconcile.ErrGone},
		{"DeleteApp", "ValidationException", "App [x] previously failed and was automatically deleted.", reconcile.ErrGone},
		{"DeleteApp", "ValidationException", "Cannot delete App [x] because it is in Deleting status.", reconcile.ErrGone},
		{"DeleteApp", "ResourceInUse", "App [x] is in Deleting status.", reconcile.ErrGone},
		{"DeleteApp", "ResourceInUse", "App [deleting] is in Pending status.", reconcile.ErrBusy},
		{"DeleteApp", "ValidationException", "Cannot delete App [x] because it is in Pending status.", reconcile.ErrBusy},
		{"DeleteApp", "ValidationException", "1 validation error detected", nil},
		{"DeleteApp", "ResourceNotFound", "Space [d-abcdefghijkl/work] does not exist in the domain.", reconcile.ErrGone},
		{"ListApps", "ResourceNotFound", "Space 'work' does not exist in domain 'd-abcdefghijkl'", reconcile.ErrGone},
		{"ListSpaces", "ResourceNotFound", "Domain [d-abcdefghijkl] does not exist.", nil},
		{"DeleteSpace", "ResourceNotFound", "Space [d-abcdefghijkl/work] does not exist.", reconcile.ErrGone},
		{"DeleteSpace", "ResourceNotFound", "Space work does not exist in Domain d-abcdefghijkl", reconcile.ErrGone},
		{"DeleteSpace", "ResourceNotFound", "Domain [d-abcdefghijkl] does not exist.", nil},
		{"DeleteSpace", "ResourceNotFound", "Domain [space] does not exist.", nil},
		{"DeleteSpace", "ResourceInUse", "Unable to delete Space [x] because App(s) are associated with it.", reconcile.ErrBusy},
		{"DeleteSpace", "ValidationException", "Space [x] still has an app", reconcile.ErrBusy},
		{"DeleteSpace", "ResourceInUse", "App [x] of Space [y] is in Deleting status.", reconcile.ErrBusy},
		{"DeleteSpace", "ValidationException", "Unable to delete Space [x] because it is in Pending status.", reconcile.ErrBusy},
		{"DeleteSpace", "ValidationException", "Space [x] is not InService", reconcile.ErrBusy},
		{"DeleteSpace", "ValidationException", "Cannot delete a space whose state is [Pending]", reconcile.ErrBusy},
		{"DeleteSpace", "ValidationException", "Space [deleting] is in Updating status", reconcile.ErrBusy},
		{"DeleteSpace", "ValidationException", "Unable to delete Space [x] because it is in Deleting status.", reconcile.ErrGone},
		{"DeleteSpace", "ResourceInUse", "The space is already being deleted", reconcile.ErrGone},
		{"DeleteSpace", "ValidationException", "Space [x] has already been deleted.", reconcile.ErrGone},
		{"DeleteSpace", "ValidationException", "1 validation error detected", nil},
		{"DeleteSpace", "AccessDeniedException", "not authorized: Space is in Deleting status", nil},
		{"DeleteUserProfile", "ResourceNotFound", "UserProfile [d-abcdefghijkl/alice] does not exist.", reconcile.ErrGone},
		{"DeleteUserProfile", "ResourceNotFound", "Domain [d-abcdefghijkl] does not exist.", nil},
		{"DeleteUserProfile", "ResourceInUse", "UserProfile [x] is in Deleting status.", reconcile.ErrGone},
		{"DeleteUserProfile", "ResourceInUse", "UserProfile [x] is in Updating status.", reconcile.ErrBusy},
		{"DeleteUserProfile", "ValidationException", "UserProfile [x] is in Pending status.", reconcile.ErrBusy},
		{"DeleteUserProfile", "ResourceInUse", "Unable to delete UserProfile [x] because App(s) are associated with it.", reconcile.ErrBusy},
		{"DeleteUserProfile", "ResourceInUse", "Unable to delete UserProfile [x] because Space(s) are associated with it.", reconcile.ErrBusy},
		{"DeleteUserProfile", "ResourceInUse", "UserProfile [x] has spaces in Deleting status.", reconcile.ErrBusy},
		{"DeleteUserProfile", "ValidationException", "1 validation error detected", nil},
		{"DeleteTags", "ResourceNotFound", "Could not find resource", reconcile.ErrGone},
		{"UpdateUserProfile", "AccessDeniedException", "UserProfile already exists", nil},
	}
	for _, test := range tests {
		err := &smithy.OperationError{Err: &smithy.GenericAPIError{Code: test.code, Message: test.message}}
		if got := meaning(test.operation, err); !errors.Is(got, test.want) {
			t.Errorf("%s answered %s %q: got %v, want %v", test.operation, test.code, test.message, got, test.want)
		}
	}
}

func TestEndpointsFollowTheSDK(t *testing.T) {
	global, own := "http://127.0.0.1:4566", "http://127.0.0.1:9000/sm"
	tests := []struct {
		name string
		env  map[string]string
		cfg  aws.Config
		want string
	}{
		{"AWS's own", nil, aws.Config{Region: "eu-west-1"}, "https://api.sagemaker.eu-west-1.amazonaws.com/"},
		{"China", nil, aws.Config{Region: "cn-north-1"}, "https://api.sagemaker.cn-north-1.amazonaws.com.cn/"},
		{"GovCloud", nil, aws.Config{Region: "us-gov-west-1"}, "https://api.sagemaker.us-gov-west-1.amazonaws.com/"},
		{"one for all", nil, aws.Config{Region: "eu-west-1", BaseEndpoint: &global}, global + "/"},
		{"one of its own", nil, aws.Config{Region: "eu-west-1", BaseEndpoint: &global, ConfigSources: []any{endpoints{"SageMaker": own}}}, own},
		{"one of a service whose id has a space", map[string]string{"AWS_ENDPOINT_URL": global, "AWS_ENDPOINT_URL_SSO_ADMIN": own},
			aws.Config{Region: "eu-west-1", BaseEndpoint: &global, ConfigSources: []any{endpoints{ssoAdminID: own}}}, own},
		{"another service's", nil, aws.Config{Region: "eu-west-1", BaseEndpoint: &global, ConfigSources: []any{endpoints{"STS": own}}}, global + "/"},
		{"the environment's for all beats a file's", map[string]string{"AWS_ENDPOINT_URL": global},
			aws.Config{Region: "eu-west-1", BaseEndpoint: &global, ConfigSources: []any{endpoints{"SageMaker": own}}}, global + "/"},
		{"the environment's own beats the one for all", map[string]string{"AWS_ENDPOINT_URL": global, "AWS_ENDPOINT_URL_SAGEMAKER": own},
			aws.Config{Region: "eu-west-1", BaseEndpoint: &global, ConfigSources: []any{endpoints{"SageMaker": own}}}, own},
		{"configured ones are to be ignored", nil, aws.Config{Region: "eu-west-1", ConfigSources: []any{ignored{}, endpoints{"SageMaker": own}}},
			"https://api.sagemaker.eu-west-1.amazonaws.com/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			api := sagemakerAPI()
			if strings.Contains(test.name, "id has a space") {
				api = ssoAdminAPI()
			}
			got, err := (&jsonClient{cfg: test.cfg, api: api}).endpoint(t.Context())
			if err != nil || got.String() != test.want {
				t.Errorf("got %v, %v; want %s", got, err, test.want)
			}
		})
	}
	for _, api := range []jsonAPI{ssoAdminAPI(), sqsAPI(), eventsAPI(), ssmAPI()} {
		got, err := (&jsonClient{cfg: aws.Config{Region: "eu-west-1"}, api: api}).endpoint(t.Context())
		if want := "https://" + api.signing + ".eu-west-1.amazonaws.com/"; err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v; want %s", api.id, got, err, want)
		}
	}
	if _, err := (&jsonClient{api: sagemakerAPI()}).endpoint(t.Context()); err == nil {
		t.Error("without a Region: no error")
	}
}

// endpoints is a configuration source with endpoints by service id.
type endpoints map[string]string

func (e endpoints) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	url, ok := e[id]
	return url, ok, nil
}

// ignored is a configuration source that says AWS_IGNORE_CONFIGURED_ENDPOINT_URLS.
type ignored struct{}

func (ignored) GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error) {
	return true, true, nil
}
