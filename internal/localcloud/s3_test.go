package localcloud_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func (w *world) buckets() *s3.Client { return s3.NewFromConfig(w.as(account, home)) }

// bucket makes a bucket named code.
func (w *world) bucket() {
	w.t.Helper()
	_, err := w.buckets().CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String("code")})
	if err != nil {
		w.t.Fatal(err)
	}
}

// store puts an object into the bucket named code.
func (w *world) store(key string, content []byte) {
	w.t.Helper()
	_, err := w.buckets().PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String("code"), Key: &key, Body: bytes.NewReader(content),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) stored(key string) (string, *s3.GetObjectOutput, error) {
	w.t.Helper()
	out, err := w.buckets().GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String("code"), Key: &key})
	if err != nil {
		return "", nil, err
	}
	content, err := io.ReadAll(out.Body)
	return string(must(w, content, err)), out, nil
}

func TestAnObjectIsKeptUntilItIsDeleted(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	_, err := w.buckets().PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("code"), Key: aws.String("a/ü b.zip"), Body: strings.NewReader("zip"), ContentType: aws.String("application/zip"),
		Metadata: map[string]string{"build": "7"},
	})
	if err != nil {
		t.Fatal(err)
	}
	content, out, err := w.stored("a/ü b.zip")
	if err != nil || content != "zip" || *out.ContentType != "application/zip" || out.Metadata["build"] != "7" || *out.ETag != `"adcdbd79a8d84175c229b192aadc02f2"` {
		t.Errorf("got %q %+v (%v)", content, out, err)
	}
	head, err := w.buckets().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("code"), Key: aws.String("a/ü b.zip")})
	if must(w, head, err); *head.ContentLength != 3 {
		t.Errorf("HeadObject says %d bytes", *head.ContentLength)
	}
	_, err = w.buckets().DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("code")})
	w.wantCode("deleting a bucket that holds something", err, "BucketNotEmpty")
	_, err = w.buckets().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("code"), Key: aws.String("a/ü b.zip")})
	w.wantCode("DeleteObject", err, "")
	_, _, err = w.stored("a/ü b.zip")
	w.wantCode("a deleted object", err, "NoSuchKey")
	_, err = w.buckets().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("code"), Key: aws.String("a/ü b.zip")})
	w.wantCode("HeadObject of a deleted object", err, "NotFound")
	_, err = w.buckets().DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("code")})
	w.wantCode("DeleteBucket", err, "")
	_, err = w.buckets().HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("code")})
	w.wantCode("a deleted bucket", err, "NotFound")
}

func TestAPartOfAnObjectIsRead(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	w.store("k", []byte("0123456789"))
	for wanted, want := range map[string]string{"bytes=2-4": "234", "bytes=7-": "789", "bytes=-2": "89", "bytes=8-99": "89", "bytes=10-": "InvalidRange"} {
		out, err := w.buckets().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("code"), Key: aws.String("k"), Range: &wanted})
		got := codeOf(err)
		if err == nil {
			content, err := io.ReadAll(out.Body)
			got = string(must(w, content, err))
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", wanted, got, want)
		}
	}
}

func TestKeysAreListedPageByPage(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	for _, key := range []string{"a/1", "a/2", "a/b/3", "a/b/4", "c"} {
		w.store(key, []byte(key))
	}
	var seen []string
	pages := s3.NewListObjectsV2Paginator(w.buckets(), &s3.ListObjectsV2Input{
		Bucket: aws.String("code"), Prefix: aws.String("a/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(w, page, err)
		for _, o := range page.Contents {
			seen = append(seen, *o.Key)
		}
		for _, p := range page.CommonPrefixes {
			seen = append(seen, *p.Prefix)
		}
	}
	if diff := cmp.Diff([]string{"a/1", "a/2", "a/b/"}, seen); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestABucketIsItsOwners(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	foreign := s3.NewFromConfig(w.as("444455556666", home))
	_, err := foreign.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("code")})
	w.wantCode("another account", err, "AccessDenied")
	_, err = foreign.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code")})
	w.wantCode("a name that is taken", err, "BucketAlreadyExists")
	elsewhere := s3.NewFromConfig(w.as(account, "eu-west-1"))
	_, err = elsewhere.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("code")})
	w.wantCode("another Region", err, "PermanentRedirect")
	_, err = elsewhere.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("other")})
	w.wantCode("a Region that is not named", err, "IllegalLocationConstraintException")
	_, err = elsewhere.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("other"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
	w.wantCode("a Region that is named", err, "")
	list, err := w.buckets().ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if must(w, list, err); len(list.Buckets) != 2 {
		t.Errorf("there are %d buckets, want 2", len(list.Buckets))
	}
	_, err = w.buckets().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("Code")})
	w.wantCode("a name with a capital", err, "InvalidBucketName")
}

