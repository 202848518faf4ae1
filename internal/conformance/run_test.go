package conformance

import (
	"bytes"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"studiokeeper/internal/localcloud"
)

func TestFlagsThatDoNotSayEnoughAreRefused(t *testing.T) {
	for line, want := range map[string]string{
		"":                              "",
		"-aws":                          "-aws needs -domain",
		"-aws -domain d-abc":            "",
		"-domain d-abc":                 "give -aws too",
		"-sweep":                        "give -aws too",
		"-aws -domain d-abc -sweep":     "",
		"-aws -domain d-abc -apps -yes": "",
	} {
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		o := declare(flags)
		if err := flags.Parse(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		err := o.check()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", line, err, want)
		}
	}
}

func TestADomainWithoutTheMarkIsRefused(t *testing.T) {
	g := localTarget(t)
	plain := g.sandbox(t, "plain", "team")
	o := options{aws: true, asked: asked{domain: plain}}
	if _, err := o.open(t.Context(), g.cfg); err == nil || !strings.Contains(err.Error(), "does not have the tag "+sandboxTag) {
		t.Errorf("got %v", err)
	}
	o.domain = "d-none"
	if _, err := o.open(t.Context(), g.cfg); err == nil || !strings.Contains(err.Error(), "d-none") {
		t.Errorf("of a domain that does not exist: got %v", err)
	}
	o.domain = g.domain
	opened, err := o.open(t.Context(), g.cfg)
	if err != nil || opened.store != g.store || opened.application != g.application || opened.role == "" || opened.local {
		t.Errorf("got %+v, %v", opened, err)
	}
	if other, err := o.open(t.Context(), g.cfg); err != nil || other.run == opened.run || len(other.run) != 8 {
		t.Errorf("two runs are called %s and %s, %v", opened.run, other.run, err)
	}
}

func TestAPersonAgreesWithTheDomainsID(t *testing.T) {
	g := localTarget(t)
	for typed, want := range map[string]bool{g.domain + "\n": true, "yes\n": false, "": false, "\n": false} {
		var shown bytes.Buffer
		if got := agreed(strings.NewReader(typed), &shown, g.purpose(false), g.domain); got != want {
			t.Errorf("%q: got %t", typed, got)
		}
		for _, told := range []string{g.account, g.domain, g.store, ownPrefix, "make and remove users"} {
			if !strings.Contains(shown.String(), told) {
				t.Errorf("nobody is told %q: %s", told, shown.String())
			}
		}
	}
	if text := g.purpose(true); !strings.Contains(text, "make nothing") {
		t.Errorf("a sweep says %s", text)
	}
}

// litter makes one of everything and takes nothing away.
func litter(t *testing.T, g *target) {
	c := &trial{target: g, t: t, keep: true}
	_, space := c.running()
	p := c.user("assigned")
	c.must(c.assign("USER", p.id), "assigning")
	group, _ := c.group("ad-group-1")
	c.must(c.assign("GROUP", group), "assigning")
	c.join(group, p.id)
	c.table()
	c.rule(`{"source":["studiokeeper"]}`)
	c.parameter("deployment: prod", ssmtypes.ParameterTypeString)
	c.iamRole(trustSageMaker, policy("*", "s3:GetObject"))
	c.must(c.managed(policy("*", "s3:GetObject")), "CreatePolicy")
	if _, err := c.describeApp(space); err != nil {
		t.Fatal(err)
	}
}

func TestASweepTakesAwayWhatRunsLeftAndNothingElse(t *testing.T) {
	g := localTarget(t)
	c := &trial{target: g, t: t, keep: true}
	if _, err := c.people().CreateUser(t.Context(), c.newUser("alice@example.com")); err != nil {
		t.Fatal(err)
	}
	// These names are ours, but no run gives them.
	if _, err := c.create(c.newProfile(ownPrefix+"alice", "alice@example.com")); err != nil {
		t.Fatal(err)
	}
	g.pause(time.Minute)
	litter(t, g)
	left, err := g.leftovers(t.Context())
	if err != nil || len(left) != 12 {
		t.Errorf("%d leftovers are found, want 12: %v, %v", len(left), left, err)
	}
	var told []string
	if err := g.sweep(t.Context(), func(what string) { told = append(told, what) }); err != nil {
		t.Error(err)
	}
	if left, err = g.leftovers(t.Context()); err != nil || len(left) != 0 || len(told) != 12 {
		t.Errorf("after a sweep of %v there are %v, %v", told, left, err)
	}
	if all := c.assignments(); len(all) != 0 {
		t.Errorf("assignments are left: %v", all)
	}
	if _, err := c.userID("alice@example.com"); err != nil {
		t.Errorf("the user who was there before: %v", err)
	}
	if _, err := c.describe(ownPrefix + "alice"); err != nil {
		t.Errorf("the profile that was there before: %v", err)
	}
	if _, err := g.studio().DescribeDomain(t.Context(), &sagemaker.DescribeDomainInput{DomainId: &g.domain}); err != nil {
		t.Errorf("the domain: %v", err)
	}
}

func TestWhatDoesNotHoldIsSaidAndOnAWSOnlyAnAnswerWhereItWasOpen(t *testing.T) {
	g := targetOn(t, &localcloud.Cloud{RequireAssignment: true})
	g.local = false
	var rows table
	for _, one := range profileContracts()[:1] {
		g.ask(t, one, func(o outcome) { rows = append(rows, o) })
	}
	var shown bytes.Buffer
	rows.print(&shown, "a cloud")
	for _, want := range []string{"0 held, 1 not held, 0 not asked", "not held  ? a profile is made for a user without an assignment", "is not assigned to the application"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, shown.String())
		}
	}
}

func TestAContractThatBreaksOffLeavesNothingBehind(t *testing.T) {
	g := localTarget(t)
	var rows table
	breaking := contract{says: "it breaks off", hold: func(c *trial) {
		c.profile("alice")
		if left, err := c.leftovers(c.ctx()); err != nil || len(left) != 2 {
			c.t.Errorf("while it is asked there are %v, %v", left, err)
		}
		c.pass("the rest is left out")
	}}
	g.ask(t, breaking, func(o outcome) { rows = append(rows, o) })
	if left, err := g.leftovers(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
	if rows.count(notAsked) != 1 || rows[0].notes[0] != "the rest is left out" {
		t.Errorf("the outcome is %+v", rows)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		trial trial
		want  word
	}{
		{trial{}, held},
		{trial{answers: []string{"success"}}, held},
		{trial{otherwise: []string{"it is 11"}}, notHeld},
		{trial{reason: "give -apps"}, notAsked},
		{trial{reason: "making user alice: throttled", otherwise: []string{"x"}}, notAsked},
	} {
		row.trial.t = t
		if got := row.trial.outcome(contract{}).word; got != row.want {
			t.Errorf("%+v is %q, want %q", row.trial, got, row.want)
		}
	}
}

func TestEveryContractHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range services() {
		for _, one := range s.contracts {
			if seen[s.name+one.says] {
				t.Errorf("%s: %q is there twice", s.name, one.says)
			}
			seen[s.name+one.says] = true
		}
	}
}
