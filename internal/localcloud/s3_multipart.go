package localcloud

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// minPart is how small a part may be that is not the last.
const minPart = 5 << 20

// upload is a multipart upload on its way.
type upload struct {
	bucket, key string
	header      map[string]string
	parts       map[int][]byte
}

func (s *s3State) createUpload(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(c, in.Bucket); err != nil {
		return nil, err
	}
	if s.uploads == nil {
		s.uploads = map[string]*upload{}
	}
	id := uuid.NewString()
	s.uploads[id] = &upload{bucket: in.Bucket, key: in.Key, header: keptHeaders(in.header), parts: map[int][]byte{}}
	return s3XML(struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: in.Bucket, Key: in.Key, UploadId: id})
}

// findUpload gives the upload that a request names. The caller holds s.mu.
func (s *s3State) findUpload(c *call, in *s3Request) (*upload, error) {
	if _, err := s.find(c, in.Bucket); err != nil {
		return nil, err
	}
	u := s.uploads[in.UploadID]
	if u == nil || u.bucket != in.Bucket || u.key != in.Key {
		return nil, errf(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return u, nil
}

func (s *s3State) uploadPart(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.findUpload(c, in)
	if err != nil {
		return nil, err
	}
	if in.PartNumber < 1 {
		return nil, errf(http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	u.parts[in.PartNumber] = in.content
	part := object{etag: md5Hex(in.content), sums: in.sums()}
	return &s3Answer{header: part.identity()}, nil
}

func md5Hex(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

func (s *s3State) completeUpload(c *call, in *s3Request) (*s3Answer, error) {
	var wanted struct {
		Parts []uploadedPart `xml:"Part"`
	}
	if err := xml.Unmarshal(in.content, &wanted); err != nil || len(wanted.Parts) == 0 {
		return nil, errf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.findUpload(c, in)
	if err != nil {
		return nil, err
	}
	content, etag, err := u.join(wanted.Parts)
	if err != nil {
		return nil, err
	}
	s.buckets[in.Bucket].objects[in.Key] = &object{content: content, etag: etag, header: u.header, modified: c.now}
	delete(s.uploads, in.UploadID)
	return s3XML(struct {
		XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Bucket, Key, ETag string
	}{Bucket: in.Bucket, Key: in.Key, ETag: `"` + etag + `"`})
}

// uploadedPart is a part as the client lists it in the end.
type uploadedPart struct {
	PartNumber int
	ETag       string
}

// join puts the parts together that a client lists. The ETag is that of the parts' sums and says how many.
func (u *upload) join(parts []uploadedPart) (content []byte, etag string, err error) {
	var sums []byte
	for i, p := range parts {
		part, there := u.parts[p.PartNumber]
		switch {
		case i < len(parts)-1 && p.PartNumber >= parts[i+1].PartNumber:
			return nil, "", errf(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		case !there || md5Hex(part) != strings.Trim(p.ETag, `"`):
			return nil, "", errf(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case len(part) < minPart && i < len(parts)-1:
			return nil, "", errf(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		sum := md5.Sum(part)
		content, sums = append(content, part...), append(sums, sum[:]...)
	}
	return content, fmt.Sprintf("%s-%d", md5Hex(sums), len(parts)), nil
}

func (s *s3State) abortUpload(c *call, in *s3Request) (*s3Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.findUpload(c, in); err != nil {
		return nil, err
	}
	delete(s.uploads, in.UploadID)
	return &s3Answer{status: http.StatusNoContent}, nil
}
