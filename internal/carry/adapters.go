package carry

import (
	"context"
	"errors"
	"net/http"

	"studiokeeper/internal/config"
	"studiokeeper/internal/ldap"
	"studiokeeper/internal/provision"
)

// reader reads the password when it reads, so that one which was changed counts.
func reader(o Options, cfg config.LDAP, secrets Secrets) provision.Active {
	r := ldap.New(cfg, secrets.Read)
	r.Log = o.Log
	return r
}

func writer(ctx context.Context, cfg config.SCIM, secrets Secrets, client *http.Client) (provision.Writer, error) {
	return nil, errors.New("not wired")
}
