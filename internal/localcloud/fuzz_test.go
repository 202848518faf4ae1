package localcloud_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"studiokeeper/internal/localcloud"
)

// FuzzRequest holds every answer to whatever body against what a client can read: JSON, with a status that
// is no server error.
func FuzzRequest(f *testing.F) {
	f.Add("AWSIdentityStore.UpdateUser", `{"IdentityStoreId":"d-906716eb24","UserId":"x","Operations":[{"AttributePath":"name.givenName","AttributeValue":[[1],{"a":null}]}]}`)
	f.Add("AWSIdentityStore.GetUserId", `{"IdentityStoreId":"d-906716eb24","AlternateIdentifier":{"UniqueAttribute":{"AttributePath":"userName","AttributeValue":7}}}`)
	f.Add("AWSIdentityStore.CreateUser", `{"IdentityStoreId":"d-906716eb24","UserName":[["x"]],"Extensions":{"a":{"b":1}}}`)
	f.Add("SageMaker.CreateUserProfile", `{"DomainId":"d-x","UserProfileName":"a","Tags":[{"Key":"a"}],"UserSettings":{"CustomFileSystemConfigs":[{"EFSFileSystemConfig":{}}]}}`)
	f.Add("SageMaker.AddTags", `{"ResourceArn":"arn:aws:sagemaker:us-east-1:111122223333:domain/x","Tags":[{}]}`)
	cloud := &localcloud.Cloud{}
	if err := cloud.CreateIdentityStore(account, home, storeID); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target, body string) {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		request.Header.Set("X-Amz-Target", target)
		request.Header.Set("Authorization", signed("x"))
		reply := httptest.NewRecorder()
		cloud.ServeHTTP(reply, request)
		if reply.Body.Len() > 0 && !json.Valid(reply.Body.Bytes()) {
			t.Errorf("%s: the reply is no JSON: %s", target, reply.Body)
		}
		if reply.Code >= http.StatusInternalServerError {
			t.Errorf("%s: %d %s", target, reply.Code, reply.Body)
		}
	})
}
