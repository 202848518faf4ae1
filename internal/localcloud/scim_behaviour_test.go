package localcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func TestSCIMPatchesUsersByPath(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	start := scimUserBody("alice", `,"emails":[{"value":"a@example.com","type":"work","primary":true}],"title":"Dr"`)
	for i, row := range []struct{ operations, path, want string }{
		{`{"op":"Replace","path":"active","value":"False"}`, "active", `false`},
		{`{"op":"replace","path":"name.familyName","value":"C"}`, "name", `{"familyName":"C","givenName":"A"}`},
		{`{"op":"replace","path":"Name","value":{"GivenName":"D"}}`, "name", `{"familyName":"B","givenName":"D"}`},
		{`{"op":"replace","path":"emails[type eq \"work\"].value","value":"b@example.com"}`, "emails", `[{"primary":true,"type":"work","value":"b@example.com"}]`},
		{`{"op":"remove","path":"emails"}`, "emails", `null`},
		{`{"op":"replace","path":"emails","value":[{"value":"c@example.com","type":"work","primary":true}]}`, "emails", `[{"primary":true,"type":"work","value":"c@example.com"}]`},
		{`{"op":"remove","path":"emails[type eq \"work\"]"}`, "emails", `null`},
		{`{"op":"remove","path":"title"}`, "title", `null`},
		{`{"op":"add","path":"externalId","value":"g1"}`, "externalId", `"g1"`},
		{`{"op":"replace","path":"` + enterprise + `:department","value":"ML"}`, enterprise, `{"department":"ML"}`},
		{`{"op":"add","path":"` + enterprise + `:manager.value","value":"m"}`, enterprise, `{"manager":{"value":"m"}}`},
		{`{"op":"replace","value":{"userName":"bob","displayName":"Bob"}}`, "userName", `"bob"`},
	} {
		id := c.id("Users", strings.ReplaceAll(start, "alice", fmt.Sprint("alice", i)))
		status, out := c.ask("PATCH", "Users/"+id, patchOf(row.operations))
		got, _ := json.Marshal(out[row.path])
		if status != http.StatusOK || string(got) != row.want {
			t.Errorf("%s: %d, %s is %s, want %s (%s)", row.operations, status, row.path, got, row.want, c.lastError())
		}
		_, again := c.ask("GET", "Users/"+id, "")
		if diff := cmp.Diff(out, again); diff != "" {
			t.Errorf("%s: what is read afterwards differs (-answered +read):\n%s", row.operations, diff)
		}
		c.ask("DELETE", "Users/"+id, "")
	}
}

func TestSCIMPutReplacesAUser(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	id := c.id("Users", scimUserBody("alice", `,"title":"Dr","externalId":"g1","active":false`))
	status, out := c.ask("PUT", "Users/"+id, scimUserBody("alicia", ""))
	if status != http.StatusOK || out["userName"] != "alicia" || out["title"] != nil || out["externalId"] != nil || out["active"] != false {
		t.Errorf("PUT: %d %v", status, out)
	}
	if _, list := c.ask("GET", `Users?filter=userName+eq+"alice"`, ""); list["totalResults"] != 0.0 {
		t.Errorf("the old name still finds %v", list)
	}
	if _, shown := c.ask("GET", "Users/"+id, ""); !cmp.Equal(shown, out) {
		t.Errorf("what was put and what is read differ: %v", cmp.Diff(out, shown))
	}
}

