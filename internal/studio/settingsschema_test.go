package studio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/schemas"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write usersettings.json anew from the pinned SDK")

// sdkShape is a shape of the schema file, in the order its fields are written.
type sdkShape struct {
	Type     string            `json:"type"`
	Members  map[string]string `json:"members,omitempty"`
	Required []string          `json:"required,omitempty"`
	Of       string            `json:"of,omitempty"`
	Values   []string          `json:"values,omitempty"`
}

var sdkTypes = map[smithy.ShapeType]string{
	smithy.ShapeTypeStructure: "structure", smithy.ShapeTypeUnion: "union", smithy.ShapeTypeList: "list", smithy.ShapeTypeEnum: "enum",
	smithy.ShapeTypeString: "string", smithy.ShapeTypeInteger: "integer", smithy.ShapeTypeLong: "long",
}

// unionMembers are the Go types of unions, which reflection cannot find.
var unionMembers = map[string]any{
	"EFSFileSystemConfig":       &types.CustomFileSystemConfigMemberEFSFileSystemConfig{},
	"FSxLustreFileSystemConfig": &types.CustomFileSystemConfigMemberFSxLustreFileSystemConfig{},
	"S3FileSystemConfig":        &types.CustomFileSystemConfigMemberS3FileSystemConfig{},
}

func TestTheSchemaIsThatOfThePinnedSDK(t *testing.T) {
	shapes := map[string]sdkShape{}
	readShape(t, shapes, "UserSettings", schemas.UserSettings, reflect.TypeFor[types.UserSettings]())
	readRequired(t, shapes)
	want := schemaFile(t, shapes)
	if *update {
		if err := os.WriteFile("usersettings.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("usersettings.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("usersettings.json is not what the SDK says (go test ./internal/studio -update writes it anew): want -, got +:\n%s", diff)
	}
}

// readShape follows the schema and the Go type that belongs to it; enum values
// are known to the Go types only.
func readShape(t *testing.T, shapes map[string]sdkShape, name string, s *smithy.Schema, goType reflect.Type) {
	t.Helper()
	if _, known := shapes[name]; known {
		return
	}
	kind, ok := sdkTypes[s.Type()]
	if !ok {
		t.Fatalf("%s is of Smithy's type %d, which CheckSettings has yet to learn", name, s.Type())
	}
	shape := sdkShape{Type: kind}
	shapes[name] = shape
	for goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	switch kind {
	case "structure", "union":
		shape.Members = readMembers(t, shapes, s, goType)
	case "list":
		shape.Of = s.ListMember().TargetID().Name
		readShape(t, shapes, shape.Of, s.ListMember(), goType.Elem())
	case "enum":
		shape.Values = enumValues(goType)
		if len(shape.Values) != len(s.Members()) {
			t.Errorf("%s: %d values in the types, %d in the schema", name, len(shape.Values), len(s.Members()))
		}
	}
	if name == "UserSettings" {
		delete(shape.Members, "ExecutionRole") // it is the row's own
	}
	shapes[name] = shape
}

func readMembers(t *testing.T, shapes map[string]sdkShape, s *smithy.Schema, goType reflect.Type) map[string]string {
	t.Helper()
	members := map[string]string{}
	for name, member := range s.Members() {
		of := goType
		if s.Type() == smithy.ShapeTypeUnion {
			if unionMembers[name] == nil {
				t.Fatalf("the union has a new member %s", name)
			}
			of = reflect.TypeOf(unionMembers[name]).Elem()
		}
		field, ok := of.FieldByName(fieldName(s, name))
		if !ok {
			t.Fatalf("%v has no field for %s", of, name)
		}
		members[name] = member.TargetID().Name
		readShape(t, shapes, members[name], member, field.Type)
	}
	return members
}

func fieldName(s *smithy.Schema, member string) string {
	if s.Type() == smithy.ShapeTypeUnion {
		return "Value"
	}
	return member
}

func enumValues(goType reflect.Type) []string {
	listed := reflect.Zero(goType).MethodByName("Values").Call(nil)[0]
	values := make([]string, listed.Len())
	for i := range values {
		values[i] = listed.Index(i).String()
	}
	slices.Sort(values)
	return values
}

// readRequired has the SDK's own validation complain about settings in which
// every structure is there and empty.
func readRequired(t *testing.T, shapes map[string]sdkShape) {
	t.Helper()
	var hollow types.UserSettings
	fill(reflect.ValueOf(&hollow).Elem(), schemas.UserSettings, "", nil)
	client := sagemaker.New(sagemaker.Options{Region: "us-east-1"})
	_, err := client.CreateUserProfile(t.Context(), &sagemaker.CreateUserProfileInput{
		DomainId: aws.String("d-abcdefghijkl"), UserProfileName: aws.String("alice"), UserSettings: &hollow})
	var invalid smithy.InvalidParamsError
	if !errors.As(err, &invalid) {
		t.Fatalf("the SDK validates nothing: %v", err)
	}
	for _, err := range invalid.Errs() {
		var missing *smithy.ParamRequiredError
		if !errors.As(err, &missing) {
			t.Fatalf("%v is no missing parameter", err)
		}
		owner, field := followPath(shapes, missing.Field())
		s := shapes[owner]
		if !slices.Contains(s.Required, field) {
			s.Required = append(s.Required, field)
			slices.Sort(s.Required)
		}
		shapes[owner] = s
	}
}

// followPath finds the shape that the field at the end of the path is of.
func followPath(shapes map[string]sdkShape, path string) (owner, field string) {
	owner = "UserSettings"
	_, path, _ = strings.Cut(path, ".UserSettings.")
	steps := strings.FieldsFunc(path, func(c rune) bool { return strings.ContainsRune(".[]", c) })
	for _, step := range steps[:len(steps)-1] {
		s := shapes[owner]
		if owner = s.Members[step]; s.Type == "list" {
			owner = s.Of
		}
	}
	return owner, steps[len(steps)-1]
}

// schemaFile writes one shape a line, so that an update of the SDK shows what
// it brings.
func schemaFile(t *testing.T, shapes map[string]sdkShape) []byte {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"sdk\":%q,\"shapes\":{\n", "service/sagemaker "+pinnedVersion(t))
	for i, name := range slices.Sorted(maps.Keys(shapes)) {
		line, err := json.Marshal(shapes[name])
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "%q:%s", name, line)
	}
	b.WriteString("\n}}\n")
	return b.Bytes()
}

func pinnedVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`service/sagemaker (v\S+)`).FindSubmatch(text)
	if found == nil {
		t.Fatal("go.mod does not pin service/sagemaker")
	}
	return string(found[1])
}

// fill makes every structure, list and union of an SDK value; leaf sets what
// has no parts, given its shape, and may be nil. Lists get an element for each
// value or member that theirs can have.
func fill(v reflect.Value, s *smithy.Schema, name string, leaf func(v reflect.Value, shape string)) {
	if v.Kind() == reflect.Pointer {
		if leaf == nil && s.Type() != smithy.ShapeTypeStructure {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch s.Type() {
	case smithy.ShapeTypeStructure:
		for name, member := range s.Members() {
			fill(v.FieldByName(name), member, member.TargetID().Name, leaf)
		}
	case smithy.ShapeTypeList:
		fillList(v, s.ListMember(), leaf)
	default:
		if leaf != nil {
			leaf(v, name)
		}
	}
}

func fillList(v reflect.Value, of *smithy.Schema, leaf func(reflect.Value, string)) {
	var items []reflect.Value
	switch of.Type() {
	case smithy.ShapeTypeUnion:
		for _, name := range slices.Sorted(maps.Keys(of.Members())) {
			item := reflect.New(reflect.TypeOf(unionMembers[name]).Elem())
			fill(item.Elem().FieldByName("Value"), of.Member(name), name, leaf)
			items = append(items, item)
		}
	case smithy.ShapeTypeEnum:
		for _, value := range enumValues(v.Type().Elem()) {
			items = append(items, reflect.ValueOf(value).Convert(v.Type().Elem()))
		}
	default:
		item := reflect.New(v.Type().Elem()).Elem()
		fill(item, of, of.TargetID().Name, leaf)
		items = append(items, item)
	}
	v.Set(reflect.Append(reflect.MakeSlice(v.Type(), 0, len(items)), items...))
}

// onTheWire is how the SDK sends the settings. Its serializer is open to
// requests only, so one is made for it.
func onTheWire(t *testing.T, s *types.UserSettings) []byte {
	t.Helper()
	request := &smithyhttp.Request{Request: &http.Request{URL: &url.URL{}, Header: http.Header{}}}
	shape := &smithy.OperationSchema{Schema: schemas.UserSettings, Input: schemas.UserSettings}
	if err := awsjson.New11(schemas.SageMaker).SerializeRequest(context.Background(), shape, s, request); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(request.GetStream())
	if err != nil {
		t.Fatal(err)
	}
	return text
}
