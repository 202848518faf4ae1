package awscloud

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/smithy-go"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// SignIn is reconcile.SignIn, and its Assignees, on IAM Identity Center.
//
// Which account may assign to the application of a domain in a member account is not documented. So the
// domain's credentials are tried first and, where they are refused or do not see the application, Identity
// Center's own; when both fail, the error names both.
type SignIn struct {
	Session *Session
	// At is Identity Center's Region and, where it lies in another account, how to get there.
	At Place
}

var (
	_ reconcile.SignIn    = (*SignIn)(nil)
	_ reconcile.Assignees = (*SignIn)(nil)
)

// applicationAssignment is the wire form of all requests about one assignment.
// https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateApplicationAssignment.html
type applicationAssignment struct {
	ApplicationArn string
	PrincipalID    string `json:"PrincipalId"`
	PrincipalType  string
}

// Assign implements reconcile.SignIn. When the answer to a first attempt was lost and the repeated one finds
// the assignment there, it counts as made.
func (s *SignIn) Assign(ctx context.Context, d studio.Domain, application string, p reconcile.Principal) (bool, error) {
	made := false
	err := s.eitherWay(d, func(at Place) error {
		now, err := s.assign(ctx, at, applicationAssignment{application, p.ID, principalType(p)})
		made = made || now
		return err
	})
	return made, err
}

// Unassign implements reconcile.SignIn.
func (s *SignIn) Unassign(ctx context.Context, d studio.Domain, application string, p reconcile.Principal) error {
	return s.eitherWay(d, func(at Place) error {
		_, err := s.call(ctx, at, "DeleteApplicationAssignment", applicationAssignment{application, p.ID, principalType(p)})
		return err
	})
}

// listAssignments and the types below are ListApplicationAssignments' wire forms.
// https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListApplicationAssignments.html
type listAssignments struct {
	ApplicationArn string
	MaxResults     int
	NextToken      *string `json:",omitempty"`
}

type listedAssignments struct {
	ApplicationAssignments []applicationAssignment
	NextToken              *string
}

// AssignedGroups implements reconcile.Assignees.
func (s *SignIn) AssignedGroups(ctx context.Context, d studio.Domain, application string) ([]string, error) {
	var groups []string
	err := s.eitherWay(d, func(at Place) (err error) {
		groups, err = s.assignedGroups(ctx, at, application)
		return err
	})
	return groups, err
}

func (s *SignIn) assignedGroups(ctx context.Context, at Place, application string) ([]string, error) {
	r := request{action: "sso:ListApplicationAssignments", on: "application " + application, at: s.Session.where(at)}
	var groups []string
	err := everyPage(r, func(token *string) (*string, error) {
		var page listedAssignments
		in := listAssignments{application, identityPage, token}
		if err := s.Session.jsonAt(ssoAdminAPI(), at).call(ctx, "ListApplicationAssignments", in, &page); err != nil {
			return nil, r.failed(err, nil)
		}
		for _, a := range page.ApplicationAssignments {
			switch {
			case a.PrincipalID == "":
				return nil, r.broken("an assignment of a %q names nobody", a.PrincipalType)
			case a.PrincipalType == principalType(reconcile.Principal{Group: true}):
				groups = append(groups, a.PrincipalID)
			}
		}
		return page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return groups, nil
}

// eitherWay calls do with the domain's credentials, and where these will not do with Identity Center's.
func (s *SignIn) eitherWay(d studio.Domain, do func(Place) error) error {
	domains := placeOf(d)
	domains.Region = s.At.Region
	err := do(domains)
	if fault := FaultOf(err); d.AssumeRole == s.At.Role || fault != Denied && fault != Missing {
		return err
	}
	other := do(s.At)
	if other == nil {
		return nil
	}
	return fmt.Errorf("with Identity Center's credentials: %w; before that, with the credentials of domain %s: %w", other, d.Name, err)
}

func (s *SignIn) assign(ctx context.Context, at Place, a applicationAssignment) (bool, error) {
	earlier, err := s.call(ctx, at, "CreateApplicationAssignment", a)
	switch {
	case err == nil:
		return true, nil
	case !codeIs(err, "ConflictException"):
		return mayHaveWorked(append(earlier, err)), err
	case mayHaveWorked(earlier):
		return true, nil
	}
	return false, s.isThere(ctx, at, a)
}

// isThere confirms what a conflict seems to say, that the assignment exists: sso-admin also answers so while
// an earlier change is still spreading. Where describing it is not allowed, the conflict is believed.
func (s *SignIn) isThere(ctx context.Context, at Place, a applicationAssignment) error {
	const operation = "DescribeApplicationAssignment"
	_, err := s.call(ctx, at, operation, a)
	switch FaultOf(err) {
	case Denied:
		return nil
	case Missing:
		spreading := errors.New("creating the assignment conflicts with an earlier change, but it is not there; try again in a minute")
		return s.request(at, operation, a).failed(spreading, reconcile.ErrBusy)
	}
	return err
}

// mayHaveWorked tells whether one of these attempts can have taken effect: one that was throttled cannot.
func mayHaveWorked(attempts []error) bool {
	for _, err := range attempts {
		refused, ok := errors.AsType[smithy.APIError](err)
		if !ok || refused.ErrorFault() == smithy.FaultServer {
			return true
		}
	}
	return false
}

func (s *SignIn) call(ctx context.Context, at Place, operation string, a applicationAssignment) ([]error, error) {
	earlier, err := s.Session.jsonAt(ssoAdminAPI(), at).attempt(ctx, operation, a, nil)
	if err == nil {
		return earlier, nil
	}
	var meaning error
	if codeIs(err, "ServiceQuotaExceededException") {
		meaning = reconcile.ErrQuota
	}
	return earlier, s.request(at, operation, a).failed(err, meaning)
}

func (s *SignIn) request(at Place, operation string, a applicationAssignment) request {
	on := fmt.Sprintf("%s %q and application %s", a.PrincipalType, a.PrincipalID, a.ApplicationArn)
	return request{action: "sso:" + operation, on: on, at: s.Session.where(at)}
}
