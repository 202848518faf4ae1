package localcloud_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"studiokeeper/internal/localcloud"
)

// try sends an AWS JSON request straight to the handler.
func try(c *localcloud.Cloud, target, body string) (status int, answer string) {
	r := httptest.NewRequest("POST", "/", bytes.NewReader([]byte(body)))
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/any/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// post is try for a request that must succeed.
func post(t testing.TB, c *localcloud.Cloud, target, body string) {
	t.Helper()
	if status, answer := try(c, target, body); status != http.StatusOK {
		t.Fatalf("%s: %d %s", target, status, answer)
	}
}

// BenchmarkDynamoDB runs against a table of 200,000 items in one partition.
func BenchmarkDynamoDB(b *testing.B) {
	var c localcloud.Cloud
	defer c.Close()
	post(b, &c, "DynamoDB_20120810.CreateTable", `{"TableName":"state","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}`)
	put := func(i int) {
		post(b, &c, "DynamoDB_20120810.PutItem", fmt.Sprintf(
			`{"TableName":"state","Item":{"pk":{"S":"journal"},"sk":{"S":"%d"},"n":{"N":"%d"}},"ConditionExpression":"attribute_not_exists(pk) OR n >= :n","ExpressionAttributeValues":{":n":{"N":"0"}}}`, i*7919%1_000_003, i))
	}
	for i := range 200_000 {
		put(i)
	}
	b.Run("PutItem", func(b *testing.B) {
		for i := range b.N {
			put(300_000 + i%600_000)
		}
	})
	b.Run("GetItem", func(b *testing.B) {
		for i := range b.N {
			post(b, &c, "DynamoDB_20120810.GetItem", fmt.Sprintf(`{"TableName":"state","Key":{"pk":{"S":"journal"},"sk":{"S":"%d"}}}`, i%200_000*7919%1_000_003))
		}
	})
	b.Run("Query", func(b *testing.B) {
		for range b.N {
			post(b, &c, "DynamoDB_20120810.Query", `{"TableName":"state","KeyConditionExpression":"pk = :p AND begins_with(sk, :s)","Limit":20,"ScanIndexForward":false,"ExpressionAttributeValues":{":p":{"S":"journal"},":s":{"S":"77"}}}`)
		}
	})
}

// BenchmarkSQS sends and receives one message a round, with 10,000 more in flight.
func BenchmarkSQS(b *testing.B) {
	var c localcloud.Cloud
	defer c.Close()
	post(b, &c, "AmazonSQS.CreateQueue", `{"QueueName":"work","Attributes":{"VisibilityTimeout":"43200"}}`)
	round := func() {
		post(b, &c, "AmazonSQS.SendMessage", `{"QueueUrl":"http://x/111122223333/work","MessageBody":"hello"}`)
		post(b, &c, "AmazonSQS.ReceiveMessage", `{"QueueUrl":"http://x/111122223333/work"}`)
	}
	for range 10_000 {
		round()
	}
	for b.Loop() {
		round()
	}
}
