package awscloud

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/studio"
)

// What the SDK's configuration sources may answer about endpoints.
type (
	endpointIgnorer interface {
		GetIgnoreConfiguredEndpoints(context.Context) (ignore, found bool, err error)
	}
	endpointProvider interface {
		GetServiceBaseEndpoint(ctx context.Context, serviceID string) (endpoint string, found bool, err error)
	}
)

// endpoint follows the SDK: AWS_ENDPOINT_URL_<ID>, then AWS_ENDPOINT_URL, then endpoint_url of the shared
// configuration, then AWS's own. FIPS and dual-stack endpoints are reached by naming them there.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (c *jsonClient) endpoint(ctx context.Context) (*url.URL, error) {
	raw := configuredEndpoint(ctx, c.cfg, c.api.id)
	if c.cfg.Region == "" {
		return nil, errors.New("there is no AWS Region: set region in the configuration, or AWS_REGION")
	}
	if raw == "" {
		raw = "https://" + c.api.host + "." + c.cfg.Region + ".amazonaws.com"
		if studio.PartitionOf(c.cfg.Region) == "aws-cn" {
			raw += ".cn"
		}
	}
	endpoint, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the configured endpoint of %s: %w", c.api.id, err)
	}
	if endpoint.Path == "" {
		endpoint.Path = "/"
	}
	return endpoint, nil
}

// configuredEndpoint is "" when nothing but AWS's own endpoint is asked for.
func configuredEndpoint(ctx context.Context, cfg aws.Config, id string) string {
	general := aws.ToString(cfg.BaseEndpoint)
	_, forAll := os.LookupEnv("AWS_ENDPOINT_URL")
	_, forThis := os.LookupEnv("AWS_ENDPOINT_URL_" + strings.ReplaceAll(strings.ToUpper(id), " ", "_"))
	if forAll && !forThis || ignoresEndpoints(ctx, cfg.ConfigSources) {
		return general
	}
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(endpointProvider); ok {
			if own, found, err := s.GetServiceBaseEndpoint(ctx, id); err == nil && found {
				return own
			}
		}
	}
	return general
}

func ignoresEndpoints(ctx context.Context, sources []any) bool {
	for _, source := range sources {
		if s, ok := source.(endpointIgnorer); ok {
			if ignored, found, err := s.GetIgnoreConfiguredEndpoints(ctx); err == nil && found {
				return ignored
			}
		}
	}
	return false
}
