package reconcile_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// What is remembered of somebody, or read of a group, keeps nobody from leaving, and
// nobody's profile from being theirs.

func TestANameThatWasSomebodyElsesIsNotTheirsAnyMore(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice, bob := w.user("alice@example.com"), w.user("bob@example.com")
		w.makeProfile("team", "alice@example.com", "", nil)
		w.handle(added(alice, w.group("ad-group-1", "a", 100, alice, bob)))
		w.settle()
		of := func(call string) event.Look {
			return event.Look{Scope: event.Profile, DomainID: w.domain, Profile: "team", Trigger: event.Trigger{ID: call, Name: call}}
		}
		_, err := sagemaker.NewFromConfig(w.aws).DeleteUserProfile(t.Context(), &sagemaker.DeleteUserProfileInput{DomainId: &w.domain, UserProfileName: aws.String("team")})
		w.must(err)
		w.handle(of("DeleteUserProfile"))
		w.settle()
		w.makeProfile("team", "bob@example.com", "", nil)
		w.handle(of("CreateUserProfile"))
		w.settle()
		want(t, "profiles", w.profiles(), []string{"alice@example.com a", "bob@example.com a"})
	})(t)
}

func TestWhoIsDisabledLeavesThoughTheirGroupCannotBeRead(t *testing.T) {
	virtually(configured("  table: mapping\n", namingRule), func(t *testing.T, w *world) {
		alice := w.user("alice@example.com")
		group := w.group("ad-group-1", "a", 100, alice)
		w.handle(added(alice, group))
		w.settle()
		w.leave(group, alice)
		w.must(w.console().DisableUser(alice))
		w.cloud.Inject(localcloud.Fault{Service: "identitystore", Operation: "IsMemberInGroups", Resource: group, Code: "AccessDeniedException", Status: 400})
		w.handle(looked(alice))
		w.settle()
		want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
	})(t)
}

func TestALeaverWhoseProfileIsBusyIsLookedAtAgain(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice, group := member(w, "alice@example.com")
		w.cloud.ProfileDelay = time.Minute
		w.updateByHand(name(alice, "alice@example.com"), roles+"a")
		w.leave(group, alice)
		w.handle(looked(alice))
		w.settle()
		want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
	})(t)
}

// How it ended that they were assigned was never learned.
func TestASignInThatWasOnlyBegunIsTakenBackBesideAProfileThatIsNotOurs(t *testing.T) {
	virtually(configured("signIn: none", "signIn: user"), func(t *testing.T, w *world) {
		alice, zoe := w.user("alice@example.com"), w.user("zoe@example.com")
		w.handle(added(zoe, w.group("ad-group-1", "a", 100, zoe)))
		w.settle()
		research, p := w.keeper.Targets[0].Domain, reconcile.Principal{ID: alice}
		_, err := w.keeper.Assignments.BeginAssignment(t.Context(), research.Name, p)
		w.must(err)
		facts, err := w.keeper.Domains.Facts(t.Context(), research)
		w.must(err)
		_, err = w.keeper.SignIn.Assign(t.Context(), research, facts.Application, p)
		w.must(err)
		w.makeProfile("alice-default", "alice@example.com", "", nil)
		w.passed()
		if _, err := w.cloud.SignIn(account, region, w.domain, alice); err == nil {
			t.Error("they can still sign in")
		}
	})(t)
}

func TestASignInThatWasOnlyBegunIsTakenBackWhereTheTagsAreGone(t *testing.T) {
	virtually(configured("signIn: none", "signIn: user"), func(t *testing.T, w *world) {
		alice := w.user("alice@example.com")
		group := w.group("ad-group-1", "a", 100, alice)
		w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "UpdateItem", Resource: "REMOVE #begun", Code: "AccessDeniedException"})
		_, _ = w.try(added(alice, group))
		w.removeTags("alice@example.com")
		w.leave(group, alice)
		w.cloud.ClearFaults()
		w.passed()
		if _, err := w.cloud.SignIn(account, region, w.domain, alice); err == nil {
			t.Error("they can still sign in")
		}
	})(t)
}
