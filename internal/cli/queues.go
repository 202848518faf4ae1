package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
)

// pair is the two queues: of events, and of what comes in bulk.
type pair struct {
	events, pass string // URLs by flag
}

func (p *pair) add(c *cobra.Command) {
	c.Flags().StringVar(&p.events, "queue-url", "", "`URL` of the events queue (default $"+app.EnvQueue+", then the queue "+eventsFunction+")")
	c.Flags().StringVar(&p.pass, "pass-queue-url", "", "`URL` of the pass queue (default $"+app.EnvPassQueue+", then the queue "+passFunction+")")
}

// find gives both queues: by flag, by environment, or by name.
func (p pair) find(ctx context.Context, env Environment, s *awscloud.Session, region string) (events, pass *awscloud.Queue, err error) {
	at := awscloud.Place{Region: region}
	if events, err = oneQueue(ctx, env, s, at, p.events, app.EnvQueue, eventsFunction); err != nil {
		return nil, nil, err
	}
	pass, err = oneQueue(ctx, env, s, at, p.pass, app.EnvPassQueue, passFunction)
	return events, pass, err
}

func oneQueue(ctx context.Context, env Environment, s *awscloud.Session, at awscloud.Place, flag, variable, name string) (*awscloud.Queue, error) {
	set, _ := env.Lookup(variable)
	if url := cmp.Or(flag, set); url != "" {
		return &awscloud.Queue{Session: s, At: at, URL: url}, nil
	}
	return s.FindQueue(ctx, at, name)
}
