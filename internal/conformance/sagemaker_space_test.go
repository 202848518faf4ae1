package conformance

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func (c *trial) createSpace(name, owner string) error {
	_, err := c.studio().CreateSpace(c.ctx(), &sagemaker.CreateSpaceInput{
		DomainId: &c.domain, SpaceName: &name, Tags: c.ownTags(),
		OwnershipSettings:    &types.OwnershipSettings{OwnerUserProfileName: &owner},
		SpaceSharingSettings: &types.SpaceSharingSettings{SharingType: types.SharingTypePrivate},
		SpaceSettings: &types.SpaceSettings{
			AppType: types.AppTypeJupyterLab, SpaceStorageSettings: &types.SpaceStorageSettings{EbsStorageSettings: &types.EbsStorageSettings{EbsVolumeSizeInGb: aws.Int32(5)}},
		},
	})
	if err == nil {
		c.afterwards("space "+name, func(ctx context.Context) error { return c.removeSpace(ctx, name) })
	}
	return err
}

// space makes a private space and waits until it is in service.
func (c *trial) space(owner string) string {
	c.t.Helper()
	name := c.named("space")
	c.must(c.createSpace(name, owner), "making space %s", name)
	c.must(c.until("space "+name+" is in service", func() (bool, error) {
		is, err := c.studio().DescribeSpace(c.ctx(), &sagemaker.DescribeSpaceInput{DomainId: &c.domain, SpaceName: &name})
		return err == nil && is.Status == types.SpaceStatusInService, err
	}), "waiting")
	return name
}

func (g *target) removeSpace(ctx context.Context, name string) error {
	_, err := g.studio().DeleteSpace(ctx, &sagemaker.DeleteSpaceInput{DomainId: &g.domain, SpaceName: &name})
	return err
}

func (c *trial) remover() *awscloud.Remover { return &awscloud.Remover{Session: c.session()} }

func spaceContracts() []contract {
	return []contract{
		{says: "a private space is listed with its owner and its sharing type", hold: func(c *trial) {
			owner, _ := c.profile("alice")
			name := c.space(owner)
			spaces, err := (&awscloud.Spaces{Session: c.session()}).Spaces(c.ctx(), c.place(), owner)
			c.must(err, "ListSpaces")
			c.want(len(spaces) == 1 && spaces[0].Name == name && spaces[0].Owner == owner && !spaces[0].Shared, "the spaces are %v", spaces)
		}},
		{says: "DeleteUserProfile while a space exists is ResourceInUse, and taken for busy", hold: func(c *trial) {
			owner, _ := c.profile("alice")
			c.space(owner)
			err := c.remover().DeleteProfile(c.ctx(), c.place(), owner)
			c.refused("DeleteUserProfile", err, "ResourceInUse")
			c.means("DeleteUserProfile", err, reconcile.ErrBusy)
		}},
		{says: "a pending space refuses its deletion, and is taken for busy", open: true, hold: func(c *trial) {
			owner, _ := c.profile("alice")
			name := c.named("space")
			c.must(c.createSpace(name, owner), "CreateSpace")
			err := c.remover().DeleteSpace(c.ctx(), c.place(), name)
			c.refused("DeleteSpace", err, "ValidationException", "ResourceInUse")
			c.means("DeleteSpace", err, reconcile.ErrBusy)
		}},
		{says: "a space that is going, or gone, is deleted again with success or what is taken for it", open: true, hold: func(c *trial) {
			owner, _ := c.profile("alice")
			name := c.space(owner)
			c.must(c.remover().DeleteSpace(c.ctx(), c.place(), name), "DeleteSpace")
			err := c.remover().DeleteSpace(c.ctx(), c.place(), name)
			c.answer("DeleteSpace while it goes: %s", said(err))
			c.want(err == nil || errors.Is(err, reconcile.ErrBusy), "DeleteSpace while it goes: %s", said(err))
			c.must(c.until("space "+name+" is gone", func() (bool, error) {
				_, err := c.studio().DescribeSpace(c.ctx(), &sagemaker.DescribeSpaceInput{DomainId: &c.domain, SpaceName: &name})
				if gone(err) {
					return true, nil
				}
				return false, err
			}), "waiting")
			err = c.remover().DeleteSpace(c.ctx(), c.place(), name)
			c.want(err == nil, "DeleteSpace when it is gone: %s", said(err))
		}},
		{says: "a page of spaces has 100 at most: 101 is ValidationException", hold: func(c *trial) {
			_, err := c.studio().ListSpaces(c.ctx(), &sagemaker.ListSpacesInput{DomainIdEquals: &c.domain, MaxResults: aws.Int32(101)})
			c.refused("ListSpaces", err, "ValidationException")
		}},
		{says: "a space for a profile that does not exist is refused", open: true, hold: func(c *trial) {
			err := c.createSpace(c.named("space"), c.named("none"))
			c.answer("CreateSpace: %s", said(err))
			c.want(err != nil, "CreateSpace succeeds")
		}},
	}
}

