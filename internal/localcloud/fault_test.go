package localcloud_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/localcloud"
)

// fault goes through the door of that name.
func (w *world) fault(operation, body string) {
	w.t.Helper()
	resp, err := http.Post(w.url+"/_fault/"+operation, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		w.t.Errorf("%s %s: %s", operation, body, resp.Status)
	}
}

// Work that was accepted may fail later, with a reason; asked again, it may work.
func TestWorkThatFailsAfterItWasAccepted(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice", "bob")
	w.space(domain, "lab", "bob", types.SharingTypePrivate)
	for _, operation := range []string{"DeleteUserProfile", "UpdateUserProfile", "DeleteSpace"} {
		w.fault("Inject", `{"service": "sagemaker", "operation": "`+operation+`", "failureReason": "the file system is busy"}`)
	}
	_, err := w.studio().UpdateUserProfile(context.Background(), &sagemaker.UpdateUserProfileInput{
		DomainId: &domain, UserProfileName: aws.String("bob"), UserSettings: &types.UserSettings{ExecutionRole: aws.String(studyRole)},
	})
	w.wantCode("updating", err, "")
	w.wantCode("deleting the profile", w.deleteProfile(domain, "alice"), "")
	w.wantCode("deleting the space", w.deleteSpace(domain, "lab"), "")
	w.wantStatus("alice while it lasts", w.profile(domain, "alice"), types.UserProfileStatusDeleting, "")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	w.wantStatus("alice", w.profile(domain, "alice"), types.UserProfileStatusDeleteFailed, "the file system is busy")
	w.wantStatus("bob", w.profile(domain, "bob"), types.UserProfileStatusUpdateFailed, "the file system is busy")
	if s := w.describeSpace(domain, "lab"); s.Status != types.SpaceStatusDeleteFailed || aws.ToString(s.FailureReason) != "the file system is busy" {
		t.Errorf("the space is %s: %s", s.Status, aws.ToString(s.FailureReason))
	}

	w.fault("Clear", "")
	w.wantCode("deleting the profile again", w.deleteProfile(domain, "alice"), "")
	w.wantCode("deleting the space again", w.deleteSpace(domain, "lab"), "")
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	w.wantCode("the profile that is gone", w.deleteProfile(domain, "alice"), "ResourceNotFound")
	w.wantCode("the space that is gone", w.deleteSpace(domain, "lab"), "ResourceNotFound")
}

func TestFaultThroughTheDoor(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice", "bob")
	w.fault("Inject", `{"operation": "DeleteUserProfile", "resource": "alice", "times": 1, "code": "AccessDeniedException", "effect": "after"}`)
	w.wantCode("somebody else", w.deleteProfile(domain, "bob"), "")
	w.wantCode("alice", w.deleteProfile(domain, "alice"), "AccessDeniedException")
	w.wantStatus("alice", w.profile(domain, "alice"), types.UserProfileStatusDeleting, "")
}

func TestAnswerThatSomebodyMadeUp(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice")
	w.fault("Inject", `{"operation": "ListUserProfiles", "answer": "{\"UserProfiles\": []}"}`)
	list, err := w.studio().ListUserProfiles(context.Background(), &sagemaker.ListUserProfilesInput{DomainIdEquals: &domain})
	if must(w, list, err); len(list.UserProfiles) != 0 {
		t.Errorf("listed: %v", list.UserProfiles)
	}
}

func (w *world) wantStatus(what string, p *sagemaker.DescribeUserProfileOutput, status types.UserProfileStatus, reason string) {
	w.t.Helper()
	if p.Status != status || aws.ToString(p.FailureReason) != reason {
		w.t.Errorf("%s is %s: %q, want %s: %q", what, p.Status, aws.ToString(p.FailureReason), status, reason)
	}
}

func TestFaultOnWritesLetsReadsPass(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.studioDomain("alice", "bob")
	w.cloud.ResetCalls()
	w.cloud.Inject(localcloud.Fault{Writes: true, After: 1, Code: "AccessDeniedException"})
	w.profile(domain, "alice")
	w.wantCode("the first write", w.deleteProfile(domain, "alice"), "")
	w.profile(domain, "bob")
	w.wantCode("the second write", w.deleteProfile(domain, "bob"), "AccessDeniedException")
	var writes []string
	for _, call := range w.cloud.Calls() {
		if call.Writes() {
			writes = append(writes, call.Operation+" "+call.Error)
		}
	}
	if got := strings.Join(writes, ", "); got != "DeleteUserProfile , DeleteUserProfile AccessDeniedException" {
		t.Errorf("writes: %s", got)
	}
}
