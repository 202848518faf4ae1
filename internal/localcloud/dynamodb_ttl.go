package localcloud

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (d *dynamoState) updateTimeToLive(c *call, in *dynamodb.UpdateTimeToLiveInput) (*dynamodb.UpdateTimeToLiveOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	if spec == nil || aws.ToString(spec.AttributeName) == "" || spec.Enabled == nil {
		return nil, invalidf("One or more parameter values were invalid: TimeToLiveSpecification needs Enabled and AttributeName")
	}
	switch {
	case *spec.Enabled && t.ttl == *spec.AttributeName:
		return nil, invalidf("TimeToLive is already enabled")
	case *spec.Enabled && t.ttl != "":
		return nil, invalidf("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	case !*spec.Enabled && t.ttl == "":
		return nil, invalidf("TimeToLive is already disabled")
	case *spec.Enabled:
		t.ttl = *spec.AttributeName
	default:
		t.ttl = ""
	}
	return &dynamodb.UpdateTimeToLiveOutput{TimeToLiveSpecification: spec}, nil
}

func (d *dynamoState) describeTimeToLive(c *call, in *dynamodb.DescribeTimeToLiveInput) (*dynamodb.DescribeTimeToLiveOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	out := &types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusDisabled}
	if t.ttl != "" {
		out = &types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusEnabled, AttributeName: aws.String(t.ttl)}
	}
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: out}, nil
}
