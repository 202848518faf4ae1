package localcloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	gocmp "github.com/google/go-cmp/cmp"
)

// sdkVariants is a nil pointer to every variant of a union that the SDK has for Studio.
var sdkVariants = []any{
	(*types.CustomFileSystemConfigMemberEFSFileSystemConfig)(nil),
	(*types.CustomFileSystemConfigMemberFSxLustreFileSystemConfig)(nil),
	(*types.CustomFileSystemConfigMemberS3FileSystemConfig)(nil),
	(*types.CustomFileSystemMemberEFSFileSystem)(nil),
	(*types.CustomFileSystemMemberFSxLustreFileSystem)(nil),
	(*types.CustomFileSystemMemberS3FileSystem)(nil),
}

// twins holds the SDK's types and schemas against ours, and collects what differs.
type twins struct {
	seen   map[string]bool
	differ []string
}

func (w *twins) differs(format string, args ...any) {
	w.differ = append(w.differ, fmt.Sprintf(format, args...))
}

// same compares two types that stand at the same place.
func (w *twins) same(at string, sdk, own reflect.Type) {
	if sdk.Kind() != own.Kind() || sdk.PkgPath() != "" && sdk != own && sdk.Name() != own.Name() {
		w.differs("%s is a %s in the SDK, and a %s here", at, sdk, own)
		return
	}
	if sdk == own || w.seen[sdk.String()] {
		return
	}
	w.seen[sdk.String()] = true
	switch sdk.Kind() {
	case reflect.Pointer, reflect.Slice:
		w.seen[sdk.String()] = false
		w.same(at, sdk.Elem(), own.Elem())
	case reflect.Struct:
		w.fields(sdk, own)
	case reflect.String:
		w.sets("the values of "+sdk.Name(), valuesOf(sdk), valuesOf(own))
	case reflect.Interface:
		w.unions(sdk, own)
	default:
		w.differs("%s is a %s, of which nothing is known", at, sdk)
	}
}

func (w *twins) fields(sdk, own reflect.Type) {
	w.sets("the members of "+sdk.Name(), fieldsOf(sdk), fieldsOf(own))
	for _, name := range fieldsOf(sdk) {
		theirs, _ := sdk.FieldByName(name)
		if ours, ok := own.FieldByName(name); ok {
			w.same(sdk.Name()+"."+name, theirs.Type, ours.Type)
		}
	}
}

func (w *twins) unions(sdk, own reflect.Type) {
	theirs, ours := variantsOf(sdk, sdkVariants), variantsOf(own, studioTypes.variants)
	w.sets("the variants of "+sdk.Name(), names(theirs), names(ours))
	for _, t := range theirs {
		for _, o := range ours {
			if t.Name() == o.Name() {
				w.same(t.Name(), t, o)
			}
		}
	}
}

// sets compares names whose order does not matter.
func (w *twins) sets(what string, sdk, own []string) {
	for _, name := range sdk {
		if !slices.Contains(own, name) {
			w.differs("%s: %s is missing here", what, name)
		}
	}
	for _, name := range own {
		if !slices.Contains(sdk, name) {
			w.differs("%s: the SDK has no %s", what, name)
		}
	}
}

// wire compares what two schemas say: members by their names on the wire, and what CloudTrail hides.
func (w *twins) wire(at string, sdk, own *smithy.Schema) {
	if sdk.Type() != own.Type() {
		w.differs("%s is of type %d in the SDK's schema, and of type %d here", at, sdk.Type(), own.Type())
	}
	_, theirs := smithy.SchemaTrait[*traits.Sensitive](sdk)
	_, ours := smithy.SchemaTrait[*traits.Sensitive](own)
	format, _ := smithy.SchemaTrait[*traits.TimestampFormat](sdk)
	if theirs != ours || format != nil {
		w.differs("%s is sensitive or has a format in the SDK's schema", at)
	}
	shape := cmp.Or(sdk.TargetID().Name, sdk.ID().Name)
	if sdk.Type() == smithy.ShapeTypeEnum || w.seen[shape] {
		return // some of the SDK's enumerations list their values, others do not
	}
	w.seen[shape] = true
	w.sets("the members of "+shape+" on the wire", sortedKeys(sdk.Members()), sortedKeys(own.Members()))
	for name, member := range sdk.Members() {
		if own.Member(name) != nil {
			w.wire(shape+"."+name, member, own.Member(name))
		}
	}
}

func valuesOf(t reflect.Type) (values []string) {
	method := reflect.Zero(t).MethodByName("Values")
	if !method.IsValid() {
		return nil
	}
	all := method.Call(nil)[0]
	for i := range all.Len() {
		values = append(values, all.Index(i).String())
	}
	return values
}

func fieldsOf(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			names = append(names, f.Name)
		}
	}
	return names
}

func variantsOf(union reflect.Type, all []any) (variants []reflect.Type) {
	for _, v := range all {
		if t := reflect.TypeOf(v); t.Implements(union) {
			variants = append(variants, t.Elem())
		}
	}
	return variants
}

func names(all []reflect.Type) (names []string) {
	for _, t := range all {
		names = append(names, t.Name())
	}
	return names
}

// schemaRecorder learns the schema of an SDK structure that writes itself.
type schemaRecorder struct {
	smithy.ShapeSerializer
	schema *smithy.Schema
}

func (r *schemaRecorder) WriteStruct(s *smithy.Schema) { r.schema = s }
func (r *schemaRecorder) CloseStruct()                 {}

func sdkSchema(t reflect.Type) *smithy.Schema {
	var r schemaRecorder
	reflect.New(t).Interface().(smithy.Serializable).Serialize(&r)
	return r.schema
}