// app names a JupyterLab app in a space.
func app(space string) studio.App {
	return studio.App{Space: space, Type: string(types.AppTypeJupyterLab), Name: "default"}
}

func (c *trial) stopper() *awscloud.Apps { return &awscloud.Apps{Session: c.session()} }

// start starts the app of a space and waits until it runs.
func (c *trial) start(space string) {
	c.t.Helper()
	if !c.apps {
		c.pass("it starts an instance, which costs a little: give -apps")
	}
	_, err := c.studio().CreateApp(c.ctx(), &sagemaker.CreateAppInput{
		DomainId: &c.domain, SpaceName: &space, AppType: types.AppTypeJupyterLab, AppName: aws.String("default"), Tags: c.ownTags(),
		ResourceSpec: &types.ResourceSpec{InstanceType: types.AppInstanceTypeMlT3Medium},
	})
	c.must(err, "CreateApp in space %s", space)
	c.afterwards("app in space "+space, func(ctx context.Context) error { return c.removeApp(ctx, space) })
	c.must(c.until("the app in space "+space+" runs", func() (bool, error) {
		is, err := c.describeApp(space)
		if err == nil && is.Status == types.AppStatusFailed {
			err = errors.New("it failed: " + aws.ToString(is.FailureReason))
		}
		return err == nil && is.Status == types.AppStatusInService, err
	}), "waiting")
}

func (c *trial) describeApp(space string) (*sagemaker.DescribeAppOutput, error) {
	return c.studio().DescribeApp(c.ctx(), &sagemaker.DescribeAppInput{
		DomainId: &c.domain, SpaceName: &space, AppType: types.AppTypeJupyterLab, AppName: aws.String("default"),
	})
}

// removeApp deletes the app of a space, unless no app is left there that is not going or gone.
func (g *target) removeApp(ctx context.Context, space string) error {
	out, err := g.studio().ListApps(ctx, &sagemaker.ListAppsInput{DomainIdEquals: &g.domain, SpaceNameEquals: &space})
	if err != nil {
		return err
	}
	ended := func(a types.AppDetails) bool {
		return a.Status == types.AppStatusDeleted || a.Status == types.AppStatusFailed
	}
	if !slices.ContainsFunc(out.Apps, func(a types.AppDetails) bool { return !ended(a) }) {
		return errGone
	}
	_, err = g.studio().DeleteApp(ctx, &sagemaker.DeleteAppInput{
		DomainId: &g.domain, SpaceName: &space, AppType: types.AppTypeJupyterLab, AppName: aws.String("default"),
	})
	return err
}

// running is a profile with a private space in which an app runs.
func (c *trial) running() (profile, space string) {
	c.t.Helper()
	if !c.apps {
		c.pass("it starts an instance, which costs a little: give -apps")
	}
	profile, _ = c.profile("alice")
	space = c.space(profile)
	c.start(space)
	return profile, space
}

func (c *trial) untilAppEnds(space string) {
	c.t.Helper()
	c.must(c.until("the app in space "+space+" ends", func() (bool, error) {
		is, err := c.describeApp(space)
		return err == nil && is.Status == types.AppStatusDeleted, err
	}), "waiting")
}
