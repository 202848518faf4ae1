package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/studio"
)

const (
	sampleTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	sampleDeny  = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
)

// makeAccount makes what an account has before anything is deployed to it: a
// trail, and the roles without power.
func (s *sample) makeAccount(ctx context.Context) error {
	at := awscloud.Place{Region: sampleRegion}
	api := awscloud.API{ID: "CloudTrail", Target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", Signing: "cloudtrail", Host: "cloudtrail"}
	trail := map[string]any{"Name": "management", "S3BucketName": "studio-trail", "IsMultiRegionTrail": true}
	for _, operation := range []string{"CreateTrail", "StartLogging"} {
		if err := s.session.Call(ctx, api, at, operation, "trail management", trail, nil); err != nil {
			return err
		}
	}
	for _, role := range []string{sampleDefault, sampleQuarantine} {
		if err := s.makePowerless(ctx, role); err != nil {
			return err
		}
	}
	return nil
}

// makePowerless makes a role that may do nothing, unless it is there.
func (s *sample) makePowerless(ctx context.Context, arn string) error {
	role, err := studio.ParseRole(arn)
	if err != nil {
		return err
	}
	client := iam.NewFromConfig(s.aws)
	_, err = client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &role.Name, Path: &role.Path, AssumeRolePolicyDocument: aws.String(sampleTrust)})
	if _, there := errors.AsType[*iamtypes.EntityAlreadyExistsException](err); there {
		return nil
	}
	if err == nil {
		_, err = client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role.Name, PolicyName: aws.String("nothing"), PolicyDocument: aws.String(sampleDeny)})
	}
	if err != nil {
		return fmt.Errorf("make role %s: %w", arn, err)
	}
	return nil
}
