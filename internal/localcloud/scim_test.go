package localcloud_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// scimClient speaks SCIM with a world, request by request.
type scimClient struct {
	*world
	tenant, token string
}

func newSCIM(t *testing.T, cloud *localcloud.Cloud) *scimClient {
	t.Helper()
	w := newWorld(t, cloud)
	tenant, token, err := cloud.EnableSCIM(account, home, storeID)
	if err != nil {
		t.Fatal(err)
	}
	return &scimClient{world: w, tenant: tenant, token: token}
}

// ask sends one request and gives the answer's status and body, which must be JSON or nothing.
func (c *scimClient) ask(method, path, body string) (int, map[string]any) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, c.url+"/"+c.tenant+"/scim/v2/"+path, strings.NewReader(body))
	must(c.world, request, err)
	request.Header.Set("Authorization", "Bearer "+c.token)
	reply, err := http.DefaultClient.Do(request)
	must(c.world, reply, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	must(c.world, text, err)
	var out map[string]any
	if len(text) > 0 && json.Unmarshal(text, &out) != nil {
		c.t.Fatalf("%s %s: no JSON: %s", method, path, text)
	}
	return reply.StatusCode, out
}

// id makes something with a POST and gives its id.
func (c *scimClient) id(path, body string) string {
	c.t.Helper()
	status, out := c.ask("POST", path, body)
	if status != http.StatusCreated {
		c.t.Fatalf("POST %s: %d %v, and %s", path, status, out, c.lastError())
	}
	return out["id"].(string)
}

// lastError is what the CloudTrail record of the last call that changes something says of it.
func (c *scimClient) lastError() string {
	records := c.cloud.Records(account, home)
	if len(records) == 0 {
		return ""
	}
	return records[len(records)-1].ErrorMessage
}

func scimUserBody(name, more string) string {
	return `{"userName":"` + name + `","displayName":"` + name + `","name":{"givenName":"A","familyName":"B"}` + more + `}`
}

