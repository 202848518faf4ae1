package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"studiokeeper/internal/awscloud"
)

const externalID = "7f1c5a52-0000-4000-8000-000000000000"

// trustOwn trusts the account that asks, with an external id.
func (c *trial) trustOwn() string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:%s:iam::%s:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":%q}}}]}`,
		partition(c.application), c.account, externalID)
}

func (c *trial) assume(role, session, external string) (*sts.AssumeRoleOutput, error) {
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session}
	if external != "" {
		in.ExternalId = &external
	}
	return c.security().AssumeRole(c.ctx(), in)
}

// as is the target through the eyes of a role with one policy, once IAM lets it be assumed.
func (c *trial) as(policy string) *target {
	c.t.Helper()
	_, arn := c.iamRole(c.trustOwn(), policy)
	var out *sts.AssumeRoleOutput
	c.must(c.until("role "+arn+" can be assumed", func() (bool, error) {
		var err error
		out, err = c.assume(arn, "conformance", externalID)
		if awscloud.FaultOf(err) == awscloud.Denied {
			return false, nil
		}
		return err == nil, err
	}), "waiting")
	seen := *c.target
	seen.cfg, seen.identity = seen.cfg.Copy(), seen.identity.Copy()
	key := credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	seen.cfg.Credentials, seen.identity.Credentials = key, key
	return &seen
}

func callerContracts() []contract {
	return []contract{
		{says: "GetCallerIdentity tells account and ARN", hold: func(c *trial) {
			who, err := c.security().GetCallerIdentity(c.ctx(), &sts.GetCallerIdentityInput{})
			c.must(err, "GetCallerIdentity")
			c.want(len(aws.ToString(who.Account)) == 12 && strings.HasPrefix(aws.ToString(who.Arn), "arn:"), "it tells %q and %q", aws.ToString(who.Account), aws.ToString(who.Arn))
		}},
		{says: "an assumed role is assumed-role/<name>/<session>, without its path", hold: func(c *trial) {
			seen := c.as("")
			who, err := seen.security().GetCallerIdentity(c.ctx(), &sts.GetCallerIdentityInput{})
			c.must(err, "GetCallerIdentity as the role")
			c.want(strings.Contains(*who.Arn, ":assumed-role/"+ownPrefix) && strings.HasSuffix(*who.Arn, "/conformance"), "it is %s", *who.Arn)
		}},
		{says: "a role that asks for an external id is assumed with it alone: AccessDenied", hold: func(c *trial) {
			_, arn := c.iamRole(c.trustOwn(), "")
			c.must(c.until("the role can be assumed", func() (bool, error) {
				_, err := c.assume(arn, "conformance", externalID)
				return err == nil, nil
			}), "waiting")
			_, err := c.assume(arn, "conformance", "")
			c.refused("without an external id", err, "AccessDenied")
			_, err = c.assume(arn, "conformance", "another")
			c.refused("with another", err, "AccessDenied")
		}},
		{says: "a role that does not exist cannot be assumed: AccessDenied", hold: func(c *trial) {
			if c.local {
				c.pass("a role that the local cloud's IAM does not know trusts everybody: its roles need not be made first")
			}
			_, err := c.assume("arn:"+partition(c.application)+":iam::"+c.account+":role"+ownPath+"none", "conformance", externalID)
			c.refused("AssumeRole", err, "AccessDenied")
		}},
		{says: "a session's name takes no spaces: ValidationError", hold: func(c *trial) {
			_, arn := c.iamRole(c.trustOwn(), "")
			_, err := c.assume(arn, "my session", externalID)
			c.refused("AssumeRole", err, "ValidationError")
		}},
		{says: "credentials that were never issued are refused, and taken for expired", hold: func(c *trial) {
			cfg := c.cfg.Copy()
			cfg.Credentials = credentials.NewStaticCredentialsProvider("ASIAIOSFODNN7EXAMPLE", "never", "issued")
			for name, ask := range map[string]func() error{
				"GetCallerIdentity": func() error {
					_, err := sts.NewFromConfig(cfg).GetCallerIdentity(c.ctx(), &sts.GetCallerIdentityInput{})
					return err
				},
				"ListDomains": func() error {
					_, err := sagemaker.NewFromConfig(cfg).ListDomains(c.ctx(), &sagemaker.ListDomainsInput{})
					return err
				},
				"ListTables": func() error {
					_, err := dynamodb.NewFromConfig(cfg).ListTables(c.ctx(), &dynamodb.ListTablesInput{})
					return err
				},
			} {
				err := ask()
				c.answer("%s: %s", name, said(err))
				c.want(awscloud.FaultOf(err) == awscloud.Expired, "%s: %s is taken for %q", name, said(err), awscloud.FaultOf(err))
			}
		}},
	}
}

