package awscloud

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/smithy-go"

	"studiokeeper/internal/reconcile"
)

// Fault sorts what AWS refused or broke off by what a person can do about it.
type Fault string

// The faults.
const (
	Denied      Fault = "denied"      // IAM, a resource policy or an SCP forbids it
	Expired     Fault = "expired"     // the credentials are no longer, or never were, valid
	Throttled   Fault = "throttled"   // too many requests, also after retries
	Unavailable Fault = "unavailable" // AWS failed, or could not be reached, also after retries
	Missing     Fault = "missing"     // what was asked about does not exist
	Refused     Fault = "refused"     // anything else: another error code, or an answer that cannot be right
)

// ErrChanged is reconcile.ErrChanged: what was to be written over is no longer what was read; read it again.
var ErrChanged = reconcile.ErrChanged

// Error codes are compared as strings: SageMaker's model, for one, knows neither ValidationException nor
// ThrottlingException nor AccessDeniedException, and other services spell the same thing differently.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
func faultOfCode(code string) Fault {
	switch code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "KmsAccessDenied",
		"AWS.SimpleQueueService.AccessDenied", "AuthorizationError":
		return Denied
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
		"InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException":
		return Expired
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"TooManyRequestsException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown",
		"TransactionConflictException",                     // a write of one item that met a transaction
		"ThrottlingError", "ProvisionedThroughputExceeded": // these two as reasons of a cancelled transaction
		return Throttled
	case "InternalFailure", "InternalError", "InternalServerError", "InternalServerException", "InternalServiceError",
		"ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException":
		return Unavailable
	case "ResourceNotFound", "ResourceNotFoundException", "ParameterNotFound", "NoSuchEntity", "QueueDoesNotExist",
		"AWS.SimpleQueueService.NonExistentQueue":
		return Missing
	}
	return Refused
}

// FaultOf sorts an error of this package; "" for nil.
func FaultOf(err error) Fault {
	if err == nil {
		return ""
	}
	if _, ours := errors.AsType[*tooBusyError](err); ours {
		return Throttled
	}
	refusal, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if _, sent := errors.AsType[*smithy.OperationError](err); sent {
			return Unavailable
		}
		return Refused
	}
	if f := faultOfCode(refusal.ErrorCode()); f != Refused {
		return f
	}
	if refusal.ErrorFault() == smithy.FaultServer {
		return Unavailable
	}
	return Refused
}

// request is one call, in the words that its errors use.
type request struct {
	action string // as IAM spells it, "sagemaker:CreateUserProfile"
	on     string // what it was about
	at     Place
}

// Error is a call that AWS refused or that broke off.
type Error struct {
	Action   string // as IAM spells it, "sagemaker:CreateUserProfile"
	Resource string // what it was about, for people
	At       Place
	Fault    Fault
	meaning  error // one of reconcile's sentinels, or nil
	cause    error
}

// failed wraps err; meaning is nil or what reconcile calls it. A context that ended stays recognisable.
func (r request) failed(err, meaning error) error {
	return &Error{Action: r.action, Resource: r.on, At: r.at, Fault: FaultOf(err), meaning: meaning, cause: err}
}

// broken is an answer that cannot be right: it is taken for a failed read.
func (r request) broken(format string, args ...any) error {
	return r.failed(fmt.Errorf("AWS's answer cannot be relied on: "+format, args...), nil)
}

// Error says what was asked, of what, where, what came of it and what to do.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s on %s (%s): %s", e.Action, e.Resource, e.At, e.said())
	if hint := e.hint(); hint != "" {
		text += "; " + hint
	}
	return text
}

// Unwrap gives the sentinel, if there is one, and the SDK's error.
func (e *Error) Unwrap() []error {
	if e.meaning == nil {
		return []error{e.cause}
	}
	return []error{e.meaning, e.cause}
}

// Is lets errors.Is find reconcile.ErrDenied in what a policy forbids, and
// reconcile.ErrThrottled in what came too fast.
func (e *Error) Is(target error) bool {
	return target == reconcile.ErrDenied && e.Fault == Denied || target == reconcile.ErrThrottled && e.Fault == Throttled
}

// said is the cause without the SDK's frame: code, message and request id of a refusal.
func (e *Error) said() string {
	refusal, ok := errors.AsType[smithy.APIError](e.cause)
	if !ok {
		return e.cause.Error()
	}
	text := refusal.ErrorCode()
	if message := refusal.ErrorMessage(); message != "" {
		text += ": " + message
	}
	if answered, ok := errors.AsType[interface {
		error
		ServiceRequestID() string
	}](e.cause); ok && answered.ServiceRequestID() != "" {
		text += " (request " + answered.ServiceRequestID() + ")"
	}
	return text
}

func (e *Error) hint() string {
	if errors.Is(e.cause, context.Canceled) || errors.Is(e.cause, context.DeadlineExceeded) {
		return "the time for this run was over"
	}
	if errors.Is(e.meaning, reconcile.ErrQuota) {
		return quotaHint(e.Action)
	}
	if errors.Is(e.meaning, reconcile.ErrInvalid) {
		return "correct it where it is configured"
	}
	switch e.Fault {
	case Denied:
		if assuming(e.cause) {
			return "allow sts:AssumeRole on " + e.At.Role.RoleARN + " to whoever runs this, and check that the role trusts it, external id included"
		}
		return "allow " + e.Action + " there to whoever runs this"
	case Expired:
		return "get new credentials, then run it again"
	case Throttled:
		return "it was tried again several times; try later, or run fewer things at once"
	case Missing:
		return "check its name, the account and the Region"
	case Unavailable:
		return "check the endpoint and the network, or try later"
	}
	return ""
}

