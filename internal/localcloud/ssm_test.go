package localcloud_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"studiokeeper/internal/localcloud"
)

const parameterName = "/studiokeeper/prod"

func (w *world) parameters() *ssm.Client { return ssm.NewFromConfig(w.as(account, home)) }

func text(name, value string) *ssm.PutParameterInput {
	return &ssm.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString}
}

func (w *world) putParameter(in *ssm.PutParameterInput) *ssm.PutParameterOutput {
	w.t.Helper()
	out, err := w.parameters().PutParameter(w.t.Context(), in)
	return must(w, out, err)
}

func (w *world) parameter(name string, decrypt bool) *types.Parameter {
	w.t.Helper()
	out, err := w.parameters().GetParameter(w.t.Context(), &ssm.GetParameterInput{Name: &name, WithDecryption: &decrypt})
	return must(w, out, err).Parameter
}

func TestParameterVersions(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	if out := w.putParameter(text(parameterName, "one")); out.Version != 1 || out.Tier != types.ParameterTierStandard {
		t.Errorf("the first put answers version %d in tier %s", out.Version, out.Tier)
	}
	_, err := w.parameters().PutParameter(t.Context(), text(parameterName, "two"))
	w.wantCode("putting it again", err, "ParameterAlreadyExists")
	again := text(parameterName, "two")
	again.Overwrite, again.Type = aws.Bool(true), ""
	if out := w.putParameter(again); out.Version != 2 {
		t.Errorf("overwriting answers version %d, want 2", out.Version)
	}
	const arn = "arn:aws:ssm:us-east-1:111122223333:parameter"
	for name, want := range map[string]string{
		parameterName: "two", parameterName + ":1": "one", parameterName + ":2": "two",
		arn + parameterName: "two", arn + parameterName + ":1": "one",
	} {
		if got := *w.parameter(name, true).Value; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	w.putParameter(text("plain", "flat"))
	if got := w.parameter(arn+"/plain", true); *got.Value != "flat" || *got.ARN != arn+"/plain" {
		t.Errorf("by the ARN of a plain name: %q under %s", *got.Value, *got.ARN)
	}
	for name, want := range map[string]string{
		parameterName + ":3": "ParameterVersionNotFound", parameterName + ":live": "ParameterVersionNotFound", "/studiokeeper/test": "ParameterNotFound",
		strings.Replace(arn, "111122223333", "444455556666", 1) + parameterName: "ParameterNotFound",
	} {
		_, err := w.parameters().GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name})
		w.wantCode(name, err, want)
	}
	_, err = ssm.NewFromConfig(w.as(member, home)).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(parameterName)})
	w.wantCode("another account", err, "ParameterNotFound")
}

func TestSecretParameterIsReadDecryptedOnly(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	in := text(parameterName, "the secret")
	in.Type, in.Tags = types.ParameterTypeSecureString, []types.Tag{{Key: aws.String("team"), Value: aws.String("ml")}}
	w.putParameter(in)
	if got := *w.parameter(parameterName, true).Value; got != "the secret" {
		t.Errorf("decrypted it is %q", got)
	}
	if got := *w.parameter(parameterName, false).Value; got == "" || strings.Contains(got, "secret") {
		t.Errorf("not decrypted it is %q", got)
	}
	last := w.cloud.Records(account, home)[0]
	got, err := json.Marshal([]any{last.EventName, last.RequestParameters, last.ResponseElements})
	const want = `["PutParameter",{"name":"/studiokeeper/prod","tags":[{"key":"team","value":"ml"}],"type":"SecureString","value":"HIDDEN_DUE_TO_SECURITY_REASONS"},` +
		`{"tier":"Standard","version":1}]`
	if err != nil || string(got) != want {
		t.Errorf("CloudTrail has %s (%v), want %s", got, err, want)
	}
}

func TestParameterSizes(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	for i, row := range []struct {
		size       int
		tier, want types.ParameterTier // want is empty for a refusal
	}{
		{4096, "", types.ParameterTierStandard},
		{4097, "", ""},
		{4097, types.ParameterTierAdvanced, types.ParameterTierAdvanced},
		{8192, types.ParameterTierAdvanced, types.ParameterTierAdvanced},
		{8193, types.ParameterTierAdvanced, ""},
		{4096, types.ParameterTierIntelligentTiering, types.ParameterTierStandard},
		{4097, types.ParameterTierIntelligentTiering, types.ParameterTierAdvanced},
	} {
		in := text(fmt.Sprintf("/sizes/%d", i), strings.Repeat("x", row.size))
		in.Tier = row.tier
		out, err := w.parameters().PutParameter(t.Context(), in)
		switch {
		case row.want == "":
			w.wantCode(fmt.Sprintf("%d bytes in tier %q", row.size, row.tier), err, "ValidationException")
		case must(w, out, err).Tier != row.want:
			t.Errorf("%d bytes in tier %q: became %s, want %s", row.size, row.tier, out.Tier, row.want)
		}
	}
	smaller := text("/sizes/2", "small")
	smaller.Overwrite = aws.Bool(true)
	if out := w.putParameter(smaller); out.Tier != types.ParameterTierAdvanced {
		t.Errorf("an advanced parameter became %s", out.Tier)
	}
	smaller.Tier = types.ParameterTierStandard
	_, err := w.parameters().PutParameter(t.Context(), smaller)
	w.wantCode("back to the standard tier", err, "ValidationException")
}

func TestParametersRefused(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.putParameter(text("/there", "x"))
	with := func(change func(*ssm.PutParameterInput)) *ssm.PutParameterInput {
		in := text("/new", "x")
		change(in)
		return in
	}
	for what, row := range map[string]struct {
		in   *ssm.PutParameterInput
		want string
	}{
		"no type":                {with(func(in *ssm.PutParameterInput) { in.Type = "" }), "ValidationException"},
		"an empty value":         {text("/new", ""), "ValidationException"},
		"a parameter in a value": {text("/new", "{{ssm:x}}"), "ValidationException"},
		"a relative name":        {text("studiokeeper/prod", "x"), "ValidationException"},
		"a name of AWS's":        {text("/aws/x", "x"), "ValidationException"},
		"an odd name":            {text("/a b", "x"), "ValidationException"},
		"16 levels":              {text(strings.Repeat("/a", 16), "x"), "HierarchyLevelLimitExceededException"},
		"a key for plain text":   {with(func(in *ssm.PutParameterInput) { in.KeyId = aws.String("alias/x") }), "ValidationException"},
		"a pattern that is none": {with(func(in *ssm.PutParameterInput) { in.AllowedPattern = aws.String("(") }), "InvalidAllowedPatternException"},
		"a pattern not matched":  {with(func(in *ssm.PutParameterInput) { in.AllowedPattern = aws.String("^y$") }), "ParameterPatternMismatchException"},
		"a type that is none":    {with(func(in *ssm.PutParameterInput) { in.Type = "Text" }), "ValidationException"},
		"a tier that is none":    {with(func(in *ssm.PutParameterInput) { in.Tier = "Gold" }), "ValidationException"},
		"another type": {with(func(in *ssm.PutParameterInput) {
			in.Name, in.Overwrite, in.Type = aws.String("/there"), aws.Bool(true), types.ParameterTypeSecureString
		}), "HierarchyTypeMismatchException"},
	} {
		_, err := w.parameters().PutParameter(t.Context(), row.in)
		w.wantCode(what, err, row.want)
	}
	_, err := w.parameters().GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/new")})
	w.wantCode("what was refused", err, "ParameterNotFound")
}
