package reconcile_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	identitytypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/localcloud"
)

// callTime is how long each call to AWS is taken to be on its way.
const callTime = 30 * time.Millisecond

// BenchmarkReady shows how long one person waits from the event until the
// profile is ready, in a domain that has so many already, under AWS's request
// rates; beside the plain way, which describes every profile to find out
// whether one is the person's. The profile itself takes SageMaker 4 seconds.
func BenchmarkReady(b *testing.B) {
	for _, users := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			for b.Loop() {
				var ours, plain measured
				inVirtualTime(b, func(t *testing.T) { ours = measureReady(t, users, (*world).lookUntilReady) })
				inVirtualTime(b, func(t *testing.T) { plain = measureReady(t, users, (*world).joinPlainly) })
				b.ReportMetric(ours.took.Seconds(), "s-ready")
				b.ReportMetric(float64(ours.calls), "calls")
				b.ReportMetric(plain.took.Seconds(), "s-ready-plain")
				b.ReportMetric(float64(plain.calls), "calls-plain")
			}
		})
	}
}

func measureReady(t *testing.T, users int, join func(w *world, user, group, userName string)) measured {
	w := populated(newWorld(t, nil), size{users, 20, 1})
	w.cloud.ProfileDelay, w.cloud.ProfileQuota = 4*time.Second, users+1
	alice := w.user("alice@example.com")
	group := w.keeper.Mapping.Rules[0].Group.ID
	w.join(group, alice)
	w.cloud.Inject(localcloud.Fault{Delay: callTime})
	time.Sleep(time.Minute)
	w.cloud.ResetCalls()
	start := time.Now()
	join(w, alice, group, "alice@example.com")
	m := measured{took: time.Since(start)}
	for _, count := range w.cloud.CallCounts() {
		m.calls += count
	}
	return m
}

// lookUntilReady is what the function does after an event.
func (w *world) lookUntilReady(user, group, _ string) {
	w.handle(added(user, group))
	for {
		l, due, ok := w.queue.next()
		if !ok {
			w.t.Fatal("the profile did not become ready")
		}
		time.Sleep(due.Sub(w.cloud.Now()))
		results, err := w.keeper.Handle(context.Background(), l)
		w.must(err)
		for _, r := range results {
			if r.BecameReady {
				return
			}
		}
	}
}

// joinPlainly does it as a script would: it reads the user and the memberships,
// goes through all profiles, makes one, and waits for it.
func (w *world) joinPlainly(user, _, userName string) {
	ctx := context.Background()
	people, studio := identitystore.NewFromConfig(w.aws), sagemaker.NewFromConfig(w.aws, func(o *sagemaker.Options) { o.RetryMaxAttempts = 100 })
	_, err := people.DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: aws.String(store), UserId: &user})
	w.must(err)
	_, err = people.ListGroupMembershipsForMember(ctx, &identitystore.ListGroupMembershipsForMemberInput{
		IdentityStoreId: aws.String(store), MemberId: &identitytypes.MemberIdMemberUserId{Value: user},
	})
	w.must(err)
	list := sagemaker.NewListUserProfilesPaginator(studio, &sagemaker.ListUserProfilesInput{DomainIdEquals: &w.domain, MaxResults: aws.Int32(100)})
	for list.HasMorePages() {
		page, err := list.NextPage(ctx)
		w.must(err)
		for _, p := range page.UserProfiles {
			_, err := studio.DescribeUserProfile(ctx, &sagemaker.DescribeUserProfileInput{DomainId: &w.domain, UserProfileName: p.UserProfileName})
			w.must(err)
		}
	}
	_, err = studio.CreateUserProfile(ctx, &sagemaker.CreateUserProfileInput{
		DomainId: &w.domain, UserProfileName: aws.String("alice"), SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: &userName,
		UserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String(roles + "group-0")},
	})
	w.must(err)
	for {
		d, err := studio.DescribeUserProfile(ctx, &sagemaker.DescribeUserProfileInput{DomainId: &w.domain, UserProfileName: aws.String("alice")})
		w.must(err)
		if d.Status == sagemakertypes.UserProfileStatusInService {
			return
		}
		time.Sleep(time.Second)
	}
}
