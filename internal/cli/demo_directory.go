package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"

	"studiokeeper/internal/app"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/localad"
)

// corp is the story's Active Directory, and what carries it into Identity Center.
type corp struct {
	domain     *localad.Domain
	controller *localad.Controller
	apply      []string // the command
	env        []string // its environment
}

// The story's people are alice@… and so on; its team is nested in its group.
const (
	corpDomain  = "example.com"
	corpTeam    = "ad-team"
	corpOther   = "cafeteria"
	corpSearch  = "svc-studiokeeper@" + corpDomain
	corpSection = `
directory:
  ldap: {urls: [%q], caFile: %q, baseDN: "DC=example,DC=com", bindDN: %s, password: "${AD_PASSWORD}"}
  groups: [%s, %s]
  scim: {endpoint: "%s/%s/scim/v2/", token: "${SCIM_TOKEN}"}
`
)

// openCorp starts the domain and writes the configuration that carries it over.
func (t *teller) openCorp(command []string) error {
	d, err := localad.New(corpDomain)
	if err != nil {
		return err
	}
	t.corp = corp{domain: d, apply: []string{command[0], "directory", "apply", "--yes", "-o", "json"}}
	const password = "only-for-the-story"
	err = errors.Join(
		d.AddUser(localad.User{Account: "svc-studiokeeper", Password: password}),
		d.AddGroup(localad.Group{Account: demoGroup}), d.AddGroup(localad.Group{Account: corpTeam}), d.AddGroup(localad.Group{Account: corpOther}),
		d.AddMember(demoGroup, corpTeam),
		t.hire("alice"), t.hire("bob"), d.AddMember(corpOther, "bob"))
	if err != nil {
		return err
	}
	if t.corp.controller, err = d.Serve(localad.Options{}); err != nil {
		return err
	}
	tenant, token, err := t.sample.cloud.EnableSCIM(sampleAccount, sampleRegion, sampleStore)
	if err != nil {
		return err
	}
	t.corp.env = append(os.Environ(), "AD_PASSWORD="+password, "SCIM_TOKEN="+token, app.EnvConfig+"="+filepath.Join(t.sample.dir, "directory.yaml"),
		"AWS_ENDPOINT_URL="+t.sample.endpoint, "AWS_REGION="+sampleRegion, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		envClock+"="+t.sample.endpoint+"/_clock/Now")
	return t.configureCorp(tenant)
}

func (t *teller) hire(account string) error {
	name := strings.ToUpper(account[:1]) + account[1:]
	return t.corp.domain.AddUser(localad.User{Account: account, Mail: account + "@" + corpDomain, DisplayName: name, GivenName: name, Surname: "Doe", OU: "OU=Staff"})
}

func (t *teller) configureCorp(tenant string) error {
	text, err := os.ReadFile(t.sample.config)
	if err != nil {
		return err
	}
	ca := filepath.Join(t.sample.dir, "corp-ca.pem")
	section := fmt.Sprintf(corpSection, t.corp.controller.SecureURL(), ca, corpSearch, demoGroup, corpOther, t.sample.endpoint, tenant)
	return errors.Join(
		os.WriteFile(ca, t.corp.domain.CA(), 0o600),
		os.WriteFile(filepath.Join(t.sample.dir, "directory.yaml"), append(text, section...), 0o600))
}

func (t *teller) closeCorp() error {
	if t.corp.controller == nil {
		return nil
	}
	return t.corp.controller.Close()
}

// carryOver runs `directory apply`, and says what it did.
func (t *teller) carryOver(ctx context.Context) ([]string, error) {
	cmd := exec.CommandContext(ctx, t.corp.apply[0], t.corp.apply[1:]...)
	var out, errOut bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = t.corp.env, &out, &errOut
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("directory apply: %w\n%s", err, errOut.String())
	}
	var done directory.Result
	if err := json.Unmarshal(out.Bytes(), &done); err != nil {
		return nil, fmt.Errorf("directory apply: %w", err)
	}
	var seen []string
	for _, s := range done.Steps {
		seen = append(seen, s.Change.Text())
	}
	return seen, nil
}

// activeDirectory carries over what is there before the story begins.
func (t *teller) activeDirectory(ctx context.Context) error {
	seen, err := t.carryOver(ctx)
	if err != nil {
		return err
	}
	if t.group, err = t.groupID(ctx, demoGroup); err != nil {
		return err
	}
	t.say("An Active Directory, "+corpDomain+": "+corpTeam+" is nested in "+demoGroup, append(
		[]string{"studiokeeper directory apply reads it over LDAPS and writes Identity Center over SCIM:"}, indented(seen)...)...)
	return nil
}

// joins puts alice into the team, in Active Directory, and carries that over.
func (t *teller) joins(ctx context.Context) error {
	switch p, err := t.profileOf(ctx, "alice@"+corpDomain); {
	case err != nil:
		return err
	case p != nil:
		return errors.New("a user in no group has a profile")
	}
	if err := t.corp.domain.AddMember(corpTeam, "alice"); err != nil {
		return err
	}
	t.say("alice@example.com joins "+corpTeam+", in Active Directory", "and so "+demoGroup+", which Identity Center's flat groups have to be told")
	seen, err := t.carryOver(ctx)
	if err != nil {
		return err
	}
	if t.alice, err = t.userID(ctx, "alice@"+corpDomain); err != nil {
		return err
	}
	t.joined = t.since
	t.say("studiokeeper directory apply carries it over", seen...)
	return nil
}

func indented(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "  " + l
	}
	return out
}

func (t *teller) groupID(ctx context.Context, name string) (string, error) {
	list, err := identitystore.NewFromConfig(t.sample.aws).ListGroups(ctx, &identitystore.ListGroupsInput{IdentityStoreId: aws.String(sampleStore)})
	if err != nil {
		return "", err
	}
	for _, g := range list.Groups {
		if aws.ToString(g.DisplayName) == name {
			return aws.ToString(g.GroupId), nil
		}
	}
	return "", fmt.Errorf("group %s was not carried over", name)
}

func (t *teller) userID(ctx context.Context, userName string) (string, error) {
	list, err := identitystore.NewFromConfig(t.sample.aws).ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: aws.String(sampleStore)})
	if err != nil {
		return "", err
	}
	for _, u := range list.Users {
		if aws.ToString(u.UserName) == userName {
			return aws.ToString(u.UserId), nil
		}
	}
	return "", fmt.Errorf("%s was not carried over", userName)
}
