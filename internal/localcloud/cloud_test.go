package localcloud_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	idtypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/localcloud"
)

const (
	home      = "us-east-1"
	account   = "111122223333"
	member    = "444455556666"
	storeID   = "d-906716eb24"
	studyRole = "arn:aws:iam::111122223333:role/studio/ad-group-1"
	plainRole = "arn:aws:iam::111122223333:role/studio-default"
)

// world is a local cloud behind a real HTTP server, with the identity store storeID in it.
type world struct {
	t     *testing.T
	cloud *localcloud.Cloud
	url   string
}

// newWorld starts a cloud whose clock only Advance moves.
func newWorld(t *testing.T, cloud *localcloud.Cloud) *world {
	t.Helper()
	began := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	cloud.Clock = func() time.Time { return began }
	server := httptest.NewServer(cloud)
	t.Cleanup(func() {
		server.Close()
		cloud.Close()
	})
	if err := cloud.CreateIdentityStore(account, home, storeID); err != nil {
		t.Fatal(err)
	}
	return &world{t: t, cloud: cloud, url: server.URL}
}

// as is the configuration of a caller: an account is named by its digits as the access key.
func (w *world) as(key, region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &w.url, Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
		APIOptions: []func(*middleware.Stack) error{awscloud.PlainBody},
	}
}

func (w *world) identity() *identitystore.Client {
	return identitystore.NewFromConfig(w.as(account, home))
}

func (w *world) studio() *sagemaker.Client { return sagemaker.NewFromConfig(w.as(account, home)) }

func (w *world) security() *sts.Client { return sts.NewFromConfig(w.as(account, home)) }

// must gives the output of a call that has to succeed.
func must[O any](w *world, out O, err error) O {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// codeOf is the error code of a refused call, "" of one that succeeded.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (w *world) wantCode(what string, err error, want string) {
	w.t.Helper()
	if got := codeOf(err); got != want {
		w.t.Errorf("%s: got %q (%v), want %q", what, got, err, want)
	}
}

func newUser(userName string) *identitystore.CreateUserInput {
	return &identitystore.CreateUserInput{
		IdentityStoreId: aws.String(storeID), UserName: &userName, DisplayName: &userName,
		Name: &idtypes.Name{GivenName: &userName, FamilyName: aws.String("Example")},
	}
}

// user enters a user and returns its id.
func (w *world) user(userName string) string {
	w.t.Helper()
	out, err := w.identity().CreateUser(context.Background(), newUser(userName))
	return *must(w, out, err).UserId
}

// group enters a group and returns its id.
func (w *world) group(displayName string) string {
	w.t.Helper()
	out, err := w.identity().CreateGroup(context.Background(), &identitystore.CreateGroupInput{
		IdentityStoreId: aws.String(storeID), DisplayName: &displayName,
	})
	return *must(w, out, err).GroupId
}

func memberID(userID string) idtypes.MemberId { return &idtypes.MemberIdMemberUserId{Value: userID} }

// join puts a user into a group and returns the membership's id.
func (w *world) join(groupID, userID string) string {
	w.t.Helper()
	out, err := w.identity().CreateGroupMembership(context.Background(), &identitystore.CreateGroupMembershipInput{
		IdentityStoreId: aws.String(storeID), GroupId: &groupID, MemberId: memberID(userID),
	})
	return *must(w, out, err).MembershipId
}

func newDomain(name string, mode smtypes.AuthMode) *sagemaker.CreateDomainInput {
	return &sagemaker.CreateDomainInput{
		DomainName: &name, AuthMode: mode, VpcId: aws.String("vpc-1"), SubnetIds: []string{"subnet-1"},
		DefaultUserSettings: &smtypes.UserSettings{ExecutionRole: aws.String(plainRole)},
	}
}

// domain makes a domain in service and returns its id.
func (w *world) domain(name string, mode smtypes.AuthMode) string {
	w.t.Helper()
	out, err := w.studio().CreateDomain(context.Background(), newDomain(name, mode))
	id := *must(w, out, err).DomainId
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	return id
}

func newProfile(domain, name, userName string) *sagemaker.CreateUserProfileInput {
	return &sagemaker.CreateUserProfileInput{
		DomainId: &domain, UserProfileName: &name,
		SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &userName,
		UserSettings: &smtypes.UserSettings{ExecutionRole: aws.String(studyRole)},
		Tags:         []smtypes.Tag{{Key: aws.String("studiokeeper:deployment"), Value: aws.String("prod")}},
	}
}
