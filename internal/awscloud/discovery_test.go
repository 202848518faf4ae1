package awscloud

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func silent(int) {}

func TestInstancesAreFoundWithTheirStores(t *testing.T) {
	cloud, s := newCloud(t)
	must(t, cloud.CreateIdentityStore(account, "eu-west-1", "d-0123456789"))
	d := &Discovery{s}
	got, err := d.Instances(t.Context(), Place{})
	must(t, err)
	want := []FoundInstance{{ID: instanceID(instanceOf(t, s)), StoreID: storeID, Region: region}}
	if diff := cmp.Diff(want, got); diff != "" || want[0].ID == "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if got, err := d.Instances(t.Context(), Place{Region: "ap-south-1"}); len(got) != 0 || err != nil {
		t.Errorf("a Region without any: got %v, %v", got, err)
	}
}

func TestDomainsAreFoundAndDescribed(t *testing.T) {
	cloud, s := newCloud(t)
	sso := studioDomain(t, s, Place{Region: region})
	iam, err := sagemaker.NewFromConfig(s.base).CreateDomain(t.Context(), &sagemaker.CreateDomainInput{
		DomainName: aws.String("lab"), AuthMode: sagemakertypes.AuthModeIam, SubnetIds: []string{"subnet-0a1b2c3d"}, VpcId: aws.String("vpc-0a1b2c3d"),
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String(roleNamed("default"))},
	})
	must(t, err)
	d := &Discovery{s}
	instances, err := d.Instances(t.Context(), Place{})
	must(t, err)
	found, err := d.Domains(t.Context(), Place{Account: account})
	must(t, err)
	modes := map[string][3]string{}
	for _, f := range found {
		must(t, f.Err)
		modes[f.ID] = [3]string{f.Name, f.Facts.AuthMode, f.Instance}
		if f.Region != region || f.Account != account {
			t.Errorf("%s lies in %s, %s", f.ID, f.Account, f.Region)
		}
	}
	want := map[string][3]string{sso.ID: {"research", "SSO", instances[0].ID}, *iam.DomainId: {"lab", "IAM", ""}}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}

	cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "DescribeDomain", Resource: sso.ID, Code: "AccessDeniedException"})
	found, err = d.Domains(t.Context(), Place{})
	must(t, err)
	i := slices.IndexFunc(found, func(f FoundDomain) bool { return f.ID == sso.ID })
	if len(found) != 2 || found[i].Name != "research" || FaultOf(found[i].Err) != Denied || found[1-i].Err != nil {
		t.Errorf("one that cannot be described: got %+v", found)
	}
	cloud.ClearFaults()
	cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "DescribeDomain", Resource: sso.ID, Code: "ResourceNotFound", Message: "gone"})
	if found, err = d.Domains(t.Context(), Place{}); len(found) != 1 || err != nil {
		t.Errorf("one that went meanwhile: got %+v, %v", found, err)
	}
}

func TestAllPagesOfGroupsAreFound(t *testing.T) {
	cloud, s := newCloud(t)
	console := cloud.Console(account, region, storeID)
	var want []FoundGroup
	for n := range 250 {
		want = append(want, FoundGroup{ID: identity(n), Name: fmt.Sprintf("group %03d", n)})
		must(t, console.SeedGroup(want[n].ID, want[n].Name))
	}
	var told []int
	got, err := (&Discovery{s}).Groups(t.Context(), Place{}, storeID, func(n int) { told = append(told, n) })
	must(t, err)
	slices.SortFunc(got, func(a, b FoundGroup) int { return strings.Compare(a.Name, b.Name) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(told, []int{100, 200, 250}) {
		t.Errorf("told of %v", told)
	}
}

func TestWhatCannotBeListedIsNeverTakenForNothing(t *testing.T) {
	t.Parallel() // it mostly waits for the request rates
	cloud, s := newCloud(t)
	studioDomain(t, s, Place{Region: region})
	d := &Discovery{s}
	failsOnEveryFailure(t, cloud, "sagemaker", "ListDomains", func() error { _, err := d.Domains(t.Context(), Place{}); return err })
	failsOnEveryFailure(t, cloud, "identitystore", "ListGroups", func() error { _, err := d.Groups(t.Context(), Place{}, storeID, silent); return err })
	failsOnEveryFailure(t, cloud, "sso", "ListInstances", func() error { _, err := d.Instances(t.Context(), Place{}); return err })
	odd := served(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Domains":[{"DomainName":"x"}],"Groups":[{"DisplayName":"x"}]}`)
	})
	if got, err := (&Discovery{odd}).Domains(t.Context(), Place{}); err == nil {
		t.Errorf("a domain without an id: got %v", got)
	}
	if got, err := (&Discovery{odd}).Groups(t.Context(), Place{}, storeID, silent); err == nil {
		t.Errorf("a group without an id: got %v", got)
	}
}
