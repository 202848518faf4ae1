package conformance

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// sandboxTag has to be on a domain before anything is made in it; its value does not matter.
const sandboxTag = "studiokeeper:sandbox"

// target is what the contracts are asked of.
type target struct {
	name     string
	local    bool
	cfg      aws.Config // the domain's account and Region
	identity aws.Config // Identity Center's Region
	account  string

	domain      string // id of a Studio domain in Identity Center mode
	application string // ARN of its application
	store       string // id of the identity store
	role        string // ARN of an execution role

	run   string // in the name of whatever this run makes
	made  int
	apps  bool                // start apps too
	sleep func(time.Duration) // lets time pass
	// waited is all the time that passed so.
	waited time.Duration
}

func (g *target) people() *identitystore.Client { return identitystore.NewFromConfig(g.identity) }
func (g *target) center() *ssoadmin.Client      { return ssoadmin.NewFromConfig(g.identity) }
func (g *target) studio() *sagemaker.Client     { return sagemaker.NewFromConfig(g.cfg) }
func (g *target) tables() *dynamodb.Client      { return dynamodb.NewFromConfig(g.cfg) }
func (g *target) queues() *sqs.Client           { return sqs.NewFromConfig(g.cfg) }
func (g *target) events() *eventbridge.Client   { return eventbridge.NewFromConfig(g.cfg) }
func (g *target) security() *sts.Client         { return sts.NewFromConfig(g.cfg) }
func (g *target) parameters() *ssm.Client       { return ssm.NewFromConfig(g.cfg) }
func (g *target) access() *iam.Client           { return iam.NewFromConfig(g.cfg) }
func (g *target) tags() *resourcegroupstaggingapi.Client {
	return resourcegroupstaggingapi.NewFromConfig(g.cfg)
}

// session is what studiokeeper's own adapters call AWS with. Each contract has one, and request rates of its own.
func (g *target) session() *awscloud.Session { return awscloud.NewSession(g.cfg, "conformance") }

// place is the domain as the adapters know it.
func (g *target) place() studio.Domain {
	return studio.Domain{Name: "conformance", ID: g.domain, Region: g.cfg.Region, Account: g.account}
}

// asked is what a person says about a target.
type asked struct{ domain, role, store string }

// find completes a target from what AWS says, and refuses one that is not meant for this.
func (g *target) find(ctx context.Context, a asked) error {
	who, err := g.security().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("asking whose credentials these are: %w", err)
	}
	d, err := g.studio().DescribeDomain(ctx, &sagemaker.DescribeDomainInput{DomainId: &a.domain})
	if err != nil {
		return fmt.Errorf("describing domain %s: %w", a.domain, err)
	}
	if d.AuthMode != smtypes.AuthModeSso || d.SingleSignOnApplicationArn == nil {
		return fmt.Errorf("domain %s has authentication mode %s and application %q: name one that signs in through IAM Identity Center", a.domain, d.AuthMode, aws.ToString(d.SingleSignOnApplicationArn))
	}
	tags, err := g.studio().ListTags(ctx, &sagemaker.ListTagsInput{ResourceArn: d.DomainArn})
	if err != nil {
		return fmt.Errorf("reading the tags of domain %s: %w", a.domain, err)
	}
	if !slices.ContainsFunc(tags.Tags, func(t smtypes.Tag) bool { return *t.Key == sandboxTag }) {
		return fmt.Errorf("domain %s does not have the tag %s: give it one if people and profiles may come and go in it", a.domain, sandboxTag)
	}
	g.account, g.domain, g.application = *who.Account, a.domain, *d.SingleSignOnApplicationArn
	g.role = cmp.Or(a.role, aws.ToString(d.DefaultUserSettings.ExecutionRole))
	g.store, err = g.findStore(ctx, a.store)
	return err
}

// findStore is the identity store that was named, or the only one.
func (g *target) findStore(ctx context.Context, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	ids, err := (&awscloud.Instances{Session: awscloud.NewSession(g.identity, "conformance")}).StoreIDs(ctx)
	if err != nil {
		return "", err
	}
	if len(ids) != 1 {
		return "", fmt.Errorf("these credentials see %d identity stores in %s: name one with -store", len(ids), g.identity.Region)
	}
	return ids[0], nil
}

func (g *target) pause(d time.Duration) {
	g.sleep(d)
	g.waited += d
}

// until lets time pass until something is so, for 20 minutes at most: as long as an app may take.
func (g *target) until(what string, so func() (bool, error)) error {
	const longest = 5 * time.Second
	waited := time.Duration(0)
	for step := time.Second; waited < 20*time.Minute; step = min(step+time.Second, longest) {
		if ok, err := so(); err != nil || ok {
			return err
		}
		g.pause(step)
		waited += step
	}
	return fmt.Errorf("%s: not so after %s", what, waited)
}

// localTarget is a local cloud with a Studio domain in it, whose time passes at once.
func localTarget(t *testing.T) *target { return targetOn(t, &localcloud.Cloud{}) }

func targetOn(t *testing.T, cloud *localcloud.Cloud) *target {
	t.Helper()
	const account, region, store = localcloud.DefaultAccount, "us-east-1", "d-906716eb24"
	t.Cleanup(cloud.Close)
	if err := cloud.CreateIdentityStore(account, region, store); err != nil {
		t.Fatal(err)
	}
	cfg := aws.Config{
		Region: region, BaseEndpoint: aws.String("http://aws.invalid"), Credentials: credentials.NewStaticCredentialsProvider(account, "local", ""),
		HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: cloud}},
	}
	g := &target{name: "the local cloud", local: true, cfg: cfg, identity: cfg, run: "00000000", apps: true, sleep: cloud.Advance}
	if err := g.find(t.Context(), asked{domain: g.sandbox(t, "sandbox", sandboxTag)}); err != nil {
		t.Fatal(err)
	}
	return g
}

// sandbox makes a domain with a tag, and the role that its profiles have.
func (g *target) sandbox(t *testing.T, name, tag string) string {
	t.Helper()
	role := aws.String("arn:aws:iam::" + localcloud.DefaultAccount + ":role/studio/sandbox")
	out, err := g.studio().CreateDomain(t.Context(), &sagemaker.CreateDomainInput{
		DomainName: &name, AuthMode: smtypes.AuthModeSso, VpcId: aws.String("vpc-0a1b2c3d"), SubnetIds: []string{"subnet-0a1b2c3d"},
		DefaultUserSettings:  &smtypes.UserSettings{ExecutionRole: role},
		DefaultSpaceSettings: &smtypes.DefaultSpaceSettings{ExecutionRole: role},
		Tags:                 []smtypes.Tag{{Key: &tag, Value: aws.String("yes")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	g.pause(time.Minute)
	return *out.DomainId
}
