package localcloud

import (
	"strings"
	"testing"
)

func TestTheFirstWholeScopeIsRead(t *testing.T) {
	const whole = "Credential=AKID/20260102/us-east-1/sso-admin/aws4_request"
	want := scope{accessKey: "AKID", region: "us-east-1", service: "sso-admin"}
	for _, text := range []string{
		whole, "AWS4-HMAC-SHA256 " + whole + ", SignedHeaders=host, Signature=x/y", "Credential=none " + whole, "Credential=" + whole[:20] + " " + whole,
	} {
		if got, ok := readScope(text); !ok || got != want {
			t.Errorf("%s: %+v %t", text, got, ok)
		}
	}
	for old, replaced := range map[string]string{
		"AKID": "", "AKID/": "AK,ID/", "AKID/2": "AK ID/2", "20260102": "2026010", "202601": "2026O1", "us-east-1": "us east", "east": "EAST", "sso-admin": "",
		"/sso-admin": "/sso!admin", "aws4_request": "aws4", "Credential=": "credential=",
	} {
		text := strings.Replace(whole, old, replaced, 1)
		if got, ok := readScope(text); ok {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
