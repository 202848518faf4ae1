package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

func demoCommand(env Environment) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Tells the whole story on the local cloud: from an AD group to a working profile",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), 2*time.Minute)
			defer cancel()
			return demo(ctx, env)
		},
	}
}

// demo runs the story. It fails with the first thing that is not as told.
func demo(ctx context.Context, env Environment) (err error) {
	command, err := functionItself()
	if err != nil {
		return err
	}
	var log lockedBuffer
	s, err := serveCloud(ctx, "127.0.0.1:0", &localcloud.Cloud{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	t := &teller{w: env.Stdout, style: style(env, env.Stdout), sample: s}
	defer func() { err = errors.Join(err, t.closeCorp()) }()
	t.title("AWS and Active Directory in one process, on %s", s.endpoint)
	for _, tell := range []func(context.Context) error{
		func(ctx context.Context) error { return t.account(ctx, command, &log) },
		t.activeDirectory, t.row, t.joins, t.arrives, t.signsIn, t.unmapped, t.forged, t.leaves, t.weekLater,
	} {
		err := tell(ctx)
		if errors.Is(ctx.Err(), context.Canceled) {
			return errors.New("interrupted")
		}
		if err != nil {
			return fmt.Errorf("the story went wrong: %w\nThe function's log:\n%s", err, log.String())
		}
	}
	t.end()
	return nil
}

// teller tells the story and checks each step of it.
type teller struct {
	w       io.Writer
	style   render.Style
	sample  *sample
	corp    corp
	step    int
	alice   string // ids
	group   string
	profile string // alice's, where she landed
	joined  time.Time
	since   time.Time // when the step began
}

const (
	demoGroup = "ad-group-1"
	demoRole  = sampleRoles + demoGroup
)

func (t *teller) title(format string, args ...any) {
	fmt.Fprintf(t.w, "%s  %s\n\n", t.style.Bold("studiokeeper demo"), t.style.Dim(fmt.Sprintf(format, args...)))
	t.since = time.Now()
}

// say ends a step: what happened, how long it took, and what one sees.
func (t *teller) say(what string, seen ...string) {
	t.step++
	took := time.Since(t.since).Round(time.Millisecond)
	fmt.Fprintf(t.w, "%s %-78s %s\n", t.style.Good(fmt.Sprintf("%2d", t.step)), t.style.Bold(what), t.style.Dim(took.String()))
	for _, line := range seen {
		fmt.Fprintf(t.w, "   %s\n", line)
	}
	t.since = time.Now()
}

func (t *teller) account(ctx context.Context, command []string, log io.Writer) error {
	if err := t.sample.furnish(ctx, command, log); err != nil {
		return err
	}
	if err := t.openCorp(command); err != nil {
		return err
	}
	t.say("A Studio domain that signs in through IAM Identity Center",
		fmt.Sprintf("domain %s (%s) in account %s, %s, identity store %s", sampleDomain, t.sample.domainID, sampleAccount, sampleRegion, sampleStore),
		"everybody in it gets "+sampleDefault,
		"studiokeeper runs there: a rule, two queues, and its function, as a process of its own")
	return nil
}

func (t *teller) row(ctx context.Context) error {
	_, err := dynamodb.NewFromConfig(t.sample.aws).PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(sampleMapping),
		Item: map[string]dynamotypes.AttributeValue{
			"group":  &dynamotypes.AttributeValueMemberS{Value: demoGroup},
			"domain": &dynamotypes.AttributeValueMemberS{Value: sampleDomain},
			"role":   &dynamotypes.AttributeValueMemberS{Value: demoRole},
		},
	})
	if err != nil {
		return err
	}
	t.say("A mapping row in the DynamoDB table "+sampleMapping, fmt.Sprintf("group %s, domain %s → %s", demoGroup, sampleDomain, demoRole))
	return nil
}

// arrives waits for alice's profile, and shows what she can do then.
func (t *teller) arrives(ctx context.Context) error {
	e, err := t.delivered(ctx, t.group, "PatchGroup")
	if err != nil {
		return err
	}
	t.say("CloudTrail's event reaches the rule, the rule the queue",
		"PatchGroup from identitystore-scim.amazonaws.com, which hides the member → "+strings.Join(e.Rules, ", ")+" → "+eventsFunction)
	p, err := t.await(ctx, "alice@example.com")
	if err != nil {
		return err
	}
	if p.Role != demoRole {
		return fmt.Errorf("alice has the role %q, want %s", p.Role, demoRole)
	}
	seen := []string{
		"DescribeUserProfile " + p.Name,
		"  Status                   " + string(p.Status),
		"  SingleSignOnUserValue    " + p.SSOUser,
		"  ExecutionRole            " + t.style.Good(demoRole),
	}
	for _, key := range slices.Sorted(maps.Keys(p.Tags)) {
		seen = append(seen, fmt.Sprintf("  %-24s %s", key, p.Tags[key]))
	}
	seen = append(seen, fmt.Sprintf("%.1f s after she joined, %.1f s of which SageMaker took to make it", time.Since(t.joined).Seconds(), localcloud.DefaultProfileDelay.Seconds()))
	t.say("The function reads, decides, and gives her a profile", seen...)
	return nil
}

