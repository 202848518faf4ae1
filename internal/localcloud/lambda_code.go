package localcloud

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
)

// Lambda's limits of a function's code.
const (
	maxZip      = 50 << 20 // in the request itself
	maxUnzipped = 262_144_000
)

// codeState is where functions' code is unpacked: a directory that lasts as long as the cloud.
type codeState struct {
	mu  sync.Mutex
	dir string
}

func codeError(format string, args ...any) *apiError {
	return errf(400, "InvalidParameterValueException", format, args...)
}

// functionCode unpacks the zip at a place in S3 into a directory of its own, which Close removes, and makes
// sure that this machine can run the bootstrap in it.
func (c *Cloud) functionCode(bucket, key string) (dir string, err error) {
	zipped, err := c.objects.read(bucket, key)
	if err != nil {
		refused := asAPIError(err)
		return "", codeError("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", refused.Code, refused.Message)
	}
	return c.unpackCode(zipped)
}

// unpackCode is functionCode for a zip in memory.
func (c *Cloud) unpackCode(zipped []byte) (dir string, err error) {
	archive, err := zip.NewReader(bytes.NewReader(zipped), int64(len(zipped)))
	if err != nil {
		return "", codeError("Could not unzip uploaded file. Please check your file, then try to upload again. (%v)", err)
	}
	var size uint64
	for _, f := range archive.File {
		if size += f.UncompressedSize64; size > maxUnzipped || f.UncompressedSize64 > maxUnzipped {
			return "", codeError("Unzipped size must be smaller than %d bytes", maxUnzipped)
		}
	}
	if dir, err = c.codes.newDirectory(); err != nil {
		return "", err
	}
	for _, f := range archive.File {
		if err := unpackFile(dir, f); err != nil {
			return "", err
		}
	}
	return dir, canRunBootstrap(filepath.Join(dir, "bootstrap"))
}

func (s *codeState) newDirectory() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		made, err := os.MkdirTemp("", "localcloud-functions-")
		if err != nil {
			return "", fmt.Errorf("making a directory for functions' code: %w", err)
		}
		s.dir = made
	}
	made, err := os.MkdirTemp(s.dir, "code-")
	if err != nil {
		return "", fmt.Errorf("making a directory for a function's code: %w", err)
	}
	return made, nil
}

// remove deletes all code. What cannot be deleted is left to the system, which clears its temporary files.
func (s *codeState) remove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
	s.dir = ""
}

// unpackFile writes one entry of a zip, which must lie in dir and be a plain file or a directory.
func unpackFile(dir string, f *zip.File) error {
	name := strings.TrimSuffix(f.Name, "/")
	if !filepath.IsLocal(name) || strings.Contains(name, `\`) {
		return codeError("Could not unzip uploaded file. The entry %q would lie outside of the function's directory.", f.Name)
	}
	at := filepath.Join(dir, filepath.FromSlash(name))
	switch {
	case f.Mode().IsDir():
		return os.MkdirAll(at, 0o700)
	case !f.Mode().IsRegular():
		return codeError("Could not unzip uploaded file. The entry %q is no plain file; the local cloud unpacks no links.", f.Name)
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return fmt.Errorf("unpacking %s: %w", f.Name, err)
	}
	content, err := f.Open()
	if err != nil {
		return codeError("Could not unzip uploaded file. The entry %q: %v", f.Name, err)
	}
	defer content.Close()
	return writeEntry(at, f, content)
}

// writeEntry does not trust the size that the zip gives for an entry.
func writeEntry(at string, f *zip.File, content io.Reader) error {
	out, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode().Perm()|0o600)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", f.Name, err)
	}
	defer out.Close()
	n, err := io.Copy(out, io.LimitReader(content, int64(f.UncompressedSize64)+1))
	if err != nil || n != int64(f.UncompressedSize64) {
		return codeError("Could not unzip uploaded file. The entry %q holds %d bytes, not the %d it says (%v)", f.Name, n, f.UncompressedSize64, err)
	}
	return out.Close()
}

// canRunBootstrap refuses a bootstrap that is missing, may not be executed or is meant for another machine.
// A script is left to its interpreter.
func canRunBootstrap(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return codeError("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]. The zip needs a file called bootstrap at its top.")
	case err != nil:
		return fmt.Errorf("looking at the function's bootstrap: %w", err)
	case info.IsDir() || info.Mode().Perm()&0o111 == 0:
		return codeError("fork/exec /var/task/bootstrap: permission denied. The bootstrap in the zip must be an executable file.")
	}
	if script, err := beginsLikeScript(path); script || err != nil {
		return err
	}
	program, err := elf.Open(path)
	if err != nil {
		return codeError("fork/exec /var/task/bootstrap: exec format error. The bootstrap is no program for Linux (%v).", err)
	}
	defer program.Close()
	if goruntime.GOOS != "linux" || program.Machine != machines[goruntime.GOARCH] {
		return codeError("fork/exec /var/task/bootstrap: exec format error. The bootstrap is for linux and %s, this machine is %s and %s: build it for this machine, or set Host.Command to run another program in its place.",
			program.Machine, goruntime.GOOS, goruntime.GOARCH)
	}
	return nil
}

// machines are the architectures that Lambda has.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

func beginsLikeScript(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("looking at the function's bootstrap: %w", err)
	}
	defer file.Close()
	start := make([]byte, 2)
	if _, err := io.ReadFull(file, start); err != nil {
		return false, codeError("fork/exec /var/task/bootstrap: exec format error. The bootstrap is empty.")
	}
	return string(start) == "#!", nil
}
