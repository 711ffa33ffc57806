// Oracle writes the expectations of golden programs from what the real Go toolchain does with them.
//
//	go run tests/oracle/main.go [-check] file.gm|folder ...
//
// It is run from the root of the repository. Scripts (files without a package clause) and programs marked
// `// gmpl only` are left alone: Go has no opinion on them. With -check nothing is written, and every
// difference is reported. The test suite itself does not need Go.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

var (
	check = flag.Bool("check", false, "report differences, write nothing")
	bad   int

	packageLine = regexp.MustCompile(`(?m)^package \w+`)
	goError     = regexp.MustCompile(`^(?:\./)?([\w./-]+)\.go:(\d+):\d+: (.*)$`)
	goroutine   = regexp.MustCompile(`^goroutine (\d+) (?:gp=.*)?\[([^],]*)`)
	elsewhere   = regexp.MustCompile(` (?:already (?:defined|declared) at |at |\((?:declared|first) at |\(/)\S*[./].*$`)
	place       = regexp.MustCompile(`^\t.*?([\w.-]+)\.go:(\d+)`)
	address     = regexp.MustCompile(`^(\t*panic: .*\)) (?:0x[0-9a-f]+|\{.*0x.*\})(.*)$`)
)

func main() {
	flag.Parse()
	work, err := os.MkdirTemp("", "oracle")
	must(err)
	defer os.RemoveAll(work)
	for _, root := range flag.Args() {
		must(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
					visit(work, filepath.Join(path, "main.gm"), path)
					return fs.SkipDir
				}
				return nil
			}
			if strings.HasSuffix(path, ".gm") {
				visit(work, path, "")
			}
			return nil
		}))
	}
	if bad > 0 {
		fmt.Printf("%d files differ or failed\n", bad)
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	}
}

func fail(path, format string, args ...any) {
	bad++
	why := fmt.Sprintf(format, args...)
	fmt.Printf("%s: %s\n", path, why[:min(len(why), 2000)])
}

// visit handles one program: the file, or the folder (a module) whose main.gm it is.
func visit(work, path, module string) {
	data, err := os.ReadFile(path)
	must(err)
	source := string(data)
	head := directives(source)
	if !packageLine.MatchString(source) || head["gmpl only"] != nil {
		return
	}
	body := source
	for _, mark := range []string{"\n// Output:\n", "\n// Stderr:\n", "\n// Exit: "} {
		if i := strings.Index(body, mark); i >= 0 {
			body = body[:i+1]
		}
	}
	stem := strings.TrimSuffix(filepath.Base(path), ".gm")
	dir := filepath.Join(work, stem)
	must(os.RemoveAll(dir))
	if module == "" {
		must(os.MkdirAll(dir, 0o755))
		must(os.WriteFile(filepath.Join(dir, stem+".go"), data, 0o644))
		must(os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module golden\n\ngo 1.27\n"), 0o644))
	} else {
		copyModule(module, dir)
	}
	binary := filepath.Join(dir, "prog")
	build := exec.Command("go", "build", "-ldflags=-s", "-gcflags=-e", "-o", binary, ".")
	build.Dir = dir
	said, err := build.CombinedOutput()
	if err != nil && !strings.Contains(path, "compile_errors") && !strings.Contains(body, `// ERROR "`) {
		fail(path, "does not compile:\n%s", said)
		return
	}
	if err != nil {
		if n := strings.Count(string(said), "\n./"); n > 10 {
			fail(path, "%d errors, more than are reported", n)
		}
		finish(path, source, compileErrors(path, stem, body, string(said)))
		return
	}
	if strings.Contains(body, `// ERROR "`) {
		fail(path, "Go compiles it")
		return
	}
	var first string
	for _, procs := range []string{"1", "4"} {
		if p := head["procs"]; p != nil && p[0] != procs {
			continue
		}
		text, err := expectations(binary, head, procs)
		if err != nil {
			fail(path, "%v", err)
			return
		}
		if first != "" && text != first {
			fail(path, "differs between 1 and %s processors:\n%s---\n%s", procs, first, text)
			return
		}
		first = text
	}
	finish(path, source, strings.TrimRight(body, "\n")+"\n"+first)
}

func finish(path, old, new string) {
	if old == new {
		return
	}
	if *check {
		fail(path, "Go says otherwise:\n%s", new)
		return
	}
	must(os.WriteFile(path, []byte(new), 0o644))
}

// directives reads `// key: value` lines; `// key` alone is a directive without a value.
func directives(source string) map[string][]string {
	out := map[string][]string{}
	for _, line := range strings.Split(source, "\n") {
		text, ok := strings.CutPrefix(line, "// ")
		if !ok {
			continue
		}
		key, value, _ := strings.Cut(text, ": ")
		switch key {
		case "args", "stdin", "env", "procs", "flags", "unordered", "gmpl only":
			out[key] = append(out[key], value)
		}
	}
	return out
}

func copyModule(from, to string) {
	must(filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if name, ok := strings.CutSuffix(target, ".gm"); ok {
			target = name + ".go"
		}
		return os.WriteFile(target, data, 0o644)
	}))
}

