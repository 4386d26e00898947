package demo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/profile"
)

const example = "../../profiles.example.yaml"

func newStage(t *testing.T) *Stage {
	t.Helper()
	s, err := New(example)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a second time, where the test has closed it
	return s
}

// TestOnlyBaseURLsChange compares the stage's profiles with the example, line by
// line.
func TestOnlyBaseURLsChange(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	file := filepath.Join(s.config(), "authctl", "profiles.yaml")
	before, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old, changed := strings.Split(string(before), "\n"), []string(nil)
	for i, line := range strings.Split(string(after), "\n") {
		if line != old[i] {
			changed = append(changed, strings.ReplaceAll(strings.TrimSpace(line), s.URL, "URL"))
		}
	}
	want := []string{
		"base_url: URL/logware", "sandbox: URL/zumrails", "production: URL/zumrails-production",
		"base_url: URL/analogue", "base_url: URL/datarhei-core", "base_url: URL/haut-ai",
	}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Errorf("changed lines (-want +got):\n%s", diff)
	}
	catalog, err := profile.Load([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range catalog.Names() {
		if _, err := catalog.Profile(name); err != nil {
			t.Error(err)
		}
	}
}

func TestRepointRefusesAnotherExample(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"changed": strings.ReplaceAll(string(data), "https://saas.haut.ai", "https://elsewhere.example"),
		"twice":   string(data) + "\n    base_url: https://saas.haut.ai\n",
	} {
		if _, err := repoint(text, "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "saas.haut.ai") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEnvLeadsToTheStageOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	env := s.Env([]string{
		"PATH=/bin", "DBUS_SESSION_BUS_ADDRESS=unix:path=/b", "AUTHCTL_PROFILE=mine", "AUTHCTL_AGE_IDENTITY=key",
		"http_proxy=http://proxy.example", "NO_PROXY=*", "AUTH0_TOKEN=t", "XDG_CONFIG_HOME=/home/ada/.config", "AppData=C:\\a",
	})
	want := []string{
		"PATH=/bin", "DBUS_SESSION_BUS_ADDRESS=unix:path=/b",
		"XDG_CONFIG_HOME=" + s.config(), "XDG_STATE_HOME=" + filepath.Join(s.folder, "state"), "XDG_DATA_HOME=" + filepath.Join(s.folder, "data"),
		"APPDATA=" + s.config(), "LOCALAPPDATA=" + filepath.Join(s.folder, "data"), "CURL_HOME=" + s.config(),
	}
	if !slices.Equal(env, want) {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, env))
	}
}

func TestCloseRemovesTheFolders(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there (%v)", s.folder, err)
	}
}
