package deploy_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"studiokeeper/internal/deploy"
)

// carriedOver lives the story under a changed template, for as long as it goes as
// before; before nil: to the end.
func carriedOver(t *testing.T, text string, change func(action string) bool, before []stage) (stages []stage, log, denied []string) {
	t.Helper()
	c, filled := newCorporation(t, text)
	tell := func(name, state string) bool {
		is := stage{name, state, len(c.log.told())}
		stages = append(stages, is)
		return before == nil || is == before[len(stages)-1]
	}
	if tell("deployed", c.deployed(filled, change)) {
		c.live(tell)
	}
	for _, call := range c.cloud.Calls() {
		if call.Denied != "" {
			denied = append(denied, call.Denied)
		}
	}
	return stages, c.log.told(), denied
}

// Everything that the directory's function does, it does under exactly the role
// of its template; and of that nothing can be taken away without something going
// wrong.
func TestTheDirectorysRoleIsEnoughAndNoneOfItIsTooMuch(t *testing.T) {
	for name, text := range map[string]string{"the Identity Store API": overAPI, "SCIM": overSCIM} {
		t.Run(name, func(t *testing.T) {
			asked := map[string]bool{}
			good, log, denied := carriedOver(t, text, func(action string) bool { asked[action] = true; return true }, nil)
			if len(denied)+len(log) > 0 {
				t.Fatalf("refused: %q\n%s", denied, strings.Join(log, ""))
			}
			wantCarried(t, good, name == "SCIM")
			var mu sync.Mutex
			needed := map[permission]string{}
			for action := range asked {
				if slices.Contains(byLambdaItself, action) {
					continue
				}
				t.Run(action, func(t *testing.T) {
					t.Parallel()
					stages, _, denied := carriedOver(t, text, func(one string) bool { return one != action }, good)
					p := permission{directoryRole, action}
					went := what(stages, good, denied, p)
					if went == "" {
						t.Errorf("%s does without %s", deploy.DirectoryName, action)
					}
					mu.Lock()
					defer mu.Unlock()
					needed[p] = went
				})
			}
			t.Cleanup(func() { t.Log("what goes wrong without\n" + tabled(needed)) })
		})
	}
}

// wantCarried makes sure that the story is the one that it should be.
func wantCarried(t *testing.T, stages []stage, disables bool) {
	t.Helper()
	left := "ENABLED"
	if disables {
		left = "DISABLED"
	}
	for name, part := range map[string]string{
		"deployed":                   "CREATE_COMPLETE",
		"hired":                      `"done":7,"held":0,"conflicts":0,"failed":0} ad-group-1 has 3; alice@corp.example Doe ENABLED`,
		"alice has another name":     "alice@corp.example Roe",
		"bob left the group":         "ad-group-1 has 2; alice@corp.example Roe ENABLED; bob@corp.example Doe " + left,
		"bob is back":                "ad-group-1 has 3; alice@corp.example Roe ENABLED; bob@corp.example Doe ENABLED",
		"carol is disabled":          "ad-group-1 has 2; alice@corp.example Roe ENABLED; bob@corp.example Doe ENABLED; carol@corp.example Doe " + left,
		"the group has another name": "ad-group-9 has 2; alice@corp.example Roe ENABLED; bob@corp.example Doe ENABLED",
	} {
		at := slices.IndexFunc(stages, func(s stage) bool { return s.name == name })
		if at < 0 || !strings.Contains(stages[at].state, part) {
			t.Errorf("%s: lacks %q in %+v", name, part, stages)
		}
	}
	if last := stages[len(stages)-1].state; strings.Contains(last, "carol") {
		t.Errorf("at the end there is carol: %s", last)
	}
}

// Lambda may join the subnets in the role's name, and the function's own code may
// not: a program that is turned against its owner opens no other way into the network.
func TestTheDirectorysCodeMayNotTouchTheNetwork(t *testing.T) {
	c, filled := newCorporation(t, overAPI)
	if status := c.deployed(filled, func(string) bool { return true }); status != "CREATE_COMPLETE" {
		t.Fatalf("the stack is %s", status)
	}
	ask := func(from string) iamtypes.PolicyEvaluationDecisionType {
		in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(directoryRole), ActionNames: []string{"ec2:CreateNetworkInterface"}}
		if from != "" {
			in.ContextEntries = []iamtypes.ContextEntry{{
				ContextKeyName: aws.String("lambda:SourceFunctionArn"), ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{from},
			}}
		}
		out, err := iam.NewFromConfig(c.as(here)).SimulatePrincipalPolicy(t.Context(), in)
		c.must(err)
		return out.EvaluationResults[0].EvalDecision
	}
	if got := ask(""); got != iamtypes.PolicyEvaluationDecisionTypeAllowed {
		t.Errorf("Lambda: %s", got)
	}
	if got := ask("arn:aws:lambda:" + region + ":" + here + ":function:" + deploy.DirectoryName); got != iamtypes.PolicyEvaluationDecisionTypeExplicitDeny {
		t.Errorf("the function's code: %s", got)
	}
}
