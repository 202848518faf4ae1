package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// crowd is how many people there are where an edit is limited, and allowedChanges
// how many of them it may change within an hour.
const crowd, allowedChanges = 8, 4

// limited configures that limit: by default fewer than ten are never limited.
var limited = configured("state:", fmt.Sprintf("limits: {changes: {floor: %d}}\nstate:", allowedChanges))

// edited handles the event of a row that was edited, and all that follows.
func (w *world) edited(group string) {
	w.t.Helper()
	w.cloud.Advance(time.Minute)
	w.handle(event.Look{Scope: event.Group, GroupName: group, Domain: "research"})
	w.settle()
}

// roleTo edits the row of a group at a later time than anything before.
func (w *world) roleTo(group, role string, priority int) {
	w.t.Helper()
	w.cloud.Advance(time.Minute)
	w.row(group, "research", roles+role, priority)
}

func (w *world) heldChanges() []reconcile.Removal {
	w.t.Helper()
	all, err := w.keeper.Changes.Removals(w.t.Context(), "research")
	w.must(err)
	return slices.DeleteFunc(all, func(r reconcile.Removal) bool { return r.Decision != reconcile.Held })
}

// decideChanges decides about everybody who is held, as the command does.
func (w *world) decideChanges(d reconcile.Decision) {
	w.t.Helper()
	for _, was := range w.heldChanges() {
		is := was
		is.Decision, is.At = d, w.cloud.Now()
		if d == reconcile.Rejected {
			is.Until = is.At.Add(w.keeper.RejectFor)
		}
		w.must(w.keeper.Decide(w.t.Context(), was, is, plan.Trigger{Kind: "person", ID: "somebody"}))
	}
	w.must(w.keeper.Reopen(w.t.Context(), "research"))
}

// with says how many people have each of some roles.
func (w *world) with(roles ...string) string {
	w.t.Helper()
	var out []string
	for _, r := range roles {
		out = append(out, fmt.Sprintf("%d %s", w.withRole(r), r))
	}
	return strings.Join(out, ", ")
}

// updateByHand gives a profile another role, as a person would.
func (w *world) updateByHand(profile, role string) {
	w.t.Helper()
	_, err := sagemaker.NewFromConfig(w.aws).UpdateUserProfile(w.t.Context(), &sagemaker.UpdateUserProfileInput{
		DomainId: &w.domain, UserProfileName: &profile, UserSettings: &sagemakertypes.UserSettings{ExecutionRole: &role},
	})
	w.must(err)
}

// settings gives the row of a group, which gives role a, a security group.
func (w *world) settings(group, securityGroup string) {
	w.t.Helper()
	list := &dynamotypes.AttributeValueMemberL{Value: []dynamotypes.AttributeValue{&dynamotypes.AttributeValueMemberS{Value: securityGroup}}}
	_, err := dynamodb.NewFromConfig(w.aws).PutItem(w.t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("mapping"),
		Item: map[string]dynamotypes.AttributeValue{
			"group": &dynamotypes.AttributeValueMemberS{Value: group}, "domain": &dynamotypes.AttributeValueMemberS{Value: "research"},
			"role": &dynamotypes.AttributeValueMemberS{Value: roles + "a"}, "priority": &dynamotypes.AttributeValueMemberN{Value: "100"},
			"settings": &dynamotypes.AttributeValueMemberM{Value: map[string]dynamotypes.AttributeValue{"SecurityGroups": list}},
		},
	})
	w.must(err)
}

// forgetRows deletes everything that is remembered of rows.
func (w *world) forgetRows() {
	w.t.Helper()
	api := dynamodb.NewFromConfig(w.aws)
	out, err := api.Query(w.t.Context(), &dynamodb.QueryInput{
		TableName: aws.String("state"), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":pk": &dynamotypes.AttributeValueMemberS{Value: "rows"}},
	})
	w.must(err)
	if len(out.Items) == 0 {
		w.t.Error("nothing is remembered of rows")
	}
	for _, it := range out.Items {
		_, err := api.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("state"), Key: map[string]dynamotypes.AttributeValue{"pk": it["pk"], "sk": it["sk"]}})
		w.must(err)
	}
}
