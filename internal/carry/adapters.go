package carry

import (
	"context"
	"fmt"
	"net/http"

	"studiokeeper/internal/config"
	"studiokeeper/internal/ldap"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/scim"
)

// reader reads the password when it reads, so that one which was changed counts.
func reader(o Options, cfg config.LDAP, secrets Secrets) provision.Active {
	r := ldap.New(cfg, secrets.Read)
	r.Log = o.Log
	return r
}

// writer writes through SCIM, with the token as it is now.
func writer(ctx context.Context, cfg config.SCIM, secrets Secrets, client *http.Client) (provision.Writer, error) {
	token, err := secrets.Read(ctx, cfg.Token)
	if err != nil {
		return nil, fmt.Errorf("directory.scim.token: %w", err)
	}
	return scim.New(cfg, token, client), nil
}
