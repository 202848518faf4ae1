package conformance

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func appContracts() []contract {
	return []contract{
		{says: "ListApps takes a profile or a space, never both: ValidationException", hold: func(c *trial) {
			_, err := c.studio().ListApps(c.ctx(), &sagemaker.ListAppsInput{DomainIdEquals: &c.domain, UserProfileNameEquals: aws.String("alice"), SpaceNameEquals: aws.String("space")})
			c.refused("ListApps", err, "ValidationException")
		}},
		{says: "a page of apps has 100 at most: 101 is ValidationException", hold: func(c *trial) {
			_, err := c.studio().ListApps(c.ctx(), &sagemaker.ListAppsInput{DomainIdEquals: &c.domain, MaxResults: aws.Int32(101)})
			c.refused("ListApps", err, "ValidationException")
		}},
		{says: "an app that never was is ResourceNotFound, and its deletion taken for done", open: true, hold: func(c *trial) {
			owner, _ := c.profile("alice")
			err := c.stopper().StopApp(c.ctx(), c.place(), app(c.space(owner)))
			c.want(err == nil, "DeleteApp: %s", said(err))
		}},
		{says: "an app is listed by its space, by its owner's private spaces and by the domain", hold: func(c *trial) {
			profile, space := c.running()
			of, err := c.stopper().Apps(c.ctx(), c.place(), profile)
			c.must(err, "the apps of profile %s", profile)
			c.want(len(of) == 1 && of[0].Space == space && of[0].Status == studio.AppStatus(types.AppStatusInService) && !of[0].Created.IsZero(), "the profile's apps are %v", of)
			all, err := c.stopper().DomainApps(c.ctx(), c.place())
			c.must(err, "the apps of the domain")
			c.want(slices.ContainsFunc(all, func(a studio.App) bool { return a.Space == space }), "the domain's apps are %v", all)
		}},
		{says: "DeleteUserProfile while an app runs in its space is ResourceInUse, and taken for busy", hold: func(c *trial) {
			profile, _ := c.running()
			err := c.remover().DeleteProfile(c.ctx(), c.place(), profile)
			c.refused("DeleteUserProfile", err, "ResourceInUse")
			c.means("DeleteUserProfile", err, reconcile.ErrBusy)
		}},
		{says: "DeleteSpace while an app exists is refused, and taken for busy", hold: func(c *trial) {
			_, space := c.running()
			c.means("DeleteSpace", c.remover().DeleteSpace(c.ctx(), c.place(), space), reconcile.ErrBusy)
		}},
		{says: "an update while apps run in private spaces is refused, and taken for busy", open: true, hold: func(c *trial) {
			profile, _ := c.running()
			c.means("UpdateUserProfile", c.profiles().Update(c.ctx(), c.place(), profile, c.role, ""), reconcile.ErrBusy)
		}},
		{says: "a deleted app is Deleting, then Deleted and still listed", hold: func(c *trial) {
			_, space := c.running()
			c.must(c.stopper().StopApp(c.ctx(), c.place(), app(space)), "DeleteApp")
			is, err := c.describeApp(space)
			c.must(err, "DescribeApp")
			c.want(is.Status == types.AppStatusDeleting, "right after its deletion it is %s", is.Status)
			c.untilAppEnds(space)
			out, err := c.studio().ListApps(c.ctx(), &sagemaker.ListAppsInput{DomainIdEquals: &c.domain, SpaceNameEquals: &space})
			c.must(err, "ListApps")
			c.want(len(out.Apps) == 1 && out.Apps[0].Status == types.AppStatusDeleted, "the apps of the space are %v", out.Apps)
		}},
		{says: "an app that is going is deleted again: busy, or what is taken for done", open: true, hold: func(c *trial) {
			_, space := c.running()
			c.must(c.stopper().StopApp(c.ctx(), c.place(), app(space)), "DeleteApp")
			err := c.stopper().StopApp(c.ctx(), c.place(), app(space))
			c.answer("DeleteApp while it goes: %s", said(err))
			c.want(err == nil || errors.Is(err, reconcile.ErrBusy), "DeleteApp while it goes: %s", said(err))
		}},
		{says: "an app that is gone is deleted again: ValidationException, taken for done", open: true, hold: func(c *trial) {
			_, space := c.running()
			in := &sagemaker.DeleteAppInput{DomainId: &c.domain, SpaceName: &space, AppType: types.AppTypeJupyterLab, AppName: aws.String("default")}
			_, err := c.studio().DeleteApp(c.ctx(), in)
			c.must(err, "DeleteApp")
			c.untilAppEnds(space)
			_, err = c.studio().DeleteApp(c.ctx(), in)
			c.refused("DeleteApp when it is gone", err, "ValidationException")
			err = c.stopper().StopApp(c.ctx(), c.place(), app(space))
			c.want(err == nil, "DeleteApp when it is gone: %s", said(err))
		}},
		{says: "an app that is started again within a day keeps its creation time", open: true, hold: func(c *trial) {
			_, space := c.running()
			before, err := c.describeApp(space)
			c.must(err, "DescribeApp")
			c.must(c.stopper().StopApp(c.ctx(), c.place(), app(space)), "DeleteApp")
			c.untilAppEnds(space)
			c.start(space)
			after, err := c.describeApp(space)
			c.must(err, "DescribeApp")
			c.answer("CreationTime was %s and is %s", before.CreationTime, after.CreationTime)
			c.want(after.CreationTime.Equal(*before.CreationTime), "CreationTime went from %s to %s", before.CreationTime, after.CreationTime)
		}},
	}
}
