package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

const initLong = `Writes a starter configuration from what an account shows: the instance of IAM
Identity Center, the Studio domains that sign in through it, and the groups.
It only reads from AWS. The file is a manual of itself: every key is in it,
with what it is for.

On a terminal it asks for what the flags do not say. Elsewhere, and with --yes,
it takes the defaults: all domains, and groups as examples behind a #.

Only what the credentials see is found. Where Identity Center lies in another
account, --identity-role names a role there; further domains in other accounts
are added to the file by hand, which shows how.`

// starter makes a starter configuration. Its answers are what flags and people say.
type starter struct {
	answers
	env   Environment
	find  *awscloud.Discovery
	given func(flag string) bool
	usual string // the configuration that commands take if none is named
	ask   *asker // nil where there is nobody to ask
}

// answers are what can be decided, a flag each.
type answers struct {
	regions, domains, groups           []string
	identityRegion, identityStore      string
	identityRole                       studio.AssumeRole
	deployment, mode, role, quarantine string
	stateTable, mappingTable, out      string
	force, yes                         bool
}

func initCommand(env Environment) *cobra.Command {
	s := &starter{env: env}
	c := &cobra.Command{
		Use:   "init",
		Short: "Writes a starter configuration from the domains and groups it finds",
		Long:  initLong,
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			s.given, s.usual = c.Flags().Changed, configRef(c, env)
			if s.given("config") {
				return usage("init reads no configuration, so --config does nothing here; name the file to write with --out")
			}
			if !s.yes && isTerminal(env.Stdin) && isTerminal(env.Stderr) {
				s.ask = newAsker(c.Context(), env.Stdin, env.Stderr)
			}
			session, err := awscloud.Load(c.Context(), "studiokeeper-init", nil)
			if err != nil {
				return err
			}
			s.find = &awscloud.Discovery{Session: session}
			return s.run(c.Context(), commandsOf(c.Root()))
		},
	}
	s.flags(c)
	return c
}

func (s *starter) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&s.regions, "region", nil, "`REGION` with Studio domains; may be repeated (default: the one of the AWS configuration)")
	f.StringVar(&s.identityRegion, "identity-region", "", "`REGION` of IAM Identity Center (default: the first --region that has an instance)")
	f.StringVar(&s.identityStore, "identity-store", "", "`ID` of the identity store, where there are several")
	f.StringVar(&s.identityRole.RoleARN, "identity-role", "", "`ARN` of a role to assume for Identity Center, where it lies in another account")
	f.StringVar(&s.identityRole.ExternalID, "identity-external-id", "", "`WORD` that the trust policy of --identity-role asks for")
	f.StringVar(&s.deployment, "deployment", "prod", "`NAME` of this installation, the value of the ownership tag")
	f.StringVar(&s.mode, "mode", string(studio.Observe), "`MODE`: observe writes nothing, for the first week; enforce")
	f.StringArrayVar(&s.domains, "domain", nil, "`NAME` or id of a domain to look after; may be repeated (default: all that can be)")
	f.StringArrayVar(&s.groups, "group", nil, "`NAME` of a group, or groupId:<id>, that gets a row in each domain; may be repeated (default: none, with examples)")
	f.StringVar(&s.role, "role", defaultRole, "`ARN` of a group's execution role; {account}, {domain} and {group} are filled in")
	f.StringVar(&s.quarantine, "quarantine-role", defaultQuarantine, "`ARN` of the powerless role that leavers' profiles get; {account} and {domain} are filled in")
	f.StringVar(&s.stateTable, "state-table", "studiokeeper-state", "`NAME` of the DynamoDB table of leases, guard and journal")
	f.StringVar(&s.mappingTable, "mapping-table", "studiokeeper-mapping", "`NAME` of the DynamoDB table with rows beside those in the file, or none")
	f.StringVar(&s.out, "out", "studiokeeper.yaml", "`FILE` to write; - is stdout")
	f.BoolVar(&s.force, "force", false, "write over the file, if there is one")
	f.BoolVar(&s.yes, "yes", false, "do not ask: take the defaults")
}

// commandsOf are the names of the program's own commands.
func commandsOf(root *cobra.Command) map[string]bool {
	names := map[string]bool{}
	for _, c := range root.Commands() {
		names[c.Name()] = true
	}
	return names
}

