package conformance

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
)

func (c *trial) assign(kind types.PrincipalType, id string) error {
	_, err := c.center().CreateApplicationAssignment(c.ctx(), &ssoadmin.CreateApplicationAssignmentInput{
		ApplicationArn: &c.application, PrincipalType: kind, PrincipalId: &id,
	})
	if err == nil {
		c.afterwards("assignment of "+id, once(func(ctx context.Context) error { return c.unassign(ctx, kind, id) }))
	}
	return err
}

func (g *target) unassign(ctx context.Context, kind types.PrincipalType, id string) error {
	_, err := g.center().DeleteApplicationAssignment(ctx, &ssoadmin.DeleteApplicationAssignmentInput{
		ApplicationArn: &g.application, PrincipalType: kind, PrincipalId: &id,
	})
	return err
}

func (c *trial) assigned(kind types.PrincipalType, id string) error {
	_, err := c.center().DescribeApplicationAssignment(c.ctx(), &ssoadmin.DescribeApplicationAssignmentInput{
		ApplicationArn: &c.application, PrincipalType: kind, PrincipalId: &id,
	})
	return err
}

func (c *trial) assignments() []types.ApplicationAssignment {
	c.t.Helper()
	var all []types.ApplicationAssignment
	pages := ssoadmin.NewListApplicationAssignmentsPaginator(c.center(), &ssoadmin.ListApplicationAssignmentsInput{
		ApplicationArn: &c.application, MaxResults: aws.Int32(1),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.ctx())
		c.must(err, "ListApplicationAssignments")
		c.want(len(page.ApplicationAssignments) <= 1, "a page of one has %d assignments", len(page.ApplicationAssignments))
		all = append(all, page.ApplicationAssignments...)
	}
	return all
}

func holds(all []types.ApplicationAssignment, kind types.PrincipalType, id string) bool {
	return slices.ContainsFunc(all, func(a types.ApplicationAssignment) bool { return a.PrincipalType == kind && *a.PrincipalId == id })
}

func assignmentContracts() []contract {
	const user, group = types.PrincipalTypeUser, types.PrincipalTypeGroup
	return []contract{
		{says: "ListInstances takes 100 a page and tells the identity store of each", hold: func(c *trial) {
			out, err := c.center().ListInstances(c.ctx(), &ssoadmin.ListInstancesInput{MaxResults: aws.Int32(100)})
			c.must(err, "ListInstances")
			c.want(slices.ContainsFunc(out.Instances, func(i types.InstanceMetadata) bool {
				return aws.ToString(i.IdentityStoreId) == c.store && aws.ToString(i.InstanceArn) != ""
			}), "none of %d instances has identity store %s", len(out.Instances), c.store)
		}},
		{says: "the ARN of a domain's application names the instance", hold: func(c *trial) {
			out, err := c.center().ListInstances(c.ctx(), &ssoadmin.ListInstancesInput{})
			c.must(err, "ListInstances")
			c.want(slices.ContainsFunc(out.Instances, func(i types.InstanceMetadata) bool {
				arn := *i.InstanceArn
				return strings.Contains(c.application, arn[strings.LastIndex(arn, "/"):])
			}), "%s names no instance that ListInstances shows", c.application)
		}},
		{says: "the account in the ARN of a domain's application is the domain's", open: true, hold: func(c *trial) {
			c.answer("the application is %s, the domain's account %s", c.application, c.account)
			c.want(strings.Contains(c.application, "::"+c.account+":"), "%s is not in account %s", c.application, c.account)
		}},
		{says: "a domain's application asks for an assignment", hold: func(c *trial) {
			out, err := c.center().GetApplicationAssignmentConfiguration(c.ctx(), &ssoadmin.GetApplicationAssignmentConfigurationInput{ApplicationArn: &c.application})
			c.must(err, "GetApplicationAssignmentConfiguration")
			c.want(aws.ToBool(out.AssignmentRequired), "AssignmentRequired is %t", aws.ToBool(out.AssignmentRequired))
		}},
		{says: "a user and a group are assigned to a domain's application, described and listed page by page", hold: func(c *trial) {
			p := c.user("alice")
			id, _ := c.group("ad-group-1")
			c.must(c.assign(user, p.id), "assigning user %s", p.id)
			c.must(c.assign(group, id), "assigning group %s", id)
			c.must(c.assigned(user, p.id), "describing the user's")
			c.must(c.assigned(group, id), "describing the group's")
			all := c.assignments()
			c.want(holds(all, user, p.id) && holds(all, group, id), "the list shows %d assignments, and not both", len(all))
		}},
		{says: "an assignment that is there is ConflictException, and DescribeApplicationAssignment finds it", open: true, hold: func(c *trial) {
			p := c.user("alice")
			c.must(c.assign(user, p.id), "assigning user %s", p.id)
			c.refused("CreateApplicationAssignment again", c.assign(user, p.id), "ConflictException")
			err := c.assigned(user, p.id)
			c.want(err == nil, "DescribeApplicationAssignment: %s", said(err))
		}},
		{says: "an assignment that is not there is ResourceNotFoundException", hold: func(c *trial) {
			c.refused("DescribeApplicationAssignment", c.assigned(user, c.user("alice").id), "ResourceNotFoundException")
		}},
		{says: "deleting an assignment that is not there succeeds", hold: func(c *trial) {
			p := c.user("alice")
			c.must(c.assign(user, p.id), "assigning user %s", p.id)
			c.must(c.unassign(c.ctx(), user, p.id), "deleting the assignment")
			err := c.unassign(c.ctx(), user, p.id)
			c.want(err == nil, "DeleteApplicationAssignment again: %s", said(err))
		}},
		{says: "an assignment that was deleted is no longer described", hold: func(c *trial) {
			p := c.user("alice")
			c.must(c.assign(user, p.id), "assigning user %s", p.id)
			c.must(c.unassign(c.ctx(), user, p.id), "deleting the assignment")
			err := c.until("the assignment goes", func() (bool, error) {
				err := c.assigned(user, p.id)
				return err != nil, nil
			})
			c.must(err, "waiting")
			c.refused("DescribeApplicationAssignment", c.assigned(user, p.id), "ResourceNotFoundException")
		}},
		{says: "a user who does not exist cannot be assigned: ResourceNotFoundException", open: true, hold: func(c *trial) {
			c.refused("CreateApplicationAssignment", c.assign(user, noIdentity), "ResourceNotFoundException")
		}},
		{says: "an application that does not exist is ResourceNotFoundException", open: true, hold: func(c *trial) {
			arn := c.application[:strings.LastIndex(c.application, "/")] + "/apl-0000000000000000"
			_, err := c.center().ListApplicationAssignments(c.ctx(), &ssoadmin.ListApplicationAssignmentsInput{ApplicationArn: &arn})
			c.refused("ListApplicationAssignments", err, "ResourceNotFoundException", "AccessDeniedException")
		}},
	}
}
