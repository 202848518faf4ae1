package localcloud_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

const memberRole = "arn:aws:iam::444455556666:role/admin/studiokeeper-member"

func TestCallerIdentityFollowsTheAccessKey(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	for key, want := range map[string]string{
		"444455556666": "444455556666", // an account's digits are that account
		"test":         account,        // everything else is the default account
		"AKIAEXAMPLE":  account,
	} {
		out, err := sts.NewFromConfig(w.as(key, home)).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		must(w, out, err)
		if *out.Account != want || *out.Arn != "arn:aws:iam::"+want+":user/"+key {
			t.Errorf("access key %s: account %s as %s, want %s", key, *out.Account, *out.Arn, want)
		}
	}
	other := newWorld(t, &localcloud.Cloud{Account: "777788889999"})
	out, err := sts.NewFromConfig(other.as("test", home)).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if *must(w, out, err).Account != "777788889999" {
		t.Errorf("the configured default account is not used: %s", *out.Account)
	}
}

func TestAssumedRoleActsInItsAccountUntilItExpires(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	out, err := w.security().AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String(memberRole), RoleSessionName: aws.String("studiokeeper-events"), DurationSeconds: aws.Int32(900),
	})
	issued := must(w, out, err).Credentials
	if !issued.Expiration.Equal(w.cloud.Now().Add(15 * time.Minute)) {
		t.Errorf("the credentials expire at %s, want in 15 minutes", issued.Expiration)
	}
	config := w.as("", home)
	config.Credentials = credentials.NewStaticCredentialsProvider(*issued.AccessKeyId, *issued.SecretAccessKey, *issued.SessionToken)
	who, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(w, who, err)
	if want := "arn:aws:sts::444455556666:assumed-role/studiokeeper-member/studiokeeper-events"; *who.Account != member || *who.Arn != want {
		t.Errorf("the assumed role is %s in %s, want %s", *who.Arn, *who.Account, want)
	}
	made, err := sagemaker.NewFromConfig(config).CreateDomain(ctx, newDomain("theirs", smtypes.AuthModeIam))
	must(w, made, err)
	record := w.cloud.Records(member, home)[0]
	if record.UserIdentity.Type != "AssumedRole" || record.UserIdentity.ARN != *who.Arn {
		t.Errorf("the record names %+v, want the assumed role", record.UserIdentity)
	}
	issuer, session, _ := strings.Cut(*who.UserId, ":")
	wantContext := &localcloud.SessionContext{
		SessionIssuer: localcloud.SessionIssuer{Type: "Role", PrincipalID: issuer, ARN: memberRole, AccountID: member, UserName: "studiokeeper-member"},
		Attributes:    localcloud.SessionAttributes{CreationDate: "2026-03-01T09:00:00Z", MFAAuthenticated: "false"},
	}
	if diff := cmp.Diff(wantContext, record.UserIdentity.SessionContext); diff != "" || session == "" {
		t.Errorf("the record's session (-want +got):\n%s", diff)
	}

	w.cloud.Advance(15 * time.Minute)
	_, err = sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	w.wantCode("after the expiry, sts", err, "ExpiredTokenException")
	_, err = sagemaker.NewFromConfig(config).ListDomains(ctx, &sagemaker.ListDomainsInput{})
	w.wantCode("after the expiry, sagemaker", err, "ExpiredTokenException")
	config.Credentials = credentials.NewStaticCredentialsProvider("ASIAINVENTED", "x", "x")
	_, err = sagemaker.NewFromConfig(config).ListDomains(ctx, &sagemaker.ListDomainsInput{})
	w.wantCode("a temporary key that nobody issued", err, "UnrecognizedClientException")
}

func TestAssumeRoleRefuses(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.cloud.TrustRole(memberRole, "7f1c")
	rows := []struct {
		name, role, session string
		external            *string
		want                string
	}{
		{"the right external id", memberRole, "events", aws.String("7f1c"), ""},
		{"another external id", memberRole, "events", aws.String("8888"), "AccessDenied"},
		{"no external id", memberRole, "events", nil, "AccessDenied"},
		{"an unregistered role", "arn:aws:iam::444455556666:role/other", "events", nil, ""},
		{"a user", "arn:aws:iam::444455556666:user/somebody", "events", nil, "ValidationError"},
		{"a session name with a space", memberRole, "my events", aws.String("7f1c"), "ValidationError"},
		{"a session name of one character", memberRole, "e", aws.String("7f1c"), "ValidationError"},
		{"an account of 11 digits", "arn:aws:iam::44445555666:role/other", "events", nil, "ValidationError"},
	}
	for _, row := range rows {
		_, err := w.security().AssumeRole(context.Background(), &sts.AssumeRoleInput{
			RoleArn: &row.role, RoleSessionName: &row.session, ExternalId: row.external,
		})
		w.wantCode(row.name, err, row.want)
	}
}

func TestSignedURLIsACallToo(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	response, err := http.Get(w.url + "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential=444455556666%2F20260301%2Fus-east-1%2Fsts%2Faws4_request")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "<Account>444455556666</Account>") {
		t.Errorf("got %d %s (%v), want the caller's account", response.StatusCode, body, err)
	}
}
