package localcloud

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
)

// zipEntry is one of a zip's.
type zipEntry struct {
	name, content string
	mode          fs.FileMode
}

func zipOf(t *testing.T, entries ...zipEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		header.SetMode(e.mode)
		f, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// elfHeader is the beginning of a program for a machine.
func elfHeader(machine elf.Machine) string {
	var b bytes.Buffer
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64}
	copy(header.Ident[:], "\x7fELF\x02\x01\x01")
	_ = binary.Write(&b, binary.LittleEndian, header)
	return b.String()
}

func TestCodeIsUnpackedUntilTheCloudCloses(t *testing.T) {
	c := &Cloud{}
	zipped := zipOf(t, zipEntry{"bootstrap", elfHeader(machines[goruntime.GOARCH]), 0o755}, zipEntry{"etc/studio.yaml", "x: 1", 0o644})
	c.objects.buckets = map[string]*bucket{"code": {name: "code", objects: map[string]*object{"f.zip": {content: zipped}}}}
	dir, err := c.functionCode("code", "f.zip")
	if err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "etc", "studio.yaml")); string(content) != "x: 1" {
		t.Errorf("the file holds %q (%v)", content, err)
	}
	other, err := c.unpackCode(zipped)
	if err != nil || other == dir {
		t.Errorf("unpacked again it lies in %s (%v), want a directory of its own", other, err)
	}
	c.Close()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after Close the code is still there: %v", err)
	}
	for _, missing := range [][3]string{{"code", "g.zip", "NoSuchKey"}, {"none", "f.zip", "NoSuchBucket"}} {
		if _, err := c.functionCode(missing[0], missing[1]); err == nil || !strings.Contains(err.Error(), "Error occurred while GetObject. S3 Error Code: "+missing[2]) {
			t.Errorf("s3://%s/%s: %v, want %s", missing[0], missing[1], err, missing[2])
		}
	}
}

func TestCodeThatCannotRunIsRefused(t *testing.T) {
	c := &Cloud{}
	defer c.Close()
	foreign := map[string]elf.Machine{"amd64": elf.EM_AARCH64, "arm64": elf.EM_X86_64}[goruntime.GOARCH]
	good := zipEntry{"bootstrap", "#!/bin/sh\n", 0o755}
	for _, tt := range []struct {
		name, want string
		zipped     []byte
	}{
		{"a script", "", zipOf(t, good)},
		{"no zip", "Could not unzip uploaded file", []byte("zip")},
		{"no bootstrap", "Couldn't find valid bootstrap(s)", zipOf(t, zipEntry{"main", "x", 0o755})},
		{"a bootstrap that may not run", "permission denied", zipOf(t, zipEntry{"bootstrap", "#!/bin/sh\n", 0o644})},
		{"an empty bootstrap", "exec format error", zipOf(t, zipEntry{"bootstrap", "", 0o755})},
		{"a text", "exec format error", zipOf(t, zipEntry{"bootstrap", "hello, world", 0o755})},
		{"another machine's program", "this machine is", zipOf(t, zipEntry{"bootstrap", elfHeader(foreign), 0o755})},
		{"a way out", `"../evil" would lie outside`, zipOf(t, good, zipEntry{"../evil", "x", 0o644})},
		{"a way out further in", "would lie outside", zipOf(t, good, zipEntry{"a/../../evil", "x", 0o644})},
		{"a path from the root", "would lie outside", zipOf(t, good, zipEntry{"/tmp/evil", "x", 0o644})},
		{"a link", "is no plain file", zipOf(t, good, zipEntry{"evil", "/etc/passwd", 0o777 | fs.ModeSymlink})},
	} {
		_, err := c.unpackCode(tt.zipped)
		if got := textOf(err); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestCodeThatIsTooLargeIsRefused(t *testing.T) {
	c := &Cloud{}
	defer c.Close()
	large := zipOf(t, zipEntry{"bootstrap", "#!/bin/sh\n", 0o755})
	// The size stands in the directory at the end, 24 bytes after its mark.
	at := bytes.LastIndex(large, []byte("PK\x01\x02")) + 24
	binary.LittleEndian.PutUint32(large[at:], maxUnzipped+1)
	if _, err := c.unpackCode(large); err == nil || !strings.Contains(err.Error(), "Unzipped size must be smaller") {
		t.Errorf("too large: %v", err)
	}
	binary.LittleEndian.PutUint32(large[at:], 3)
	if _, err := c.unpackCode(large); err == nil || !strings.Contains(err.Error(), "Could not unzip") {
		t.Errorf("larger than it says: %v", err)
	}
}
