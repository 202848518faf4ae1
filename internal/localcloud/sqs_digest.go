package localcloud

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// md5Text is MD5OfMessageBody, which every SDK compares with what it sent.
func md5Text(body string) *string {
	sum := md5.Sum([]byte(body))
	return aws.String(hex.EncodeToString(sum[:]))
}

// md5Attributes is MD5OfMessageAttributes: over the attributes in the order of their names, each as name,
// data type and value, a length before each and a mark for string or binary before the value.
func md5Attributes(attributes map[string]types.MessageAttributeValue) *string {
	if len(attributes) == 0 {
		return nil
	}
	h := md5.New()
	sized := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
		h.Write(b)
	}
	for _, name := range sortedKeys(attributes) {
		a := attributes[name]
		sized([]byte(name))
		sized([]byte(aws.ToString(a.DataType)))
		if strings.HasPrefix(aws.ToString(a.DataType), "Binary") {
			h.Write([]byte{2})
			sized(a.BinaryValue)
			continue
		}
		h.Write([]byte{1})
		sized([]byte(aws.ToString(a.StringValue)))
	}
	return aws.String(hex.EncodeToString(h.Sum(nil)))
}
