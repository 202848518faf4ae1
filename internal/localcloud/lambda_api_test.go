package localcloud_test

import (
	"archive/zip"
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func (w *world) lambdas() *lambda.Client { return lambda.NewFromConfig(w.as(account, home)) }

// answering is a host whose functions answer with a variable of theirs, whatever the code is.
func answering(name string) localcloud.FunctionHost {
	return localcloud.FunctionHost{Invoke: func(f localcloud.Function) func(context.Context, []byte) ([]byte, error) {
		return func(context.Context, []byte) ([]byte, error) {
			for _, pair := range f.Env {
				if value, ok := strings.CutPrefix(pair, name+"="); ok {
					return []byte(`"` + value + `"`), nil
				}
			}
			return nil, &localcloud.FunctionError{Function: f.Name, Type: "Missing", Message: name + " is not set"}
		}
	}}
}

// zipped is a zip with one executable file named bootstrap.
func zipped(t *testing.T, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	f, err := archive.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lambda creates a function named worker with a variable.
func (w *world) lambda(color string) *lambda.CreateFunctionOutput {
	w.t.Helper()
	out, err := w.lambdas().CreateFunction(context.Background(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("worker"), Role: aws.String(workerRole), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &lambdatypes.FunctionCode{ZipFile: zipped(w.t, "#!/bin/sh\n")}, Timeout: aws.Int32(20),
		Environment: &lambdatypes.Environment{Variables: map[string]string{"COLOR": color}},
	})
	return must(w, out, err)
}

func (w *world) invoke() string {
	w.t.Helper()
	out, err := w.lambdas().Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String("worker"), Payload: []byte("{}")})
	return aws.ToString(must(w, out, err).FunctionError) + string(out.Payload)
}

func TestAFunctionIsMadeChangedAndCalledThroughTheAPI(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{Host: answering("COLOR")})
	made := w.lambda("red")
	if got := w.invoke(); got != `"red"` {
		t.Errorf("it answers %s", got)
	}
	changed, err := w.lambdas().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: made.FunctionArn, MemorySize: aws.Int32(256),
	})
	if must(w, changed, err); *changed.MemorySize != 256 || *changed.Timeout != 20 || changed.Environment.Variables["COLOR"] != "red" {
		t.Errorf("after a change it is %+v", changed)
	}
	if got := w.invoke(); got != `"red"` {
		t.Errorf("after a change it answers %s", got)
	}
	coded, err := w.lambdas().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("worker"), ZipFile: zipped(t, "#!/bin/bash\n")})
	if must(w, coded, err); *coded.CodeSha256 == *made.CodeSha256 {
		t.Errorf("other code has the same digest %s", *coded.CodeSha256)
	}
	got, err := w.lambdas().GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("worker")})
	if must(w, got, err); *got.Configuration.CodeSha256 != *coded.CodeSha256 || got.Configuration.State != lambdatypes.StateActive {
		t.Errorf("GetFunction says %+v", got.Configuration)
	}
	list, err := w.lambdas().ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	if must(w, list, err); len(list.Functions) != 1 || *list.Functions[0].FunctionArn != *made.FunctionArn {
		t.Errorf("ListFunctions gives %+v", list.Functions)
	}
	_, err = w.lambdas().DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: aws.String("worker")})
	w.wantCode("DeleteFunction", err, "")
	_, err = w.lambdas().GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("worker")})
	w.wantCode("a deleted function", err, "ResourceNotFoundException")
}

func TestTheLambdaAPIRefuses(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{Host: answering("SHAPE")})
	w.lambda("red")
	if got, want := w.invoke(), `Unhandled{"errorMessage":"SHAPE is not set","errorType":"Missing"}`; got != want {
		t.Errorf("a failing function answers %s, want %s", got, want)
	}
	_, err := w.lambdas().CreateFunction(t.Context(), &lambda.CreateFunctionInput{FunctionName: aws.String("worker"), Role: aws.String(workerRole), Code: &lambdatypes.FunctionCode{ZipFile: []byte("x")}})
	w.wantCode("a name that is taken", err, "ResourceConflictException")
	_, err = w.lambdas().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("worker"), S3Bucket: aws.String("none"), S3Key: aws.String("k")})
	w.wantCode("code that is not there", err, "InvalidParameterValueException")
	_, err = w.lambdas().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("worker"), Timeout: aws.Int32(901)})
	w.wantCode("a timeout that is too long", err, "InvalidParameterValueException")
	w.role("caller", trustLambda, policyOf(allow("lambda:GetFunction", "*")))
	caller := lambda.NewFromConfig(w.session("arn:aws:iam::111122223333:role/caller"))
	_, err = caller.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("worker")})
	w.wantCode("what the policy allows", err, "")
	_, err = caller.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("worker")})
	w.wantCode("what the policy does not allow", err, "AccessDeniedException")
}

func TestCodeFromAZipRunsAndBrokenCodeIsNotTaken(t *testing.T) {
	f := childFunction("1")
	w := newWorld(t, &localcloud.Cloud{Host: localcloud.FunctionHost{Env: f.Env}})
	w.bucket()
	script := "#!/bin/sh\nexec '" + strings.Join(f.Command, "' '") + "'\n"
	w.store("worker.zip", zipped(t, script))
	out, err := w.lambdas().CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("worker"), Role: aws.String(workerRole), Code: &lambdatypes.FunctionCode{S3Bucket: aws.String("code"), S3Key: aws.String("worker.zip")},
	})
	must(w, out, err)
	describe := func() string {
		out, err := w.lambdas().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("worker"), Payload: []byte(`{"Do":"describe"}`)})
		return string(must(w, out, err).Payload)
	}
	if got := describe(); !strings.Contains(got, `"name":"worker"`) {
		t.Errorf("the function says of itself %s", got)
	}
	_, err = w.lambdas().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("worker"), ZipFile: zipped(t, "#!/bin/sh\nexit 3\n")})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("code that dies at once: %v", err)
	}
	if got := describe(); !strings.Contains(got, `"name":"worker"`) {
		t.Errorf("after that the function says of itself %s", got)
	}
}

func TestAStackChangesItsFunctionInPlace(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{Host: answering("COUNT")})
	w.stack(stackInput(functionStack))
	s := w.update(updateInput(strings.Replace(functionStack, "COUNT: 5", "COUNT: 6", 1)))
	if got := w.invoke(); got != `"6"` || s.StackStatus != "UPDATE_COMPLETE" {
		t.Errorf("the stack is %s (%s), the function answers %s", s.StackStatus, w.reasons(s.StackId), got)
	}
	got, err := w.lambdas().GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("worker")})
	if diff := cmp.Diff([]lambdatypes.Architecture{"arm64"}, must(w, got, err).Architectures); diff != "" {
		t.Errorf("architectures (-want +got):\n%s", diff)
	}
}
