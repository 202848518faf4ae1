package awscloud

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/reconcile"
)

// membershipCalls is how many questions of 100 groups each are under way at once.
const membershipCalls = 8

// MemberOf implements reconcile.Identity, in as few calls as there are hundreds of groups. When a call is
// refused because of one of its groups, that one is singled out and counts as unreadable, or as gone when the
// store says so, and the others are still answered. Everything else that fails fails the whole.
func (i *IdentityStore) MemberOf(ctx context.Context, userID string, groupIDs []string) (map[string]reconcile.Membership, error) {
	unique := slices.Compact(slices.Sorted(slices.Values(groupIDs)))
	answers := make(map[string]reconcile.Membership, len(unique))
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(membershipCalls)
	for chunk := range slices.Chunk(unique, identityPage) {
		g.Go(func() error {
			found, err := i.memberOf(ctx, userID, chunk)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(answers, found)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return answers, nil
}

// memberOf asks for at most 100 groups, and again for parts of them when one spoils the call.
func (i *IdentityStore) memberOf(ctx context.Context, userID string, groupIDs []string) (map[string]reconcile.Membership, error) {
	out, err := i.client().IsMemberInGroups(ctx, &identitystore.IsMemberInGroupsInput{
		IdentityStoreId: &i.StoreID, GroupIds: groupIDs, MemberId: &types.MemberIdMemberUserId{Value: userID},
	})
	r := i.request("IsMemberInGroups", "user", userID)
	switch {
	case err == nil:
		return membershipsIn(out.Results, userID, groupIDs), nil
	case notFound(err, types.ResourceTypeUser):
		return nil, r.failed(err, reconcile.ErrGone)
	case !becauseOfGroup(err):
		return nil, r.failed(err, nil)
	case len(groupIDs) == 1:
		return map[string]reconcile.Membership{groupIDs[0]: {
			Unread: "AWS cannot tell its members: " + refusalText(err), Gone: notFound(err, types.ResourceTypeGroup),
		}}, nil
	}
	answers := make(map[string]reconcile.Membership, len(groupIDs))
	for _, part := range parts(groupIDs, err) {
		found, err := i.memberOf(ctx, userID, part)
		if err != nil {
			return nil, err
		}
		maps.Copy(answers, found)
	}
	return answers, nil
}

// parts splits groups of which one is bad: the bad one and the others where the refusal names it, or halves.
func parts(groupIDs []string, err error) [][]string {
	if missing, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		if at := slices.Index(groupIDs, aws.ToString(missing.ResourceId)); at >= 0 {
			return [][]string{{groupIDs[at]}, slices.Concat(groupIDs[:at], groupIDs[at+1:])}
		}
	}
	half := len(groupIDs) / 2
	return [][]string{groupIDs[:half], groupIDs[half:]}
}

// becauseOfGroup tells whether a refusal can be due to one of the groups: it does not exist, or its id is
// none. A refusal by IAM is not looked into: it is taken for all groups, as our own policies grant it.
func becauseOfGroup(err error) bool {
	if notFound(err, types.ResourceTypeGroup) {
		return true
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	return ok && refused.ErrorCode() == "ValidationException" && strings.Contains(strings.ToLower(refused.ErrorMessage()), "group")
}

func refusalText(err error) string {
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err.Error()
	}
	return refused.ErrorCode() + ": " + refused.ErrorMessage()
}

// membershipsIn reads an answer. A group that it leaves out is unread, not "no member".
func membershipsIn(results []types.GroupMembershipExistenceResult, userID string, groupIDs []string) map[string]reconcile.Membership {
	answers := make(map[string]reconcile.Membership, len(groupIDs))
	for _, id := range groupIDs {
		answers[id] = reconcile.Membership{Unread: "AWS's answer leaves this group out"}
	}
	for _, result := range results {
		id := aws.ToString(result.GroupId)
		if _, asked := answers[id]; !asked {
			continue
		}
		if user, ok := result.MemberId.(*types.MemberIdMemberUserId); ok && user.Value != userID {
			answers[id] = reconcile.Membership{Unread: fmt.Sprintf("AWS's answer is about user %q", user.Value)}
			continue
		}
		answers[id] = reconcile.Membership{Member: result.MembershipExists}
	}
	return answers
}
