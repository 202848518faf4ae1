package doctor_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/render"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAHealthyAccountAsJSON(t *testing.T) {
	l := newLab(t)
	var out bytes.Buffer
	l.must(render.JSON(&out, l.checkup()))
	got := strings.ReplaceAll(out.String(), l.domain, "d-abcdefghijkl")
	const golden = "testdata/healthy.json"
	if *update {
		l.must(os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	l.must(err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
