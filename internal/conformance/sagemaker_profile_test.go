package conformance

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// profiles is studiokeeper's own adapter: what SageMaker refuses is sorted by its table.
func (c *trial) profiles() *awscloud.Profiles { return &awscloud.Profiles{Session: c.session()} }

// make asks for a profile as studiokeeper does.
func (c *trial) make(name, userName string) error {
	err := c.profiles().Create(c.ctx(), c.place(), studio.Profile{Name: name, SSOUser: userName, Role: c.role, Tags: map[string]string{ownTag: c.run}})
	if err == nil {
		c.afterwards("user profile "+name, func(ctx context.Context) error { return c.removeProfile(ctx, name) })
	}
	return err
}

func (c *trial) update(profile string, settings *types.UserSettings) error {
	_, err := c.studio().UpdateUserProfile(c.ctx(), &sagemaker.UpdateUserProfileInput{DomainId: &c.domain, UserProfileName: &profile, UserSettings: settings})
	return err
}

func domainContracts() []contract {
	return []contract{
		{says: "a domain tells how people sign in, its application, its file system and its state", hold: func(c *trial) {
			d, err := c.studio().DescribeDomain(c.ctx(), &sagemaker.DescribeDomainInput{DomainId: &c.domain})
			c.must(err, "DescribeDomain")
			c.want(d.AuthMode == types.AuthModeSso && d.SingleSignOnApplicationArn != nil && d.HomeEfsFileSystemId != nil && d.Status == types.DomainStatusInService,
				"it says %s, application %q, file system %q, %s", d.AuthMode, aws.ToString(d.SingleSignOnApplicationArn), aws.ToString(d.HomeEfsFileSystemId), d.Status)
		}},
		{says: "a domain that does not exist is ResourceNotFound", hold: func(c *trial) {
			_, err := c.studio().DescribeDomain(c.ctx(), &sagemaker.DescribeDomainInput{DomainId: aws.String("d-aaaaaaaaaaaa")})
			c.refused("DescribeDomain", err, "ResourceNotFound")
		}},
		{says: "a profile in a domain that does not exist is not taken for a profile that is gone", open: true, hold: func(c *trial) {
			nowhere := c.place()
			nowhere.ID = "d-aaaaaaaaaaaa"
			_, err := c.profiles().Describe(c.ctx(), nowhere, "alice")
			c.answer("DescribeUserProfile: %s", said(err))
			c.want(err != nil && code(err) == "ResourceNotFound" && !isGone(err), "%s is taken for a missing profile", said(err))
		}},
		{says: "domains are listed with id and name, 100 a page", hold: func(c *trial) {
			all, err := (&awscloud.Discovery{Session: c.session()}).Domains(c.ctx(), awscloud.Place{Region: c.cfg.Region})
			c.must(err, "ListDomains")
			found := false
			for _, d := range all {
				found = found || d.ID == c.domain && d.Name != "" && d.Err == nil
			}
			c.want(found, "%d domains are listed, and %s is not among them", len(all), c.domain)
		}},
	}
}

