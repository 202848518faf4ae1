package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
)

// packageFlags say what goes into the zip.
type packageFlags struct {
	out, bootstrap, source, architecture, parameter string
	directory                                       bool // the directory's function
}

func deployPackageCommand(env Environment) *cobra.Command {
	var f packageFlags
	c := &cobra.Command{
		Use:   "package",
		Short: "Writes the function's zip; the same program and configuration give the same digest",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.settle(); err != nil {
				return err
			}
			return f.run(c.Context(), configRef(c, env), env)
		},
	}
	c.Flags().StringVar(&f.out, "out", "studiokeeper.zip", "`FILE` to write")
	c.Flags().StringVar(&f.bootstrap, "bootstrap", "", "`FILE` with the function, built (default: the go command builds it)")
	c.Flags().StringVar(&f.source, "source", "", "`DIR` of this program's source, to build from (default: the working directory)")
	c.Flags().StringVar(&f.architecture, "arch", "arm64", "`ARCHITECTURE`: arm64 or amd64")
	c.Flags().StringVar(&f.parameter, "parameter", "", "`NAME` of the Parameter Store parameter with the configuration, which then stays out of the zip")
	c.Flags().BoolVar(&f.directory, "directory", false, "the function that carries Active Directory into Identity Center")
	c.MarkFlagsMutuallyExclusive("bootstrap", "source")
	return c
}

// settle takes AWS's word for an architecture too.
func (f *packageFlags) settle() error {
	if f.architecture == "x86_64" {
		f.architecture = "amd64"
	}
	if f.architecture != "arm64" && f.architecture != "amd64" {
		return usage("--arch %s: want arm64 or amd64", f.architecture)
	}
	return nil
}

func (f *packageFlags) run(ctx context.Context, config string, env Environment) error {
	if f.parameter != "" {
		config = "ssm:" + f.parameter
	}
	cfg, err := app.LoadConfig(ctx, config, env.Lookup)
	if err != nil {
		return err
	}
	text, err := f.pack(ctx, config, cfg, env)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.out, text, 0o644); err != nil {
		return fmt.Errorf("write the package: %w (choose another file with --out)", err)
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(text))
	if _, err := fmt.Fprintf(env.Stdout, "%s: sha256 %s, %d bytes\n", f.out, digest, len(text)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stderr, packageNext, f.out, digest[:16], f.templateFlags(config), cfg.IdentityCenter.Region, f.stack(), digest[:16], f.overrides())
	return err
}

// packageNext keeps every package under a key of its own: CloudFormation looks
// at the key alone, and the way back leads to the one before.
const packageNext = `next, with a bucket of yours in that Region:
  aws s3 cp %s s3://BUCKET/studiokeeper-%s.zip
  studiokeeper deploy template%s >template.yaml
  aws cloudformation deploy --region %s --stack-name %s --template-file template.yaml --capabilities CAPABILITY_NAMED_IAM \
    --parameter-overrides CodeBucket=BUCKET CodeKey=studiokeeper-%s.zip%s
`

// stack is the name of the stack that the package is for.
func (f *packageFlags) stack() string {
	if f.directory {
		return "studiokeeper-active-directory"
	}
	return "studiokeeper"
}

func (f *packageFlags) templateFlags(config string) string {
	directory := ""
	if f.directory {
		directory = " --directory"
	}
	switch name, parameter := strings.CutPrefix(config, "ssm:"); {
	case parameter:
		return directory + " --config " + config + " --parameter " + name
	case config != "studiokeeper.yaml":
		return directory + " --config " + config
	}
	return directory
}

// overrides are those that the package itself makes necessary.
func (f *packageFlags) overrides() string {
	own := ""
	if f.directory {
		own = " SubnetIds=SUBNET,SUBNET SecurityGroupIds=GROUP"
	}
	if f.architecture == "amd64" {
		own += " Architecture=x86_64"
	}
	return own
}

// command is what is built for the zip.
func (f *packageFlags) command() string {
	if f.directory {
		return "studiokeeper/cmd/studiokeeper-directory"
	}
	return "studiokeeper/cmd/studiokeeper-lambda"
}

func (f *packageFlags) pack(ctx context.Context, config string, cfg *config.Config, env Environment) ([]byte, error) {
	files := map[string][]byte{}
	if !strings.HasPrefix(config, "ssm:") {
		text, err := os.ReadFile(config)
		if err != nil {
			return nil, fmt.Errorf("pack the configuration: %w", err)
		}
		adviseVariables(env, text)
		files["studiokeeper.yaml"] = text
	}
	if f.directory && cfg.Directory != nil && cfg.Directory.LDAP.CAFile != "" {
		issuers, err := os.ReadFile(cfg.Directory.LDAP.CAFile)
		if err != nil {
			return nil, fmt.Errorf("pack directory.ldap.caFile: %w", err)
		}
		files[filepath.ToSlash(filepath.Clean(cfg.Directory.LDAP.CAFile))] = issuers
	}
	program, err := f.program(ctx, env)
	if err != nil {
		return nil, err
	}
	if err := deploy.CheckBootstrap(program, f.architecture); err != nil {
		return nil, usage("%w", err)
	}
	files["bootstrap"] = program
	return deploy.Package(files)
}

// adviseVariables tells of variables that are set here: the function has none of them.
func adviseVariables(env Environment, text []byte) {
	asked := map[string]bool{}
	_, _ = config.Parse("", text, func(name string) (string, bool) { // it was read before, without a problem
		asked[name] = true
		return env.Lookup(name)
	})
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		fmt.Fprintf(env.Stderr, "advice: the configuration refers to ${%s}, which the function will not have: give it the variable, or write the value\n", name)
	}
}

func (f *packageFlags) program(ctx context.Context, env Environment) ([]byte, error) {
	if f.bootstrap != "" {
		program, err := os.ReadFile(f.bootstrap)
		if err != nil {
			return nil, usage("--bootstrap: %w", err)
		}
		return program, nil
	}
	dir, err := os.MkdirTemp("", "studiokeeper-")
	if err != nil {
		return nil, fmt.Errorf("build the function: %w", err)
	}
	program, err := f.build(ctx, env, filepath.Join(dir, "bootstrap"))
	return program, errors.Join(err, os.RemoveAll(dir))
}

func (f *packageFlags) build(ctx context.Context, env Environment, out string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", out, f.command())
	cmd.Dir, cmd.Stdout, cmd.Stderr = f.source, env.Stderr, env.Stderr
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+f.architecture, "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("build the function: %w (name the source with --source, or a built one with --bootstrap)", err)
	}
	return os.ReadFile(out)
}