// compileErrors puts what the compiler said behind the lines it said it about.
func compileErrors(path, stem, body, said string) string {
	lines := strings.Split(strings.TrimRight(body, "\n"), "\n")
	for i, line := range lines {
		lines[i] = line + "\x00"
	}
	for _, line := range strings.Split(said, "\n") {
		m := goError.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[2])
		// An error about the end of the file is marked on its last line.
		n = min(n, len(lines))
		lines[n-1] += m[3] + "\x00"
	}
	for i, line := range lines {
		parts := strings.Split(strings.TrimSuffix(line, "\x00"), "\x00")
		lines[i] = mark(path, parts[0], parts[1:])
	}
	return strings.Join(lines, "\n") + "\n"
}

// mark keeps the marks of a line that match what was said, and writes new ones for the rest.
func mark(path, line string, said []string) string {
	bare := line
	var marks []string
	if i := strings.Index(line, `// ERROR "`); i >= 0 {
		bare = strings.TrimRight(line[:i], " \t")
		for _, part := range strings.Split(line[i:], `// ERROR "`)[1:] {
			marks = append(marks, part[:strings.LastIndex(part, `"`)])
		}
	}
	for _, text := range said {
		kept := elsewhere.ReplaceAllString(text, "")
		for _, m := range marks {
			if strings.Contains(text, m) {
				kept = m
			}
		}
		bare += ` // ERROR "` + kept + `"`
	}
	return bare
}

// expectations runs the program and words what it did.
func expectations(binary string, head map[string][]string, procs string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var args []string
	for _, a := range head["args"] {
		args = append(args, strings.Fields(a)...)
	}
	run := exec.CommandContext(ctx, binary, args...)
	run.Env = append(os.Environ(), "GOMAXPROCS="+procs)
	run.Env = append(run.Env, head["env"]...)
	if in := head["stdin"]; in != nil {
		run.Stdin = strings.NewReader(strings.Join(in, "\n") + "\n")
	}
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	err := run.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("still running after 20 s")
	}
	status := 0
	if err != nil {
		status = run.ProcessState.ExitCode()
	}
	text := ""
	if out := stdout.String(); out != "" {
		if !strings.HasSuffix(out, "\n") {
			return "", fmt.Errorf("the output has no last newline")
		}
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if head["unordered"] != nil {
			sort.Strings(lines)
		}
		text += "\n// Output:\n"
		for _, line := range lines {
			if strings.TrimRight(line, " \t\r") != line {
				return "", fmt.Errorf("the output line %q ends in white space", line)
			}
			text += strings.TrimRight("// "+line, " ") + "\n"
		}
	}
	if said := errorLines(stderr.String(), status); len(said) > 0 {
		text += "\n// Stderr:\n"
		for _, line := range said {
			text += "// " + line + "\n"
		}
	}
	if status != 0 {
		text += fmt.Sprintf("\n// Exit: %d\n", status)
	}
	return text, nil
}

// errorLines keeps of standard error what does not change from run to run: no addresses, no numbers of
// goroutines but 1, no frames of the library and no more than a few of each goroutine.
func errorLines(text string, status int) []string {
	const framesKept = 12
	var out []string
	header, call, frames := "", "", 0
	inHead := true
	add := func(lines ...string) {
		if header != "" {
			out = append(out, header)
			header = ""
		}
		if frames++; frames <= framesKept {
			out = append(out, lines...)
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if m := goroutine.FindStringSubmatch(line); m != nil {
			inHead, call, frames = false, "", 0
			header = "[" + m[2] + "]:"
			if m[1] == "1" && !strings.Contains(line, "gp=") {
				header = "goroutine 1 " + header
			}
			continue
		}
		switch {
		case line == "runtime stack:":
			inHead = false
		case strings.TrimSpace(line) == "" || strings.Contains(line, "stack=[0x"):
		case status == 0 || inHead:
			line = address.ReplaceAllString(line, "$1$3")
			line, _, _ = strings.Cut(line, " code=")
			out = append(out, strings.TrimSpace(line))
		case strings.HasPrefix(line, "\t"):
			if m := place.FindStringSubmatch(line); m != nil && call != "" {
				add(call, m[1]+".gm:"+m[2])
			}
			call = ""
		case strings.HasPrefix(line, "created by main."):
			call, _, _ = strings.Cut(line, " in goroutine")
		case strings.HasPrefix(line, "main."):
			call = line[:strings.LastIndex(line, "(")+1]
		default:
			call = ""
		}
	}
	return out
}
