package deploy_test

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"studiokeeper/internal/deploy"
)

// tiny is the header of an executable, which is all that is looked at.
func tiny(machine elf.Machine) []byte {
	var b bytes.Buffer
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64, Shentsize: 64, Phentsize: 56}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	_ = binary.Write(&b, binary.LittleEndian, h)
	return b.Bytes()
}

func TestTheSameFilesMakeTheSamePackage(t *testing.T) {
	pack := func(config string) []byte {
		text, err := deploy.Package(map[string][]byte{"studiokeeper.yaml": []byte(config), "bootstrap": tiny(elf.EM_AARCH64)})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := pack("deployment: prod\n")
	if !bytes.Equal(first, pack("deployment: prod\n")) {
		t.Error("the same files made two packages")
	}
	if bytes.Equal(first, pack("deployment: test\n")) {
		t.Error("another configuration made the same package")
	}
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	if z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm() != 0o755 || len(z.File) != 2 {
		t.Errorf("the package begins with %s of mode %v and has %d files", z.File[0].Name, z.File[0].Mode(), len(z.File))
	}
}

func TestABootstrapOfAnotherMachineIsRefused(t *testing.T) {
	if err := deploy.CheckBootstrap(tiny(elf.EM_AARCH64), "arm64"); err != nil {
		t.Error(err)
	}
	if deploy.CheckBootstrap(tiny(elf.EM_AARCH64), "amd64") == nil {
		t.Error("a program for arm64 went through as one for amd64")
	}
	if deploy.CheckBootstrap([]byte("#!/bin/sh\n"), "arm64") == nil {
		t.Error("a script went through as a program")
	}
}
