package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// result is what a run left behind.
type result struct {
	Code           int
	Stdout, Stderr string
}

func TestRunEndsAtOnce(t *testing.T) {
	t.Parallel()
	const hint = "hint: authsim --help\n"
	tests := map[string]struct {
		args []string
		want result
	}{
		"unknown flag": {[]string{"--nothing"}, result{2, "", "authsim: unknown flag: --nothing\n" + hint}},
		"argument":     {[]string{"x"}, result{2, "", "authsim: unknown command \"x\" for \"authsim\"\n" + hint}},
		"all interfaces": {[]string{"--listen", "0.0.0.0:1"}, result{2, "",
			"authsim: --listen 0.0.0.0:1: the host must be a loopback address, such as 127.0.0.1 or [::1]\n" + hint}},
		"a name": {[]string{"--listen", "example.com:1"}, result{2, "",
			"authsim: --listen example.com:1: the host must be a loopback address, such as 127.0.0.1 or [::1]\n" + hint}},
		"no port": {[]string{"--listen", "127.0.0.1"}, result{2, "",
			"authsim: --listen 127.0.0.1: address 127.0.0.1: missing port in address\n" + hint}},
		"no number": {[]string{"--listen", "127.0.0.1:x"}, result{2, "",
			"authsim: --listen 127.0.0.1:x: the port must be a number up to 65535\n" + hint}},
		"bad fault": {[]string{"--fault", "logware=slow:-1s"}, result{2, "",
			"authsim: --fault logware=slow:-1s: fault \"slow:-1s\": -1s is less than nothing\n" + hint}},
		"fault of nothing": {[]string{"--fault", "x=html"}, result{2, "",
			"authsim: --fault x=html: no API is called \"x\": there are logware, zumrails, zumrails-production, analogue, datarhei-core, haut-ai, rotating\n" + hint}},
		"bad lifetime": {[]string{"--lifetime", "logware"}, result{2, "",
			"authsim: --lifetime logware: time: invalid duration \"\"\n" + hint}},
		"profiles without a port": {[]string{"--profiles", "--listen", ":0"}, result{2, "",
			"authsim: --profiles needs a --listen address with a port\n" + hint}},
		"profiles": {[]string{"--profiles", "--listen", "localhost:1234"}, result{0, `logware
  base URL  http://127.0.0.1:1234/logware
  user      my-API-login
  password  logware-s3cr3t-1
zumrails
  base URL  http://127.0.0.1:1234/zumrails
  user      sandbox-api-user
  password  zumrails-s3cr3t-2
zumrails-production
  base URL  http://127.0.0.1:1234/zumrails-production
  user      production-api-user
  password  zumrails-production-s3cr3t-2
analogue
  base URL  http://127.0.0.1:1234/analogue
  user      user@analogue.com
  password  analogue-s3cr3t-3
datarhei-core
  base URL  http://127.0.0.1:1234/datarhei-core
  user      admin
  password  datarhei-core-s3cr3t-4
haut-ai
  base URL  http://127.0.0.1:1234/haut-ai
  user      dev@haut-ai.example
  password  haut-ai-s3cr3t-5
rotating
  base URL  http://127.0.0.1:1234/rotating
  user      ada
  password  rotating-s3cr3t-6
`, ""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), tt.args, &stdout, &stderr)
			if diff := cmp.Diff(tt.want, result{code, stdout.String(), stderr.String()}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHelpNamesEveryFlagAndFault(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--help"}, &stdout, &stderr)
	for _, part := range []string{
		"--listen", "--lifetime NAME=DURATION", "--fault API=FAULT", "--login-delay", "--profiles", "rotating", "redirect:CODE:URL", "bomb", "Examples:",
	} {
		if !strings.Contains(stdout.String(), part) {
			t.Errorf("help does not name %s", part)
		}
	}
	if code != 0 || stderr.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, stderr.String())
	}
}

// fetch sends a request and returns the status and the body.
func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// TestServe starts the program, asks it, and presses Ctrl-C while one client
// still waits.
func TestServe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr buffer
	code := make(chan int, 1)
	go func() {
		args := []string{"--listen", ":0", "--lifetime", "datarhei-core=90s", "--fault", "zumrails=html next=1", "--fault", "analogue=slow:1h"}
		code <- run(ctx, args, &stdout, &stderr)
	}()
	origin := waitFor(t, &stdout, regexp.MustCompile(`http://127\.0\.0\.1:\d+`))

	status, body := fetch(t, "POST", origin+"/zumrails/api/authorize?q=s3cr3t", `{"Username":"a","Password":"s3cr3t"}`)
	if status != 200 || !strings.HasPrefix(body, "<!DOCTYPE html>") {
		t.Errorf("%d %s", status, body)
	}
	if status, body = fetch(t, "POST", origin+"/logware/api/users/authenticate", `{"login":"my-API-login","password":"logware-s3cr3t-1"}`); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, body = fetch(t, "GET", origin+"/sim/", ""); status != 200 || !strings.Contains(body, `"lifetime": "1m30s"`) {
		t.Errorf("%d %s", status, body)
	}
	waiting := make(chan error, 1)
	go func() {
		// Without keep-alive: a client tries again where a kept connection breaks.
		_, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(origin + "/analogue/api/whoami")
		waiting <- err
	}()
	for asked := ""; !strings.Contains(asked, "/api/whoami"); {
		_, asked = fetch(t, "GET", origin+"/sim/requests", "")
	}
	cancel()
	if err := <-waiting; err == nil {
		t.Error("the slow answer came")
	}
	if c := <-code; c != 0 {
		t.Errorf("exit %d, stderr %q", c, stderr.String())
	}
	lines := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d `).ReplaceAllString(stderr.String(), "")
	lines = strings.ReplaceAll(lines, "sim GET /requests 200\n", "") // as often as it took
	want := "zumrails POST /api/authorize?q=… 200\nlogware POST /api/users/authenticate 200\nsim GET / 200\nanalogue GET /api/whoami -\n"
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("stderr (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(startText(origin), stdout.String()); diff != "" {
		t.Errorf("stdout (-want +got):\n%s", diff)
	}
}

// waitFor waits until the output holds what the pattern wants.
func waitFor(t *testing.T, b *buffer, pattern *regexp.Regexp) string {
	t.Helper()
	for range 2000 {
		if found := pattern.FindString(b.String()); found != "" {
			return found
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("no %s in %q", pattern, b.String())
	return ""
}

// startText is what the program says at its start. Columns are as wide as the
// port makes them, so blanks are not compared by hand.
func startText(origin string) string {
	pad := func(path string) string { // the longest URL and two blanks
		return origin + path + strings.Repeat(" ", len("/zumrails-production")-len(path)+2)
	}
	return "authsim simulates these APIs. Press Ctrl-C to end it.\n\n" +
		"API                  BASE URL" + strings.Repeat(" ", len(origin)+len("/zumrails-production")-len("BASE URL")+2) + "USER                 PASSWORD\n" +
		"logware              " + pad("/logware") + "my-API-login         logware-s3cr3t-1\n" +
		"zumrails             " + pad("/zumrails") + "sandbox-api-user     zumrails-s3cr3t-2\n" +
		"zumrails-production  " + pad("/zumrails-production") + "production-api-user  zumrails-production-s3cr3t-2\n" +
		"analogue             " + pad("/analogue") + "user@analogue.com    analogue-s3cr3t-3\n" +
		"datarhei-core        " + pad("/datarhei-core") + "admin                datarhei-core-s3cr3t-4\n" +
		"haut-ai              " + pad("/haut-ai") + "dev@haut-ai.example  haut-ai-s3cr3t-5\n" +
		"haut-ai              " + pad("/haut-ai") + "mfa@haut-ai.example  haut-ai-s3cr3t-mfa  (has a second factor, so it is refused)\n" +
		"rotating             " + pad("/rotating") + "ada                  rotating-s3cr3t-6\n" +
		"\nMore, such as faults, the requests so far and Auth0 tokens: " + origin + "/sim/\n"
}

func TestListenErrorExits1(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout buffer
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"--listen", "[::1]:0"}, &stdout, io.Discard) }()
	var first string
	select {
	case <-code:
		t.Skip("this machine has no ::1")
	case first = <-found(t, &stdout):
	}
	var stderr bytes.Buffer
	if c := run(ctx, []string{"--listen", first}, io.Discard, &stderr); c != 1 || !strings.Contains(stderr.String(), "listen") {
		t.Errorf("exit %d: %s", c, stderr.String())
	}
}

// found sends the address that the output names, once it does.
func found(t *testing.T, b *buffer) <-chan string {
	t.Helper()
	c := make(chan string, 1)
	go func() {
		for range 2000 {
			if m := regexp.MustCompile(`http://(\[::1\]:\d+)`).FindStringSubmatch(b.String()); m != nil {
				c <- m[1]
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	return c
}
