package awscloud

import (
	"context"
	"fmt"
)

func ssmAPI() jsonAPI {
	return jsonAPI{id: "SSM", target: "AmazonSSM", signing: "ssm", host: "ssm"}
}

// getParameter and the type below are GetParameter's wire forms.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
type getParameter struct {
	Name           string
	WithDecryption bool
}

type gotParameter struct {
	Parameter struct {
		Value *string
	}
}

// Parameter reads the value of a Parameter Store parameter, decrypted. name may be an ARN, and may end in
// ":<version>" or ":<label>".
func (s *Session) Parameter(ctx context.Context, at Place, name string) (string, error) {
	r := request{action: "ssm:GetParameter", on: fmt.Sprintf("parameter %q", name), at: s.where(at)}
	var out gotParameter
	if err := s.jsonAt(ssmAPI(), at).call(ctx, "GetParameter", getParameter{name, true}, &out); err != nil {
		return "", r.failed(err, nil)
	}
	if out.Parameter.Value == nil {
		return "", r.broken("the parameter has no value")
	}
	return *out.Parameter.Value, nil
}
