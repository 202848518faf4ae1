package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// desk is a mapping desk at an account with tables and a group ad-group-2.
func desk(t *testing.T) (*mappingDesk, *bytes.Buffer) {
	t.Helper()
	s, err := serveCloud(t.Context(), "127.0.0.1:0", &localcloud.Cloud{ProfileDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": s.endpoint, "AWS_REGION": sampleRegion, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
	} {
		t.Setenv(name, value)
	}
	if err := s.furnish(t.Context(), nil, io.Discard); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STUDIOKEEPER_CONFIG", s.config)
	var out bytes.Buffer
	c := &cobra.Command{}
	c.SetContext(t.Context())
	d, err := openTable(c, Environment{Lookup: os.LookupEnv, Stdin: strings.NewReader("yes\n"), Stdout: &out, Stderr: &out}, forReading)
	if err != nil {
		t.Fatal(err)
	}
	return d, &out
}

func writes(t *testing.T, d *mappingDesk, role string) {
	t.Helper()
	stored, err := d.stored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row := entry{Group: studio.GroupRef{Name: "ad-group-2"}, Domain: sampleDomain, Role: sampleRoles + role, Priority: 100}
	if err := d.table.Replace(t.Context(), awscloud.Change{Was: find(stored, keyOf(row)), Is: &row}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatSomebodyChangedMeanwhileIsNotWrittenOver(t *testing.T) {
	d, out := desk(t)
	writes(t, d, "first")
	stored, err := d.stored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := entry{Group: studio.GroupRef{ID: sampleGroup}, Domain: sampleDomain, Role: sampleRoles + "x", Priority: 100}
	changes := []awscloud.Change{{Was: &stored[0]}, {Is: &other}}
	writes(t, d, "second")

	err = d.carryOut(t.Context(), changes, manner{format: "text", yes: true})
	if !errors.Is(err, awscloud.ErrChanged) || !strings.Contains(err.Error(), "somebody changed the table meanwhile: look again") {
		t.Errorf("got %v", err)
	}
	if _, coded := errors.AsType[codeError](err); coded || strings.Contains(out.String(), "Written") {
		t.Errorf("want exit code 1 and nothing said to be written, got %v and\n%s", err, out)
	}
	now, err := d.stored(t.Context())
	if err != nil || len(now) != 1 || now[0].Role != sampleRoles+"second" {
		t.Errorf("the table holds %v, %v", now, err)
	}
}

func TestReadingPinsNoNames(t *testing.T) {
	d, _ := desk(t)
	writes(t, d, "first")
	for _, look := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := d.list(ctx); return err },
		func(ctx context.Context) error { _, err := d.check(ctx); return err },
	} {
		if err := look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if pinned, err := d.keep.Mapping.Pins.Pinned(t.Context()); err != nil || len(pinned) != 0 {
		t.Errorf("got %v, %v", pinned, err)
	}
	if _, err := d.keep.Mapping.Rows(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.keep.Mapping.PinNew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pinned, err := d.keep.Mapping.Pins.Pinned(t.Context()); err != nil || pinned["ad-group-2"] != sampleGroup {
		t.Errorf("the function's own reading pinned %v, %v", pinned, err)
	}
}

func TestOnlyATerminalIsAsked(t *testing.T) {
	env := Environment{Stdin: strings.NewReader("yes\n"), Stderr: &bytes.Buffer{}}
	err := confirm(t.Context(), env, false, "Write?")
	if coded, ok := errors.AsType[codeError](err); !ok || coded.code != exitUsage || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("got %v", err)
	}
	if err := confirm(t.Context(), env, true, "Write?"); err != nil {
		t.Errorf("with --yes: %v", err)
	}
}
