package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"studiokeeper/internal/studio"
)

// What requests call the services that the world itself calls.
var targets = map[string]string{
	"sagemaker": "SageMaker.", "dynamodb": "DynamoDB_20120810.", "sqs": "AmazonSQS.", "events": "AWSEvents.", "sso": "SWBExternalService.",
}

// aws asks the local cloud as the account's own administrator, at once and
// without faults. It does without the SDK, whose clients would cost more than
// all that a seed does.
func (w *world) aws(service, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+service+".local/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Target", targets[service]+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1."+map[bool]string{true: "0", false: "1"}[service == "dynamodb" || service == "sqs"])
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260101/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=x")
	answer := w.ask(r)
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s:%s: %d %s", service, operation, answer.StatusCode, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// written is an http.ResponseWriter that keeps what is written.
type written struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *written) Header() http.Header         { return a.header }
func (a *written) WriteHeader(status int)      { a.status = status }
func (a *written) Write(p []byte) (int, error) { return a.body.Write(p) }

// ask has the cloud answer in this goroutine.
func (w *world) ask(r *http.Request) *http.Response {
	r.RequestURI, r.Host = r.URL.RequestURI(), r.URL.Host
	answer := &written{status: http.StatusOK, header: http.Header{}}
	w.cloud.ServeHTTP(answer, r)
	return &http.Response{
		StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: answer.header,
		Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Request: r,
	}
}

// must is for what the world cannot be without.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

type tag struct{ Key, Value string }

// profile is a user profile as it is.
type profile struct {
	Name, SSOUser, Role, Status string
	Tags                        map[string]string
}

func (p profile) ours() bool { return p.Tags[studio.TagDeployment] == deployment }

// owner is the id of the user for whom we manage a profile; "" when we do not.
func (p profile) owner() string {
	if !p.ours() {
		return ""
	}
	return p.Tags[studio.TagUserID]
}

// profile reads one; found is false when there is none.
func (w *world) profile(d int, name string) (p profile, found bool) {
	var is struct {
		UserProfileName, UserProfileArn, SingleSignOnUserValue, Status string
		UserSettings                                                   struct{ ExecutionRole string }
	}
	if w.aws("sagemaker", "DescribeUserProfile", object{"DomainId": w.domains[d].id, "UserProfileName": name}, &is) != nil {
		return profile{}, false
	}
	p = profile{Name: is.UserProfileName, SSOUser: is.SingleSignOnUserValue, Role: is.UserSettings.ExecutionRole, Status: is.Status, Tags: map[string]string{}}
	var tags struct{ Tags []tag }
	w.must(w.aws("sagemaker", "ListTags", object{"ResourceArn": is.UserProfileArn}, &tags))
	for _, t := range tags.Tags {
		p.Tags[t.Key] = t.Value
	}
	return p, true
}

// profiles reads all of a domain.
func (w *world) profiles(d int) []profile {
	var list struct {
		UserProfiles []struct{ UserProfileName string }
	}
	w.must(w.aws("sagemaker", "ListUserProfiles", object{"DomainIdEquals": w.domains[d].id, "MaxResults": 100}, &list))
	var all []profile
	for _, one := range list.UserProfiles {
		if p, found := w.profile(d, one.UserProfileName); found {
			all = append(all, p)
		}
	}
	return all
}

// space is a space as it is.
type space struct {
	Name, Owner string
	Shared      bool
}

func (w *world) spaces(d int) []space {
	var list struct {
		Spaces []struct {
			SpaceName                   string
			OwnershipSettingsSummary    struct{ OwnerUserProfileName string }
			SpaceSharingSettingsSummary struct{ SharingType string }
		}
	}
	w.must(w.aws("sagemaker", "ListSpaces", object{"DomainIdEquals": w.domains[d].id, "MaxResults": 100}, &list))
	var all []space
	for _, s := range list.Spaces {
		all = append(all, space{s.SpaceName, s.OwnershipSettingsSummary.OwnerUserProfileName, s.SpaceSharingSettingsSummary.SharingType == "Shared"})
	}
	return all
}

// assignment lets somebody sign in.
type assignment struct {
	PrincipalID   string `json:"PrincipalId"`
	PrincipalType string
}

// assignments are those to a domain's application.
func (w *world) assignments(d int) []assignment {
	var is struct{ SingleSignOnApplicationArn string }
	w.must(w.aws("sagemaker", "DescribeDomain", object{"DomainId": w.domains[d].id}, &is))
	var list struct{ ApplicationAssignments []assignment }
	w.must(w.aws("sso", "ListApplicationAssignments", object{"ApplicationArn": is.SingleSignOnApplicationArn, "MaxResults": 100}, &list))
	return list.ApplicationAssignments
}

// waiting is how many messages a queue holds: visible, in flight and delayed.
func (w *world) waiting(queue string) int {
	var out struct{ Attributes map[string]string }
	w.must(w.aws("sqs", "GetQueueAttributes", object{"QueueUrl": w.queues[queue], "AttributeNames": []string{"All"}}, &out))
	sum := 0
	for _, name := range []string{"", "NotVisible", "Delayed"} {
		var n int
		_, _ = fmt.Sscan(out.Attributes["ApproximateNumberOfMessages"+name], &n)
		sum += n
	}
	return sum
}
