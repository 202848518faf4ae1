package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/studio"
)

// wanted is what mapping set was asked for; nil is not asked for.
type wanted struct {
	group                    studio.GroupRef
	domain, role             string
	priority, settings, note *string
	force                    bool
}

func mappingSetCommand(env Environment) *cobra.Command {
	var how manner
	var priority, settings, note string
	var force bool
	c := &cobra.Command{
		Use:   "set GROUP DOMAIN ROLE",
		Short: "Adds a row to the table, or changes it",
		Long: `Adds the row that gives GROUP in DOMAIN the execution role with the ARN ROLE, or
changes it. The row is first held to everything that the function will hold it
to. Of a row that is there already, what no flag names is kept.`,
		Args: arguments("GROUP, DOMAIN and ROLE", 3),
		RunE: func(c *cobra.Command, args []string) error {
			group, err := groupRef(args[0])
			if err != nil {
				return usage("%w", err)
			}
			w := wanted{group: group, domain: args[1], role: args[2], force: force}
			for name, value := range map[string]**string{"priority": &w.priority, "settings": &w.settings, "note": &w.note} {
				if f := c.Flags().Lookup(name); f.Changed {
					text := f.Value.String()
					*value = &text
				}
			}
			return mappingSet(c, env, w, how)
		},
	}
	c.Flags().StringVar(&priority, "priority", "", "the highest of a person's rows in a domain wins; `N` is 100 for a new row")
	c.Flags().StringVar(&settings, "settings", "", "UserSettings of CreateUserProfile without ExecutionRole: JSON, or a `FILE` with it; {} takes them out")
	c.Flags().StringVar(&note, "note", "", "a `TEXT` for people")
	c.Flags().BoolVar(&force, "force", false, "also for a group that does not exist (yet)")
	how.add(c)
	return c
}

func mappingSet(c *cobra.Command, env Environment, w wanted, how manner) error {
	d, err := openTable(c, env, writeAccess(how.noLock))
	if err != nil {
		return err
	}
	stored, err := d.stored(c.Context())
	if err != nil {
		return err
	}
	was := find(stored, rowKey{w.group.Key(), w.domain})
	is, err := w.entry(was)
	if err != nil {
		return err
	}
	change := awscloud.Change{Was: was, Is: &is}
	if err := d.admit(c.Context(), stored, change, w.force); err != nil {
		return err
	}
	if was != nil && was.Wrong == "" && was.Entry == is {
		return d.carryOut(c.Context(), nil, how)
	}
	return d.carryOut(c.Context(), []awscloud.Change{change}, how)
}

// find is the row that has the key; nil when none has.
func find(stored []awscloud.Stored, key rowKey) *awscloud.Stored {
	for i := range stored {
		if keyOf(stored[i].Entry) == key {
			return &stored[i]
		}
	}
	return nil
}

// entry is what the row shall be: what is there, and over it what was asked for.
func (w wanted) entry(was *awscloud.Stored) (entry, error) {
	e := entry{Priority: studio.DefaultPriority}
	if was != nil {
		e = was.Entry
	}
	e.Group, e.Domain, e.Role = w.group, w.domain, w.role
	if e.Priority == studio.UnknownPriority {
		e.Priority = studio.DefaultPriority
	}
	if w.priority != nil {
		var err error
		if e.Priority, err = parsePriority(*w.priority); err != nil {
			return e, usage("--%w", err)
		}
	}
	if w.note != nil {
		e.Note = *w.note
		if strings.ContainsFunc(e.Note, unicode.IsControl) {
			return e, usage("--note holds a line break or another control character; write it on one line")
		}
	}
	if w.settings != nil {
		var err error
		if e.Settings, err = settingsFrom(*w.settings); err != nil {
			return e, usage("--settings: %w", err)
		}
	}
	return e, nil
}

// settingsFrom reads JSON, or a file that holds it.
func settingsFrom(value string) (studio.Settings, error) {
	text := []byte(value)
	if !strings.HasPrefix(strings.TrimSpace(value), "{") {
		var err error
		if text, err = os.ReadFile(value); err != nil {
			return "", err
		}
	}
	return studio.ParseSettings(text)
}

// admit refuses a row that the function could not rely on.
func (d *mappingDesk) admit(ctx context.Context, stored []awscloud.Stored, change awscloud.Change, force bool) error {
	verdicts, err := d.judge(ctx, stored, []awscloud.Change{change}, force)
	if err != nil {
		return err
	}
	verdict := verdicts[keyOf(*change.Is)]
	switch {
	case verdict.missing:
		return usage("group %q: %s (--force writes the row all the same)", change.Is.Group.Key(), verdict.why)
	case verdict.why != "":
		return usage("group %q in %s: %s", change.Is.Group.Key(), change.Is.Domain, verdict.why)
	case verdict.toCome:
		d.warnOfAbsent(*change.Is)
	case change.Is.Group.ID == "":
		fmt.Fprintf(d.env.Stderr, "advice: another group can take over the name %q; groupId:%s stays this one\n", change.Is.Group.Name, verdict.groupID)
	}
	return nil
}

func mappingDeleteCommand(env Environment) *cobra.Command {
	var how manner
	c := &cobra.Command{
		Use:   "delete GROUP DOMAIN",
		Short: "Takes a row out of the table, whether it can be read or not",
		Args:  arguments("GROUP and DOMAIN", 2),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := openTable(c, env, writeAccess(how.noLock))
			if err != nil {
				return err
			}
			stored, err := d.stored(c.Context())
			if err != nil {
				return err
			}
			was := find(stored, rowKey{studio.ParseGroupRef(args[0]).Key(), args[1]})
			if was == nil {
				return usage("%s has no row for group %q in domain %q%s", d.table.Table, args[0], args[1], d.elsewhere(args[0], args[1]))
			}
			return d.carryOut(c.Context(), []awscloud.Change{{Was: was}}, how)
		},
	}
	how.add(c)
	return c
}

// elsewhere says where a row is written that is not in the table.
func (d *mappingDesk) elsewhere(group, domain string) string {
	for _, r := range d.keep.Mapping.Rules {
		if r.Group.Key() == group && r.Domain == domain {
			return "; the configuration has one: " + r.Source
		}
	}
	return "; studiokeeper mapping list shows all"
}
