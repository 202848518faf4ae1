package carry

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
)

// carried answers which groups are carried over: those that the configuration
// lists or, when it lists none, those that a row or a naming rule names. Rows by
// id name groups that are in Identity Center already, and nobody's here.
func carried(cfg *config.Config, session *awscloud.Session, home awscloud.Place) func(context.Context) (func(string) bool, error) {
	return func(ctx context.Context) (func(string) bool, error) {
		if len(cfg.Directory.Groups) > 0 {
			return matching(cfg.Directory.Groups), nil
		}
		names, err := mapped(ctx, cfg, session, home)
		if err != nil {
			return nil, err
		}
		if len(names)+len(cfg.Mapping.Naming) == 0 {
			return nil, fmt.Errorf("no row names a group by its display name, so that there is none to carry over; list directory.groups")
		}
		return func(group string) bool {
			return names[strings.ToLower(group)] || slices.ContainsFunc(cfg.Mapping.Naming, func(r config.NamingRule) bool { return r.Matches(group) })
		}, nil
	}
}

// mapped are the groups that rows name, in small letters.
func mapped(ctx context.Context, cfg *config.Config, session *awscloud.Session, home awscloud.Place) (map[string]bool, error) {
	rows := cfg.Mapping.Rules
	if cfg.Mapping.Table != "" {
		kept, err := (&awscloud.Mapping{Session: session, At: home, Table: cfg.Mapping.Table}).Rows(ctx)
		if err != nil {
			return nil, err
		}
		rows = slices.Concat(rows, kept)
	}
	names := map[string]bool{}
	for _, row := range rows {
		if name := row.Group.Name; name != "" {
			names[strings.ToLower(name)] = true
		}
	}
	return names, nil
}

// matching matches names of groups with * for any letters, as Active Directory
// does: upper and lower case are the same.
func matching(patterns []string) func(string) bool {
	parts := make([]string, len(patterns))
	for n, p := range patterns {
		parts[n] = strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, `.*`)
	}
	whole := regexp.MustCompile(`(?is)^(` + strings.Join(parts, "|") + `)$`)
	return whole.MatchString
}
