package localcloud

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// s3Protocol is REST with XML: method, path and query name the operation, the body may be anything.
type s3Protocol struct {
	r    *http.Request
	sent *s3Answer // what encode was given
}

func (p *s3Protocol) target(r *http.Request) (string, string) {
	bucket, key := bucketAndKey(r.Host, r.URL)
	return "s3", s3Operation(r.Method, bucket, key, r.URL.Query())
}

func (*s3Protocol) serves(s *service, target string) bool { return s.name == target }

func (*s3Protocol) unknownOperation(message string) *apiError {
	return errf(http.StatusNotImplemented, "NotImplemented", "%s", message)
}

// bucketAndKey takes a URL apart, which names the bucket in its path or before the host's name.
func bucketAndKey(host string, u *url.URL) (bucket, key string) {
	if plain, _, err := net.SplitHostPort(host); err == nil {
		host = plain
	}
	path := strings.TrimPrefix(u.Path, "/")
	if named, ok := strings.CutSuffix(host, ".localhost"); ok {
		return named, path
	}
	if at := strings.Index(host, ".s3."); at > 0 && net.ParseIP(host) == nil {
		return host[:at], path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// s3Shown are the query parameters that do not name an operation.
var s3Shown = []string{
	"list-type", "prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type", "fetch-owner", "x-id",
	"uploadId", "partNumber", "uploads", "location", "max-buckets",
}

// s3Operation names what a request asks for; an operation that the local cloud lacks is named by its
// subresource.
func s3Operation(method, bucket, key string, query url.Values) string {
	for _, name := range sortedKeys(query) {
		if !slices.Contains(s3Shown, name) && !strings.HasPrefix(name, "X-Amz-") {
			return method + "?" + name
		}
	}
	switch {
	case bucket == "":
		return s3Verb(method, map[string]string{"GET": "ListBuckets"})
	case key == "" && query.Has("location"):
		return s3Verb(method, map[string]string{"GET": "GetBucketLocation"})
	case key == "" && method == http.MethodGet:
		return map[bool]string{true: "ListObjectsV2", false: "ListObjects"}[query.Get("list-type") == "2"]
	case key == "":
		return s3Verb(method, map[string]string{"PUT": "CreateBucket", "HEAD": "HeadBucket", "DELETE": "DeleteBucket"})
	case query.Has("uploads"):
		return s3Verb(method, map[string]string{"POST": "CreateMultipartUpload"})
	case query.Has("uploadId"):
		return s3Verb(method, map[string]string{"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"})
	}
	return s3Verb(method, map[string]string{"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"})
}

func s3Verb(method string, operations map[string]string) string {
	if name := operations[method]; name != "" {
		return name
	}
	return method
}

func (p *s3Protocol) decode(in *incoming) (any, error) {
	query := p.r.URL.Query()
	req := &s3Request{
		Prefix: query.Get("prefix"), Delimiter: query.Get("delimiter"), StartAfter: query.Get("start-after"),
		Token: query.Get("continuation-token"), UploadID: query.Get("uploadId"), header: p.r.Header, MaxKeys: 1000,
	}
	req.Bucket, req.Key = bucketAndKey(p.r.Host, p.r.URL)
	for name, to := range map[string]*int{"max-keys": &req.MaxKeys, "partNumber": &req.PartNumber} {
		if !query.Has(name) {
			continue
		}
		n, err := strconv.Atoi(query.Get(name))
		if err != nil || n < 0 || n > 10_000 {
			return nil, errf(http.StatusBadRequest, "InvalidArgument", "Argument %s must be an integer between 0 and 10000", name)
		}
		*to = n
	}
	if p.r.Header.Get("X-Amz-Copy-Source") != "" {
		return nil, p.unknownOperation("the local cloud's s3 does not copy objects")
	}
	return req, req.takeContent(in.body)
}

func (p *s3Protocol) encode(_ *incoming, output any) ([]byte, error) {
	p.sent = output.(*s3Answer)
	return p.sent.body, nil
}

func (p *s3Protocol) outputAnswer(in *incoming, encoded []byte) answer {
	a := answer{status: http.StatusOK, body: encoded, header: map[string]string{"x-amz-request-id": in.call.requestID}}
	if p.sent == nil {
		return a
	}
	if p.sent.status != 0 {
		a.status = p.sent.status
	}
	for name, value := range p.sent.header {
		a.header[name] = value
	}
	return a
}

func (p *s3Protocol) errorAnswer(_ *service, e *apiError, requestID string) answer {
	a := answer{status: e.Status, header: map[string]string{"Content-Type": "application/xml", "x-amz-request-id": requestID}}
	for name, value := range e.Headers {
		a.header[name] = value
	}
	if a.status == 0 {
		a.status = http.StatusBadRequest
	}
	if p.r.Method == http.MethodHead || a.status == http.StatusNotModified {
		return a
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message>`, escapeXML(e.Code), escapeXML(e.Message))
	for _, name := range sortedKeys(e.Members) {
		fmt.Fprintf(&b, "<%s>%s</%s>", name, escapeXML(fmt.Sprint(e.Members[name])), name)
	}
	fmt.Fprintf(&b, "<RequestId>%s</RequestId></Error>", requestID)
	a.body = []byte(b.String())
	return a
}
