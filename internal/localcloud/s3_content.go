package localcloud

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
)

// takeContent takes the body out of its chunks and checks it against the sums that came with it.
func (r *s3Request) takeContent(body []byte) error {
	r.content = body
	sum := r.header.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(sum, "STREAMING-") {
		if err := r.unchunk(body); err != nil {
			return err
		}
		if length := r.header.Get("X-Amz-Decoded-Content-Length"); length != strconv.Itoa(len(r.content)) {
			return errf(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the x-amz-decoded-content-length header")
		}
	}
	if actual := sha256.Sum256(body); len(sum) == 2*sha256.Size && sum != hex.EncodeToString(actual[:]) {
		return errf(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if sum := r.header.Get("Content-Md5"); sum != "" && sum != md5Base64(r.content) {
		return errf(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	for name, sum := range r.sums() {
		if actual := s3Sums[name](r.content); actual != sum {
			return errf(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(name))
		}
	}
	return nil
}

// unchunk reads aws-chunked: a length in hexadecimal, perhaps a signature, the bytes; an empty chunk, trailers.
func (r *s3Request) unchunk(body []byte) error {
	malformed := errf(http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly")
	r.content, r.trailer = nil, map[string]string{}
	for {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		size, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseUint(size, 16, 32)
		if !ok || err != nil || int(n) > len(rest) {
			return malformed
		}
		if n == 0 {
			body = rest
			break
		}
		r.content = append(r.content, rest[:n]...)
		if body, ok = bytes.CutPrefix(rest[n:], []byte("\r\n")); !ok {
			return malformed
		}
	}
	for line := range strings.SplitSeq(string(body), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			r.trailer[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return nil
}

// s3Sums are the checksums that a client may send along, by the end of their header's name.
var s3Sums = map[string]func([]byte) string{
	"crc32":     hashed(func() hash.Hash { return crc32.NewIEEE() }),
	"crc32c":    hashed(func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }),
	"crc64nvme": hashed(func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) }),
	"sha1":      hashed(sha1.New),
	"sha256":    hashed(sha256.New),
}

func hashed(of func() hash.Hash) func([]byte) string {
	return func(content []byte) string {
		h := of()
		h.Write(content)
		return base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
}

func md5Base64(content []byte) string {
	sum := md5.Sum(content)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// sums are the checksums that came with a request, in its headers or after its chunks.
func (r *s3Request) sums() map[string]string {
	sums := map[string]string{}
	for name := range s3Sums {
		header := "x-amz-checksum-" + name
		if sum := r.header.Get(header); sum != "" {
			sums[name] = sum
		}
		if sum := r.trailer[header]; sum != "" {
			sums[name] = sum
		}
	}
	return sums
}