// permissionContracts are about what policies have to say, asked as a role that has one.
func permissionContracts() []contract {
	return []contract{
		{says: "what no policy allows is AccessDenied, and taken for denied", hold: func(c *trial) {
			seen := c.as(policy("*", "s3:GetObject"))
			_, err := seen.studio().ListDomains(c.ctx(), &sagemaker.ListDomainsInput{})
			c.refused("ListDomains", err, "AccessDeniedException")
			_, err = seen.tables().ListTables(c.ctx(), &dynamodb.ListTablesInput{})
			c.refused("ListTables", err, "AccessDeniedException")
		}},
		{says: "CreateUserProfile needs its own permission and iam:PassRole, and none of Identity Center's", open: true, hold: func(c *trial) {
			p := c.user("alice")
			seen := c.as(policy("*", "sagemaker:CreateUserProfile", "sagemaker:AddTags", "iam:PassRole"))
			in := c.newProfile(c.named("alice"), p.name)
			err := c.spread(func() error { return createAs(c.ctx(), seen, in) })
			if err == nil {
				c.afterwards("user profile "+*in.UserProfileName, func(ctx context.Context) error { return c.removeProfile(ctx, *in.UserProfileName) })
			}
			c.answer("CreateUserProfile: %s", said(err))
			c.want(err == nil, "CreateUserProfile: %s", said(err))
		}},
		{says: "sso:CreateApplicationAssignment asks for the application and its instance", open: true, hold: func(c *trial) {
			p := c.user("alice")
			seen := c.as(policy(c.application, "sso:CreateApplicationAssignment"))
			err := c.spread(func() error { return assignAs(c.ctx(), seen, p.id) })
			if err == nil {
				c.afterwards("assignment of "+p.id, once(func(ctx context.Context) error { return c.unassign(ctx, ssotypes.PrincipalTypeUser, p.id) }))
			}
			c.answer("allowed for the application alone: %s", said(err))
			c.want(awscloud.FaultOf(err) == awscloud.Denied, "allowed for the application alone: %s", said(err))
		}},
		{says: "sagemaker:AddTags to a profile that is there knows no sagemaker:TaggingAction", open: true, hold: func(c *trial) {
			_, arn := c.tagged()
			seen := c.as(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sagemaker:AddTags","Resource":%q,"Condition":{"Null":{"sagemaker:TaggingAction":"true"}}}]}`, arn))
			err := c.spread(func() error { return tagAs(c.ctx(), seen, arn) })
			c.answer("AddTags, allowed where the key is not there: %s", said(err))
			c.want(err == nil, "AddTags, allowed where the key is not there: %s", said(err))
		}},
		{says: "a role that may not be passed is not given to a profile: AccessDenied", hold: func(c *trial) {
			seen := c.as(policy("*", "sagemaker:CreateUserProfile", "sagemaker:AddTags"))
			in := c.newProfile(c.named("alice"), c.user("alice").name)
			err := createAs(c.ctx(), seen, in)
			if err == nil {
				c.afterwards("user profile "+*in.UserProfileName, func(ctx context.Context) error { return c.removeProfile(ctx, *in.UserProfileName) })
			}
			c.refused("CreateUserProfile", err, "AccessDeniedException")
		}},
		{says: "Null on aws:ResourceTag lets tags be added to what does not have that tag, and to nothing else", hold: func(c *trial) {
			_, arn := c.tagged()
			allowed := func(key string) error {
				seen := c.as(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sagemaker:AddTags","Resource":"*","Condition":{"Null":{"aws:ResourceTag/%s":"true"}}}]}`, key))
				return c.spread(func() error { return tagAs(c.ctx(), seen, arn) })
			}
			c.refused("where the tag is there", allowed(ownTag), "AccessDeniedException")
			err := allowed("studiokeeper:deployment")
			c.want(err == nil, "where it is not: %s", said(err))
		}},
		{says: "tags are added only to what carries the tag that aws:ResourceTag asks for", hold: func(c *trial) {
			_, arn := c.tagged()
			allowed := func(value string) error {
				seen := c.as(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sagemaker:AddTags","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/%s":%q}}}]}`, ownTag, value))
				return c.spread(func() error { return tagAs(c.ctx(), seen, arn) })
			}
			c.refused("with another value", allowed("another"), "AccessDeniedException")
			err := allowed(c.run)
			c.want(err == nil, "with the tag's value: %s", said(err))
		}},
	}
}

// spread repeats a call for as long as a new policy may take to spread, while it is denied.
func (c *trial) spread(call func() error) error {
	var err error
	for range 6 {
		if err = call(); awscloud.FaultOf(err) != awscloud.Denied {
			return err
		}
		c.pause(5 * time.Second)
	}
	return err
}

func createAs(ctx context.Context, seen *target, in *sagemaker.CreateUserProfileInput) error {
	_, err := seen.studio().CreateUserProfile(ctx, in)
	return err
}

func tagAs(ctx context.Context, seen *target, arn string) error {
	_, err := seen.studio().AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: []types.Tag{{Key: aws.String("studiokeeper:applied"), Value: aws.String("x")}}})
	return err
}

func assignAs(ctx context.Context, seen *target, user string) error {
	_, err := seen.center().CreateApplicationAssignment(ctx, &ssoadmin.CreateApplicationAssignmentInput{
		ApplicationArn: &seen.application, PrincipalType: ssotypes.PrincipalTypeUser, PrincipalId: &user,
	})
	return err
}
