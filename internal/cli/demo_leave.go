package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/event"
	"studiokeeper/internal/studio"
)

// works starts an app, as alice does when she works.
func (t *teller) works(ctx context.Context) error {
	in := map[string]any{"DomainId": t.sample.domainID, "UserProfileName": t.profile, "AppType": "JupyterServer", "AppName": "default"}
	if err := t.sample.studioAPI(ctx, "CreateApp", "an app of "+t.profile, in, nil); err != nil {
		return err
	}
	t.sample.cloud.Advance(time.Minute)
	running, err := t.apps(ctx)
	if err != nil || running != 1 {
		return errors.Join(err, fmt.Errorf("alice's app does not run: %d apps", running))
	}
	return nil
}

// leaves takes alice out of her group while an app of hers runs.
func (t *teller) leaves(ctx context.Context) error {
	if err := t.works(ctx); err != nil {
		return err
	}
	t.since = time.Now()
	if err := t.corp.domain.RemoveMember(corpTeam, "alice"); err != nil {
		return err
	}
	seen, err := t.carryOver(ctx)
	if err != nil {
		return err
	}
	for {
		running, err := t.apps(ctx)
		if err != nil {
			return err
		}
		p, err := t.profileOf(ctx, "alice@example.com")
		if err != nil {
			return err
		}
		if p == nil {
			return errors.New("alice's profile is gone before its grace period")
		}
		if running == 0 && p.Role == sampleQuarantine && p.Status == studio.InService {
			break
		}
		t.sample.cloud.Advance(time.Second) // apps and looks take their time
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("alice keeps %d apps and the role %s: %w", running, p.Role, err)
		}
	}
	t.say("alice@example.com leaves "+corpTeam+" while an app of hers runs", append(seen,
		"her app is stopped, and her profile has "+sampleQuarantine,
		"her files and volumes wait out a week")...)
	return nil
}

// weekLater lets the grace period pass; the hourly pass finds her.
func (t *teller) weekLater(ctx context.Context) error {
	t.sample.cloud.Advance(7 * 24 * time.Hour)
	pass := event.Look{Scope: event.Everybody, Trigger: event.Trigger{Name: "Scheduled Event"}}
	_, err := sqs.NewFromConfig(t.sample.aws).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &t.sample.passURL, MessageBody: aws.String(string(pass.Message()))})
	if err != nil {
		return err
	}
	for {
		p, err := t.profileOf(ctx, "alice@example.com")
		if err != nil {
			return err
		}
		if p == nil {
			break
		}
		t.sample.cloud.Advance(time.Second)
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("alice's profile is still %s: %w", p.Status, err)
		}
	}
	t.say("A week later", "the profile "+t.profile+" is deleted; its files' owner stands in the journal", "the tag "+studio.TagLeaving+" said since when she was leaving")
	return nil
}

// apps counts alice's apps that are not gone.
func (t *teller) apps(ctx context.Context) (int, error) {
	apps := &awscloud.Apps{Session: t.sample.session}
	running, err := apps.Apps(ctx, t.sample.domain(), t.profile)
	return len(running), err
}
