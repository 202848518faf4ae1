package deploy

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"fmt"
	"maps"
	"slices"
	"time"
)

// zipped is the time of every file in a package, the earliest a zip can hold:
// the same files make the same zip.
func zipped() time.Time { return time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Package is the function's zip: files by name, each of which Lambda may
// execute. The same files give the same bytes.
func Package(files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: zipped()}
		header.SetMode(0o755)
		w, err := z.CreateHeader(header)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack the function: %w", err)
	}
	return b.Bytes(), nil
}

// CheckBootstrap refuses what Lambda could not start: anything but a Linux
// executable of the architecture, arm64 or amd64.
func CheckBootstrap(program []byte, architecture string) error {
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("the bootstrap is no Linux executable: %w (build it with GOOS=linux GOARCH=%s)", err, architecture)
	}
	want := map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64}[architecture]
	if f.Machine != want {
		return fmt.Errorf("the bootstrap is for %s instead of %s (build it with GOARCH=%s, or choose another --arch)", f.Machine, want, architecture)
	}
	return nil
}
