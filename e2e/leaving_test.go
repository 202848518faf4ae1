package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// space NAME USERNAME SHARING makes a space that the user's profile owns.
func space(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "space NAME USERNAME SHARING")
	api, domain, owner := sagemaker.NewFromConfig(client(ts)), domainID(ts), profileNamed(ts, args[1])
	_, err := api.UpdateDomain(context.Background(), &sagemaker.UpdateDomainInput{
		DomainId: &domain, DefaultSpaceSettings: &sagemakertypes.DefaultSpaceSettings{ExecutionRole: aws.String("arn:aws:iam::111122223333:role/default")},
	})
	ts.Check(err)
	advance(ts, false, []string{"5"})
	_, err = api.CreateSpace(context.Background(), &sagemaker.CreateSpaceInput{
		DomainId: &domain, SpaceName: &args[0], OwnershipSettings: &sagemakertypes.OwnershipSettings{OwnerUserProfileName: &owner},
		SpaceSharingSettings: &sagemakertypes.SpaceSharingSettings{SharingType: sagemakertypes.SharingType(args[2])},
		SpaceSettings:        &sagemakertypes.SpaceSettings{AppType: sagemakertypes.AppTypeJupyterLab},
	})
	ts.Check(err)
	advance(ts, false, []string{"5"})
}

// spaces COUNT wants so many spaces in the domain.
func spaces(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "spaces COUNT")
	list, err := sagemaker.NewFromConfig(client(ts)).ListSpaces(context.Background(), &sagemaker.ListSpacesInput{})
	ts.Check(err)
	if got := fmt.Sprint(len(list.Spaces)); got != args[0] {
		ts.Fatalf("there are %s spaces, want %s", got, args[0])
	}
}

// fault KEY=VALUE… makes calls fail; fault without arguments ends that.
func fault(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: fault KEY=VALUE...")
	}
	operation, body := "Clear", map[string]any{}
	for _, a := range args {
		operation = "Inject"
		key, value, _ := strings.Cut(a, "=")
		body[key] = value
		if n, err := strconv.Atoi(value); err == nil {
			body[key] = n
		}
	}
	if status, out := door(ts, "/_fault/"+operation, body); status != http.StatusOK {
		ts.Fatalf("%d %v", status, out)
	}
}

// untag USERNAME takes our tags from the user's profile, as an administrator might.
func untag(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "untag USERNAME")
	api, domain, name := sagemaker.NewFromConfig(client(ts)), domainID(ts), profileNamed(ts, args[0])
	p, err := api.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: &domain, UserProfileName: &name})
	ts.Check(err)
	_, err = api.DeleteTags(context.Background(), &sagemaker.DeleteTagsInput{ResourceArn: p.UserProfileArn, TagKeys: []string{"studiokeeper:deployment"}})
	ts.Check(err)
}

// foreign USERNAME USER tags the user's profile as another deployment's.
func foreign(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "foreign USERNAME USER")
	api, domain, name := sagemaker.NewFromConfig(client(ts)), domainID(ts), profileNamed(ts, args[0])
	p, err := api.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: &domain, UserProfileName: &name})
	ts.Check(err)
	_, err = api.AddTags(context.Background(), &sagemaker.AddTagsInput{ResourceArn: p.UserProfileArn, Tags: []sagemakertypes.Tag{
		{Key: aws.String("studiokeeper:deployment"), Value: aws.String("another")}, {Key: aws.String("studiokeeper:user-id"), Value: &args[1]},
	}})
	ts.Check(err)
}

// hasprofile NAME STATUS waits for a profile of that name in a status.
func hasprofile(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "hasprofile NAME STATUS")
	api, domain := sagemaker.NewFromConfig(client(ts)), domainID(ts)
	for until := time.Now().Add(patience); ; time.Sleep(glance) {
		p, err := api.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: &domain, UserProfileName: &args[0]})
		if err == nil && string(p.Status) == args[1] {
			return
		}
		if time.Now().After(until) {
			ts.Fatalf("profile %s: %v, want %s", args[0], err, args[1])
		}
	}
}

// anyProfile reports whether the user has a profile, whatever its state.
func anyProfile(ts *testscript.TestScript, userName string) bool {
	api := sagemaker.NewFromConfig(client(ts))
	list, err := api.ListUserProfiles(context.Background(), &sagemaker.ListUserProfilesInput{MaxResults: aws.Int32(100)})
	ts.Check(err)
	for _, p := range list.UserProfiles {
		d, err := api.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: p.DomainId, UserProfileName: p.UserProfileName})
		if err == nil && aws.ToString(d.SingleSignOnUserValue) == userName {
			return true
		}
	}
	return false
}
