// Package archtest holds the architecture of docs/design.md as tests: which
// room may import which, what the pure rooms must not touch, what the Lambda
// function must not link, and that every package says what it is.
package archtest

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "studiokeeper"

// mayImport says, for each room, which others it may import. A room that is
// not listed fails the test: it has to be given a place first.
var mayImport = map[string][]string{
	"internal/studio":               {},
	"internal/event":                {},
	"internal/plan":                 {"internal/studio"},
	"internal/reconcile":            {"internal/plan", "internal/event", "internal/studio"},
	"internal/config":               {"internal/plan", "internal/studio"},
	"internal/render":               {"internal/directory", "internal/plan", "internal/studio"},
	"internal/function":             {"internal/reconcile", "internal/config", "internal/render", "internal/plan", "internal/event", "internal/studio"},
	"internal/awscloud":             {"internal/reconcile", "internal/config", "internal/render", "internal/plan", "internal/event", "internal/studio"},
	"internal/localcloud":           {"internal/localcloud/studioapi"},
	"internal/localcloud/studioapi": {},
	"internal/localad":              {},
	"internal/directory":            {"internal/plan", "internal/studio"},
	"internal/provision":            {"internal/directory", "internal/reconcile", "internal/plan", "internal/studio"},
	"internal/ldap":                 {"internal/directory", "internal/config", "internal/studio"},
	"internal/scim":                 {"internal/directory", "internal/provision", "internal/config", "internal/studio"},
	"internal/deploy":               {"internal/config", "internal/event", "internal/studio"},
	"internal/worker":               {"internal/awscloud", "internal/event"},
	"internal/doctor":               {"internal/config", "internal/reconcile", "internal/plan", "internal/studio"},
	"internal/awscloud/inspect":     {"internal/awscloud", "internal/doctor", "internal/studio"},
	"internal/awscloud/store":       {"internal/awscloud", "internal/provision", "internal/directory", "internal/reconcile", "internal/plan", "internal/config", "internal/studio"},
	"internal/app":                  {"internal/function", "internal/awscloud", "internal/config", "internal/reconcile", "internal/render", "internal/plan", "internal/event", "internal/studio"},
	"internal/carry":                {"internal/provision", "internal/directory", "internal/ldap", "internal/scim", "internal/awscloud/store", "internal/awscloud", "internal/config", "internal/reconcile", "internal/plan", "internal/studio"},
	"internal/cli":                  {"internal/app", "internal/carry", "internal/provision", "internal/directory", "internal/localad", "internal/deploy", "internal/worker", "internal/doctor", "internal/awscloud/inspect", "internal/localcloud", "internal/function", "internal/awscloud", "internal/config", "internal/reconcile", "internal/render", "internal/plan", "internal/event", "internal/studio"},
	"internal/archtest":             {},
	"internal/conformance":          {},
	"cmd/studiokeeper":              {"internal/cli"},
	"cmd/studiokeeper-lambda":       {"internal/app"},
	"cmd/studiokeeper-directory":    {"internal/carry"},
	"e2e":                           {},
	"e2e/awscli":                    {},
	"bench":                         {},
	"internal/simulation":           {"internal/app", "internal/deploy", "internal/localcloud", "internal/function", "internal/reconcile", "internal/plan", "internal/event", "internal/studio"},
}

// pure rooms compute: they neither read nor write nor look at the clock.
var pure = []string{"internal/studio", "internal/plan", "internal/event", "internal/directory"}

var notPure = []string{"context", "net", "os", "log/slog", "io/fs", "math/rand", "math/rand/v2", "syscall", "os/exec"}

// mayUse lists the modules that the program may require directly.
var mayUse = []string{
	"github.com/aws/aws-lambda-go", "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go",
	"github.com/go-asn1-ber/asn1-ber", "github.com/go-ldap/ldap/v3", "github.com/goccy/go-yaml", "github.com/gofrs/flock", "github.com/google/go-cmp", "github.com/google/uuid",
	"github.com/rogpeppe/go-internal", "github.com/santhosh-tekuri/jsonschema/v6", "github.com/schollz/progressbar/v3", "github.com/spf13/cobra",
	"golang.org/x/sync", "golang.org/x/term", "golang.org/x/time", "pgregory.net/rapid",
}