// sdkRequires asks the SDK's client which members an empty input lacks.
func sdkRequires(operation string, input reflect.Type) []string {
	client := reflect.ValueOf(sagemaker.New(sagemaker.Options{Region: "us-east-1"}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	results := client.MethodByName(operation).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.New(input)})
	invalid, ok := errors.AsType[smithy.InvalidParamsError](results[1].Interface().(error))
	if !ok {
		return nil
	}
	var required []string
	for _, problem := range invalid.Errs() {
		field := problem.(smithy.InvalidParamError).Field()
		required = append(required, field[strings.LastIndex(field, ".")+1:])
	}
	return required
}

func TestStudioIsTheSDKsSageMaker(t *testing.T) {
	w := &twins{seen: map[string]bool{}}
	client := reflect.TypeFor[*sagemaker.Client]()
	ops := sagemakerService(nil).ops
	for _, name := range sortedKeys(ops) {
		op := ops[name]
		call, ok := client.MethodByName(name)
		if !ok {
			t.Errorf("the SDK has no %s", name)
			continue
		}
		input, output := call.Type.In(2).Elem(), call.Type.Out(0).Elem()
		w.same(name+"'s input", input, reflect.TypeOf(op.newInput()).Elem())
		w.wire(name+"'s input", sdkSchema(input), op.input)
		w.sets("what "+name+" requires", sdkRequires(name, input), op.required)
		if op.output == nil {
			w.sets("the members of "+output.Name(), fieldsOf(output), nil)
			continue
		}
		w.same(name+"'s output", output, reflect.TypeOf(op.newOutput()).Elem())
		w.wire(name+"'s output", sdkSchema(output), op.output)
	}
	slices.Sort(w.differ)
	for _, difference := range slices.Compact(w.differ) {
		t.Error(difference)
	}
}

func TestStudiosErrorsAreTheSDKsSageMakers(t *testing.T) {
	own := sagemakerService(nil)
	sdk := service{errors: sagemaker.TypeRegistry}
	w := &twins{}
	var codes []string
	for id := range sdk.errors.Entries {
		_, code, _ := strings.Cut(id, "#")
		codes = append(codes, code)
	}
	w.sets("errors", codes, sortedKeys(own.errors.Entries))
	for _, code := range append(codes, "ValidationException") {
		if theirs, ours := messageMember(&sdk, code), messageMember(&own, code); theirs != ours {
			w.differs("%s spells its message %s in the SDK, and %s here", code, theirs, ours)
		}
		if theirs, ours := modelledStatus(&sdk, code), modelledStatus(&own, code); theirs != ours {
			w.differs("%s has the status %d in the SDK, and %d here", code, theirs, ours)
		}
	}
	for _, difference := range w.differ {
		t.Error(difference)
	}
}

// written is a structure as it goes over the wire.
func written(t *testing.T, s *service, schema *smithy.Schema, value smithy.Serializable) map[string]any {
	t.Helper()
	tree, err := treeOf(s, schema, value)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestStudiosStructuresAreWrittenAndReadAsTheSDKWritesThem(t *testing.T) {
	s := sagemakerService(nil)
	client := reflect.TypeFor[*sagemaker.Client]()
	for name, op := range s.ops {
		call, _ := client.MethodByName(name)
		theirs := filled(call.Type.In(2).Elem(), sdkVariants).Addr().Interface().(smithy.Serializable)
		ours := filled(reflect.TypeOf(op.newInput()).Elem(), studioTypes.variants).Addr().Interface()
		sdkTree := written(t, &s, op.input, theirs)
		in := studioTypes.of(reflect.TypeOf(ours).Elem())
		if diff := gocmp.Diff(sdkTree, written(t, &s, op.input, &ownValue{in, ours})); diff != "" {
			t.Errorf("%s's input is written otherwise than by the SDK (-SDK +here): %s", name, diff)
		}
		if read, err := decodeInput(&s, &op, sdkTree); err != nil || !gocmp.Equal(ours, read) {
			t.Errorf("%s's input is read back with %v: %s", name, err, gocmp.Diff(ours, read))
		}
		if op.output == nil {
			continue
		}
		for _, empty := range []bool{false, true} {
			theirs, ours := reflect.New(call.Type.Out(0).Elem()), reflect.ValueOf(op.newOutput())
			if !empty {
				theirs, ours = filled(theirs.Type().Elem(), sdkVariants).Addr(), filled(ours.Type().Elem(), studioTypes.variants).Addr()
			}
			out := &ownValue{studioTypes.of(ours.Type().Elem()), ours.Interface()}
			if diff := gocmp.Diff(written(t, &s, op.output, theirs.Interface().(smithy.Serializable)), written(t, &s, op.output, out)); diff != "" {
				t.Errorf("%s's output (empty: %v) is written otherwise than by the SDK (-SDK +here): %s", name, empty, diff)
			}
		}
	}
}

// filled is a value of a type with something in every member: in all of a union's variants in turn.
func filled(t reflect.Type, variants []any) reflect.Value {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.Pointer:
		v.Set(filled(t.Elem(), variants).Addr())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, 0, 3))
		if t.Elem().Kind() != reflect.Interface {
			return reflect.Append(v, filled(t.Elem(), variants), filled(t.Elem(), variants))
		}
		for _, variant := range variantsOf(t.Elem(), variants) {
			v = reflect.Append(v, filled(reflect.PointerTo(variant), variants))
		}
		return v
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(1_772_366_400_123).UTC()))
			return v
		}
		for _, name := range fieldsOf(t) {
			v.FieldByName(name).Set(filled(v.FieldByName(name).Type(), variants))
		}
	case reflect.String:
		v.SetString(`text "quoted" <ü> `)
		if values := valuesOf(t); len(values) > 0 {
			v.SetString(values[len(values)-1])
		}
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(1 << 30)
	}
	return v
}
