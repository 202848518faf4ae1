package awscloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
)

// daysAtOnce bounds how many days are read at the same time.
const daysAtOnce = 8

// Entries implements reconcile.JournalReader with a query of the user, or one for each day.
func (s *State) Entries(ctx context.Context, since, until time.Time, userID string) ([]plan.Entry, error) {
	var keys []string
	if userID != "" {
		keys = append(keys, journalUser+userID)
	} else {
		for day := since.UTC().Truncate(24 * time.Hour); day.Before(until); day = day.Add(24 * time.Hour) {
			keys = append(keys, journalDay+day.Format(time.DateOnly))
		}
	}
	read := make([][]plan.Entry, len(keys))
	doubts := make([][]error, len(keys))
	var g errgroup.Group
	g.SetLimit(daysAtOnce)
	for i, pk := range keys {
		g.Go(func() error {
			return s.between(ctx, pk, since, until, func(it item) {
				e, doubt := s.relied(it)
				if !e.Time.IsZero() {
					read[i] = append(read[i], e)
				}
				doubts[i] = append(doubts[i], doubt)
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(read...), errors.Join(slices.Concat(doubts...)...)
}

// between reads the items of one hash key from a time on, and before another.
func (s *State) between(ctx context.Context, pk string, since, until time.Time, read func(item)) error {
	r := s.request("Query", key(pk, ""))
	return everyKey(r, func(after item) (item, error) {
		out, err := s.client().Query(ctx, &dynamodb.QueryInput{
			TableName: &s.Table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: after,
			KeyConditionExpression:    aws.String("#pk = :pk AND #sk BETWEEN :since AND :until"),
			ExpressionAttributeNames:  map[string]string{"#pk": "pk", "#sk": "sk"},
			ExpressionAttributeValues: item{":pk": text(pk), ":since": timeText(since), ":until": timeText(until)},
		})
		if err != nil {
			return nil, r.failed(err, nil)
		}
		for _, it := range out.Items {
			read(it)
		}
		return out.LastEvaluatedKey, nil
	})
}

// relied reads an entry to be shown. One that is not as it was written is shown all the same, with the
// reason not to believe it.
func (s *State) relied(it item) (plan.Entry, error) {
	f, err := filedOf(it)
	if err == nil && !f.link.Sound {
		err = fmt.Errorf("entry %d of user %s does not say what its digest was made of: it was altered; see journal verify", f.entry.Seq, f.userID)
	}
	if err != nil {
		return f.entry, s.request("Query", it).broken("%w", err)
	}
	return f.entry, nil
}

// filed is an entry, or its copy, with what its key says.
type filed struct {
	userID string
	copied bool
	entry  plan.Entry
	link   plan.Link
}

// filedOf reads an item of the journal that is no head. An entry that is sound must lie where it was put.
func filedOf(it item) (filed, error) {
	pk, sk := stringOf(it, "pk"), stringOf(it, "sk")
	f := filed{}
	at, rest, ok := strings.Cut(sk, "#")
	if _, err := time.Parse(sortedTime, at); err != nil {
		ok = false
	}
	if f.userID, f.copied = strings.CutPrefix(pk, journalDay); f.copied {
		f.userID = rest[:max(0, strings.LastIndex(rest, "#"))]
	} else {
		f.userID = strings.TrimPrefix(pk, journalUser)
	}
	if !ok || f.userID == "" {
		if f.copied {
			f.userID = "" // whose it would be cannot be said
		}
		return f, fmt.Errorf("item %q, %q: the key is none of the journal's", pk, sk)
	}
	var err error
	if f.entry, f.link, err = plan.ParseEntry([]byte(stringOf(it, "entry"))); err != nil {
		return filed{userID: f.userID, copied: f.copied}, fmt.Errorf("item %q, %q: %w", pk, sk, err)
	}
	if !f.link.Sound {
		return f, nil
	}
	return f, f.misplaced(it, rest)
}

// misplaced says what of an item is not as the entry in it would have it.
func (f filed) misplaced(it item, random string) error {
	want := entryItem(f.entry, stringOf(it, "entry"), random)
	if f.copied {
		want = dayItem(f.entry, stringOf(it, "entry"))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if found := stringOf(it, name); found != stringOf(want, name) {
			return fmt.Errorf("item %q, %q: the attribute %s is %q, and its entry wants %q", stringOf(it, "pk"), stringOf(it, "sk"), name, found, stringOf(want, name))
		}
	}
	return nil
}

// Chains implements reconcile.JournalReader. It reads the whole table: only so is a chain found that was
// removed with its head, or an item that lies where nobody would look.
func (s *State) Chains(ctx context.Context, userID string) ([]plan.Chain, []plan.Problem, error) {
	all := chains{only: userID, of: map[string]*plan.Chain{}}
	r := s.request("Scan", key(journalUser+"…", ""))
	err := everyKey(r, func(after item) (item, error) {
		out, err := s.client().Scan(ctx, &dynamodb.ScanInput{
			TableName: &s.Table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: after,
			FilterExpression:          aws.String("begins_with(#pk, :user) OR begins_with(#pk, :day)"),
			ExpressionAttributeNames:  map[string]string{"#pk": "pk"},
			ExpressionAttributeValues: item{":user": text(journalUser), ":day": text(journalDay)},
		})
		if err != nil {
			return nil, r.failed(err, nil)
		}
		for _, it := range out.Items {
			all.add(it)
		}
		return out.LastEvaluatedKey, nil
	})
	if err != nil {
		return nil, nil, err
	}
	var found []plan.Chain
	for _, id := range slices.Sorted(maps.Keys(all.of)) {
		found = append(found, *all.of[id])
	}
	slices.SortFunc(all.strays, func(a, b plan.Problem) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Text, b.Text))
	})
	return found, all.strays, nil
}

// chains collects what a scan finds. Of an entry only its link is kept.
type chains struct {
	only   string // a user; "" is everybody
	of     map[string]*plan.Chain
	strays []plan.Problem
}

func (c *chains) add(it item) {
	if id, ok := strings.CutPrefix(stringOf(it, "pk"), journalUser); ok && stringOf(it, "sk") == journalHead {
		c.head(id, it)
		return
	}
	f, err := filedOf(it)
	if c.only != "" && f.userID != c.only && f.userID != "" {
		return
	}
	if err != nil {
		c.strays = append(c.strays, plan.Problem{UserID: f.userID, Seq: f.link.Seq, Time: f.link.Time, What: plan.Stray, Text: err.Error()})
		return
	}
	chain := c.chain(f.userID)
	if f.copied {
		chain.Copies = append(chain.Copies, f.link)
	} else {
		chain.Links = append(chain.Links, f.link)
	}
}

func (c *chains) head(userID string, it item) {
	if c.only != "" && userID != c.only {
		return
	}
	is, err := headOf(it)
	if err != nil {
		c.strays = append(c.strays, plan.Problem{UserID: userID, What: plan.Stray, Text: fmt.Sprintf("item %q, %q: %v", stringOf(it, "pk"), journalHead, err)})
		return
	}
	c.chain(userID).Head = &is
}

func (c *chains) chain(userID string) *plan.Chain {
	if c.of[userID] == nil {
		c.of[userID] = &plan.Chain{UserID: userID}
	}
	return c.of[userID]
}
