package localcloud_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"studiokeeper/internal/localcloud"
)

func TestDoorsWithoutAnAPI(t *testing.T) {
	cloud := &localcloud.Cloud{}
	server := httptest.NewServer(cloud)
	t.Cleanup(func() { server.Close(); cloud.Close() })
	if err := cloud.CreateIdentityStore("111122223333", "us-east-1", "d-906716eb24"); err != nil {
		t.Fatal(err)
	}
	post := func(path, body string) (int, map[string]string) {
		t.Helper()
		resp, err := http.Post(server.URL+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		var out map[string]string
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s: %s", path, text)
		}
		return resp.StatusCode, out
	}
	const in = `{"identityStoreId":"d-906716eb24",`
	_, user := post("/_console/CreateUser", in+`"userName":"alice@example.com"}`)
	_, group := post("/_console/CreateGroup", in+`"displayName":"ad-group-1"}`)
	ids := in + `"userId":"` + user["userId"] + `","groupId":"` + group["groupId"] + `"}`
	for _, path := range []string{"AddMemberToGroup", "DisableUser", "EnableUser", "RemoveMemberFromGroup"} {
		if status, out := post("/_console/"+path, ids); status != http.StatusOK {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	_, made := post("/_console/CreateAccessToken", in+`"userId":""}`)
	request, _ := http.NewRequest("GET", server.URL+made["path"]+"Users", nil)
	request.Header.Set("Authorization", "Bearer "+made["accessToken"])
	if reply, err := http.DefaultClient.Do(request); err != nil || reply.StatusCode != http.StatusOK {
		t.Errorf("SCIM with a token of the console: %v %v", reply, err)
	}
	for path, body := range map[string]string{"DeleteAccessToken": `"accessToken":"` + made["accessToken"] + `"}`, "ChangeIdentitySource": `"identitySource":"activeDirectory"}`} {
		if status, out := post("/_console/"+path, in+body); status != http.StatusOK {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	if status, out := post("/_console/CreateAccessToken", in+`"userId":""}`); status != http.StatusBadRequest || out["error"] == "" {
		t.Errorf("a token with Active Directory as the source: %d %v", status, out)
	}
	before := cloud.Now()
	if status, _ := post("/_clock/Advance", `{"seconds":3600}`); status != http.StatusOK || cloud.Now().Sub(before).Hours() < 1 {
		t.Errorf("the clock stands at %s", cloud.Now())
	}
	for _, body := range []string{`{`, `{}`, `{"code":"X","effect":"perhaps"}`, `{"kode":"X"}`} {
		if status, out := post("/_fault/Inject", body); status != http.StatusBadRequest || out["error"] == "" {
			t.Errorf("the fault %s: %d %v", body, status, out)
		}
	}
	for path, body := range map[string]string{
		"/_fault/Nothing": `{}`, "/_console/Nothing": ids, "/_console/DisableUser": `{`, "/_portal/SignIn": `{"domainId":"d-none"}`, "/_clock/Advance": `{"seconds":-1}`,
	} {
		if status, out := post(path, body); status != http.StatusBadRequest || out["error"] == "" {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
}
