package conformance

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	idtypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// Whatever a run makes has ownPrefix and the run in its name, and ownTag where it can have tags.
const (
	ownPrefix = "studiokeeper-conformance-"
	ownTag    = "studiokeeper:conformance"
)

// named is a name that nothing else has.
func (g *target) named(name string) string {
	g.made++
	return fmt.Sprintf("%s%s-%d-%s", ownPrefix, g.run, g.made, name)
}

// afterwards takes something away when the contract has been asked, however that ended: remove is repeated until
// it says that there is nothing left.
func (c *trial) afterwards(what string, remove func(context.Context) error) {
	if c.keep {
		return
	}
	c.t.Cleanup(func() {
		if err := c.removed(context.Background(), what, remove); err != nil {
			c.t.Errorf("%v; it stays behind until a run with -sweep", err)
		}
	})
}

func (g *target) removed(ctx context.Context, what string, remove func(context.Context) error) error {
	var last error
	err := g.until(what+" goes", func() (bool, error) {
		last = remove(ctx)
		return gone(last), nil
	})
	if err != nil {
		return fmt.Errorf("%w; the last attempt to remove it: %s", err, said(last))
	}
	return nil
}

// once is a removal that is over when the call succeeds.
func once(call func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := call(ctx); err != nil {
			return err
		}
		return errGone
	}
}

type person struct{ id, name string }

// user makes a user.
func (c *trial) user(name string) person {
	c.t.Helper()
	userName := c.named(name) + "@example.com"
	out, err := c.people().CreateUser(c.ctx(), c.newUser(userName))
	if code(err) == "AccessDeniedException" && !c.local {
		c.pass("the identity store takes no users through its API: %s", said(err))
	}
	c.must(err, "making user %s", userName)
	c.afterwards("user "+userName, func(ctx context.Context) error { return c.removeUser(ctx, *out.UserId) })
	return person{*out.UserId, userName}
}

func (c *trial) newUser(userName string) *identitystore.CreateUserInput {
	return &identitystore.CreateUserInput{
		IdentityStoreId: &c.store, UserName: &userName, DisplayName: &userName,
		Name: &idtypes.Name{GivenName: aws.String("Conformance"), FamilyName: aws.String("Example")},
	}
}

func (g *target) removeUser(ctx context.Context, id string) error {
	_, err := g.people().DeleteUser(ctx, &identitystore.DeleteUserInput{IdentityStoreId: &g.store, UserId: &id})
	return err
}

// group makes a group and gives its id and display name.
func (c *trial) group(name string) (id, displayName string) {
	c.t.Helper()
	displayName = c.named(name)
	out, err := c.people().CreateGroup(c.ctx(), &identitystore.CreateGroupInput{IdentityStoreId: &c.store, DisplayName: &displayName})
	if code(err) == "AccessDeniedException" && !c.local {
		c.pass("the identity store takes no groups through its API: %s", said(err))
	}
	c.must(err, "making group %s", displayName)
	c.afterwards("group "+displayName, func(ctx context.Context) error { return c.removeGroup(ctx, *out.GroupId) })
	return *out.GroupId, displayName
}

func (g *target) removeGroup(ctx context.Context, id string) error {
	_, err := g.people().DeleteGroup(ctx, &identitystore.DeleteGroupInput{IdentityStoreId: &g.store, GroupId: &id})
	return err
}

func (c *trial) join(group, user string) (membership string) {
	c.t.Helper()
	out, err := c.people().CreateGroupMembership(c.ctx(), &identitystore.CreateGroupMembershipInput{
		IdentityStoreId: &c.store, GroupId: &group, MemberId: &idtypes.MemberIdMemberUserId{Value: user},
	})
	c.must(err, "putting user %s into group %s", user, group)
	return *out.MembershipId
}

// newProfile is a profile of a user, with the run's tag.
func (c *trial) newProfile(name, userName string) *sagemaker.CreateUserProfileInput {
	return &sagemaker.CreateUserProfileInput{
		DomainId: &c.domain, UserProfileName: &name, SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &userName,
		UserSettings: &smtypes.UserSettings{ExecutionRole: &c.role}, Tags: c.ownTags(),
	}
}

func (g *target) ownTags() []smtypes.Tag {
	return []smtypes.Tag{{Key: aws.String(ownTag), Value: aws.String(g.run)}}
}

// create makes a profile that may still be pending.
func (c *trial) create(in *sagemaker.CreateUserProfileInput) (arn string, err error) {
	out, err := c.studio().CreateUserProfile(c.ctx(), in)
	if err != nil {
		return "", err
	}
	c.afterwards("user profile "+*in.UserProfileName, func(ctx context.Context) error { return c.removeProfile(ctx, *in.UserProfileName) })
	return *out.UserProfileArn, nil
}

// profile makes a user and their profile, and waits until it is in service.
func (c *trial) profile(name string) (profile, userName string) {
	c.t.Helper()
	p := c.user(name)
	profile = c.named(name)
	_, err := c.create(c.newProfile(profile, p.name))
	c.must(err, "making user profile %s", profile)
	c.ready(profile)
	return profile, p.name
}

func (c *trial) ready(profile string) {
	c.t.Helper()
	c.must(c.until("user profile "+profile+" is in service", func() (bool, error) {
		is, err := c.describe(profile)
		if err == nil && strings.HasSuffix(string(is.Status), "Failed") {
			err = fmt.Errorf("%s: %s", is.Status, aws.ToString(is.FailureReason))
		}
		return err == nil && is.Status == smtypes.UserProfileStatusInService, err
	}), "waiting")
}

func (c *trial) describe(profile string) (*sagemaker.DescribeUserProfileOutput, error) {
	return c.studio().DescribeUserProfile(c.ctx(), &sagemaker.DescribeUserProfileInput{DomainId: &c.domain, UserProfileName: &profile})
}

func (g *target) removeProfile(ctx context.Context, name string) error {
	_, err := g.studio().DeleteUserProfile(ctx, &sagemaker.DeleteUserProfileInput{DomainId: &g.domain, UserProfileName: &name})
	return err
}
