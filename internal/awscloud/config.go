package awscloud

import (
	"context"
	"fmt"

	"studiokeeper/internal/config"
)

// LoadConfig reads and validates the configuration, from a file or, as ssm:NAME, from Parameter Store. What
// is wrong with it is a config.ErrInvalid.
func LoadConfig(ctx context.Context, ref string, lookup func(string) (string, bool), client HTTPClient) (*config.Config, error) {
	return config.Load(ctx, ref, lookup, func(ctx context.Context, name string) (string, error) {
		session, err := Load(ctx, "studiokeeper-config", client)
		if err != nil {
			return "", err
		}
		return session.Parameter(ctx, Place{}, name)
	})
}

// StoreFor is the identity store that the configuration names, or the only one there is.
func (i *Instances) StoreFor(ctx context.Context, cfg *config.Config) (string, error) {
	if id := cfg.IdentityCenter.IdentityStoreID; id != "" {
		return id, nil
	}
	found, err := i.StoreIDs(ctx)
	switch {
	case err != nil:
		return "", err
	case len(found) != 1:
		return "", fmt.Errorf("%w: identityCenter.identityStoreId is missing, and there are %d identity stores to choose from: %q", config.ErrInvalid, len(found), found)
	}
	return found[0], nil
}