func TestSCIMMembersComeAndGoAndAreNeverShown(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	alice, bob := c.id("Users", scimUserBody("alice", "")), c.id("Users", scimUserBody("bob", ""))
	group := c.id("Groups", `{"displayName":"ml","members":[{"value":"`+alice+`","display":"Alice"}]}`)
	change := func(op, user string) {
		t.Helper()
		if status, out := c.ask("PATCH", "Groups/"+group, patchOf(`{"op":"`+op+`","path":"members","value":[{"value":"`+user+`"}]}`)); status != http.StatusNoContent || out != nil {
			t.Errorf("%s: %d %v", op, status, out)
		}
	}
	isMember := func(user string) float64 {
		_, list := c.ask("GET", `Groups?filter=`+strings.ReplaceAll(`id eq "`+group+`" and members eq "`+user+`"`, " ", "+"), "")
		return list["totalResults"].(float64)
	}
	for range 2 {
		change("add", bob)
	}
	if isMember(alice) != 1 || isMember(bob) != 1 {
		t.Error("alice and bob should be members")
	}
	if _, out := c.ask("GET", "Groups/"+group, ""); len(out["members"].([]any)) != 0 {
		t.Errorf("members are shown: %v", out)
	}
	for range 2 {
		change("remove", alice)
	}
	if isMember(alice) != 0 || isMember(bob) != 1 {
		t.Error("only bob should be a member")
	}
	c.ask("PATCH", "Groups/"+group, patchOf(`{"op":"replace","path":"displayName","value":"ml 2"}`))
	if _, list := c.ask("GET", `Groups?filter=displayName+eq+"ml+2"`, ""); list["totalResults"] != 1.0 {
		t.Errorf("the new name finds %v", list)
	}
	if status, _ := c.ask("DELETE", "Groups/"+group, ""); status != http.StatusNoContent {
		t.Errorf("DELETE: %d", status)
	}
	if status, _ := c.ask("GET", "Groups/"+group, ""); status != http.StatusNotFound {
		t.Errorf("GET afterwards: %d", status)
	}
}

