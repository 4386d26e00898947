package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// testThreat06NoProcessShows looks at the command lines and environments of all
// processes while a token is in use: none holds it, nor does any file of the
// home. The real curl makes the request.
func testThreat06NoProcessShows(t *testing.T, program string) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not here")
	}
	s := newScene(t, program, store.File, storetest.NoBus())
	s.lifetime("core", time.Hour)
	s.wantLogin("core")
	secret := strings.TrimSpace(s.want(0, "token", "core").stdout)
	for name, start := range map[string]func() *running{
		"authctl curl": func() *running { return s.start("", "curl", "core", "--", "-fsS", "/api/v3/process") },
		"curl -K -": func() *running {
			shell := s.command()
			shell.Path, shell.Args = "/bin/sh", []string{"sh", "-c", `"$0" token core --output curl | curl -fsS -K - ` + s.url + `/datarhei-core/api/v3/process`, program}
			return s.begin("", shell)
		},
	} {
		g := s.hold("/process", false)
		r := start()
		<-g.arrived
		shown, curls := processes(t, secret)
		if len(shown) > 0 || curls == 0 {
			t.Errorf("%s: %d curls; the token stands in %q", name, curls, shown)
		}
		g.let()
		if o := s.finish(r); o.code != 0 || !strings.HasPrefix(o.stdout, "[{") {
			t.Errorf("%s: exit %d: %q %s", name, o.code, o.stdout, o.stderr)
		}
	}
	err := filepath.WalkDir(s.home, func(path string, _ os.DirEntry, err error) error {
		if data, readErr := os.ReadFile(path); err == nil && readErr == nil && bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// processes looks at all processes: where a secret stands, and how many of them
// are curl.
func processes(t *testing.T, secret string) (shown []string, curls int) {
	t.Helper()
	for _, what := range []string{"cmdline", "environ"} {
		files, err := filepath.Glob("/proc/[0-9]*/" + what)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, _ := os.ReadFile(file) // it may have ended, or be somebody else's
			if bytes.Contains(data, []byte(secret)) {
				shown = append(shown, file)
			}
			if what == "cmdline" && bytes.HasPrefix(data, []byte("curl\x00")) {
				curls++
			}
		}
	}
	return shown, curls
}

// testFreshFileEnds kills authctl while a program reads its tokens from the file
// that is kept fresh: the file is gone with it.
func testFreshFileEnds(t *testing.T, program string) {
	s := newScene(t, program, store.File, storetest.NoBus())
	s.wantLogin("core")
	running := filepath.Join(t.TempDir(), "running")
	if err := os.WriteFile(running, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := s.start("", "exec", "core", "--refresh-file", "--", "sh", "-c", `while [ -e "$0" ]; do sleep 0.05; done`, running)
	files := filepath.Join("/proc", strconv.Itoa(r.Process.Pid), "fd", "*")
	memory := func() (path string) {
		all, _ := filepath.Glob(files)
		for _, path := range all {
			if target, _ := os.Readlink(path); strings.HasPrefix(target, "/memfd:authctl") {
				return path
			}
		}
		return ""
	}
	until(t, "the file in memory", func() bool { return memory() != "" })
	path := memory()
	token, err := os.ReadFile(path)
	if err != nil || !s.works("core", string(token)) {
		t.Errorf("%s: %v", path, err)
	}
	if err := os.WriteFile(path, []byte("evil"), 0); err == nil {
		t.Error("the file can be changed")
	}
	if err := r.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the file", func() bool { _, err := os.Stat(path); return err != nil })
	if err := os.Remove(running); err != nil {
		t.Error(err)
	}
	_ = s.finish(r) // killed; the program ends by itself
}
