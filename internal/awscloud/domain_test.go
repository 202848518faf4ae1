package awscloud

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func TestADomainTellsItsFacts(t *testing.T) {
	tests := []struct {
		name  string
		after func(*localcloud.Cloud, studio.Domain) error
		want  func(*reconcile.DomainFacts)
	}{
		{"as it was made", nil, func(*reconcile.DomainFacts) {}},
		{"made before October 2023", func(c *localcloud.Cloud, d studio.Domain) error {
			return c.ForgetApplication(account, region, d.ID)
		}, func(f *reconcile.DomainFacts) { f.Application = "" }},
		{"of Unified Studio", func(c *localcloud.Cloud, d studio.Domain) error {
			return c.MoveToUnifiedStudio(account, region, d.ID)
		}, func(f *reconcile.DomainFacts) { f.Unified = true }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cloud, s := newCloud(t)
			d := studioDomain(t, s, Place{Region: region})
			is, err := sagemaker.NewFromConfig(s.base).DescribeDomain(t.Context(), &sagemaker.DescribeDomainInput{DomainId: &d.ID})
			must(t, err)
			want := reconcile.DomainFacts{
				Status: "InService", AuthMode: "SSO", Application: *is.SingleSignOnApplicationArn,
				DefaultRole: roleNamed("default"), SpaceRole: roleNamed("spaces"), URL: *is.Url, FileSystem: *is.HomeEfsFileSystemId,
			}
			test.want(&want)
			if test.after != nil {
				must(t, test.after(cloud, d))
			}
			got, err := (&Domains{s}).Facts(t.Context(), d)
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestADomainTellsWhetherSessionsCarryTheProfilesName(t *testing.T) {
	_, s := newCloud(t)
	d := studioDomain(t, s, Place{Region: region})
	_, err := sagemaker.NewFromConfig(s.base).UpdateDomain(t.Context(), &sagemaker.UpdateDomainInput{
		DomainId: &d.ID, DomainSettingsForUpdate: &sagemakertypes.DomainSettingsForUpdate{
			ExecutionRoleIdentityConfig: sagemakertypes.ExecutionRoleIdentityConfigUserProfileName,
		},
	})
	must(t, err)
	if got, err := (&Domains{s}).Facts(t.Context(), d); err != nil || !got.NamesUsers {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestADomainInIAMModeHasNoApplication(t *testing.T) {
	_, s := newCloud(t)
	out, err := sagemaker.NewFromConfig(s.base).CreateDomain(t.Context(), &sagemaker.CreateDomainInput{
		DomainName: aws.String("lab"), AuthMode: sagemakertypes.AuthModeIam, SubnetIds: []string{"subnet-0a1b2c3d"}, VpcId: aws.String("vpc-0a1b2c3d"),
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String(roleNamed("default"))},
	})
	must(t, err)
	got, err := (&Domains{s}).Facts(t.Context(), studio.Domain{ID: *out.DomainId, Region: region, Account: account})
	if must(t, err); got.AuthMode != "IAM" || got.Application != "" || got.Unified {
		t.Errorf("got %+v", got)
	}
}

func TestADomainThatIsNotThereIsGoneAndOneThatCannotBeReadIsNot(t *testing.T) {
	t.Parallel() // it mostly waits for the request rates
	cloud, s := newCloud(t)
	d := studioDomain(t, s, Place{Region: region})
	abroad := d
	abroad.Region = "eu-west-1"
	if got, err := (&Domains{s}).Facts(t.Context(), abroad); !errors.Is(err, reconcile.ErrGone) {
		t.Errorf("in another Region: got %+v, %v", got, err)
	}
	failsOnEveryFailure(t, cloud, "sagemaker", "DescribeDomain", func() error { _, err := (&Domains{s}).Facts(t.Context(), d); return err })
	for name, body := range map[string]string{
		"another domain": `{"DomainId":"d-other","Status":"InService","AuthMode":"SSO"}`, "no status": `{"DomainId":"d-abcdefghijkl","AuthMode":"SSO"}`,
		"no mode": `{"DomainId":"d-abcdefghijkl","Status":"InService"}`, "nothing": `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			odd := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			if got, err := (&Domains{odd}).Facts(t.Context(), research()); err == nil || errors.Is(err, reconcile.ErrGone) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestTheAccountBehindADomainsCredentialsIsTold(t *testing.T) {
	cloud, s := newCloud(t)
	cloud.TrustRole(memberPlace("").Role.RoleARN, "7f1c")
	there := studio.Domain{Region: region, Account: member, AssumeRole: memberPlace("").Role}
	for name, test := range map[string]struct {
		d    studio.Domain
		want string
	}{"a role in another account": {there, member}, "no role, whatever account is configured": {studio.Domain{Region: region, Account: member}, account}} {
		if got, err := (&Domains{s}).CallerAccount(t.Context(), test.d); got != test.want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, test.want)
		}
	}
	cloud.TrustRole(memberPlace("").Role.RoleARN, "another external id")
	fresh := NewSession(s.base, "test")
	if got, err := (&Domains{fresh}).CallerAccount(t.Context(), there); got != "" || FaultOf(err) != Denied {
		t.Errorf("a role that may not be assumed: got %q, %v", got, err)
	}
}