// run asks, looks, asks about what was found, and writes.
func (s *starter) run(ctx context.Context, commands map[string]bool) error {
	if err := s.checkFlags(); err != nil {
		return err
	}
	if err := s.askFirst(); err != nil {
		return err
	}
	all, err := s.look(ctx)
	if err != nil {
		return err
	}
	if err := s.choose(&all); err != nil {
		return err
	}
	if err := s.askLast(all); err != nil {
		return err
	}
	text, cfg, err := s.compose(all)
	if err != nil {
		return err
	}
	if err := s.write(text); err != nil {
		return err
	}
	s.nextSteps(cfg, commands)
	return all.undescribed()
}

// checks are what the values of flags and answers are held to.
func (s *starter) checks() []flagCheck {
	spelled := config.Spellings()
	return []flagCheck{
		{"deployment", &s.deployment, spelled["deployment"].Check},
		{"mode", &s.mode, checkMode},
		{"role", &s.role, checkRoleTemplate},
		{"quarantine-role", &s.quarantine, checkQuarantineTemplate},
		{"state-table", &s.stateTable, spelled["state.table"].Check},
		{"mapping-table", &s.mappingTable, s.checkMappingTable},
		{"out", &s.out, s.checkFile},
		{"identity-region", &s.identityRegion, unlessEmpty(spelled["identityCenter.region"].Check)},
		{"identity-store", &s.identityStore, unlessEmpty(spelled["identityCenter.identityStoreId"].Check)},
		{"identity-role", &s.identityRole.RoleARN, unlessEmpty(isRole)},
		{"identity-external-id", &s.identityRole.ExternalID, unlessEmpty(spelled["identityCenter.assumeRole.externalId"].Check)},
	}
}

type flagCheck struct {
	flag  string
	value *string
	wrong func(string) error
}

func (s *starter) checkFlags() error {
	var wrong []error
	for _, c := range s.checks() {
		if err := c.wrong(*c.value); err != nil {
			wrong = append(wrong, fmt.Errorf("--%s: %w", c.flag, err))
		}
	}
	for _, region := range s.regions {
		if err := checkRegion(region); err != nil {
			wrong = append(wrong, fmt.Errorf("--region: %w", err))
		}
	}
	if s.identityRole.ExternalID != "" && s.identityRole.RoleARN == "" {
		wrong = append(wrong, errors.New("--identity-external-id is of no use without --identity-role"))
	}
	if len(wrong) > 0 {
		return usage("%w", errors.Join(wrong...))
	}
	return nil
}

func unlessEmpty(wrong func(string) error) func(string) error {
	return func(value string) error {
		if value == "" {
			return nil
		}
		return wrong(value)
	}
}

func isRole(arn string) error {
	_, err := studio.ParseRole(arn)
	return err
}

func checkRegion(region string) error {
	return config.Spellings()["identityCenter.region"].Check(region)
}

func checkMode(mode string) error {
	if mode != string(studio.Observe) && mode != string(studio.Enforce) {
		return fmt.Errorf("want observe or enforce, found %q", mode)
	}
	return nil
}

func (s *starter) checkMappingTable(table string) error {
	if cutNone(table) == "" {
		return nil
	}
	if table == s.stateTable {
		return fmt.Errorf("%q is the state table, which has other keys: use two tables", table)
	}
	return config.Spellings()["mapping.table"].Check(table)
}

// checkFile refuses to write over a file, and where none can be.
func (s *starter) checkFile(file string) error {
	if file == "-" {
		return nil
	}
	if into, err := os.Stat(filepath.Dir(file)); err != nil || !into.IsDir() {
		return fmt.Errorf("%s: there is no folder %s", file, filepath.Dir(file))
	}
	if _, err := os.Lstat(file); !s.force && err == nil {
		return fmt.Errorf("%s: there is a file already; name another one, or write over it with --force", file)
	}
	return nil
}

func (s *starter) write(text string) error {
	if s.out == "-" {
		_, err := s.env.Stdout.Write([]byte(text))
		return err
	}
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if s.force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(s.out, how, 0o644)
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// say tells people something about what goes on.
func (s *starter) say(format string, args ...any) {
	fmt.Fprintf(s.env.Stderr, strings.TrimSuffix(format, "\n")+"\n", args...)
}
