package reconcile_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// The request rates that the bounds are worked out from: those of
// localcloud.Rates, which the cloud keeps to while these run.
const (
	identityRate = 20
	studioRate   = 10
	createRate   = 5
	tagRate      = 15
)

// size is a population: users, mapped groups, domains. Each user is in one
// group, and each group has a row in one domain.
type size struct{ users, groups, domains int }

// measured is what something cost.
type measured struct {
	calls int           // to AWS, the state table's included
	took  time.Duration // waiting for AWS's request rates; what is computed takes no virtual time
	bound time.Duration // what the rates allow at best
	done  time.Duration // until nothing was left to look at, where that is not what counts
	pages int
}

// BenchmarkPass shows what a full pass over everybody costs when nothing has
// changed, against the pages that there are and the time that AWS's request
// rates allow, beside the same work done with one Describe for each profile and
// one call for each membership.
func BenchmarkPass(b *testing.B) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprintln(table, "users\tgroups\tdomains\tpages\tcalls\tcalls/pages\tlower bound\ttook\ttook/bound\tone by one: calls\ttook\t")
	for _, n := range []size{{1_000, 20, 1}, {10_000, 50, 2}, {200_000, 100, 2}} {
		b.Run(fmt.Sprintf("users=%d", n.users), func(b *testing.B) {
			for b.Loop() {
				var lists, single measured
				inVirtualTime(b, func(t *testing.T) {
					w := populated(newWorld(t, nil), n)
					lists = w.measurePass(n)
					if n.users <= 10_000 {
						single = w.measureOneByOne(n)
					} else {
						single = oneByOneOf(n)
					}
				})
				b.ReportMetric(float64(lists.calls), "calls")
				b.ReportMetric(float64(lists.calls)/float64(lists.pages), "calls/page")
				b.ReportMetric(lists.took.Seconds(), "s")
				b.ReportMetric(lists.took.Seconds()/lists.bound.Seconds(), "time/bound")
				b.ReportMetric(float64(single.calls), "calls-plain")
				b.ReportMetric(single.took.Seconds(), "s-plain")
				fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t%.2f\t%s\t%s\t%.2f\t%d\t%s\t\n", n.users, n.groups, n.domains, lists.pages, lists.calls,
					float64(lists.calls)/float64(lists.pages), lists.bound.Round(time.Second), lists.took.Round(time.Second),
					lists.took.Seconds()/lists.bound.Seconds(), single.calls, single.took.Round(time.Second))
			}
		})
	}
}

// inVirtualTime runs a story in a testing/synctest bubble, which only a test
// can have.
func inVirtualTime(b *testing.B, story func(t *testing.T)) {
	b.Helper()
	all := func(string, string) (bool, error) { return true, nil }
	ok := testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, story) }}})
	if !ok {
		b.Fatal("the measured run failed")
	}
}

// populated is a world in which everybody has what they should, and a pass has
// seen it.
func populated(w *world, n size) *world {
	w.cloud.ProfileQuota = n.users + 1
	domains := map[string]string{"research": w.domain}
	var lines strings.Builder
	for i := 1; i < n.domains; i++ {
		name := fmt.Sprintf("d%d", i)
		domains[name] = w.makeDomain(name)
		fmt.Fprintf(&lines, "  - {name: %s, id: %s, region: us-east-1, account: \"111122223333\", signIn: none}\n", name, domains[name])
	}
	ids, err := w.console().SeedUsers(n.users, func(i int) localcloud.Person {
		return localcloud.Person{UserName: fmt.Sprintf("user%06d@example.com", i)}
	})
	w.must(err)
	var rules strings.Builder
	seen := map[string]reconcile.Seen{}
	for g := range n.groups {
		w.populate(n, g, ids, domains, &rules, seen)
	}
	w.open(func(s string) string {
		s = strings.Replace(s, "mapping:\n", lines.String()+"mapping:\n", 1)
		return strings.Replace(s, "  table: mapping\n", "  rules:\n"+rules.String(), 1)
	})
	for name, id := range domains {
		w.remember(name, id, seen)
		w.must(w.keeper.Mapping.Dates.SettleDomain(context.Background(), name, w.cloud.Now()))
	}
	_, err = w.keeper.Mapping.Rows(context.Background())
	w.must(err)
	w.must(w.keeper.Mapping.PinNew(context.Background())) // since when each row says what it says
	w.cloud.Throttle = true
	return w
}

