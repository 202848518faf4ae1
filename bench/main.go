// Command bench prints the table of docs/performance.md with this machine's
// figures. It runs the benchmarks of the rooms and puts each figure beside what
// AWS's request rates allow at best, or beside the plain way of doing the same.
//
//	go run ./bench           about a quarter of an hour
//	go run ./bench -quick    without what takes minutes
//	go run ./bench -largest  only what takes longer still, and 5 GB of memory
//	go run ./bench -o json   for scripts
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"text/tabwriter"
)

func main() {
	quick := flag.Bool("quick", false, "leave out what takes minutes")
	largest := flag.Bool("largest", false, "only what takes longer still, and 5 GB of memory")
	output := flag.String("o", "text", "text or json")
	flag.Parse()
	if flag.NArg() > 0 || *output != "text" && *output != "json" {
		fmt.Fprintln(os.Stderr, "bench takes no arguments, and -o is text or json")
		os.Exit(4)
	}
	wanted := func(s suite) bool { return s.largest == *largest && !(s.long && *quick) }
	if err := run(wanted, *output); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(wanted func(suite) bool, output string) error {
	figures := map[string]figures{}
	var errs []error
	for _, s := range suites() {
		if !wanted(s) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s %s …\n", s.pkg, s.pattern)
		text, err := s.run()
		if err != nil {
			errs = append(errs, err) // the others are worth their minutes all the same
			continue
		}
		parse(text, figures)
	}
	rows := table(figures)
	if output == "json" {
		return errors.Join(append(errs, json.NewEncoder(os.Stdout).Encode(rows))...)
	}
	return errors.Join(append(errs, write(os.Stdout, rows))...)
}

// run runs the suite's benchmarks, each once unless it says otherwise: most of
// them count calls and virtual time, which are the same every time.
func (s suite) run() ([]byte, error) {
	times := s.times
	if times == "" {
		times = "1x"
	}
	args := []string{"test", "-run", "NONE", "-bench", s.pattern, "-benchtime", times, "-benchmem", "-timeout", "60m", s.pkg}
	cmd := exec.Command("go", args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run the benchmarks %s of %s: %w\n%s", s.pattern, s.pkg, err, out.Bytes())
	}
	return out.Bytes(), nil
}

// Row is one line of the table.
type Row struct {
	What   string  `json:"what"`
	Here   float64 `json:"here"`
	Beside float64 `json:"beside,omitempty"` // 0: nothing to put beside it
	Unit   string  `json:"unit"`
	Than   string  `json:"than,omitempty"` // what stands beside it
	Ratio  float64 `json:"ratio,omitempty"`
}

// table takes from the figures what the lines ask for, in their order. A line
// whose benchmark did not run is left out.
func table(from map[string]figures) []Row {
	var rows []Row
	for _, l := range lines() {
		here, ran := from[l.bench][l.here]
		if !ran {
			continue
		}
		r := Row{What: l.what, Here: here * l.scale(), Unit: l.unit, Than: l.than, Beside: l.limit}
		switch {
		case l.beside != "":
			r.Beside = from[l.bench][l.beside] * l.scale()
		case l.ratio != "":
			r.Beside = r.Here / from[l.bench][l.ratio]
		}
		if r.Beside > 0 {
			r.Ratio = r.Here / r.Beside
		}
		rows = append(rows, r)
	}
	return rows
}

func write(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\there\t\tbeside\t\tratio")
	for _, r := range rows {
		beside, ratio := "", ""
		if r.Beside > 0 {
			beside, ratio = number(r.Beside), fmt.Sprintf("%.3g", r.Ratio)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", r.What, number(r.Here), r.Unit, beside, r.Than, ratio)
	}
	return t.Flush()
}

// number is short, and without an exponent.
func number(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	default:
		return fmt.Sprintf("%.2f", n)
	}
}

// figures are a benchmark's values by unit.
type figures map[string]float64

// parse adds the result lines of the go command's output to those by benchmark.
func parse(text []byte, to map[string]figures) {
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) < 4 || !bytes.HasPrefix(fields[0], []byte("Benchmark")) {
			continue
		}
		name := string(fields[0][len("Benchmark"):])
		if at := bytes.LastIndexByte(fields[0], '-'); at > 0 {
			name = string(fields[0][len("Benchmark"):at])
		}
		values := figures{}
		for pair := range slices.Chunk(fields[2:], 2) {
			var n float64
			if _, err := fmt.Sscan(string(pair[0]), &n); err == nil && len(pair) == 2 {
				values[string(pair[1])] = n
			}
		}
		to[name] = values
	}
}