// signsIn waits until alice's group may sign in, and opens Studio as she does.
func (t *teller) signsIn(ctx context.Context) error {
	// The function looks again seconds later; the cloud's clock is moved on meanwhile.
	for {
		profile, err := t.sample.cloud.SignIn(sampleAccount, sampleRegion, t.sample.domainID, t.alice)
		if err == nil {
			t.profile = profile
			break
		}
		var denied *localcloud.SignInDenied
		if !errors.As(err, &denied) {
			return err
		}
		t.sample.cloud.Advance(time.Second)
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("alice cannot sign in: %w", err)
		}
	}
	p, err := t.profileOf(ctx, "alice@example.com")
	if err != nil {
		return err
	}
	if p.Name != t.profile {
		return fmt.Errorf("alice lands in %s, not in %s", t.profile, p.Name)
	}
	notice, err := t.delivered(ctx, t.alice, reconcile.NoticeReady)
	if err != nil {
		return err
	}
	var told struct{ Detail reconcile.NoticeDetail }
	if err := json.Unmarshal(notice.Event, &told); err != nil {
		return err
	}
	t.say("Her group may sign in to the domain, and she opens Studio",
		"she lands in "+t.profile,
		fmt.Sprintf("and a notice on the bus tells of it: %q, %s", reconcile.NoticeReady, told.Detail.StudioURL))
	return nil
}

// unmapped looks at bob, who was carried over into a group without a row.
func (t *teller) unmapped(ctx context.Context) error {
	if _, err := t.userID(ctx, "bob@"+corpDomain); err != nil {
		return err
	}
	return t.nothingFor(ctx, "bob@"+corpDomain, "bob@example.com is in "+corpOther+", a group that has no row", "looked at, and left without a profile")
}

// forged puts an event into the queue that tells of a membership that nobody has.
func (t *teller) forged(ctx context.Context) error {
	eve, err := t.console().CreateUser(localcloud.Person{UserName: "eve@example.com", DisplayName: "Eve"})
	if err != nil {
		return err
	}
	if err := t.handled(ctx); err != nil {
		return err
	}
	body := fmt.Sprintf(`{"source":"aws.sso-directory","detail-type":"AWS API Call via CloudTrail","detail":{"eventVersion":"1.08",
		"eventID":"forged","eventSource":"sso-directory.amazonaws.com","eventName":"AddMemberToGroup",
		"requestParameters":{"identityStoreId":%q,"groupId":%q,"member":{"memberId":%q}}}}`, sampleStore, t.group, eve)
	before := t.looks()
	_, err = sqs.NewFromConfig(t.sample.aws).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &t.sample.queueURL, MessageBody: &body})
	if err != nil {
		return err
	}
	// The read does not show what the event claims, so the function looks
	// again twice, 30 s apart: the cloud's clock is moved on meanwhile.
	for range 2 {
		if err := t.handled(ctx); err != nil {
			return err
		}
		t.sample.cloud.Advance(31 * time.Second)
	}
	if err := t.handled(ctx); err != nil {
		return err
	}
	// A look at somebody else may fall into the same seconds.
	if looks := t.looks() - before; looks < 3 {
		return fmt.Errorf("the function looked %d times for what the forged event claims, want 3", looks)
	}
	return t.nothingFor(ctx, "eve@example.com", "A forged event says that eve@example.com joined "+demoGroup,
		"an event only says whom to look at: three looks at her groups, and no profile")
}

// nothingFor waits until nothing is left to be done, and finds no profile.
func (t *teller) nothingFor(ctx context.Context, userName, what, seen string) error {
	if err := t.handled(ctx); err != nil {
		return err
	}
	p, err := t.profileOf(ctx, userName)
	if err != nil {
		return err
	}
	if p != nil {
		return fmt.Errorf("%s has the profile %s", userName, p.Name)
	}
	t.say(what, seen)
	return nil
}

// looks counts how often memberships were read.
func (t *teller) looks() int { return t.sample.cloud.CallCounts()["identitystore.IsMemberInGroups"] }

func (t *teller) end() {
	fmt.Fprintf(t.w, "\n%s\n", t.style.Dim("Try it by hand: studiokeeper local"))
}

func (t *teller) console() *localcloud.Console {
	return t.sample.cloud.Console(sampleAccount, sampleRegion, sampleStore)
}

// delivered waits for the event that speaks of id.
func (t *teller) delivered(ctx context.Context, id, name string) (localcloud.Delivered, error) {
	for {
		for _, e := range t.sample.cloud.Events() {
			if bytes.Contains(e.Event, []byte(id)) && bytes.Contains(e.Event, []byte(name)) {
				return e, nil
			}
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return localcloud.Delivered{}, fmt.Errorf("no %s event reached a queue: %w", name, err)
		}
	}
}

// handled waits until the function has taken everything that can be taken now.
func (t *teller) handled(ctx context.Context) error {
	client := sqs.NewFromConfig(t.sample.aws)
	for quiet := 0; quiet < 3; {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("the function did not empty its queue: %w", err)
		}
		a, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &t.sample.queueURL, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
		})
		if err != nil {
			return err
		}
		quiet++
		for _, n := range a.Attributes {
			if n != "0" {
				quiet = 0
			}
		}
	}
	return nil
}

// await waits for a user's profile to be ready.
func (t *teller) await(ctx context.Context, userName string) (*studio.Profile, error) {
	for {
		p, err := t.profileOf(ctx, userName)
		if err != nil {
			return nil, err
		}
		if p != nil && p.Status == studio.InService {
			return p, nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, fmt.Errorf("%s got no profile: %w", userName, err)
		}
	}
}

// profileOf finds the profile made for a UserName, with its tags; nil when there is none.
func (t *teller) profileOf(ctx context.Context, userName string) (*studio.Profile, error) {
	profiles := &awscloud.Profiles{Session: t.sample.session}
	list, err := profiles.List(ctx, t.sample.domain(), "")
	if err != nil {
		return nil, err
	}
	for _, listed := range list {
		p, err := profiles.Read(ctx, t.sample.domain(), listed.Name)
		switch {
		case errors.Is(err, reconcile.ErrGone):
		case err != nil:
			return nil, err
		case p.SSOUser == userName:
			return &p, nil
		}
	}
	return nil, nil
}

// lockedBuffer collects what two processes log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is everything written so far.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