func TestSCIMListsByCursorOrCountsTheFirstPage(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	want := map[string]bool{}
	for i := range 7 {
		want[c.id("Users", scimUserBody(fmt.Sprint("user", i), fmt.Sprintf(`,"externalId":"g%d"`, i)))] = true
	}
	got, cursor, pages := map[string]bool{}, "", 0
	for more := true; more; pages++ {
		_, list := c.ask("GET", "Users?count=3&cursor="+cursor, "")
		for _, u := range list["Resources"].([]any) {
			got[u.(map[string]any)["id"].(string)] = true
		}
		cursor, more = list["nextCursor"].(string)
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("%d pages, users (-want +got):\n%s", pages, diff)
	}
	_, list := c.ask("GET", "Users?count=3&startIndex=4&attributes=id", "")
	if list["totalResults"] != 7.0 || list["itemsPerPage"] != 3.0 || list["startIndex"] != 1.0 || len(list["Resources"].([]any)) != 3 {
		t.Errorf("without a cursor: %v", list)
	}
	for filter, n := range map[string]float64{
		`externalId eq "g3"`: 1, `EXTERNALID EQ "g3"`: 1, `externalId eq "g"`: 0, `userName eq "user\u0033"`: 1, `userName eq "x\"y"`: 0,
	} {
		_, list := c.ask("GET", "Users?filter="+strings.NewReplacer(" ", "%20", `"`, "%22", `\`, "%5C").Replace(filter), "")
		if list["totalResults"] != n {
			t.Errorf("%s finds %v, want %v", filter, list["totalResults"], n)
		}
	}
}

func TestSCIMWantsAValidTokenOfTheTenant(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	good := *c
	status := func(with scimClient) int { got, _ := with.ask("GET", "ServiceProviderConfig", ""); return got }
	for name, bad := range map[string]scimClient{
		"another token": {c.world, c.tenant, "x"}, "no token": {c.world, c.tenant, ""}, "another tenant": {c.world, "x", c.token},
	} {
		if got := status(bad); got != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got)
		}
	}
	_, second, err := c.cloud.EnableSCIM(account, home, storeID)
	must(c.world, second, err)
	if _, _, err := c.cloud.EnableSCIM(account, home, storeID); err == nil {
		t.Error("a third token was made")
	}
	for _, token := range []string{good.token, second} {
		if got := status(scimClient{c.world, c.tenant, token}); got != http.StatusOK {
			t.Errorf("a good token: %d", got)
		}
	}
	c.wantCode("revoking", c.cloud.RevokeSCIM(account, home, storeID, second), "")
	if got := status(scimClient{c.world, c.tenant, second}); got != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", got)
	}
	c.cloud.Advance(366 * 24 * time.Hour)
	if got := status(good); got != http.StatusUnauthorized {
		t.Errorf("a token of last year: %d", got)
	}
	_, third, err := c.cloud.EnableSCIM(account, home, storeID)
	must(c.world, third, err)
	for source, want := range map[localcloud.IdentitySource]int{
		localcloud.ActiveDirectory: 403, localcloud.BuiltInDirectory: 403, localcloud.ExternalIdentityProvider: 200,
	} {
		c.wantCode("changing the source", c.cloud.SetIdentitySource(account, home, storeID, source), "")
		if got := status(scimClient{c.world, c.tenant, third}); got != want {
			t.Errorf("with the source %q: %d, want %d", source, got, want)
		}
	}
}

func TestActiveDirectoryAsTheSourceRefusesTokensAndLeavesTheAPIOpen(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.wantCode("changing the source", w.cloud.SetIdentitySource(account, home, storeID, localcloud.ActiveDirectory), "")
	if _, _, err := w.cloud.EnableSCIM(account, home, storeID); err == nil || !strings.Contains(err.Error(), "Active Directory") {
		t.Errorf("enabling SCIM: %v", err)
	}
	w.user("alice")
	if err := w.cloud.SetIdentitySource(account, home, storeID, "moon"); err == nil {
		t.Error("an unknown source was taken")
	}
}

func TestSCIMIsServedOnItsOwnHost(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	for host, want := range map[string]int{"scim.us-east-1.amazonaws.com": 200, "scim.eu-west-1.amazonaws.com": 401} {
		request := httptest.NewRequest("GET", "https://"+host+"/"+c.tenant+"/scim/v2/Users", nil)
		request.Header.Set("Authorization", "Bearer "+c.token)
		reply := httptest.NewRecorder()
		c.cloud.ServeHTTP(reply, request)
		if reply.Code != want {
			t.Errorf("%s: %d, want %d", host, reply.Code, want)
		}
	}
}

func TestSCIMCountsMembershipsOneByOne(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{Throttle: true})
	group := c.id("Groups", `{"displayName":"ml"}`)
	members := func(op string, n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"value":"04c8e458-a021-702e-f9d1-%012d"}`, i))
		}
		return patchOf(`{"op":"` + op + `","path":"members","value":[` + strings.Join(list, ",") + `]}`)
	}
	status := func(body string) int { got, _ := c.ask("PATCH", "Groups/"+group, body); return got }
	rename := patchOf(`{"op":"replace","path":"displayName","value":"x"}`)
	c.cloud.Advance(time.Minute)
	if got := status(members("remove", 50)); got != http.StatusNotFound {
		t.Fatalf("the first request: %d", got)
	}
	// 50 of 25 a second are gone: one second pays for the bucket's debt, and the next request goes through after it.
	var seen []int
	for range 3 {
		seen = append(seen, status(rename))
		c.cloud.Advance(525 * time.Millisecond)
	}
	if want := []int{429, 429, 204}; !slices.Equal(seen, want) {
		t.Errorf("half a second apart: %v, want %v", seen, want)
	}
	for i := range 41 {
		got, _ := c.ask("GET", "Groups/"+group, "")
		if want := map[bool]int{true: 200, false: 429}[i < 40]; got != want {
			t.Errorf("read %d: %d, want %d", i, got, want)
		}
	}
}