// notInLambda must not be linked into the function: size and cold start.
var notInLambda = []string{
	module + "/internal/cli", module + "/internal/deploy", module + "/internal/worker", module + "/internal/doctor", module + "/internal/awscloud/inspect", module + "/internal/localcloud", module + "/internal/localad", module + "/internal/ldap", module + "/internal/scim", module + "/internal/provision", module + "/internal/carry", "github.com/spf13/cobra", "html/template", "go/parser",
	"github.com/santhosh-tekuri/jsonschema/v6", "github.com/aws/aws-sdk-go-v2/service/sqs",
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin", "github.com/aws/aws-sdk-go-v2/service/eventbridge",
}

// onlyInTests must be linked into no program: describing all of SageMaker before main takes as long as
// everything else there together.
const onlyInTests = "github.com/aws/aws-sdk-go-v2/service/sagemaker"

type pkg struct {
	ImportPath, Name, Dir string
	GoFiles               []string
	Imports, Deps         []string
}

// list asks the go command about packages of this module.
func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Name,Dir,GoFiles,Imports,Deps"}, args...)...)
	cmd.Dir = root(t)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRoomsImportOneWay(t *testing.T) {
	for _, p := range list(t, "./...") {
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		allowed, known := mayImport[room]
		if !known {
			t.Errorf("%s is no room of the design; give it a place there and here", room)
			continue
		}
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, module+"/")
			if ours && !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s, which lies the wrong way", room, other)
			}
		}
	}
}

func TestPureRoomsOnlyCompute(t *testing.T) {
	for _, p := range list(t, "./...") {
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		if !slices.Contains(pure, room) {
			continue
		}
		for _, imported := range p.Imports {
			if strings.Contains(strings.Split(imported, "/")[0], ".") {
				t.Errorf("%s is pure, but imports %s from outside the standard library", room, imported)
			}
			if slices.Contains(notPure, imported) || strings.HasPrefix(imported, "net/") {
				t.Errorf("%s is pure, but imports %s", room, imported)
			}
		}
		for _, file := range p.GoFiles {
			forbidClock(t, filepath.Join(p.Dir, file))
		}
	}
}

func forbidClock(t *testing.T, file string) {
	t.Helper()
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name, ok := sel.X.(*ast.Ident)
		if ok && name.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "Tick", "NewTicker", "AfterFunc"}, sel.Sel.Name) {
			t.Errorf("%s: a pure room calls time.%s", fset.Position(n.Pos()), sel.Sel.Name)
		}
		return true
	})
}

func TestLambdaLinksOnlyWhatItNeeds(t *testing.T) {
	for _, p := range list(t, "-tags", "lambda.norpc", "./cmd/studiokeeper-lambda") {
		for _, dep := range p.Deps {
			if slices.Contains(notInLambda, dep) {
				t.Errorf("the function links %s", dep)
			}
		}
	}
}

func TestProgramsLinkNothingThatIsForTests(t *testing.T) {
	for _, p := range list(t, "./cmd/...") {
		for _, dep := range p.Deps {
			if dep == onlyInTests || strings.HasPrefix(dep, onlyInTests+"/") {
				t.Errorf("%s links %s", p.ImportPath, dep)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range list(t, "./...") {
		commented := len(p.GoFiles) == 0
		for _, file := range p.GoFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			commented = commented || parsed.Doc.Text() != ""
		}
		if !commented {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

func TestOnlyChosenModulesAndNoReplace(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []json.RawMessage
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) > 0 {
		t.Error("go.mod has a replace directive")
	}
	for _, r := range mod.Require {
		chosen := slices.ContainsFunc(mayUse, func(m string) bool { return r.Path == m || strings.HasPrefix(r.Path, m+"/") })
		if !r.Indirect && !chosen {
			t.Errorf("go.mod requires %s, which nobody chose", r.Path)
		}
	}
}

func TestNoInitFunctions(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, file := range p.GoFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range parsed.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s/%s has an init function", p.ImportPath, file)
				}
			}
		}
	}
}