func profileContracts() []contract {
	return []contract{
		{says: "a profile is made for a user without an assignment to the domain's application", open: true, hold: func(c *trial) {
			p := c.user("alice")
			err := c.make(c.named("alice"), p.name)
			c.answer("CreateUserProfile: %s", said(err))
			c.want(err == nil, "CreateUserProfile before an assignment: %s", said(err))
			if err != nil {
				c.means("that refusal", err, reconcile.ErrNotAssigned)
			}
		}},
		{says: "a profile is Pending, then InService, with role, user and a home directory's uid", hold: func(c *trial) {
			p := c.user("alice")
			name := c.named("alice")
			_, err := c.create(c.newProfile(name, p.name))
			c.must(err, "CreateUserProfile")
			is, err := c.describe(name)
			c.must(err, "DescribeUserProfile")
			c.want(is.Status == types.UserProfileStatusPending, "right after its creation it is %s", is.Status)
			c.ready(name)
			is, err = c.describe(name)
			c.must(err, "DescribeUserProfile")
			c.want(aws.ToString(is.UserSettings.ExecutionRole) == c.role, "its role is %q", aws.ToString(is.UserSettings.ExecutionRole))
			c.want(aws.ToString(is.SingleSignOnUserValue) == p.name, "its SingleSignOnUserValue is %q, want %s", aws.ToString(is.SingleSignOnUserValue), p.name)
			c.want(aws.ToString(is.HomeEfsFileSystemUid) != "", "it has no HomeEfsFileSystemUid")
			c.want(is.CreationTime != nil && is.LastModifiedTime != nil, "its times are %v and %v", is.CreationTime, is.LastModifiedTime)
		}},
		{says: "the ARN of a profile follows from domain and name", hold: func(c *trial) {
			p := c.user("alice")
			name := c.named("alice")
			arn, err := c.create(c.newProfile(name, p.name))
			c.must(err, "CreateUserProfile")
			want := "arn:" + studio.PartitionOf(c.cfg.Region) + ":sagemaker:" + c.cfg.Region + ":" + c.account + ":user-profile/" + c.domain + "/" + name
			c.want(arn == want, "the ARN is %s, want %s", arn, want)
		}},
		{says: "a profile is found whatever the case of its name", hold: func(c *trial) {
			name, _ := c.profile("alice")
			is, err := c.describe(strings.ToUpper(name))
			c.must(err, "DescribeUserProfile of %s", strings.ToUpper(name))
			c.want(strings.EqualFold(*is.UserProfileName, name), "%s is described", *is.UserProfileName)
		}},
		{says: "a profile that does not exist is ResourceNotFound, and taken for gone", hold: func(c *trial) {
			_, err := c.profiles().Describe(c.ctx(), c.place(), c.named("none"))
			c.refused("DescribeUserProfile", err, "ResourceNotFound")
			c.means("DescribeUserProfile", err, reconcile.ErrGone)
		}},
		{says: "an update changes the role and leaves alone what it does not name", hold: func(c *trial) {
			p := c.user("alice")
			in := c.newProfile(c.named("alice"), p.name)
			in.UserSettings.StudioWebPortalSettings = &types.StudioWebPortalSettings{HiddenAppTypes: []types.AppType{types.AppTypeCanvas}}
			_, err := c.create(in)
			c.must(err, "CreateUserProfile")
			c.ready(*in.UserProfileName)
			err = c.update(*in.UserProfileName, &types.UserSettings{ExecutionRole: &c.role, DefaultLandingUri: aws.String("studio::")})
			c.must(err, "UpdateUserProfile")
			c.ready(*in.UserProfileName)
			is, err := c.describe(*in.UserProfileName)
			c.must(err, "DescribeUserProfile")
			portal := is.UserSettings.StudioWebPortalSettings
			c.want(portal != nil && len(portal.HiddenAppTypes) == 1, "StudioWebPortalSettings, which were not named, are %v", portal)
			c.want(aws.ToString(is.UserSettings.DefaultLandingUri) == "studio::", "DefaultLandingUri is %q", aws.ToString(is.UserSettings.DefaultLandingUri))
		}},
		{says: "an explicit empty list takes HiddenAppTypes away", open: true, hold: func(c *trial) {
			p := c.user("alice")
			in := c.newProfile(c.named("alice"), p.name)
			in.UserSettings.StudioWebPortalSettings = &types.StudioWebPortalSettings{HiddenAppTypes: []types.AppType{types.AppTypeCanvas}}
			_, err := c.create(in)
			c.must(err, "CreateUserProfile")
			c.ready(*in.UserProfileName)
			err = c.update(*in.UserProfileName, &types.UserSettings{StudioWebPortalSettings: &types.StudioWebPortalSettings{HiddenAppTypes: []types.AppType{}}})
			c.must(err, "UpdateUserProfile")
			c.ready(*in.UserProfileName)
			is, err := c.describe(*in.UserProfileName)
			c.must(err, "DescribeUserProfile")
			portal := is.UserSettings.StudioWebPortalSettings
			c.want(portal == nil || len(portal.HiddenAppTypes) == 0, "HiddenAppTypes are %v", portal)
		}},
		{says: "a deleted profile is Deleting, then gone; made again it has another uid", hold: func(c *trial) {
			name, userName := c.profile("alice")
			before, err := c.describe(name)
			c.must(err, "DescribeUserProfile")
			c.must(c.removeProfile(c.ctx(), name), "DeleteUserProfile")
			if is, err := c.describe(name); err == nil {
				c.want(is.Status == types.UserProfileStatusDeleting, "right after its deletion it is %s", is.Status)
			}
			c.must(c.untilGone(name), "waiting")
			_, err = c.create(c.newProfile(name, userName))
			c.must(err, "CreateUserProfile again")
			c.ready(name)
			is, err := c.describe(name)
			c.must(err, "DescribeUserProfile")
			c.want(*is.HomeEfsFileSystemUid != *before.HomeEfsFileSystemUid, "the uid is %s, as before", *is.HomeEfsFileSystemUid)
		}},
	}
}

