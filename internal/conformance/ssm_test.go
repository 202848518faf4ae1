package conformance

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"studiokeeper/internal/awscloud"
)

// parameterName has no run in it, so that what was left behind is found without a list.
const parameterName = "/studiokeeper-conformance/configuration"

// parameter makes a parameter.
func (c *trial) parameter(value string, kind types.ParameterType) {
	c.t.Helper()
	c.must(c.putParameter(value, kind, false), "making parameter %s", parameterName)
}

func (c *trial) putParameter(value string, kind types.ParameterType, overwrite bool) error {
	_, err := c.parameters().PutParameter(c.ctx(), &ssm.PutParameterInput{Name: aws.String(parameterName), Type: kind, Value: &value, Overwrite: &overwrite})
	if err == nil {
		c.afterwards("parameter "+parameterName, c.removeParameter)
	}
	return err
}

func (g *target) removeParameter(ctx context.Context) error {
	_, err := g.parameters().DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(parameterName)})
	return err
}

func (c *trial) parameterValue(name string) (string, error) {
	return c.session().Parameter(c.ctx(), awscloud.Place{Region: c.cfg.Region}, name)
}

func parameterContracts() []contract {
	const value = "deployment: prod"
	return []contract{
		{says: "a SecureString is read in clear with WithDecryption, and not without", hold: func(c *trial) {
			c.parameter(value, types.ParameterTypeSecureString)
			clear, err := c.parameterValue(parameterName)
			c.must(err, "GetParameter")
			c.want(clear == value, "decrypted it is %q", clear)
			out, err := c.parameters().GetParameter(c.ctx(), &ssm.GetParameterInput{Name: aws.String(parameterName)})
			c.must(err, "GetParameter without decryption")
			c.want(*out.Parameter.Value != value, "it is read in clear")
		}},
		{says: "a parameter is read by its ARN, and in an earlier version", hold: func(c *trial) {
			c.parameter(value, types.ParameterTypeString)
			c.must(c.putParameter("deployment: test", types.ParameterTypeString, true), "writing it over")
			arn := "arn:" + partition(c.application) + ":ssm:" + c.cfg.Region + ":" + c.account + ":parameter" + parameterName
			for name, want := range map[string]string{parameterName: "deployment: test", arn: "deployment: test", parameterName + ":1": value} {
				got, err := c.parameterValue(name)
				c.want(err == nil && got == want, "%s is %q, %v", name, got, err)
			}
		}},
		{says: "a parameter that does not exist is ParameterNotFound", hold: func(c *trial) {
			_, err := c.parameterValue(parameterName + "-none")
			c.refused("GetParameter", err, "ParameterNotFound")
		}},
		{says: "a version that does not exist is ParameterVersionNotFound", hold: func(c *trial) {
			c.parameter(value, types.ParameterTypeString)
			_, err := c.parameterValue(parameterName + ":7")
			c.refused("GetParameter", err, "ParameterVersionNotFound")
		}},
		{says: "a standard parameter holds 4096 bytes: ValidationException", hold: func(c *trial) {
			c.parameter(strings.Repeat("x", 4096), types.ParameterTypeString)
			c.refused("PutParameter", c.putParameter(strings.Repeat("x", 4097), types.ParameterTypeString, true), "ValidationException")
		}},
		{says: "a parameter is not written over unasked: ParameterAlreadyExists", hold: func(c *trial) {
			c.parameter(value, types.ParameterTypeString)
			c.refused("PutParameter", c.putParameter(value, types.ParameterTypeString, false), "ParameterAlreadyExists")
		}},
	}
}
