package inspect_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/awscloud/inspect"
	"studiokeeper/internal/doctor"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

const (
	account = "111122223333"
	region  = "us-east-1"
)

var (
	here   = awscloud.Place{Region: region}
	domain = studio.Domain{Name: "research", ID: "d-abcdefghijkl", Region: region, Account: account}
)

func newCloud(t *testing.T) (*localcloud.Cloud, *awscloud.Session, aws.Config) {
	t.Helper()
	cloud := &localcloud.Cloud{}
	t.Cleanup(cloud.Close)
	cfg := aws.Config{
		Region: region, BaseEndpoint: aws.String("http://aws.invalid"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  &http.Client{Transport: localcloud.Transport{Cloud: cloud}},
	}
	return cloud, awscloud.NewSession(cfg, "inspect"), cfg
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reads are all reads of this package, of things that do not exist.
func reads(s *awscloud.Session) map[string]func(context.Context) error {
	roles := &inspect.Roles{Session: s}
	parts := &inspect.Deployment{Session: s, At: here}
	role := "arn:aws:iam::" + account + ":role/none"
	return map[string]func(context.Context) error{
		"iam:GetRole":                     func(ctx context.Context) error { _, err := roles.Trust(ctx, domain, role); return err },
		"iam:ListRolePolicies":            func(ctx context.Context) error { _, err := roles.Policies(ctx, domain, role); return err },
		"iam:SimulatePrincipalPolicy":     func(ctx context.Context) error { _, err := roles.Decide(ctx, domain, role, question()); return err },
		"events:DescribeRule":             func(ctx context.Context) error { _, err := parts.Rule(ctx, "none"); return err },
		"sqs:GetQueueUrl":                 func(ctx context.Context) error { _, err := parts.Queue(ctx, "none"); return err },
		"cloudwatch:DescribeAlarms":       func(ctx context.Context) error { _, err := parts.Alarms(ctx, "none"); return err },
		"lambda:GetFunctionConfiguration": func(ctx context.Context) error { _, err := parts.Function(ctx, "none"); return err },
		"cloudtrail:DescribeTrails": func(ctx context.Context) error {
			_, err := (&inspect.Trails{Session: s, At: here}).Trails(ctx)
			return err
		},
		"servicequotas:GetServiceQuota": func(ctx context.Context) error {
			_, err := (&inspect.Quotas{Session: s}).Profiles(ctx, domain)
			return err
		},
	}
}

func question() doctor.Question {
	return doctor.Question{Actions: []string{"s3:GetObject"}, Resources: []string{"*"}}
}

func TestADeniedReadIsErrDeniedAndNamesTheAction(t *testing.T) {
	cloud, s, _ := newCloud(t)
	cloud.Inject(localcloud.Fault{Code: "AccessDenied", Status: 403})
	for action, read := range reads(s) {
		err := read(t.Context())
		if !errors.Is(err, reconcile.ErrDenied) || !strings.Contains(err.Error(), action+" on ") {
			t.Errorf("%s: got %v", action, err)
		}
	}
}

func TestABrokenReadIsAnErrorAndNeitherDeniedNorGone(t *testing.T) {
	cloud, s, _ := newCloud(t)
	cloud.Inject(localcloud.Fault{Truncate: true})
	for action, read := range reads(s) {
		err := read(t.Context())
		if err == nil || errors.Is(err, reconcile.ErrDenied) || errors.Is(err, reconcile.ErrGone) {
			t.Errorf("%s: got %v", action, err)
		}
	}
}

func TestWhatDoesNotExistIsErrGone(t *testing.T) {
	_, s, _ := newCloud(t)
	for _, action := range []string{"iam:GetRole", "iam:ListRolePolicies", "iam:SimulatePrincipalPolicy", "events:DescribeRule", "sqs:GetQueueUrl", "lambda:GetFunctionConfiguration"} {
		if err := reads(s)[action](t.Context()); !errors.Is(err, reconcile.ErrGone) || errors.Is(err, reconcile.ErrDenied) {
			t.Errorf("%s: got %v", action, err)
		}
	}
}

func TestARoleIsReadWithItsPath(t *testing.T) {
	_, s, cfg := newCloud(t)
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	_, err := iam.NewFromConfig(cfg).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("science"), Path: aws.String("/studio/"), AssumeRolePolicyDocument: aws.String(trust)})
	must(t, err)
	roles := &inspect.Roles{Session: s}
	got, err := roles.Trust(t.Context(), domain, "arn:aws:iam::"+account+":role/studio/science")
	if err != nil || got != trust {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := roles.Trust(t.Context(), domain, "arn:aws:iam::"+account+":role/science"); err == nil || !strings.Contains(err.Error(), "write its path") {
		t.Errorf("a role of another path is another role, but got %v", err)
	}
}

func TestAllAlarmsAreListedHoweverManyThereAre(t *testing.T) {
	_, s, _ := newCloud(t)
	api := awscloud.API{ID: "CloudWatch", Target: "GraniteServiceVersion20100801", Signing: "monitoring", Host: "monitoring", Version: "1.0"}
	for n := range 230 {
		must(t, s.Call(t.Context(), api, here, "PutMetricAlarm", "alarm", map[string]any{
			"AlarmName": "ours-" + strings.Repeat("x", n), "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold",
		}, nil))
	}
	found, err := (&inspect.Deployment{Session: s, At: here}).Alarms(t.Context(), "ours-")
	if err != nil || len(found) != 230 || !found[0].Enabled || found[0].Ringing {
		t.Errorf("got %d alarms, %v", len(found), err)
	}
}
