package awscloud

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func instances(s *Session, at Place, store string) *Instances {
	return &Instances{Session: s, At: at, StoreID: store}
}

func TestTheInstanceOfAStoreIsFound(t *testing.T) {
	cloud, s := newCloud(t)
	must(t, cloud.CreateIdentityStore(account, "eu-west-1", "d-0123456789"))
	want := instanceOf(t, s)
	tests := []struct {
		name, region, store, want string
	}{
		{"ours", region, storeID, want},
		{"another Region's", region, "d-0123456789", ""},
		{"ours, in another Region", "eu-west-1", storeID, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := instances(s, Place{Region: test.region}, test.store).Instance(t.Context())
			if got != test.want || err != nil {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// instanceOf takes the instance from the ARN of an application that belongs to it.
func instanceOf(t *testing.T, s *Session) string {
	t.Helper()
	facts, err := (&Domains{s}).Facts(t.Context(), studioDomain(t, s, Place{Region: region}))
	must(t, err)
	const prefix = "arn:aws:sso::" + account + ":application/"
	return "arn:aws:sso:::instance/" + facts.Application[len(prefix):len(facts.Application)-len("/apl-0123456789abcdef")]
}

func TestStoresAreListedSorted(t *testing.T) {
	cloud, s := newCloud(t)
	if got, err := instances(s, Place{Region: "eu-west-1"}, "").StoreIDs(t.Context()); len(got) != 0 || err != nil {
		t.Errorf("a Region without any: got %v, %v", got, err)
	}
	must(t, cloud.CreateIdentityStore(account, region, "d-0123456789"))
	got, err := instances(s, Place{Region: region}, "").StoreIDs(t.Context())
	must(t, err)
	if diff := cmp.Diff([]string{"d-0123456789", storeID}, got); diff != "" {
		t.Error(diff)
	}
}

func TestInstancesAreReadOverAllPagesAndOnlyUsableOnesOffered(t *testing.T) {
	answers := []string{
		`{"Instances":[{"InstanceArn":"a","IdentityStoreId":"d-1","Status":"DELETE_IN_PROGRESS"},{"InstanceArn":"b","IdentityStoreId":"d-2","Status":"CREATE_FAILED"}],"NextToken":"more"}`,
		`{"Instances":[{"InstanceArn":"c","IdentityStoreId":"d-3","Status":"ACTIVE"},{"InstanceArn":"d","IdentityStoreId":"d-0"}]}`,
	}
	asked := 0
	s := served(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, answers[asked%2])
		asked++
	})
	got, err := instances(s, Place{}, "").StoreIDs(t.Context())
	must(t, err)
	if diff := cmp.Diff([]string{"d-0", "d-3"}, got); diff != "" {
		t.Error(diff)
	}
	for store, want := range map[string]string{"d-3": "c", "d-1": "a", "d-9": ""} {
		if got, err := instances(s, Place{}, store).Instance(t.Context()); got != want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", store, got, err, want)
		}
	}
}

func TestInstancesThatCannotBeListedAreAnError(t *testing.T) {
	t.Parallel() // it mostly waits for the request rates
	cloud, s := newCloud(t)
	failsOnEveryFailure(t, cloud, "sso", "ListInstances", func() error {
		_, err := instances(s, Place{Region: region}, storeID).Instance(t.Context())
		return err
	})
	odd := served(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Instances":[{"InstanceArn":"a"}]}`)
	})
	if got, err := instances(odd, Place{}, "").StoreIDs(t.Context()); err == nil {
		t.Errorf("an instance without a store: got %v", got)
	}
}
