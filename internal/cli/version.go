package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"studiokeeper/internal/render"
)

// release is the version of the program; a build may carry more in its build
// information.
const release = "0.1.0"

type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand(env Environment) *cobra.Command {
	var format output
	c := &cobra.Command{
		Use:   "version",
		Short: "Prints the version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			v := versionInfo{Version: release, Revision: revision(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			if asJSON {
				return render.JSON(env.Stdout, v)
			}
			_, err = fmt.Fprintf(env.Stdout, "studiokeeper %s (%s, %s)\n", v.Version, v.Go, v.Platform)
			return err
		},
	}
	format.add(c)
	return c
}

// revision is the commit that the program was built from, where the build recorded it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
