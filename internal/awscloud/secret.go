package awscloud

import (
	"context"
	"fmt"
)

// getSecretValue and the type below are GetSecretValue's wire forms.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
type getSecretValue struct {
	SecretID string `json:"SecretId"`
}

type gotSecretValue struct {
	SecretString *string
}

// SecretValue reads the current text of a Secrets Manager secret. Errors name the secret and never repeat
// what it holds.
func (s *Session) SecretValue(ctx context.Context, at Place, arn string) (string, error) {
	api := jsonAPI{id: "Secrets Manager", target: "secretsmanager", signing: "secretsmanager", host: "secretsmanager"}
	r := request{action: "secretsmanager:GetSecretValue", on: fmt.Sprintf("secret %q", arn), at: s.where(at)}
	var out gotSecretValue
	if err := s.jsonAt(api, at).call(ctx, "GetSecretValue", getSecretValue{arn}, &out); err != nil {
		return "", r.failed(err, nil)
	}
	if out.SecretString == nil {
		return "", r.broken("the secret has no text (SecretString); store it as text")
	}
	return *out.SecretString, nil
}
