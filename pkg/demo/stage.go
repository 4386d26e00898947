// Package demo sets a stage on which authctl can be shown and measured: the
// five simulated APIs on a loopback port, the profiles of
// profiles.example.yaml pointed at them, and folders that go away afterwards.
package demo

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/sim"
)

// Stage is running APIs and the folders that authctl works in.
type Stage struct {
	Sim *sim.Server
	URL string // "http://127.0.0.1:PORT"; an API is at URL/NAME

	folder string
	http   *http.Server
}

// New builds a stage; the caller closes it. profiles is the path of
// profiles.example.yaml.
func New(profiles string) (*Stage, error) {
	example, err := os.ReadFile(profiles)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Stage{Sim: sim.New(sim.Options{}), URL: "http://" + listener.Addr().String()}
	s.http = &http.Server{Handler: s.Sim, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(listener) }() // it ends when Close is called
	if err := s.furnish(string(example)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// furnish makes the folders and writes the profiles.
func (s *Stage) furnish(example string) error {
	text, err := repoint(example, s.URL)
	if err != nil {
		return err
	}
	if s.folder, err = os.MkdirTemp("", "authctl-demo"); err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(filepath.Join(s.config(), "authctl"), 0o700),
		os.WriteFile(filepath.Join(s.config(), "authctl", "profiles.yaml"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(s.config(), ".curlrc"), nil, 0o600),
	)
}

func (s *Stage) config() string { return filepath.Join(s.folder, "config") }

// Close ends the APIs and removes the folders.
func (s *Stage) Close() error {
	s.Sim.Close()
	err := s.http.Close()
	if s.folder != "" {
		err = errors.Join(err, os.RemoveAll(s.folder))
	}
	return err
}

// Env returns environ for programs on the stage, as NAME=value: authctl finds
// the stage's folders and nothing of the user's own but the keyring, and no
// proxy and no .curlrc stands between curl and the APIs.
func (s *Stage) Env(environ []string) []string {
	var env []string
	for _, pair := range environ {
		if name, _, _ := strings.Cut(pair, "="); !isForeign(strings.ToUpper(name)) {
			env = append(env, pair)
		}
	}
	data := filepath.Join(s.folder, "data")
	return append(env,
		"XDG_CONFIG_HOME="+s.config(), "XDG_STATE_HOME="+filepath.Join(s.folder, "state"), "XDG_DATA_HOME="+data,
		"APPDATA="+s.config(), "LOCALAPPDATA="+data, "CURL_HOME="+s.config(),
	)
}

// isForeign says whether a variable would lead a program off the stage.
func isForeign(name string) bool {
	switch name {
	case "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA", "CURL_HOME", "AUTH0_TOKEN":
		return true
	}
	return strings.HasPrefix(name, "AUTHCTL_") || strings.HasSuffix(name, "_PROXY")
}

// baseURLs are those in profiles.example.yaml, each with the API that takes its
// place.
func baseURLs() [][2]string {
	return [][2]string{
		{"base_url: https://api.logware.io", sim.Logware},
		{"sandbox: https://api-sandbox.zumrails.com", sim.Zumrails},
		{"production: https://api-app.zumrails.com", sim.ZumrailsProduction},
		{"base_url: https://analogue.com", sim.Analogue},
		{"base_url: http://127.0.0.1:8080", sim.DatarheiCore},
		{"base_url: https://saas.haut.ai", sim.HautAI},
	}
}

// repoint changes the base URLs of the example, and nothing else. It refuses an
// example that holds other ones: a base URL that is left over would be called.
func repoint(example, url string) (string, error) {
	lines := strings.Split(example, "\n")
	for _, pair := range baseURLs() {
		found := 0
		for i, line := range lines {
			if strings.TrimSpace(line) == pair[0] {
				key, _, _ := strings.Cut(line, ":")
				lines[i] = key + ": " + url + "/" + pair[1]
				found++
			}
		}
		if found != 1 {
			return "", fmt.Errorf("the profiles have the line %q %d times, not once; pkg/demo has to follow", pair[0], found)
		}
	}
	return strings.Join(lines, "\n"), nil
}
