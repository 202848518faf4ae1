package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/event"
)

// inspecting is how long dead letters stay hidden while they are read.
const inspecting = time.Minute

// deadLetter is a dead letter, for scripts.
type deadLetter struct {
	Queue    string    `json:"queue"`
	ID       string    `json:"id"`
	Sent     time.Time `json:"sent"`
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
		fmt.Fprintf(env.Stdout, "%s  %s  sent %s, received %d times\n  %s\n", d.Queue, d.ID, d.Sent.Format(time.RFC3339), d.Received, d.What)
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
	body := d.letter.Body
	if streamFailure(body) != "" {
		body = string(event.Look{Scope: event.Everybody, Trigger: event.Trigger{ID: d.ID, Name: "queue redrive"}}.Message())
	}
	if err := to.Put(ctx, body); err != nil {
		m.left++
		return false, err
	}
	m.moved++
	return true, from.Delete(ctx, d.letter.Receipt)
}

// each reads the dead letters of the chosen queues and gives back those that
// are not gone afterwards.
func (f deadFlags) each(ctx context.Context, ref string, env Environment, do func(context.Context, deadLetter, *awscloud.Queue, *awscloud.Queue) (gone bool, err error)) error {
	if f.queue != "all" && f.queue != "events" && f.queue != "pass" {
		return usage("--queue %s: want events, pass or all", f.queue)
	}
	cfg, err := app.LoadConfig(ctx, ref, env.Lookup)
	if err != nil {
		return err
	}
	session, err := app.Session(ctx, app.Options{Running: "queue"})
	if err != nil {
		return err
	}
	events, pass, err := f.queues.find(ctx, env, session, cfg.IdentityCenter.Region)
	if err != nil {
		return err
	}
	var errs []error
	if f.queue != "pass" {
		errs = append(errs, f.letters(ctx, "events", events, do))
	}
	if f.queue != "events" {
		errs = append(errs, f.letters(ctx, "pass", pass, do))
	}
	return errors.Join(errs...)
}

func (f deadFlags) letters(ctx context.Context, name string, q *awscloud.Queue, do func(context.Context, deadLetter, *awscloud.Queue, *awscloud.Queue) (bool, error)) error {
	dead, err := q.Dead(ctx)
	if err != nil {
		return err
	}
	var kept []string
	defer func() {
		for _, receipt := range kept {
			_ = dead.Hide(context.WithoutCancel(ctx), receipt, 0) // it comes back by itself a minute later
		}
	}()
	for read := 0; read < f.limit; {
		letters, err := dead.Receive(ctx, min(10, f.limit-read), 0, inspecting)
		if err != nil || len(letters) == 0 {
			return err
		}
		read += len(letters)
		for _, l := range letters {
			gone, err := do(ctx, describe(name, l), dead, q)
			if !gone {
				kept = append(kept, l.Receipt)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// describe says what a dead letter is, and why it fails if that can be seen.
func describe(queue string, l awscloud.Letter) deadLetter {
	d := deadLetter{Queue: queue, ID: l.ID, Sent: l.Sent, Received: l.Received, letter: l}
	if stream := streamFailure(l.Body); stream != "" {
		d.What = stream
		return d
	}
	looks, err := event.Parse([]byte(l.Body))
	switch {
	case err != nil:
		d.What, d.Why = "a message that cannot be read", err.Error()
	case len(looks) == 0:
		d.What = "an event that concerns nobody"
	default:
		var whats []string
		for _, look := range looks {
			whats = append(whats, strings.TrimSpace(look.Trigger.Name+" "+look.Trigger.Source)+": look at "+whom(look))
		}
		d.What = strings.Join(whats, "; ")
	}
	return d
}

// streamFailure describes what Lambda sends about a batch of a stream that
// failed, which names no rows; "" for anything else.
func streamFailure(body string) string {
	var failed struct {
		Info *struct {
			StreamArn string `json:"streamArn"`
			BatchSize int    `json:"batchSize"`
		} `json:"DDBStreamBatchInfo"`
	}
	if json.Unmarshal([]byte(body), &failed) != nil || failed.Info == nil {
		return ""
	}
	return fmt.Sprintf("%d changed rows of the mapping table that were not handled (%s); redrive makes a pass of it, which finds them", failed.Info.BatchSize, failed.Info.StreamArn)
}
