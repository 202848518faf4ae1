package carry

import (
	"context"
	"errors"
	"net/http"

	"studiokeeper/internal/config"
	"studiokeeper/internal/provision"
)

func reader(ctx context.Context, cfg config.LDAP, secrets Secrets) (provision.Active, error) {
	return nil, errors.New("not wired")
}

func writer(ctx context.Context, cfg config.SCIM, secrets Secrets, client *http.Client) (provision.Writer, error) {
	return nil, errors.New("not wired")
}
