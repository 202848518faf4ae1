package localcloud

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"
)

// A service whose SDK package costs too much to link, and of which more is wanted than plain.go does, has Go
// structures of its own that are read and written as strictly as the SDK's. Their schemas are read from them:
// a member is called as its field is, and a field that is zero is absent.

// ownType is what values of a Go type look like on the wire.
type ownType struct {
	schema *smithy.Schema
	// write writes a value; member says what it is called where it stands.
	write func(s smithy.ShapeSerializer, member *smithy.Schema, v reflect.Value)
}

// ownTypes are those of one service's types, each made when it is first asked for.
type ownTypes struct {
	namespace string
	variants  []any // a nil pointer to every variant of a union

	mu   sync.Mutex
	made map[reflect.Type]*ownType
}

// own is handle for structures of our own; an output that is nothing has an empty body.
func own[I, O any](x *ownTypes, f func(*call, *I) (*O, error), required ...string) operation {
	in, out := x.of(reflect.TypeFor[I]()), x.of(reflect.TypeFor[O]())
	schema := out.schema
	if reflect.TypeFor[O]() == reflect.TypeFor[nothing]() {
		schema = nil
	}
	op := handle(in.schema, schema, func(c *call, input *I) (*ownValue, error) {
		output, err := f(c, input)
		if err != nil {
			return nil, err
		}
		return &ownValue{out, output}, nil
	}, required...)
	op.newOutput = func() any { return new(O) }
	return op
}

// ownValue is a pointer to a structure, together with its type.
type ownValue struct {
	of    *ownType
	value any
}

// Serialize implements smithy.Serializable.
func (v *ownValue) Serialize(s smithy.ShapeSerializer) {
	v.of.write(s, v.of.schema, reflect.ValueOf(v.value).Elem())
}

// of is what is known of a type.
func (x *ownTypes) of(t reflect.Type) *ownType {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ofLocked(t)
}

func (x *ownTypes) ofLocked(t reflect.Type) *ownType {
	if found := x.made[t]; found != nil {
		return found
	}
	if x.made == nil {
		x.made = map[reflect.Type]*ownType{}
	}
	x.made[t] = x.make(t)
	return x.made[t]
}

func (x *ownTypes) make(t reflect.Type) *ownType {
	switch t.Kind() {
	case reflect.Pointer:
		to := x.ofLocked(t.Elem())
		return &ownType{to.schema, func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) { to.write(s, m, v.Elem()) }}
	case reflect.Slice:
		return x.list(t)
	case reflect.Interface:
		return x.union(t)
	case reflect.Struct:
		if t != reflect.TypeFor[time.Time]() {
			return x.structure(t)
		}
	}
	return x.scalar(t)
}

// schemaOf makes a schema without members.
func (x *ownTypes) schemaOf(t reflect.Type, kind smithy.ShapeType) *smithy.Schema {
	return smithy.NewSchema(smithy.ShapeID{Namespace: x.namespace, Name: t.Name()}, kind, 0)
}

func (x *ownTypes) structure(t reflect.Type) *ownType {
	schema := x.schemaOf(t, smithy.ShapeTypeStructure)
	members := make([]ownType, t.NumField())
	for i := range members {
		is := x.ofLocked(t.Field(i).Type)
		members[i] = ownType{schema.AddMember(t.Field(i).Name, is.schema), is.write}
	}
	return &ownType{schema, func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) {
		s.WriteStruct(m)
		for i := range members {
			if field := v.Field(i); !field.IsZero() {
				members[i].write(s, members[i].schema, field)
			}
		}
		s.CloseStruct()
	}}
}

func (x *ownTypes) list(t reflect.Type) *ownType {
	item := x.ofLocked(t.Elem())
	schema := x.schemaOf(t, smithy.ShapeTypeList)
	member := schema.AddMember("member", item.schema)
	return &ownType{schema, func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) {
		s.WriteList(m)
		for i := range v.Len() {
			item.write(s, member, v.Index(i))
		}
		s.CloseList()
	}}
}

// union is an interface. A variant is a pointer to a structure that is called
// <union>Member<member> and has the one field Value.
func (x *ownTypes) union(t reflect.Type) *ownType {
	schema := x.schemaOf(t, smithy.ShapeTypeUnion)
	variants := map[reflect.Type]ownType{}
	for _, variant := range x.variants {
		v := reflect.TypeOf(variant)
		if !v.Implements(t) {
			continue
		}
		is, name := x.ofLocked(v.Elem().Field(0).Type), strings.TrimPrefix(v.Elem().Name(), t.Name()+"Member")
		variants[v] = ownType{schema.AddMember(name, is.schema), is.write}
	}
	return &ownType{schema, func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) {
		variant := variants[v.Elem().Type()]
		s.WriteUnion(m, variant.schema)
		variant.write(s, variant.schema, v.Elem().Elem().Field(0))
		s.CloseUnion()
	}}
}

// scalar panics about a type that the local cloud's structures do not use.
func (x *ownTypes) scalar(t reflect.Type) *ownType {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &ownType{x.schemaOf(t, smithy.ShapeTypeTimestamp), func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) {
			s.WriteTime(m, *v.Addr().Interface().(*time.Time))
		}}
	case t.Kind() == reflect.String:
		kind := smithy.ShapeTypeString
		if _, listed := t.MethodByName("Values"); listed {
			kind = smithy.ShapeTypeEnum
		}
		return &ownType{x.schemaOf(t, kind), func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) { s.WriteString(m, v.String()) }}
	case t.Kind() == reflect.Bool:
		return &ownType{x.schemaOf(t, smithy.ShapeTypeBoolean), func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) { s.WriteBool(m, v.Bool()) }}
	case t.Kind() == reflect.Int32:
		return &ownType{x.schemaOf(t, smithy.ShapeTypeInteger), func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) { s.WriteInt64(m, v.Int()) }}
	case t.Kind() == reflect.Int64:
		return &ownType{x.schemaOf(t, smithy.ShapeTypeLong), func(s smithy.ShapeSerializer, m *smithy.Schema, v reflect.Value) { s.WriteInt64(m, v.Int()) }}
	}
	panic(fmt.Sprintf("ownTypes of the local cloud: %s is no type that a member can have", t))
}
