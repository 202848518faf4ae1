package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// documented is the policy of docs/conformance.md, for a domain.
func documented(t *testing.T, domain string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```json\n")
	document, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("docs/conformance.md has no policy")
	}
	return strings.ReplaceAll(document, "d-abcdefghijkl", domain)
}

func TestThePermissionsOfTheDocumentAreEnough(t *testing.T) {
	g := localTarget(t)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}`
	role, err := g.access().CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("tester"), AssumeRolePolicyDocument: &trust, MaxSessionDuration: aws.Int32(43200)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.access().PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("tester"), PolicyName: aws.String("conformance"), PolicyDocument: aws.String(documented(t, g.domain))})
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.security().AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("tester"), DurationSeconds: aws.Int32(43200)})
	if err != nil {
		t.Fatal(err)
	}
	key := credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	g.cfg.Credentials, g.identity.Credentials = key, key
	g.all(t)
}
