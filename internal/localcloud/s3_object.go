package localcloud

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type object struct {
	content  []byte
	etag     string            // without its quotation marks
	header   map[string]string // Content-Type, x-amz-meta-…, as they came
	sums     map[string]string
	modified time.Time
}

func noSuchKey(key string) *apiError {
	return errf(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.").with("Key", key)
}

// keptHeaders are the headers of an upload that a download answers with.
func keptHeaders(from http.Header) map[string]string {
	kept := map[string]string{"Content-Type": "binary/octet-stream"}
	for name, values := range from {
		if strings.HasPrefix(name, "X-Amz-Meta-") || slices.Contains([]string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Language"}, name) {
			kept[name] = values[0]
		}
	}
	return kept
}

func (s *s3State) putObject(c *call, in *s3Request) (*s3Answer, error) {
	if len(in.Key) > 1024 {
		return nil, errf(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(c, in.Bucket)
	if err != nil {
		return nil, err
	}
	if in.header.Get("If-None-Match") == "*" && b.objects[in.Key] != nil {
		return nil, errf(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	o := &object{content: slices.Clone(in.content), etag: md5Hex(in.content), header: keptHeaders(in.header), sums: in.sums(), modified: c.now}
	b.objects[in.Key] = o
	return &s3Answer{header: o.identity()}, nil
}

// identity is an object's ETag and checksums.
func (o *object) identity() map[string]string {
	header := map[string]string{"ETag": `"` + o.etag + `"`}
	for name, sum := range o.sums {
		header["x-amz-checksum-"+name] = sum
	}
	return header
}

// getObject answers GetObject and HeadObject: an answer to HEAD is sent without its body.
func (s *s3State) getObject(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(c, in.Bucket)
	if err != nil {
		return nil, err
	}
	o := b.objects[in.Key]
	if o == nil {
		return nil, noSuchKey(in.Key)
	}
	out := &s3Answer{body: o.content, header: map[string]string{
		"ETag": `"` + o.etag + `"`, "Accept-Ranges": "bytes", "Last-Modified": o.modified.UTC().Format(http.TimeFormat),
	}}
	for name, value := range o.header {
		out.header[name] = value
	}
	if wanted := in.header.Get("Range"); wanted != "" {
		return out, out.cut(wanted)
	}
	if in.header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		for name, value := range o.identity() {
			out.header[name] = value
		}
	}
	return out, nil
}

// cut leaves the part of the body that a Range header of one range asks for; other units are passed over.
func (a *s3Answer) cut(wanted string) error {
	bounds, ok := strings.CutPrefix(wanted, "bytes=")
	first, last, isRange := strings.Cut(bounds, "-")
	if !ok || !isRange {
		return nil
	}
	size := len(a.body)
	from, errFrom := strconv.Atoi(first)
	to, errTo := strconv.Atoi(last)
	switch {
	case first == "" && errTo == nil: // the last bytes
		from, to = max(size-to, 0), size-1
	case last == "" && errFrom == nil:
		to = size - 1
	case errFrom != nil || errTo != nil || to < from:
		return nil
	}
	if from >= size {
		return errf(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	to = min(to, size-1)
	a.status, a.body = http.StatusPartialContent, a.body[from:to+1]
	a.header["Content-Range"] = fmt.Sprintf("bytes %d-%d/%d", from, to, size)
	return nil
}

func (s *s3State) deleteObject(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(c, in.Bucket)
	if err != nil {
		return nil, err
	}
	delete(b.objects, in.Key)
	return &s3Answer{status: http.StatusNoContent}, nil
}

// read gives an object's content to other services of the cloud, which are let in by what they ask for
// themselves.
func (s *s3State) read(name, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return nil, errf(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	o := b.objects[key]
	if o == nil {
		return nil, noSuchKey(key)
	}
	return o.content, nil
}

// objectList is ListObjectsV2's answer.
type objectList struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name, Prefix          string
	Delimiter, StartAfter string `xml:",omitempty"`
	MaxKeys, KeyCount     int
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listedObject
	CommonPrefixes        []listedPrefix
}

type listedObject struct {
	Key, LastModified, ETag string
	Size                    int
	StorageClass            string
}

type listedPrefix struct{ Prefix string }

// listObjects gives keys in the order of their bytes; those with the delimiter after the prefix are one entry.
func (s *s3State) listObjects(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(c, in.Bucket)
	if err != nil {
		return nil, err
	}
	list := objectList{
		Name: in.Bucket, Prefix: in.Prefix, Delimiter: in.Delimiter, StartAfter: in.StartAfter,
		MaxKeys: min(in.MaxKeys, 1000), ContinuationToken: in.Token,
	}
	after := max(in.StartAfter, in.Token)
	for _, key := range sortedKeys(b.objects) {
		entry := commonPrefix(key, in.Prefix, in.Delimiter)
		if !strings.HasPrefix(key, in.Prefix) || entry <= after {
			continue
		}
		if list.KeyCount == list.MaxKeys {
			list.IsTruncated, list.NextContinuationToken = list.MaxKeys > 0, after
			break
		}
		after = entry
		list.KeyCount++
		list.add(entry, key, b.objects[key])
	}
	return s3XML(list)
}

// commonPrefix is what a list shows for a key: the key, or its beginning up to the delimiter after the prefix.
func commonPrefix(key, prefix, delimiter string) string {
	rest, _ := strings.CutPrefix(key, prefix)
	if at := strings.Index(rest, delimiter); delimiter != "" && at >= 0 {
		return prefix + rest[:at+len(delimiter)]
	}
	return key
}

func (l *objectList) add(entry, key string, o *object) {
	if entry != key || l.Delimiter != "" && strings.HasSuffix(strings.TrimPrefix(key, l.Prefix), l.Delimiter) {
		l.CommonPrefixes = append(l.CommonPrefixes, listedPrefix{entry})
		return
	}
	l.Contents = append(l.Contents, listedObject{key, s3Time(o.modified), `"` + o.etag + `"`, len(o.content), "STANDARD"})
}
