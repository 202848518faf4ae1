package conformance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
)

// ownName matches the names that runs give.
var ownName = regexp.MustCompile(`(?i)^` + ownPrefix + `[0-9a-z]{8}-[0-9]+-`)

// leftover is something that a run made and did not take away.
type leftover struct {
	what   string
	remove func(context.Context) error
}

// leftovers finds what runs left behind, in the order in which it can be removed.
func (g *target) leftovers(ctx context.Context) ([]leftover, error) {
	var all []leftover
	var errs []error
	for _, find := range []func(context.Context) ([]leftover, error){
		g.leftSpaces, g.leftProfiles, g.leftUsers, g.leftGroups, g.leftTables, g.leftRules, g.leftQueues, g.leftParameter, g.leftRoles, g.leftPolicy,
	} {
		found, err := find(ctx)
		all, errs = append(all, found...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// sweep removes what runs left behind; what cannot be removed does not keep the rest.
func (g *target) sweep(ctx context.Context, tell func(string)) error {
	all, err := g.leftovers(ctx)
	errs := []error{err}
	for _, one := range all {
		tell("removing " + one.what)
		errs = append(errs, g.removed(ctx, one.what, one.remove))
	}
	return errors.Join(errs...)
}

func (g *target) leftSpaces(ctx context.Context) ([]leftover, error) {
	var all []leftover
	pages := sagemaker.NewListSpacesPaginator(g.studio(), &sagemaker.ListSpacesInput{DomainIdEquals: &g.domain, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the spaces of domain %s: %w", g.domain, err)
		}
		for _, is := range page.Spaces {
			if ownName.MatchString(*is.SpaceName) {
				all = append(all,
					leftover{"the app in space " + *is.SpaceName, func(ctx context.Context) error { return g.removeApp(ctx, *is.SpaceName) }},
					leftover{"space " + *is.SpaceName, func(ctx context.Context) error { return g.removeSpace(ctx, *is.SpaceName) }})
			}
		}
	}
	return all, nil
}

func (g *target) leftProfiles(ctx context.Context) ([]leftover, error) {
	var all []leftover
	pages := sagemaker.NewListUserProfilesPaginator(g.studio(), &sagemaker.ListUserProfilesInput{DomainIdEquals: &g.domain, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the user profiles of domain %s: %w", g.domain, err)
		}
		for _, is := range page.UserProfiles {
			if ownName.MatchString(*is.UserProfileName) {
				all = append(all, leftover{"user profile " + *is.UserProfileName, func(ctx context.Context) error { return g.removeProfile(ctx, *is.UserProfileName) }})
			}
		}
	}
	return all, nil
}

// leftUsers has the users' assignments removed with them.
func (g *target) leftUsers(ctx context.Context) ([]leftover, error) {
	var all []leftover
	pages := identitystore.NewListUsersPaginator(g.people(), &identitystore.ListUsersInput{IdentityStoreId: &g.store, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the users of identity store %s: %w", g.store, err)
		}
		for _, is := range page.Users {
			if ownName.MatchString(aws.ToString(is.UserName)) {
				all = append(all, leftover{"user " + *is.UserName, func(ctx context.Context) error {
					return errors.Join(g.unassign(ctx, ssotypes.PrincipalTypeUser, *is.UserId), g.removeUser(ctx, *is.UserId))
				}})
			}
		}
	}
	return all, nil
}

func (g *target) leftGroups(ctx context.Context) ([]leftover, error) {
	var all []leftover
	pages := identitystore.NewListGroupsPaginator(g.people(), &identitystore.ListGroupsInput{IdentityStoreId: &g.store, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the groups of identity store %s: %w", g.store, err)
		}
		for _, is := range page.Groups {
			if ownName.MatchString(aws.ToString(is.DisplayName)) {
				all = append(all, leftover{"group " + *is.DisplayName, func(ctx context.Context) error {
					return errors.Join(g.unassign(ctx, ssotypes.PrincipalTypeGroup, *is.GroupId), g.removeGroup(ctx, *is.GroupId))
				}})
			}
		}
	}
	return all, nil
}

func (g *target) leftTables(ctx context.Context) ([]leftover, error) {
	var all []leftover
	pages := dynamodb.NewListTablesPaginator(g.tables(), &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		for _, name := range slices.DeleteFunc(page.TableNames, notOwn) {
			all = append(all, leftover{"table " + name, func(ctx context.Context) error { return g.removeTable(ctx, name) }})
		}
	}
	return all, nil
}

func notOwn(name string) bool { return !ownName.MatchString(name) }

func (g *target) leftRules(ctx context.Context) ([]leftover, error) {
	var all []leftover
	in := &eventbridge.ListRulesInput{NamePrefix: aws.String(ownPrefix)}
	for {
		page, err := g.events().ListRules(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("listing the rules: %w", err)
		}
		for _, is := range page.Rules {
			if !notOwn(*is.Name) {
				all = append(all, leftover{"rule " + *is.Name, once(func(ctx context.Context) error { return g.removeRule(ctx, *is.Name) })})
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return all, nil
		}
	}
}

func (g *target) leftQueues(ctx context.Context) ([]leftover, error) {
	var all []leftover
	pages := sqs.NewListQueuesPaginator(g.queues(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String(ownPrefix), MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the queues: %w", err)
		}
		for _, url := range page.QueueUrls {
			all = append(all, leftover{"queue " + url, once(func(ctx context.Context) error { return g.removeQueue(ctx, url) })})
		}
	}
	return all, nil
}

func (g *target) leftParameter(ctx context.Context) ([]leftover, error) {
	_, err := g.parameters().GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(parameterName)})
	switch {
	case gone(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking for parameter %s: %w", parameterName, err)
	}
	return []leftover{{"parameter " + parameterName, g.removeParameter}}, nil
}

func (g *target) leftRoles(ctx context.Context) ([]leftover, error) {
	var all []leftover
	pages := iam.NewListRolesPaginator(g.access(), &iam.ListRolesInput{PathPrefix: aws.String(ownPath)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the roles under %s: %w", ownPath, err)
		}
		for _, is := range page.Roles {
			all = append(all, leftover{"role " + *is.RoleName, func(ctx context.Context) error { return g.removeRole(ctx, *is.RoleName) }})
		}
	}
	return all, nil
}

func (g *target) leftPolicy(ctx context.Context) ([]leftover, error) {
	_, err := g.access().GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String(g.policyARN())})
	switch {
	case gone(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking for policy %s: %w", g.policyARN(), err)
	}
	return []leftover{{"policy " + g.policyARN(), g.removePolicy}}, nil
}
