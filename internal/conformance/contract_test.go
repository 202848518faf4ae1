package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"studiokeeper/internal/awscloud"
)

// contract is one behaviour of AWS that studiokeeper rests on.
type contract struct {
	// says is the behaviour, as a sentence.
	says string
	// open marks what is not established for AWS, as docs/unverified.md has it: the local cloud has to hold it,
	// and a run on AWS answers it without failing.
	open bool
	hold func(*trial)
}

// service is what one of AWS's services is held to.
type service struct {
	name      string
	contracts []contract
}

// services are all contracts, in the order in which they are asked.
func services() []service {
	return []service{
		{"identitystore", slices.Concat(userContracts(), groupContracts(), membershipContracts())},
		{"ssoadmin", assignmentContracts()},
		{"sagemaker", slices.Concat(domainContracts(), profileContracts(), profileRefusals(), profileLists(), profileTags(), spaceContracts(), appContracts())},
		{"dynamodb", slices.Concat(itemContracts(), conditionContracts(), transactionContracts(), queryContracts())},
		{"sqs", slices.Concat(messageContracts(), queueContracts())},
		{"eventbridge", slices.Concat(patternContracts(), ruleContracts())},
		{"sts", callerContracts()},
		{"tagging", taggingContracts()},
		{"ssm", parameterContracts()},
		{"iam", slices.Concat(roleContracts(), simulationContracts(), permissionContracts())},
		{"operations", watchContracts()},
	}
}

// trial is a contract that is being asked.
type trial struct {
	*target
	t         *testing.T
	otherwise []string // what was not as the contract says
	answers   []string // what was said, word for word, where that is worth knowing
	reason    string   // why it was not, or could not be, asked
	keep      bool     // take nothing away afterwards
}

// ask asks one contract and settles its row.
func (g *target) ask(t *testing.T, is contract, settle func(outcome)) {
	t.Run(is.says, func(t *testing.T) {
		c := &trial{target: g, t: t}
		defer func() {
			settle(c.outcome(is))
		}()
		is.hold(c)
		for _, text := range c.otherwise {
			if is.open && !g.local {
				t.Log(text)
				continue
			}
			t.Error(text)
		}
	})
}

func (c *trial) outcome(is contract) outcome {
	o := outcome{says: is.says, open: is.open, notes: c.answers}
	switch {
	case c.reason != "":
		o.word, o.notes = notAsked, []string{c.reason}
	case len(c.otherwise) > 0:
		o.word, o.notes = notHeld, append(c.otherwise, o.notes...)
	case c.t.Failed():
		o.word, o.notes = notAsked, []string{"it broke off"}
	default:
		o.word = held
	}
	return o
}

// want is the contract's own statement.
func (c *trial) want(holds bool, format string, arguments ...any) {
	c.t.Helper()
	if !holds {
		c.otherwise = append(c.otherwise, fmt.Sprintf(format, arguments...))
	}
}

// answer keeps what was said, for a table that is read by people.
func (c *trial) answer(format string, arguments ...any) {
	c.answers = append(c.answers, fmt.Sprintf(format, arguments...))
}

// must ends the asking: what comes before a contract did not work, so nothing is known about it.
func (c *trial) must(err error, format string, arguments ...any) {
	c.t.Helper()
	if err != nil {
		c.reason = fmt.Sprintf(format, arguments...) + ": " + err.Error()
		c.t.Fatal(c.reason)
	}
}

// pass leaves a contract out.
func (c *trial) pass(format string, arguments ...any) {
	c.t.Helper()
	c.reason = fmt.Sprintf(format, arguments...)
	c.t.Skip(c.reason)
}

// refused wants a refusal with one of these codes.
func (c *trial) refused(what string, err error, codes ...string) {
	c.t.Helper()
	c.answer("%s: %s", what, said(err))
	if !slices.Contains(codes, code(err)) {
		c.want(false, "%s: got %s, want %s", what, said(err), strings.Join(codes, " or "))
	}
}

// means wants an error of studiokeeper's own adapter to be recognised for what it is.
func (c *trial) means(what string, err, meaning error) {
	c.t.Helper()
	c.answer("%s: %s", what, said(err))
	c.want(errors.Is(err, meaning), "%s: %s is not taken for %q", what, said(err), meaning)
}

// code is the error code of a refusal; "" when there is none.
func code(err error) string {
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return refused.ErrorCode()
	}
	return ""
}

// said is a refusal as AWS words it.
func said(err error) string {
	if err == nil {
		return "success"
	}
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return refused.ErrorCode() + ": " + refused.ErrorMessage()
	}
	return err.Error()
}

// errGone is what a removal ends in that cannot be asked twice.
var errGone = errors.New("it is gone")

// gone tells that what a call was about does not exist.
func gone(err error) bool {
	return errors.Is(err, errGone) || awscloud.FaultOf(err) == awscloud.Missing
}

// ctx ends with the test; what is taken away afterwards has a context of its own.
func (c *trial) ctx() context.Context { return c.t.Context() }
