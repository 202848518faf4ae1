package deploy_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// asFunction calls AWS as the function's role does.
func (a *account) asFunction() aws.Config {
	a.t.Helper()
	key, secret, token, err := a.cloud.RoleCredentials(functionRole, "intruder")
	a.must(err)
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(endpoint), HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: a.cloud}},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
	}
}

func (a *account) profile(name, userName string, tags map[string]string) *string {
	a.t.Helper()
	in := &sagemaker.CreateUserProfileInput{
		DomainId: aws.String(a.domains["research"]), UserProfileName: &name, SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &userName,
	}
	for key, value := range tags {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value})
	}
	made, err := sagemaker.NewFromConfig(a.as(here)).CreateUserProfile(context.Background(), in)
	a.must(err)
	return made.UserProfileArn
}

// Whoever has the function's credentials is stopped by IAM itself, whatever the
// function's code would do; and what the function does is let through.
func TestTheRoleItselfRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, life{config: lifecycle}, unchanged)
		time.Sleep(10 * time.Minute)
		for _, name := range []string{"ours", "nobodys", "theirs", "new"} {
			_, err := a.cloud.Console(here, region, store).CreateUser(localcloud.Person{UserName: name})
			a.must(err)
		}
		ours := a.profile("ours", "ours", map[string]string{studio.TagDeployment: "prod"})
		nobodys := a.profile("nobodys", "nobodys", nil)
		theirs := a.profile("theirs", "theirs", map[string]string{studio.TagDeployment: "test"})
		time.Sleep(10 * time.Minute)

		ctx, as := context.Background(), a.asFunction()
		studioAPI, domain := sagemaker.NewFromConfig(as), aws.String(a.domains["research"])
		tag := func(key, value string) []types.Tag { return []types.Tag{{Key: &key, Value: &value}} }
		update := func(name, role string) error {
			_, err := studioAPI.UpdateUserProfile(ctx, &sagemaker.UpdateUserProfileInput{
				DomainId: domain, UserProfileName: &name, UserSettings: &types.UserSettings{ExecutionRole: &role},
			})
			return err
		}
		create := func(name, role string, tags []types.Tag) error {
			_, err := studioAPI.CreateUserProfile(ctx, &sagemaker.CreateUserProfileInput{
				DomainId: domain, UserProfileName: &name, SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &name,
				UserSettings: &types.UserSettings{ExecutionRole: &role}, Tags: tags,
			})
			return err
		}
		addTags := func(arn *string, tags []types.Tag) error {
			_, err := studioAPI.AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: arn, Tags: tags})
			return err
		}
		deleteTags := func(arn *string, key string) error {
			_, err := studioAPI.DeleteTags(ctx, &sagemaker.DeleteTagsInput{ResourceArn: arn, TagKeys: []string{key}})
			return err
		}
		deleteProfile := func(name string) error {
			_, err := studioAPI.DeleteUserProfile(ctx, &sagemaker.DeleteUserProfileInput{DomainId: domain, UserProfileName: &name})
			return err
		}
		const inside, outside, quarantine = "arn:aws:iam::" + here + ":role/studio/a", "arn:aws:iam::" + here + ":role/admin", "arn:aws:iam::" + here + ":role/studiokeeper-quarantine"
		for _, c := range []struct {
			what   string
			denied bool
			do     func() error
		}{
			{"change a profile without a tag", true, func() error { return update("nobodys", inside) }},
			{"change another deployment's profile", true, func() error { return update("theirs", inside) }},
			{"give a role outside mapping.roles", true, func() error { return update("ours", outside) }},
			{"give the domain's default role", true, func() error { return update("ours", "arn:aws:iam::"+here+":role/studio-default") }},
			{"give a mapped role", false, func() error { return update("ours", inside) }},
			{"make a profile without our tag", true, func() error { return create("new", inside, nil) }},
			{"make a profile for another deployment", true, func() error { return create("new", inside, tag(studio.TagDeployment, "test")) }},
			{"make a profile with a tag that is not ours to set", true, func() error {
				return create("new", inside, append(tag(studio.TagDeployment, "prod"), tag("cost-centre", "1")...))
			}},
			{"make a profile with a role outside", true, func() error { return create("new", outside, tag(studio.TagDeployment, "prod")) }},
			{"make a profile of ours", false, func() error { return create("new", quarantine, tag(studio.TagDeployment, "prod")) }},
			{"take over another deployment's profile", true, func() error { return addTags(theirs, tag(studio.TagDeployment, "prod")) }},
			{"mark another deployment's profile", true, func() error { return addTags(theirs, tag(studio.TagLeaving, "now")) }},
			{"give our profile away", true, func() error { return addTags(ours, tag(studio.TagDeployment, "test")) }},
			{"tag our profile with something else", true, func() error { return addTags(ours, tag("cost-centre", "1")) }},
			{"adopt a profile that nobody manages", false, func() error { return addTags(nobodys, tag(studio.TagDeployment, "prod")) }},
			{"take the ownership tag off", true, func() error { return deleteTags(ours, studio.TagDeployment) }},
			{"delete another deployment's profile", true, func() error { return deleteProfile("theirs") }},
			{"tag the domain", true, func() error {
				return addTags(aws.String("arn:aws:sagemaker:"+region+":"+here+":domain/"+*domain), tag(studio.TagDeployment, "prod"))
			}},
			{"write a mapping row", true, func() error {
				_, err := dynamodb.NewFromConfig(as).PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("studiokeeper-mapping"), Item: map[string]dynamotypes.AttributeValue{
					"group": &dynamotypes.AttributeValueMemberS{Value: "g"}, "domain": &dynamotypes.AttributeValueMemberS{Value: "research"},
				}})
				return err
			}},
			{"make a group", true, func() error {
				_, err := identitystore.NewFromConfig(as).CreateGroup(ctx, &identitystore.CreateGroupInput{IdentityStoreId: aws.String(store), DisplayName: aws.String("admins")})
				return err
			}},
			{"send to another queue", true, func() error {
				_, err := sqs.NewFromConfig(as).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(strings.Replace(a.queues[deploy.PassName], deploy.PassName, "other", 1)), MessageBody: aws.String("x")})
				return err
			}},
			{"become another role", true, func() error {
				_, err := sts.NewFromConfig(as).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(outside), RoleSessionName: aws.String("intruder")})
				return err
			}},
			{"become the member role without its external id", true, func() error {
				_, err := sts.NewFromConfig(as).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(memberRole), RoleSessionName: aws.String("intruder")})
				return err
			}},
		} {
			err := c.do()
			if denied := err != nil && strings.Contains(err.Error(), "AccessDenied"); denied != c.denied || !denied && err != nil {
				t.Errorf("%s: denied %t, want %t: %v", c.what, denied, c.denied, err)
			}
			time.Sleep(10 * time.Minute)
		}
		a.cloud.Close()
	})
}