// quotaHint says what to do about a quota that a call ran into.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
func quotaHint(action string) string {
	if action == "sagemaker:CreateUserProfile" {
		return "the account's quota of user profiles (L-AC46C40F) is used up: ask for a higher one in Service Quotas"
	}
	return "the quota is 100 groups on one application: assign users instead (signIn: user), or put several groups into one"
}

// codeIs reports whether AWS refused with this error code.
func codeIs(err error, code string) bool {
	refusal, ok := errors.AsType[smithy.APIError](err)
	return ok && refusal.ErrorCode() == code
}

// assuming reports whether the refusal came from assuming a role on the way to the call itself.
func assuming(err error) bool {
	for err != nil {
		call, ok := errors.AsType[*smithy.OperationError](err)
		if !ok {
			return false
		}
		if call.OperationName == "AssumeRole" {
			return true
		}
		err = call.Err
	}
	return false
}

// notFound reports whether the identity store says that a thing of this type does not exist. Without a
// type, or about the store itself or the key it is encrypted with, the answer says nothing of the kind.
func notFound(err error, of types.ResourceType) bool {
	missing, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok && missing.ResourceType == of && missing.Reason == ""
}

// invalidValue reports whether the identity store does not take a value it was given. The same exception
// with a reason is about the KMS key that the store is encrypted with, and says nothing of the value.
// https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_GetGroupId.html
func invalidValue(err error) bool {
	refused, ok := errors.AsType[*types.ValidationException](err)
	return ok && refused.Reason == ""
}

// refusal is what one kind of answer to a SageMaker call means.
type refusal struct {
	operations string // space separated; "" is all
	codes      string // space separated
	text       *regexp.Regexp
	means      error // nil: none of the sentinels
}

// refusals gives what SageMaker's refusals mean, first match wins. The codes are documented; the texts are
// not, so they are matched loosely, and all of them are unverified but where a thread shows them.
// What stands in brackets or quotes are names, which may say anything, and is left out of the comparison.
// Only a message that speaks of a domain and no profile, space or app is a missing domain. What is going or gone
// is gone to us; "deleting" comes before the other states that refuse a change, but after the things that stand
// in the way of a deletion and may be deleting themselves. A missing assignment comes before one that exists,
// because the looser patterns further down would match it as well.
var refusals = sync.OnceValue(func() []refusal {
	loose := func(pattern string) *regexp.Regexp { return regexp.MustCompile("(?is)" + pattern) }
	const inUse, invalid = "ResourceInUse ConflictException", "ResourceInUse ConflictException ValidationException"
	return []refusal{
		{"DescribeDomain", "ResourceNotFound", loose(``), reconcile.ErrGone},
		{"DeleteApp", "ResourceNotFound", loose(`\bapp\b`), reconcile.ErrGone},
		{"DeleteApp", invalid, loose(`already.*delet|automatically deleted|being deleted|\bdeleting\b`), reconcile.ErrGone},
		{"", "ResourceNotFound", loose(`user.?profile`), reconcile.ErrGone},
		{"DeleteSpace DeleteApp ListApps", "ResourceNotFound", loose(`\bspace\b`), reconcile.ErrGone},
		{"", "ResourceNotFound", loose(`domain`), nil},
		{"", "ResourceNotFound", loose(``), reconcile.ErrGone},
		{"CreateUserProfile", "ResourceLimitExceeded", loose(``), reconcile.ErrQuota},
		{"CreateUserProfile", invalid, loose(`not (been )?(assigned|associated)|no (assignment|association)`), reconcile.ErrNotAssigned},
		{"CreateUserProfile", invalid, loose(`(\bsso|single.?sign.?on).*(already|associated|in use|has an?\b)`), reconcile.ErrUserHasProfile},
		{"CreateUserProfile", invalid, loose(`already (has|have|associated|assigned|been (associated|assigned)).*profile`), reconcile.ErrUserHasProfile},
		{"CreateUserProfile", invalid, loose(`already (exists|in use)`), reconcile.ErrNameTaken},
		{"DeleteUserProfile", invalid, loose(`\b(apps?|spaces?)\b`), reconcile.ErrBusy},
		{"DeleteSpace", invalid, loose(`\bapps?\b`), reconcile.ErrBusy},
		{"DeleteUserProfile DeleteSpace", invalid, loose(`already.*delet|being deleted|\bdeleting\b`), reconcile.ErrGone},
		{"DeleteUserProfile DeleteSpace", "ValidationException", loose(`\b(pending|updating|status|state)\b|not (in )?.?inservice`), reconcile.ErrBusy},
		{"", inUse, loose(``), reconcile.ErrBusy},
		{"UpdateUserProfile AddTags DeleteApp", "ValidationException", loose(`\b(pending|updating|deleting)\b|not (in )?.?inservice`), reconcile.ErrBusy},
	}
})

// named matches the names in a message.
var named = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[[^\]]*\]|'[^']*'|"[^"]*"`) })

// meaning is what a SageMaker call's refusal means to reconcile, or nil.
func meaning(operation string, err error) error {
	said, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return nil
	}
	text := named().ReplaceAllString(said.ErrorMessage(), "")
	for _, r := range refusals() {
		if r.operations != "" && !slices.Contains(strings.Fields(r.operations), operation) {
			continue
		}
		if slices.Contains(strings.Fields(r.codes), said.ErrorCode()) && r.text.MatchString(text) {
			return r.means
		}
	}
	return nil
}
