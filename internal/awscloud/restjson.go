package awscloud

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Get reads a resource of a service that speaks REST with JSON, such as Lambda, as Call asks one that speaks
// AWS JSON. api needs no Target and no Version; path may carry a query.
func (s *Session) Get(ctx context.Context, api API, at Place, operation, path, on string, out any) error {
	client := s.jsonAt(jsonAPI{id: api.ID, signing: api.Signing, host: api.Host}, at)
	if _, err := client.send(ctx, operation, client.get(path), path, out); err != nil {
		return s.Failed(cmp.Or(api.Prefix, api.Signing)+":"+operation, on, at, err)
	}
	return nil
}

func (c *jsonClient) get(path string) middleware.SerializeMiddleware {
	return middleware.SerializeMiddlewareFunc("OperationSerializer", func(
		ctx context.Context, input middleware.SerializeInput, next middleware.SerializeHandler,
	) (out middleware.SerializeOutput, metadata middleware.Metadata, err error) {
		endpoint, err := c.endpoint(ctx)
		if err != nil {
			return out, metadata, err
		}
		asked, err := url.Parse(path)
		if err != nil {
			return out, metadata, fmt.Errorf("the path %q: %w", path, err)
		}
		request := input.Request.(*smithyhttp.Request)
		request.Method, request.URL = http.MethodGet, endpoint.JoinPath(asked.Path)
		request.URL.RawQuery = asked.RawQuery
		return next.HandleSerialize(ctx, input)
	})
}
