package localcloud

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/smithy-go"
)

// documentValue is a free-form value of the Identity Store API.
type documentValue = document.Interface

// changedAttributes applies the operations of UpdateUser or UpdateGroup to a user or group and fills to with the
// outcome; is says which attributes may be changed.
func changedAttributes(schema *smithy.Schema, from smithy.Serializable, ops []types.AttributeOperation, may func(string) bool, to any) error {
	var v constraints
	v.size("operations", len(ops), 1, 100)
	if err := v.verdict(); err != nil {
		return err
	}
	s := identityStoreService(nil)
	tree, err := treeOf(&s, schema, from)
	if err != nil {
		return err
	}
	for _, op := range ops {
		path := aws.ToString(op.AttributePath)
		first, _, _ := strings.Cut(path, ".")
		if !may(upperFirst(first)) {
			return validation("The attribute path %s cannot be changed", path)
		}
		value, err := attributeValue(op.AttributeValue)
		if err != nil {
			return validation("%v", err)
		}
		if err := setPath(tree, schema, path, value); err != nil {
			return validation("%v", err)
		}
	}
	if err := fromTree(&s, schema, tree, to); err != nil {
		return validation("%s", asAPIError(err).Message)
	}
	return nil
}

func attributeValue(d documentValue) (any, error) {
	if d == nil {
		return nil, nil
	}
	encoded, err := d.MarshalSmithyDocument()
	if err != nil {
		return nil, err
	}
	return plainJSON(encoded)
}

// alternate takes an alternate identifier apart: an external id, or a unique attribute's path and value.
func alternate(by types.AlternateIdentifier) (external *types.ExternalId, path, value string, err error) {
	switch v := by.(type) {
	case *types.AlternateIdentifierMemberExternalId:
		return &v.Value, "", "", nil
	case *types.AlternateIdentifierMemberUniqueAttribute:
		given, err := attributeValue(v.Value.AttributeValue)
		if err != nil {
			return nil, "", "", validation("%v", err)
		}
		text, ok := given.(string)
		if !ok {
			return nil, "", "", validation("The value of a unique attribute must be a string")
		}
		return nil, aws.ToString(v.Value.AttributePath), text, nil
	}
	return nil, "", "", validation("The alternate identifier must be an ExternalId or a UniqueAttribute")
}