// populate makes one group with its row, its members and their profiles.
func (w *world) populate(n size, g int, ids []string, domains map[string]string, rules *strings.Builder, seen map[string]reconcile.Seen) {
	domain := "research"
	if g%n.domains > 0 {
		domain = fmt.Sprintf("d%d", g%n.domains)
	}
	group, err := w.console().CreateGroup(fmt.Sprintf("group-%d", g))
	w.must(err)
	role := fmt.Sprintf("%sgroup-%d", roles, g)
	fmt.Fprintf(rules, "    - {groupId: %s, domain: %s, role: %q}\n", group, domain, role)
	var members []string
	var profiles []localcloud.ProfileSeed
	var people []dynamotypes.WriteRequest
	for i := g; i < len(ids); i += n.groups {
		userName := fmt.Sprintf("user%06d@example.com", i)
		members = append(members, ids[i])
		seen[name(ids[i], userName)] = reconcile.Seen{Name: name(ids[i], userName), SSOUser: userName, Role: role, At: w.cloud.Now()}
		profiles = append(profiles, localcloud.ProfileSeed{Name: name(ids[i], userName), UserName: userName, Role: role, Tags: map[string]string{
			studio.TagDeployment: "prod", studio.TagUserID: ids[i], studio.TagGroup: group, studio.TagApplied: studio.Digest(role, ""),
		}})
		text := func(s string) dynamotypes.AttributeValue { return &dynamotypes.AttributeValueMemberS{Value: s} }
		people = append(people, dynamotypes.WriteRequest{PutRequest: &dynamotypes.PutRequest{Item: map[string]dynamotypes.AttributeValue{
			"pk": text("person#" + domain), "sk": text(ids[i]), "profile": text(name(ids[i], userName)), "group": text(group), "role": text(role),
			"since": text(w.cloud.Now().Format(time.RFC3339Nano)), "ready": &dynamotypes.AttributeValueMemberBOOL{Value: true},
		}}})
	}
	w.must(w.console().SeedMembers(group, members))
	w.must(w.cloud.SeedProfiles(account, region, domains[domain], profiles))
	for len(people) > 0 {
		some := people[:min(25, len(people))]
		people = people[len(some):]
		_, err := dynamodb.NewFromConfig(w.aws).BatchWriteItem(context.Background(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]dynamotypes.WriteRequest{"state": some}})
		w.must(err)
	}
}

// remember stores what the first pass finds out by describing everybody.
func (w *world) remember(name, id string, seen map[string]reconcile.Seen) {
	w.t.Helper()
	var all []reconcile.Seen
	list := sagemaker.NewListUserProfilesPaginator(sagemaker.NewFromConfig(w.aws), &sagemaker.ListUserProfilesInput{DomainIdEquals: &id, MaxResults: aws.Int32(100)})
	for list.HasMorePages() {
		page, err := list.NextPage(context.Background())
		w.must(err)
		for _, p := range page.UserProfiles {
			one := seen[*p.UserProfileName]
			one.Modified = p.LastModifiedTime.UnixMilli()
			all = append(all, one)
		}
	}
	w.must(w.keeper.Memory.KeepSeen(context.Background(), name, all))
}

func pages(n int) int { return (n + 99) / 100 }

// measurePass makes a pass that finds nothing to do.
func (w *world) measurePass(n size) measured {
	w.t.Helper()
	time.Sleep(time.Minute) // every allowance is full again
	w.cloud.ResetCalls()
	start := time.Now()
	w.handle(everybody)
	l, _, _ := w.queue.next()
	w.handle(l)
	m := measured{took: time.Since(start)}
	want(w.t, "looks handed on", w.queue.len(), 0)
	for _, count := range w.cloud.CallCounts() {
		m.calls += count
	}
	users, members, profiles, tags := pages(n.users), n.groups*pages(n.users/n.groups), n.domains*pages(n.users/n.domains), pages(n.users)
	m.pages = users + members + profiles + tags
	m.bound = max(seconds(users, identityRate), seconds(members, identityRate), seconds(profiles, studioRate), seconds(tags, tagRate))
	return m
}

func seconds(calls, rate int) time.Duration {
	return time.Duration(calls) * time.Second / time.Duration(rate)
}

// measureOneByOne does the same reading in the plain way: every profile of a
// list is described and asked for its tags, and every membership is asked for.
func (w *world) measureOneByOne(n size) measured {
	w.t.Helper()
	time.Sleep(time.Minute)
	w.cloud.ResetCalls()
	start := time.Now()
	ctx := context.Background()
	for _, t := range w.keeper.Targets {
		listed, err := w.keeper.Profiles.List(ctx, t.Domain, "")
		w.must(err)
		w.atOnce(len(listed), func(i int) {
			_, err := w.keeper.Profiles.Read(ctx, t.Domain, listed[i].Name)
			w.must(err)
		})
	}
	var ids []string
	w.must(w.keeper.Census.EachUser(ctx, func(u studio.User) { ids = append(ids, u.ID) }))
	group := w.keeper.Mapping.Rules[0].Group.ID
	w.atOnce(len(ids), func(i int) {
		_, err := w.keeper.Identity.MemberOf(ctx, ids[i], []string{group})
		w.must(err)
	})
	m := measured{took: time.Since(start)}
	for _, count := range w.cloud.CallCounts() {
		m.calls += count
	}
	return m
}

// oneByOneOf works out what measureOneByOne would cost at a size where it would
// take hours: for each profile a Describe and a ListTags, for each user one call.
func oneByOneOf(n size) measured {
	return measured{
		calls: pages(n.users) + n.domains*pages(n.users/n.domains) + 3*n.users,
		took:  seconds(n.users, studioRate) + seconds(n.users, identityRate),
	}
}

func (w *world) atOnce(n int, do func(i int)) {
	next := make(chan int)
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}