func TestS3AsksTheCallersPolicies(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	w.store("mine/k", []byte("x"))
	w.store("other/k", []byte("x"))
	w.role("worker", trustLambda, policyOf(allow("s3:GetObject", "arn:aws:s3:::code/mine/*")))
	reader := s3.NewFromConfig(w.session(workerRole))
	get := func(key string) error {
		_, err := reader.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("code"), Key: &key})
		return err
	}
	w.wantCode("an object that the policy names", get("mine/k"), "")
	w.wantCode("another object", get("other/k"), "AccessDenied")
	answer, err := http.Get(w.url + "/code/mine/k")
	must(w, answer, err).Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned request got %s, want 403", answer.Status)
	}
}

// notSeekable keeps the SDK from reading a body twice: it sends chunks and the sum after them.
type notSeekable struct{ io.Reader }

func TestAStreamArrivesOutOfItsChunks(t *testing.T) {
	cloud := &localcloud.Cloud{}
	server := httptest.NewTLSServer(cloud)
	t.Cleanup(func() { server.Close(); cloud.Close() })
	w := &world{t: t, cloud: cloud, url: server.URL}
	config := w.as(account, home)
	config.HTTPClient = server.Client()
	buckets := s3.NewFromConfig(config)
	_, err := buckets.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("code")})
	w.wantCode("CreateBucket", err, "")
	for _, algorithm := range s3types.ChecksumAlgorithmCrc32.Values()[:5] {
		content := strings.Repeat(string(algorithm), 50_000)
		_, err = buckets.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("code"), Key: aws.String("k"), Body: notSeekable{strings.NewReader(content)}, ContentLength: aws.Int64(int64(len(content))),
			ChecksumAlgorithm: algorithm,
		})
		w.wantCode("PutObject with "+string(algorithm), err, "")
		out, err := buckets.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("code"), Key: aws.String("k"), ChecksumMode: s3types.ChecksumModeEnabled})
		got, err := io.ReadAll(must(w, out, err).Body)
		if string(got) != content || err != nil {
			t.Errorf("%s: %d bytes came back (%v), want %d", algorithm, len(got), err, len(content))
		}
	}
}

// putRaw sends an object as it is written here, past the SDK.
func (w *world) putRaw(body string, headers ...string) string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, w.url+"/code/raw", strings.NewReader(body))
	must(w, r, err).Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/20260301/"+home+"/s3/aws4_request, SignedHeaders=host, Signature=0")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	defer must(w, answer, err).Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.Status + string(must(w, text, err))
}

