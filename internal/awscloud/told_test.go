package awscloud

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
)

func TestWhatWasToldIsToldForADay(t *testing.T) {
	_, state, c := newState(t)
	alice := reconcile.Key{Domain: "research", UserID: identity(1)}
	must(t, state.Tell(t.Context(), alice, "held"))
	c.pass(time.Hour)
	must(t, state.Tell(t.Context(), alice, "taken"))
	tests := []struct {
		name string
		late time.Duration // after "held" was told
		key  reconcile.Key
		what string
		want bool
	}{
		{"a moment later", time.Hour, alice, "held", true},
		{"something else told since", time.Hour, alice, "taken", true},
		{"what was never told", time.Hour, alice, "refused", false},
		{"nothing", time.Hour, alice, "", false},
		{"of somebody else", time.Hour, reconcile.Key{Domain: "research", UserID: identity(2)}, "held", false},
		{"in another domain", time.Hour, reconcile.Key{Domain: "lab", UserID: identity(1)}, "held", false},
		{"a millisecond before the day is over", toldFor - time.Millisecond, alice, "held", true},
		{"a day later", toldFor, alice, "held", false},
		{"a day later, what was told an hour after", toldFor, alice, "taken", true},
		{"by a clock that is an hour behind", -time.Hour, alice, "held", true},
		{"by a clock that is a day behind", -toldFor, alice, "held", false},
	}
	told := c.now().Add(-time.Hour)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c.ms.Store(told.Add(test.late).UnixMilli())
			if got, err := state.Told(t.Context(), test.key, test.what); got != test.want || err != nil {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestToldAgainCountsFromThen(t *testing.T) {
	_, state, c := newState(t)
	alice := reconcile.Key{Domain: "research", UserID: identity(1)}
	must(t, state.Tell(t.Context(), alice, "held"))
	c.pass(toldFor)
	must(t, state.Tell(t.Context(), alice, "held"))
	expires := c.now().Add(toldKept).Unix()
	c.pass(toldFor - time.Millisecond)
	if got, err := state.Told(t.Context(), alice, "held"); !got || err != nil {
		t.Errorf("within a day of the second time: got %v, %v", got, err)
	}
	it, err := state.get(t.Context(), toldKey(alice, "held"))
	must(t, err)
	if got, err := numberOf(it, "expires"); got != expires || err != nil {
		t.Errorf("expires %d, %v; want %d", got, err, expires)
	}
}

func TestATimeThatCannotBeUnderstoodIsToldAgain(t *testing.T) {
	_, state, _ := newState(t)
	alice := reconcile.Key{Domain: "research", UserID: identity(1)}
	for name, at := range map[string]types.AttributeValue{"a text": text("yesterday"), "a fraction": &types.AttributeValueMemberN{Value: "1.5"}} {
		it := toldKey(alice, "held")
		it["at"] = at
		_, err := state.client().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &state.Table, Item: it})
		must(t, err)
		if got, err := state.Told(t.Context(), alice, "held"); got || err != nil {
			t.Errorf("%s: got %v, %v; want false", name, got, err)
		}
		must(t, state.Tell(t.Context(), alice, "held"))
		if got, err := state.Told(t.Context(), alice, "held"); !got || err != nil {
			t.Errorf("%s, told again: got %v, %v; want true", name, got, err)
		}
	}
}

func TestWhatWasToldIsReadAndWrittenOrAnError(t *testing.T) {
	cloud, state, _ := newState(t)
	alice := reconcile.Key{Domain: "research", UserID: identity(1)}
	failsOnEveryFailure(t, cloud, "dynamodb", "GetItem", func() error { _, err := state.Told(t.Context(), alice, "held"); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "PutItem", func() error { return state.Tell(t.Context(), alice, "held") })
}