func TestSCIMRecordsWhatCloudTrailShows(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	alice := c.id("Users", scimUserBody("alice", `,"externalId":"g1","active":true`))
	group := c.id("Groups", `{"displayName":"ml","members":[{"value":"`+alice+`"}]}`)
	c.ask("PATCH", "Groups/"+group, patchOf(`{"op":"add","path":"members","value":[{"value":"`+alice+`"}]}`))
	c.ask("PATCH", "Users/"+alice, patchOf(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}`))
	c.ask("GET", "Users/"+alice, "")
	c.ask("DELETE", "Users/"+alice, "")
	const h = `"HIDDEN_DUE_TO_SECURITY_REASONS"`
	tenant := `"tenantId":"` + c.tenant + `"`
	want := []string{
		`identitystore-scim.amazonaws.com CreateUser {"httpBody":{"active":true,"displayName":` + h + `,"externalId":` + h + `,"name":{"familyName":` + h + `,"givenName":` + h + `},"userName":` + h + `},` + tenant + `}`,
		`identitystore-scim.amazonaws.com CreateGroup {"httpBody":{"displayName":` + h + `,"members":` + h + `},` + tenant + `}`,
		`identitystore-scim.amazonaws.com PatchGroup {"httpBody":{"operations":[{"op":"ADD","path":"members","value":` + h + `}],"schemas":[` + h + `]},"id":"` + group + `",` + tenant + `}`,
		`identitystore-scim.amazonaws.com PatchUser {"httpBody":{"operations":[{"op":"REPLACE","path":"emails","value":` + h + `}],"schemas":[` + h + `]},"id":"` + alice + `",` + tenant + `} ValidationException`,
		`identitystore-scim.amazonaws.com DeleteUser {"id":"` + alice + `",` + tenant + `}`,
	}
	if diff := cmp.Diff(want, c.trail()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	made, _ := json.Marshal(c.cloud.Records(account, home)[1].ResponseElements)
	if want := `{"displayName":` + h + `,"id":"` + group + `","members":[],"meta":{"created":"Mar 1, 2026, 9:00:00 AM","lastModified":"Mar 1, 2026, 9:00:00 AM","resourceType":"Group"},"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`; string(made) != want {
		t.Errorf("CreateGroup answered %s, want %s", made, want)
	}
}

func TestSCIMFaultsStrike(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	c.cloud.Inject(localcloud.Fault{Service: "scim", Operation: "CreateGroup", Times: 1, Code: "InternalServerException", Effect: localcloud.After})
	if status, _ := c.ask("POST", "Groups", `{"displayName":"ml"}`); status != http.StatusInternalServerError {
		t.Errorf("the faulty call: %d", status)
	}
	if status, _ := c.ask("POST", "Groups", `{"displayName":"ml"}`); status != http.StatusConflict {
		t.Errorf("after a call that took effect: %d", status)
	}
}

func TestSCIMDescribesItself(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	for path, n := range map[string]float64{"ResourceTypes": 2, "Schemas": 3} {
		if status, out := c.ask("GET", path, ""); status != http.StatusOK || out["totalResults"] != n {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	status, out := c.ask("GET", "Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "")
	if status != http.StatusOK || out["name"] != "User" {
		t.Errorf("the user's schema: %d %v", status, out)
	}
	_, out = c.ask("GET", "ServiceProviderConfig", "")
	if bulk, _ := out["bulk"].(map[string]any); bulk["supported"] != false {
		t.Errorf("the configuration is %v", out)
	}
}

func TestSeededPeopleMayComeFromAnIdentityProvider(t *testing.T) {
	c := newSCIM(t, &localcloud.Cloud{})
	_, err := c.cloud.Console(account, home, storeID).CreateUser(localcloud.Person{UserName: "alice", ExternalID: "g1", Disabled: true})
	c.wantCode("creating alice", err, "")
	_, list := c.ask("GET", `Users?filter=externalId+eq+"g1"`, "")
	users := list["Resources"].([]any)
	if len(users) != 1 || users[0].(map[string]any)["active"] != false {
		t.Errorf("over SCIM alice is %v", list)
	}
	out, err := c.identity().ListUsers(context.Background(), &identitystore.ListUsersInput{IdentityStoreId: aws.String(storeID)})
	if u := must(c.world, out, err).Users[0]; u.UserStatus != "DISABLED" || *u.ExternalIds[0].Id != "g1" {
		t.Errorf("over the API alice is %+v", u)
	}
}

// FuzzSCIMBody holds every answer to whatever body or filter against what a client can read: SCIM's JSON, with a
// status that is no server error, and a user who can still be read.
func FuzzSCIMBody(f *testing.F) {
	cloud := &localcloud.Cloud{}
	if err := cloud.CreateIdentityStore(account, home, storeID); err != nil {
		f.Fatal(err)
	}
	tenant, token, err := cloud.EnableSCIM(account, home, storeID)
	if err != nil {
		f.Fatal(err)
	}
	const alice = "04c8e458-a021-702e-f9d1-7f430ff2c752"
	console := cloud.Console(account, home, storeID)
	if err := errors.Join(console.SeedUser(alice, localcloud.Person{UserName: "alice"}), console.SeedGroup(alice, "ml")); err != nil {
		f.Fatal(err)
	}
	paths := []string{"POST Users", "PATCH Users/" + alice, "PUT Users/" + alice, "POST Groups", "PATCH Groups/" + alice, "GET Users", "GET Groups"}
	f.Add(uint8(0), scimUserBody("x", `,"emails":[{}],"active":"x"`), "")
	f.Add(uint8(1), patchOf(`{"op":"replace","path":"emails[type eq \"work\"].value","value":{"a":[1]}}`), "")
	f.Add(uint8(1), patchOf(`{"op":"add","path":"name.givenName.x","value":7},{"op":"add","value":{"emails":3}}`), "")
	f.Add(uint8(1), patchOf(`{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value.x","value":"y"}`), "")
	f.Add(uint8(2), scimUserBody("alice", `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{}}`), "")
	f.Add(uint8(3), `{"displayName":"x","members":[{"value":"`+alice+`"}]}`, "")
	f.Add(uint8(4), patchOf(`{"op":"add","path":"members","value":[{"value":"`+alice+`"}]}`), "")
	f.Add(uint8(5), "", `userName eq "a\"b" and id eq ""`)
	f.Add(uint8(6), "", `id eq "`+alice+`" and members eq "x"`)
	f.Fuzz(func(t *testing.T, which uint8, body, filter string) {
		method, path, _ := strings.Cut(paths[int(which)%len(paths)], " ")
		reply := scimRaw(cloud, method, tenant, token, path, body, filter)
		var out map[string]any
		if reply.Body.Len() > 0 && json.Unmarshal(reply.Body.Bytes(), &out) != nil {
			t.Fatalf("%s %s: the reply is no JSON: %s", method, path, reply.Body)
		}
		if _, named := out["schemas"].([]any); reply.Code >= 500 || (reply.Code != http.StatusNoContent && !named) {
			t.Errorf("%s %s %s %s: %d %s", method, path, body, filter, reply.Code, reply.Body)
		}
		if read := scimRaw(cloud, "GET", tenant, token, "Users/"+alice, "", ""); read.Code != http.StatusOK {
			t.Errorf("after %s %s %s alice cannot be read: %d %s", method, path, body, read.Code, read.Body)
		}
	})
}

func scimRaw(cloud *localcloud.Cloud, method, tenant, token, path, body, filter string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "/"+tenant+"/scim/v2/"+path, strings.NewReader(body))
	if filter != "" {
		query := request.URL.Query()
		query.Set("filter", filter)
		request.URL.RawQuery = query.Encode()
	}
	request.Header.Set("Authorization", "Bearer "+token)
	reply := httptest.NewRecorder()
	cloud.ServeHTTP(reply, request)
	return reply
}
