package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
)

func localCommand(env Environment) *cobra.Command {
	var address, bootstrap string
	var empty, worker bool
	c := &cobra.Command{
		Use:   "local",
		Short: "Starts the local cloud with the worker on it, and stays",
		Long: `Starts AWS in one process, as far as Studio user profiles need it, with the
function running on it. Everything is in memory and gone at the end. Point the
AWS CLI or an SDK at it with --endpoint-url or AWS_ENDPOINT_URL.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			command, err := workerCommand(worker, bootstrap)
			if err != nil {
				return err
			}
			return local(c.Context(), env, address, empty, command)
		},
	}
	c.Flags().StringVar(&address, "listen", "127.0.0.1:4566", "`ADDRESS` to listen on; the local cloud knows no passwords, so keep it on loopback")
	c.Flags().BoolVar(&empty, "empty", false, "without the sample domain, tables, queues and worker")
	c.Flags().BoolVar(&worker, "worker", true, "run the function on it; without, only what you call works")
	c.Flags().StringVar(&bootstrap, "function", "", "run this `FILE`, a bootstrap such as the deployed one, instead of this program")
	return c
}

// workerCommand is what runs as the function; nil for nothing.
func workerCommand(worker bool, bootstrap string) ([]string, error) {
	switch {
	case !worker:
		return nil, nil
	case bootstrap == "":
		return functionItself()
	}
	path, err := exec.LookPath(bootstrap)
	if err != nil {
		return nil, usage("--function %s: %w", bootstrap, err)
	}
	return []string{path}, nil
}

// local serves until it is interrupted.
func local(ctx context.Context, env Environment, address string, empty bool, command []string) (err error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return usage("--listen %s: want an address such as 127.0.0.1:4566", address)
	}
	s, err := serveCloud(ctx, address, &localcloud.Cloud{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if host, _, _ := net.SplitHostPort(address); !loopback(host) {
		fmt.Fprintf(env.Stderr, "%s %s is no loopback address: whoever reaches it may do anything in this cloud\n", style(env, env.Stderr).Bad("beware:"), host)
	}
	if empty {
		s.say(env.Stdout, "The local cloud is at {endpoint}.\n\n  "+exportText+"\n\nIt is empty.\n")
	} else {
		if err := s.furnish(ctx, command, env.Stderr); err != nil {
			return err
		}
		s.guide(env.Stdout, command != nil)
	}
	fmt.Fprintln(env.Stderr, "Stop it with ctrl-C.")
	<-ctx.Done()
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const exportText = `export AWS_ENDPOINT_URL={endpoint} AWS_REGION={region} AWS_DEFAULT_REGION={region} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local`

const guideText = `The local cloud is at {endpoint}, with the domain "{domain}" ({domainID}){worker}.
It takes any credentials. Copy and paste:

  ` + exportText + `
  export STUDIOKEEPER_CONFIG={config} STUDIOKEEPER_LOCAL_CLOCK={endpoint}/_clock/Now

  # a mapping row: this group, in this domain, gets this role
  aws dynamodb put-item --table-name {mapping} --item \
    '{"group":{"S":"ad-group-1"},"domain":{"S":"{domain}"},"role":{"S":"{roles}ad-group-1"}}'

  # a group, a user, and the membership
  GROUP=$(aws identitystore create-group --identity-store-id {store} --display-name ad-group-1 --query GroupId --output text)
  ALICE=$(aws identitystore create-user --identity-store-id {store} --user-name alice@example.com \
    --display-name Alice --name GivenName=Alice,FamilyName=Example --query UserId --output text)
  aws identitystore create-group-membership --identity-store-id {store} --group-id "$GROUP" --member-id UserId="$ALICE"

  # with the worker, a second later: the profile, with the group's role
  PROFILE=$(aws sagemaker list-user-profiles --domain-id-equals {domainID} --query 'UserProfiles[0].UserProfileName' --output text)
  aws sagemaker describe-user-profile --domain-id {domainID} --user-profile-name "$PROFILE"

The hourly and the daily pass are off, so that nothing but you moves things. To have one every hour of the cloud's clock:

  aws events enable-rule --name {fullpass}

What has no API goes through doors of its own, with any HTTP client:

  curl -X POST {endpoint}/_console/DisableUser -d '{"identityStoreId": "{store}", "userId": "…"}'
  curl -X POST {endpoint}/_portal/SignIn -d '{"domainId": "{domainID}", "userId": "…"}'
  curl -X POST {endpoint}/_clock/Advance -d '{"seconds": 604800}'
  curl -X POST {endpoint}/_fault/Inject -d '{"operation": "DeleteUserProfile", "times": 3, "failureReason": "the file system is busy"}'

An access key id of 12 digits is that account. There are also a user {user} (sam@example.com) and a group {group} (ad-group-2),
of which examples/cloudtrail-record.json tells: make the membership and a row, then studiokeeper replay that file.

`

// guide prints what a person can copy to do by hand what the demo tells.
func (s *sample) guide(w io.Writer, worker bool) {
	running := " and the worker on it"
	if !worker {
		running = ", and no worker"
	}
	s.say(w, strings.ReplaceAll(guideText, "{worker}", running))
}

// say fills in what the text names in braces.
func (s *sample) say(w io.Writer, text string) {
	fill := strings.NewReplacer("{endpoint}", s.endpoint, "{domain}", sampleDomain, "{domainID}", s.domainID, "{region}", sampleRegion,
		"{config}", s.config, "{mapping}", sampleMapping, "{fullpass}", deploy.FullPassName, "{roles}", sampleRoles, "{store}", sampleStore, "{user}", sampleUser, "{group}", sampleGroup)
	_, _ = fill.WriteString(w, text)
}
