package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
)

// inspecting is how long dead letters stay hidden while they are read.
const inspecting = time.Minute

// deadLetter is a dead letter, for scripts.
type deadLetter struct {
	Queue    string    `json:"queue"`
	ID       string    `json:"id"`
	Sent     time.Time `json:"sent"`
	Age      int       `json:"ageSeconds"`
	Received int       `json:"received"`
	What     string    `json:"what"`
	Why      string    `json:"why,omitempty"` // why it can never succeed as it is; "" when it can

	letter awscloud.Letter
}

func queueCommand(env Environment) *cobra.Command {
	c := &cobra.Command{Use: "queue", Short: "Shows dead letters, and moves them back", Args: noSuchCommand, RunE: help}
	c.AddCommand(queueInspectCommand(env), queueRedriveCommand(env))
	return c
}

// deadFlags say which dead letters are meant.
type deadFlags struct {
	queues pair
	queue  string
	limit  int
}

func (f *deadFlags) add(c *cobra.Command) {
	f.queues.add(c)
	c.Flags().StringVar(&f.queue, "queue", "all", "`WHICH` dead letters: events, pass or all")
	c.Flags().IntVar(&f.limit, "limit", 100, "read at most so many of each queue")
}

func queueInspectCommand(env Environment) *cobra.Command {
	var f deadFlags
	var format output
	c := &cobra.Command{
		Use: "inspect", Short: "Shows the dead letters, and leaves them where they are", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			found := []deadLetter{}
			err = f.each(c.Context(), configRef(c, env), env, func(_ context.Context, d deadLetter, _, _ *awscloud.Queue) (bool, error) {
				found = append(found, d)
				return false, nil
			})
			return errors.Join(err, showDead(env, found, asJSON))
		},
	}
	f.add(c)
	format.add(c)
	return c
}

func showDead(env Environment, found []deadLetter, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(env.Stdout).Encode(found)
	}
	if len(found) == 0 {
		fmt.Fprintln(env.Stdout, "There are no dead letters.")
	}
	for _, d := range found {
		fmt.Fprintf(env.Stdout, "%s  %s  sent %s (%s ago), received %d times\n  %s\n", d.Queue, d.ID, d.Sent.Format(time.RFC3339),
			plan.Short(time.Duration(d.Age)*time.Second), d.Received, d.What)
		if d.Why != "" {
			fmt.Fprintf(env.Stdout, "  fails again as it is: %s\n", d.Why)
		}
	}
	return nil
}

func queueRedriveCommand(env Environment) *cobra.Command {
	var f deadFlags
	var yes, all bool
	var ids []string
	c := &cobra.Command{
		Use: "redrive", Short: "Moves dead letters back to their queue", Args: noArguments,
		Long: `Moves dead letters back to the queue they came from. What cannot be read
stays, unless --all. A failed batch of the mapping table's stream becomes a pass.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := confirm(c.Context(), env, yes, "Move the dead letters back?"); err != nil {
				return err
			}
			m := mover{ids: ids, all: all}
			err := f.each(c.Context(), configRef(c, env), env, m.move)
			fmt.Fprintf(env.Stdout, "%d moved, %d left\n", m.moved, m.left)
			return err
		},
	}
	f.add(c)
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&all, "all", false, "also what cannot be read")
	c.Flags().StringSliceVar(&ids, "id", nil, "only the messages with these `IDS`")
	return c
}

// mover moves dead letters, and counts.
type mover struct {
	ids         []string
	all         bool
	moved, left int
}

// move sends first and deletes then: cut off in between, a letter is there
// twice, which does no harm, and never lost.
func (m *mover) move(ctx context.Context, d deadLetter, from, to *awscloud.Queue) (bool, error) {
	if len(m.ids) > 0 && !slices.Contains(m.ids, d.ID) || d.Why != "" && !m.all {
		m.left++
		return false, nil
	}
	body, attributes := d.letter.Body, d.letter.Attributes
	if streamFailure(body) != "" {
		attributes = nil
		body = string(event.Look{Scope: event.Everybody, Trigger: event.Trigger{ID: d.ID, Name: "queue redrive"}}.Message())
	}
	if err := to.Put(ctx, body, attributes); err != nil {
		m.left++
		return false, fmt.Errorf("move %s: %w", d.ID, err)
	}
	m.moved++
	if err := from.Delete(ctx, d.letter.Receipt); err != nil {
		return false, fmt.Errorf("%s was moved and is a dead letter still, which does no harm; redrive again: %w", d.ID, err)
	}
	return true, nil
}