func patchOf(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

func TestSCIMUserIsTheIdentityStoresUser(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	id := c.id("Users", scimUserBody("alice@example.com", `,"externalId":"guid-1","active":false,"emails":[{"value":"alice@example.com","type":"work","primary":true}],
		"title":"Dr","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"ML","manager":{"value":"m1"}}`))
	out, err := c.identity().DescribeUser(context.Background(), &identitystore.DescribeUserInput{IdentityStoreId: aws.String(storeID), UserId: &id})
	u := must(c.world, out, err)
	got := []string{*u.UserName, string(u.UserStatus), *u.Emails[0].Value, *u.ExternalIds[0].Id, *u.ExternalIds[0].Issuer, *u.Title}
	want := []string{"alice@example.com", "DISABLED", "alice@example.com", "guid-1", "https://scim.aws.com/" + c.tenant, "Dr"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the user (-want +got):\n%s", diff)
	}
	status, shown := c.ask("GET", "Users/"+id, "")
	if status != http.StatusOK || shown["externalId"] != "guid-1" || shown["active"] != false {
		t.Errorf("GET: %d %v", status, shown)
	}
	enterprise, _ := shown["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any)
	if enterprise["department"] != "ML" {
		t.Errorf("the enterprise extension is %v", enterprise)
	}
}

func TestSCIMRefusesWhatIdentityCenterRefuses(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	alice := c.id("Users", scimUserBody("alice", `,"externalId":"g1","emails":[{"value":"a@example.com","type":"work","primary":true}]`))
	group := c.id("Groups", `{"displayName":"ml","externalId":"g2"}`)
	other := c.id("Groups", `{"displayName":"other"}`)
	gone := "04c8e458-a021-702e-f9d1-7f430ff2c752"
	member := func(n int) string {
		return "[" + strings.Repeat(`{"value":"`+alice+`"},`, n-1) + `{"value":"` + alice + `"}]`
	}
	op := func(op, path, value string) string {
		return patchOf(`{"op":"` + op + `","path":"` + path + `","value":` + value + `}`)
	}
	for _, row := range []struct {
		method, path, body string
		status             int
		message            string // begins so, in the CloudTrail record
	}{
		{"POST", "Users", `{"userName":"x","displayName":"x"}`, 400, "name.givenName and name.familyName are required"},
		{"POST", "Users", `{"displayName":"x","name":{"givenName":"A","familyName":"B"}}`, 400, "userName is a required"},
		{"POST", "Users", scimUserBody("a b", ""), 400, "1 validation error detected: Value 'a b' at 'userName'"},
		{"POST", "Users", scimUserBody("x", `,"password":"secret"`), 400, "unknown field"},
		{"POST", "Users", scimUserBody("x", `,"groups":[]`), 400, "unknown field"},
		{"POST", "Users", scimUserBody("x", `,"userNAME":"y"`), 400, "The attribute userName is given more than once"},
		{"POST", "Users", scimUserBody("x", `,"schemas":["urn:x"]`), 400, "Unknown schema"},
		{"POST", "Users", scimUserBody("x", `,"emails":[{"value":"x@example.com"}]`), 400, "An email must have a value and be marked as primary"},
		{"POST", "Users", scimUserBody("x", `,"emails":[{"value":"x@example.com","primary":true},{"value":"y@example.com"}]`), 400, "List attribute emails exceeds allowed limit of 1"},
		{"POST", "Users", `[]`, 400, "Invalid JSON from RequestBody"},
		{"POST", "Users", scimUserBody("alice", ""), 409, "Duplicate UserName"},
		{"POST", "Users", scimUserBody("x", `,"externalId":"g1"`), 409, "Duplicate ExternalId"},
		{"POST", "Users", scimUserBody("x", `,"emails":[{"value":"A@example.com","primary":true}]`), 409, "Duplicate Email"},
		{"PATCH", "Users/" + alice, patchOf(`{"op":"remove","path":"userName"}`), 400, "userName cannot be removed"},
		{"PATCH", "Users/" + alice, patchOf(`{"op":"remove"}`), 400, "Missing path"},
		{"PATCH", "Users/" + alice, patchOf(`{"op":"replace","path":"title"}`), 400, "Missing value"},
		{"PATCH", "Users/" + alice, op("move", "title", `"x"`), 400, "The operation must be"},
		{"PATCH", "Users/" + alice, op("replace", "id", `"x"`), 400, "The attribute path id cannot be changed"},
		{"PATCH", "Users/" + alice, op("add", "emails", `[{"value":"b@example.com","primary":true}]`), 400, "List attribute emails exceeds"},
		{"PATCH", "Users/" + alice, op("replace", `emails[type eq \"home\"].value`, `"b@example.com"`), 400, "No element of emails matches"},
		{"PATCH", "Users/" + alice, patchOf(`{"op":"replace","path":"active","value":false},{"op":"replace","path":"active","value":true}`), 400, "Multiple operations on active"},
		{"PATCH", "Users/" + alice, `{"Operations":[]}`, 400, "A PATCH request needs Operations"},
		{"PATCH", "Users/" + gone, op("replace", "title", `"x"`), 404, "USER not found"},
		{"PUT", "Users/" + alice, scimUserBody("alice", `,"id":"`+gone+`"`), 400, "The id in the body"},
		{"DELETE", "Users/" + gone, "", 404, "USER not found"},
		{"POST", "Groups", `{}`, 400, "displayName is a required"},
		{"POST", "Groups", `{"displayName":"ml"}`, 409, "Duplicate GroupDisplayName"},
		{"POST", "Groups", `{"displayName":"x","externalId":"g2"}`, 409, "Duplicate ExternalId"},
		{"POST", "Groups", `{"displayName":"x","members":` + member(101) + `}`, 400, "A maximum of 100"},
		{"POST", "Groups", `{"displayName":"x","members":[{"value":"` + gone + `"}]}`, 404, "USER not found"},
		{"PATCH", "Groups/" + group, op("replace", "members", member(1)), 400, "Replacing all members"},
		{"PATCH", "Groups/" + group, patchOf(`{"op":"remove","path":"members"}`), 400, "Adding or removing members needs a list"},
		{"PATCH", "Groups/" + group, op("add", "members", `[]`), 400, "Adding or removing members needs a list"},
		{"PATCH", "Groups/" + group, op("add", "members", member(101)), 400, "A maximum of 100"},
		{"PATCH", "Groups/" + group, patchOf(`{"op":"add","path":"members","value":` + member(60) + `},{"op":"remove","path":"members","value":` + member(41) + `}`), 400, "A maximum of 100"},
		{"PATCH", "Groups/" + group, patchOf(`{"op":"add","value":{"members":` + member(1) + `}}`), 400, "Missing path"},
		{"PATCH", "Groups/" + group, op("replace", "description", `"x"`), 400, "Only displayName, members and externalId"},
		{"PATCH", "Groups/" + group, op("add", "members", `[{"value":"`+alice+`","type":"Group"}]`), 400, "A member must be a User"},
		{"PATCH", "Groups/" + group, op("add", "members", `[{"value":"`+alice+`"},{"value":"`+gone+`"}]`), 404, "USER not found"},
		{"PATCH", "Groups/" + group, op("replace", "displayName", `"other"`), 409, "Duplicate GroupDisplayName"},
		{"PATCH", "Groups/" + gone, op("replace", "displayName", `"x"`), 404, "GROUP not found"},
		{"DELETE", "Groups/" + gone, "", 404, "GROUP not found"},
		{"PUT", "Groups/" + group, `{"displayName":"x"}`, 400, ""},
		{"POST", "Bulk", `{}`, 400, ""},
		{"GET", "Me", "", 400, ""},
		{"GET", "Schemas/urn:x", "", 404, ""},
		{"GET", `Users?filter=userName+sw+"a"`, "", 400, ""},
		{"GET", `Users?filter=displayName+eq+"alice"`, "", 400, ""},
		{"GET", `Users?filter=userName+eq+"alice"+or+userName+eq+"x"`, "", 400, ""},
		{"GET", `Users?filter=userName+eq+alice`, "", 400, ""},
		{"GET", `Groups?filter=members+eq+"` + alice + `"`, "", 400, ""},
		{"GET", "Users?count=0", "", 400, ""},
		{"GET", "Users?count=101", "", 400, ""},
		{"GET", "Users?cursor=AAAA", "", 400, ""},
	} {
		status, out := c.ask(row.method, row.path, row.body)
		if status != row.status || (row.message != "" && !strings.Contains(c.lastError(), row.message)) {
			t.Errorf("%s %s %s: %d %v, recorded %q; want %d, %q", row.method, row.path, row.body, status, out, c.lastError(), row.status, row.message)
		}
		if out["status"] != strconv.Itoa(row.status) || out["detail"] == "" || out["exceptionRequestId"] == "" {
			t.Errorf("%s %s: the error is %v", row.method, row.path, out)
		}
	}
	if got := c.memberOf(alice, group, other); !cmp.Equal(got, []bool{false, false}) {
		t.Errorf("what was refused made alice a member: %v", got)
	}
}
