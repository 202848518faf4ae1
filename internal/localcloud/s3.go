package localcloud

import (
	"encoding/xml"
	"net/http"
	"strings"
	"sync"
	"time"
)

// s3State is S3: buckets have names of their own in all accounts and Regions.
type s3State struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	uploads map[string]*upload // multipart uploads that are not completed, by their ids
}

type bucket struct {
	name, account, region string
	created               time.Time
	objects               map[string]*object
}

// s3Request is a request to S3 with what its path, its query and its headers say.
type s3Request struct {
	Bucket, Key       string
	Prefix, Delimiter string
	StartAfter, Token string // ListObjectsV2
	MaxKeys           int
	UploadID          string
	PartNumber        int
	content           []byte // as the client meant it: out of its chunks
	header            http.Header
	trailer           map[string]string // after the chunks
}

// s3Answer is an answer of S3: headers and a body, which may be an object's content.
type s3Answer struct {
	status int
	header map[string]string
	body   []byte
}

func s3Service(c *Cloud) service {
	s := &c.objects
	return service{
		name: "s3", version: "2006-03-01",
		ops: map[string]operation{
			"ListBuckets":             handle(nil, nil, s.listBuckets),
			"CreateBucket":            handle(nil, nil, s.createBucket),
			"HeadBucket":              handle(nil, nil, s.headBucket),
			"GetBucketLocation":       handle(nil, nil, s.getBucketLocation),
			"DeleteBucket":            handle(nil, nil, s.deleteBucket),
			"ListObjectsV2":           handle(nil, nil, s.listObjects),
			"PutObject":               handle(nil, nil, s.putObject),
			"GetObject":               handle(nil, nil, s.getObject),
			"HeadObject":              handle(nil, nil, s.getObject),
			"DeleteObject":            handle(nil, nil, s.deleteObject),
			"CreateMultipartUpload":   handle(nil, nil, s.createUpload),
			"UploadPart":              handle(nil, nil, s.uploadPart),
			"CompleteMultipartUpload": handle(nil, nil, s.completeUpload),
			"AbortMultipartUpload":    handle(nil, nil, s.abortUpload),
		},
	}
}

// find gives a bucket of the caller's account and Region. The caller holds s.mu.
func (s *s3State) find(c *call, name string) (*bucket, error) {
	b := s.buckets[name]
	switch {
	case b == nil:
		return nil, errf(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist").with("BucketName", name)
	case b.account != c.account:
		return nil, errf(http.StatusForbidden, "AccessDenied", "Access Denied")
	case b.region != c.region:
		elsewhere := errf(http.StatusMovedPermanently, "PermanentRedirect",
			"The bucket %s is in this region: %s. Please use this region to retry the request", name, b.region).with("Bucket", name)
		elsewhere.Headers = map[string]string{"x-amz-bucket-region": b.region}
		return nil, elsewhere
	}
	return b, nil
}

var (
	bucketName   = whole(`[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`)
	looksLikeIP4 = whole(`\d+\.\d+\.\d+\.\d+`)
)

func (s *s3State) createBucket(c *call, in *s3Request) (*s3Answer, error) {
	if !bucketName.MatchString(in.Bucket) || looksLikeIP4.MatchString(in.Bucket) || strings.Contains(in.Bucket, "..") {
		return nil, errf(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.").with("BucketName", in.Bucket)
	}
	region, err := constrainedRegion(c, in.content)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch b := s.buckets[in.Bucket]; {
	case b == nil:
	case b.account != c.account:
		return nil, errf(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	case b.region != defaultRegion || region != defaultRegion: // us-east-1 takes it for done
		return nil, errf(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	if s.buckets == nil {
		s.buckets = map[string]*bucket{}
	}
	if s.buckets[in.Bucket] == nil {
		s.buckets[in.Bucket] = &bucket{name: in.Bucket, account: c.account, region: region, created: c.now, objects: map[string]*object{}}
	}
	return &s3Answer{header: map[string]string{"Location": "/" + in.Bucket}}, nil
}

// constrainedRegion is where a bucket shall lie: in the Region of the endpoint, which all but us-east-1 want
// to read in the request too.
func constrainedRegion(c *call, body []byte) (string, error) {
	var wanted struct{ LocationConstraint string }
	if len(body) > 0 {
		if err := xml.Unmarshal(body, &wanted); err != nil {
			return "", errf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema: %v", err)
		}
	}
	named := wanted.LocationConstraint
	if named == c.region && named != defaultRegion || named == "" && c.region == defaultRegion {
		return c.region, nil
	}
	if named == "" {
		named = "unspecified"
	}
	return "", errf(http.StatusBadRequest, "IllegalLocationConstraintException",
		"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", named)
}

func (s *s3State) headBucket(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(c, in.Bucket)
	if err != nil {
		return nil, err
	}
	return &s3Answer{header: map[string]string{"x-amz-bucket-region": b.region}}, nil
}

func (s *s3State) getBucketLocation(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(c, in.Bucket)
	if err != nil {
		return nil, err
	}
	constraint := b.region
	if constraint == defaultRegion {
		constraint = ""
	}
	return s3XML(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: constraint})
}

func (s *s3State) deleteBucket(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.find(c, in.Bucket)
	if err != nil {
		return nil, err
	}
	if len(b.objects) > 0 {
		return nil, errf(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty").with("BucketName", in.Bucket)
	}
	delete(s.buckets, in.Bucket)
	return &s3Answer{status: http.StatusNoContent}, nil
}

func (s *s3State) listBuckets(c *call, _ *s3Request) (*s3Answer, error) {
	type entry struct{ Name, CreationDate string }
	var list struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		ID      string   `xml:"Owner>ID"`
		Buckets []entry  `xml:"Buckets>Bucket"`
	}
	list.ID = c.account
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range sortedKeys(s.buckets) {
		if b := s.buckets[name]; b.account == c.account {
			list.Buckets = append(list.Buckets, entry{name, s3Time(b.created)})
		}
	}
	return s3XML(list)
}

func s3Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// s3XML is an answer that is a document.
func s3XML(document any) (*s3Answer, error) {
	body, err := xml.Marshal(document)
	if err != nil {
		return nil, err
	}
	return &s3Answer{header: map[string]string{"Content-Type": "application/xml"}, body: append([]byte(xml.Header), body...)}, nil
}
