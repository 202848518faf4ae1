package localcloud

import "github.com/aws/smithy-go"

// padded is an output with the zeros that AWS writes and the SDK's own serializer leaves out.
type padded struct {
	schema *smithy.Schema
	out    interface{ SerializeMembers(smithy.ShapeSerializer) }
	zeros  []func(smithy.ShapeSerializer)
}

func pad(schema *smithy.Schema, out interface{ SerializeMembers(smithy.ShapeSerializer) }, zeros ...func(smithy.ShapeSerializer)) *padded {
	return &padded{schema, out, zeros}
}

// Serialize writes the output and its zeros.
func (p *padded) Serialize(s smithy.ShapeSerializer) {
	s.WriteStruct(p.schema)
	p.out.SerializeMembers(s)
	for _, zero := range p.zeros {
		zero(s)
	}
	s.CloseStruct()
}

func zeroCount(schema *smithy.Schema, value int32) func(smithy.ShapeSerializer) {
	return func(s smithy.ShapeSerializer) {
		if value == 0 {
			s.WriteInt32(schema, 0)
		}
	}
}

func zeroBool(schema *smithy.Schema, value bool) func(smithy.ShapeSerializer) {
	return func(s smithy.ShapeSerializer) {
		if !value {
			s.WriteBool(schema, false)
		}
	}
}
