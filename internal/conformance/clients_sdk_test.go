package conformance

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	idtypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"studiokeeper/internal/awscloud"
)

// byLength sorts names by the length of what they stand for, the longest first.
func byLength(kept map[string]string) []string {
	return slices.SortedFunc(maps.Keys(kept), func(a, b string) int { return len(kept[b]) - len(kept[a]) })
}

// throughSDK makes the calls with the SDK for Go, whose inputs and outputs are read as the API spells them.
func throughSDK(t *testing.T, url string, all []call) []seen {
	t.Helper()
	g := &target{cfg: aws.Config{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), RetryMaxAttempts: 1, APIOptions: []func(*middleware.Stack) error{awscloud.PlainBody}}}
	g.identity = g.cfg
	clients := map[string]any{
		"identitystore": g.people(), "sso-admin": g.center(), "sagemaker": g.studio(), "dynamodb": g.tables(), "sqs": g.queues(), "events": g.events(),
		"sts": g.security(), "ssm": g.parameters(), "iam": g.access(), "resourcegroupstaggingapi": g.tags(),
	}
	return through(t, all, func(service, operation string, params map[string]any) any {
		method := reflect.ValueOf(clients[service]).MethodByName(pascal(operation))
		in := reflect.New(method.Type().In(1).Elem())
		fill(t, in.Elem(), params)
		out := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
		if err, _ := out[1].Interface().(error); err != nil {
			return refusedWith(t, err)
		}
		return spelled(t, out[0].Elem())
	})
}

// pascal is create-user as CreateUser.
func pascal(operation string) string {
	var name strings.Builder
	for word := range strings.SplitSeq(operation, "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

func refusedWith(t *testing.T, err error) any {
	t.Helper()
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatal(err)
	}
	return map[string]any{"Error": map[string]any{"Code": refused.ErrorCode(), "Message": refused.ErrorMessage()}}
}

// variants are the unions that inputs hold, with what each member is called.
func variants(union reflect.Type) map[string]any {
	switch union {
	case reflect.TypeFor[idtypes.MemberId]():
		return map[string]any{"UserId": &idtypes.MemberIdMemberUserId{}}
	case reflect.TypeFor[idtypes.AlternateIdentifier]():
		return map[string]any{"UniqueAttribute": &idtypes.AlternateIdentifierMemberUniqueAttribute{}}
	case reflect.TypeFor[dbtypes.AttributeValue]():
		return map[string]any{
			"S": &dbtypes.AttributeValueMemberS{}, "N": &dbtypes.AttributeValueMemberN{}, "BOOL": &dbtypes.AttributeValueMemberBOOL{},
			"NULL": &dbtypes.AttributeValueMemberNULL{}, "M": &dbtypes.AttributeValueMemberM{}, "L": &dbtypes.AttributeValueMemberL{},
		}
	}
	return nil
}

// fill sets an input from parameters as they stand in JSON. A parameter that the input does not have fails the test.
func fill(t *testing.T, to reflect.Value, from any) {
	t.Helper()
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		fill(t, to.Elem(), from)
	case reflect.Struct:
		for name, value := range from.(map[string]any) {
			field := to.FieldByName(name)
			if !field.IsValid() {
				t.Fatalf("%s has no %s", to.Type(), name)
			}
			fill(t, field, value)
		}
	case reflect.Slice:
		list := from.([]any)
		to.Set(reflect.MakeSlice(to.Type(), len(list), len(list)))
		for n := range list {
			fill(t, to.Index(n), list[n])
		}
	case reflect.Map:
		to.Set(reflect.MakeMap(to.Type()))
		for name, value := range from.(map[string]any) {
			element := reflect.New(to.Type().Elem()).Elem()
			fill(t, element, value)
			to.SetMapIndex(reflect.ValueOf(name), element)
		}
	case reflect.Interface:
		fillUnion(t, to, from)
	default:
		fillScalar(t, to, from)
	}
}

func fillUnion(t *testing.T, to reflect.Value, from any) {
	t.Helper()
	if to.Type() == reflect.TypeFor[document.Interface]() {
		to.Set(reflect.ValueOf(document.NewLazyDocument(from)))
		return
	}
	for name, value := range from.(map[string]any) {
		member, ok := variants(to.Type())[name]
		if !ok {
			t.Fatalf("%s has no %s", to.Type(), name)
		}
		of := reflect.ValueOf(member)
		fill(t, of.Elem().FieldByName("Value"), value)
		to.Set(of)
	}
}

func fillScalar(t *testing.T, to reflect.Value, from any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, to.Addr().Interface())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// spelled is an output as JSON would have it, with the API's names. What has no value is left out.
func spelled(t *testing.T, v reflect.Value) any {
	t.Helper()
	if when, ok := v.Interface().(time.Time); ok {
		return when.UTC().Format(time.RFC3339Nano)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return spelled(t, v.Elem())
	case reflect.Interface:
		return spelledUnion(t, v.Elem())
	case reflect.Struct:
		members := map[string]any{}
		for n := range v.NumField() {
			field := v.Type().Field(n)
			if field.IsExported() && field.Name != "ResultMetadata" && !absent(v.Field(n)) {
				members[field.Name] = spelled(t, v.Field(n))
			}
		}
		return members
	case reflect.Slice:
		list := make([]any, v.Len())
		for n := range v.Len() {
			list[n] = spelled(t, v.Index(n))
		}
		return list
	case reflect.Map:
		members := map[string]any{}
		for _, name := range v.MapKeys() {
			members[name.String()] = spelled(t, v.MapIndex(name))
		}
		return members
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int32, reflect.Int64:
		return float64(v.Int())
	case reflect.Float32, reflect.Float64:
		return v.Float()
	}
	t.Fatalf("an output has a %s", v.Type())
	return nil
}

// spelledUnion is a union's member under its name, which is what the variant's type ends in.
func spelledUnion(t *testing.T, v reflect.Value) any {
	t.Helper()
	_, name, _ := strings.Cut(v.Elem().Type().Name(), "Member")
	if rest, again, ok := strings.Cut(name, "Member"); ok {
		_, name = rest, again
	}
	return map[string]any{name: spelled(t, v.Elem().FieldByName("Value"))}
}

// absent tells that the SDK has no value: an enumeration is "" then.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return false
}