func TestABodyThatIsNotWhatWasSentIsRefused(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	streaming := []string{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length", "3"}
	for _, tt := range []struct {
		name, body, want string
		headers          []string
	}{
		{"signed chunks", "2;chunk-signature=ab\r\nab\r\n1;chunk-signature=cd\r\nc\r\n0;chunk-signature=ef\r\n\r\n", "200", streaming},
		{"a sum after the chunks", "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", "200", streaming},
		{"a wrong sum after the chunks", "3\r\nabd\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", "BadDigest", streaming},
		{"a chunk cut off", "3\r\nab", "IncompleteBody", streaming},
		{"no last chunk", "3\r\nabc\r\n", "IncompleteBody", streaming},
		{"too few bytes", "2\r\nab\r\n0\r\n\r\n", "IncompleteBody", streaming},
		{"a wrong sum in a header", "abd", "BadDigest", []string{"X-Amz-Checksum-Crc32", "NSRBwg=="}},
		{"a wrong MD5", "abd", "BadDigest", []string{"Content-Md5", "kAFQmDzST7DWlj99KOF/cg=="}},
		{"a wrong signed digest", "abd", "XAmzContentSHA256Mismatch", []string{"X-Amz-Content-Sha256", strings.Repeat("0", 64)}},
	} {
		if got := w.putRaw(tt.body, tt.headers...); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	if content, _, err := w.stored("raw"); content != "abc" {
		t.Errorf("the object holds %q (%v)", content, err)
	}
}

func TestABucketIsNamedByTheHostToo(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	endpoint := "https://s3.us-east-1.amazonaws.com"
	config := w.as(account, home)
	config.BaseEndpoint, config.HTTPClient = &endpoint, &http.Client{Transport: localcloud.Transport{Cloud: w.cloud}}
	_, err := s3.NewFromConfig(config).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("code"), Key: aws.String("a/b"), Body: strings.NewReader("x")})
	w.wantCode("PutObject at the bucket's host", err, "")
	if content, _, err := w.stored("a/b"); content != "x" {
		t.Errorf("by its path it is %q (%v)", content, err)
	}
}

func TestAnObjectIsUploadedInParts(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.bucket()
	bucket, key := aws.String("code"), aws.String("big")
	begun, err := w.buckets().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	must(w, begun, err)
	var parts []s3types.CompletedPart
	for i, content := range [][]byte{bytes.Repeat([]byte("a"), 5<<20), []byte("end")} {
		n := aws.Int32(int32(i + 1))
		part, err := w.buckets().UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: begun.UploadId, PartNumber: n, Body: bytes.NewReader(content)})
		parts = append(parts, s3types.CompletedPart{PartNumber: n, ETag: must(w, part, err).ETag})
	}
	complete := func(parts ...s3types.CompletedPart) error {
		_, err := w.buckets().CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: key, UploadId: begun.UploadId, MultipartUpload: &s3types.CompletedMultipartUpload{Parts: parts},
		})
		return err
	}
	w.wantCode("parts in the wrong order", complete(parts[1], parts[0]), "InvalidPartOrder")
	w.wantCode("a part that is not there", complete(parts[0], s3types.CompletedPart{PartNumber: aws.Int32(3), ETag: parts[1].ETag}), "InvalidPart")
	w.wantCode("all parts", complete(parts...), "")
	w.wantCode("an upload that is completed", complete(parts...), "NoSuchUpload")
	content, out, err := w.stored("big")
	if err != nil || len(content) != 5<<20+3 || !strings.HasSuffix(*out.ETag, `-2"`) {
		t.Errorf("got %d bytes, %v", len(content), err)
	}
}

func TestAWSCommandLineInterfaceCopiesFiles(t *testing.T) {
	t.Parallel()
	needCLI(t)
	w := newWorld(t, &localcloud.Cloud{})
	run := func(arguments ...string) { w.plainCLI(arguments...) }
	big := filepath.Join(t.TempDir(), "big.zip")
	content := bytes.Repeat([]byte("0123456789abcdef"), 600_000) // more than 8 MB: in parts
	if err := os.WriteFile(big, content, 0o600); err != nil {
		t.Fatal(err)
	}
	run("s3", "mb", "s3://code")
	run("s3", "cp", big, "s3://code/big.zip")
	back := filepath.Join(t.TempDir(), "back.zip")
	run("s3", "cp", "s3://code/big.zip", back)
	if got, err := os.ReadFile(back); !bytes.Equal(got, content) {
		t.Errorf("%d bytes came back (%v), want %d", len(got), err, len(content))
	}
	head := w.cli("s3api", "head-object", "--bucket", "code", "--key", "big.zip")
	if head["ContentLength"] != float64(len(content)) {
		t.Errorf("head-object printed %v", head)
	}
	list := w.cli("s3api", "list-objects-v2", "--bucket", "code")
	if keys := list["Contents"].([]any); len(keys) != 1 {
		t.Errorf("list-objects-v2 printed %v", list)
	}
	run("s3", "rm", "s3://code/big.zip")
	run("s3", "rb", "s3://code")
}