func (c *trial) untilGone(profile string) error {
	return c.until("user profile "+profile+" is gone", func() (bool, error) {
		_, err := c.describe(profile)
		if gone(err) {
			return true, nil
		}
		return false, err
	})
}

func isGone(err error) bool { return err != nil && errors.Is(err, reconcile.ErrGone) }

func profileRefusals() []contract {
	return []contract{
		{says: "a name that is taken is refused, whatever its case, and told from a user who has a profile", open: true, hold: func(c *trial) {
			name, _ := c.profile("alice")
			other := c.user("bob")
			c.means("CreateUserProfile with the name of another user's", c.make(name, other.name), reconcile.ErrNameTaken)
			c.means("CreateUserProfile with its capitals", c.make(strings.ToUpper(name), other.name), reconcile.ErrNameTaken)
		}},
		{says: "a second profile for the same SSO user is refused, and recognised", open: true, hold: func(c *trial) {
			_, userName := c.profile("alice")
			c.means("CreateUserProfile", c.make(c.named("second"), userName), reconcile.ErrUserHasProfile)
		}},
		{says: "an SSO user who does not exist is refused, and taken for nothing else", open: true, hold: func(c *trial) {
			err := c.make(c.named("nobody"), c.named("nobody")+"@example.com")
			c.answer("CreateUserProfile: %s", said(err))
			c.want(err != nil, "CreateUserProfile for a user who does not exist succeeds")
			for _, other := range []error{reconcile.ErrUserHasProfile, reconcile.ErrNameTaken, reconcile.ErrQuota, reconcile.ErrBusy} {
				c.want(!errors.Is(err, other), "%s is taken for %q", said(err), other)
			}
		}},
		{says: "in Identity Center mode a profile needs an SSO user: ValidationException", hold: func(c *trial) {
			in := c.newProfile(c.named("nobody"), "")
			in.SingleSignOnUserIdentifier, in.SingleSignOnUserValue = nil, nil
			_, err := c.create(in)
			c.refused("CreateUserProfile", err, "ValidationException")
		}},
		{says: "a name of 64 characters, or with a dot, is ValidationException", hold: func(c *trial) {
			p := c.user("alice")
			for _, name := range []string{ownPrefix + strings.Repeat("a", 64-len(ownPrefix)), c.named("alice.example")} {
				_, err := c.create(c.newProfile(name, p.name))
				c.refused("CreateUserProfile "+name, err, "ValidationException")
			}
		}},
		{says: "a role that is no ARN of a role is ValidationException", hold: func(c *trial) {
			in := c.newProfile(c.named("alice"), c.user("alice").name)
			in.UserSettings.ExecutionRole = aws.String("arn:aws:iam::" + c.account + ":user/alice")
			_, err := c.create(in)
			c.refused("CreateUserProfile", err, "ValidationException")
		}},
		{says: "a pending profile refuses an update, and is taken for busy", open: true, hold: func(c *trial) {
			name := c.named("alice")
			c.must(c.make(name, c.user("alice").name), "CreateUserProfile")
			c.means("UpdateUserProfile", c.profiles().Update(c.ctx(), c.place(), name, c.role, ""), reconcile.ErrBusy)
		}},
		{says: "a pending profile refuses its deletion, and is taken for busy", open: true, hold: func(c *trial) {
			name := c.named("alice")
			c.must(c.make(name, c.user("alice").name), "CreateUserProfile")
			remover := &awscloud.Remover{Session: c.session()}
			c.means("DeleteUserProfile", remover.DeleteProfile(c.ctx(), c.place(), name), reconcile.ErrBusy)
		}},
		{says: "a profile that is going, or gone, is deleted again with success or what is taken for it", open: true, hold: func(c *trial) {
			name, _ := c.profile("alice")
			remover := &awscloud.Remover{Session: c.session()}
			c.must(remover.DeleteProfile(c.ctx(), c.place(), name), "DeleteUserProfile")
			err := remover.DeleteProfile(c.ctx(), c.place(), name)
			c.answer("DeleteUserProfile while it goes: %s", said(err))
			c.want(err == nil || errors.Is(err, reconcile.ErrBusy), "DeleteUserProfile while it goes: %s", said(err))
			c.must(c.untilGone(name), "waiting")
			err = remover.DeleteProfile(c.ctx(), c.place(), name)
			c.want(err == nil, "DeleteUserProfile when it is gone: %s", said(err))
		}},
		{says: "a profile that does not exist is not updated: taken for gone", hold: func(c *trial) {
			c.means("UpdateUserProfile", c.profiles().Update(c.ctx(), c.place(), c.named("none"), c.role, ""), reconcile.ErrGone)
		}},
	}
}
