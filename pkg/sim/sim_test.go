package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/sim"
)

// testClock is a clock that a test moves.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a simulation on a port.
type world struct {
	t     *testing.T
	sim   *sim.Server
	url   string
	clock *testClock
}

// start returns a simulation at noon on 2 January 2026.
func start(t *testing.T, o sim.Options) *world {
	t.Helper()
	clock := &testClock{now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	o.Now = clock.Now
	server := sim.New(o)
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	t.Cleanup(server.Close)
	return &world{t: t, sim: server, url: web.URL, clock: clock}
}

// ask is a request of a test. Type is its Content-Type; "" means
// application/json for one with a body.
type ask struct {
	Method, Path string
	Auth, Type   string
	Body         string
}

// got is an answer: its JSON in one line, with issued tokens as T1, T2, … in the
// order of issue, UUIDs as ID, and the address of the server as BASE.
type got struct {
	Status int
	Body   string
}

// raw sends a request and follows no redirect.
func (w *world) raw(a ask) (*http.Response, error) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), a.Method, w.url+a.Path, strings.NewReader(a.Body))
	if err != nil {
		w.t.Fatal(err)
	}
	if a.Body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if a.Type != "" {
		r.Header.Set("Content-Type", a.Type)
	}
	if a.Auth != "" {
		r.Header.Set("Authorization", w.fill(a.Auth))
	}
	transport := &http.Transport{DisableKeepAlives: true}
	w.t.Cleanup(transport.CloseIdleConnections)
	return transport.RoundTrip(r)
}

// fill puts the issued token in the place of T1, T2, … A token itself can hold
// such letters, so only a whole word after the scheme counts.
func (w *world) fill(auth string) string {
	m := regexp.MustCompile(`^([A-Za-z]* *)T(\d+)(x?)$`).FindStringSubmatch(auth)
	if m == nil {
		return auth
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || n > len(w.sim.Tokens()) {
		w.t.Fatalf("no token %s", auth)
	}
	return m[1] + w.sim.Tokens()[n-1] + m[3]
}

// ask sends a request and returns the answer in short.
func (w *world) ask(a ask) got {
	w.t.Helper()
	response, err := w.raw(a)
	if err != nil {
		w.t.Fatalf("%s %s: %v", a.Method, a.Path, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", a.Method, a.Path, err)
	}
	body := string(data)
	for i, token := range w.sim.Tokens() {
		body = strings.ReplaceAll(body, token, fmt.Sprintf("T%d", i+1))
	}
	body = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllString(body, "ID")
	return got{response.StatusCode, strings.ReplaceAll(body, w.url, "BASE")}
}

// step is a request and the answer that it should get.
type step struct {
	name string
	ask  ask
	want got
}

// check sends the requests one after the other.
func (w *world) check(steps []step) {
	w.t.Helper()
	for _, s := range steps {
		if diff := cmp.Diff(s.want, w.ask(s.ask)); diff != "" {
			w.t.Errorf("%s: %s %s (-want +got):\n%s", s.name, s.ask.Method, s.ask.Path, diff)
		}
	}
}

// jwtClaims reads the claims of a token, numbers as they are written.
func jwtClaims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	d := json.NewDecoder(bytes.NewReader(decodeSegment(t, parts[1])))
	d.UseNumber()
	claims := map[string]any{}
	if err := d.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestAnyPasswordArrives sends passwords that break careless templates.
func TestAnyPasswordArrives(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	passwords := map[string]string{
		"quote": `a"b'c`, "backslash": `a\b\\c`, "braces": "{{password}}{{x", "form": "a&b=c%20+d",
		"line break": "a\nb\r\nc", "long": strings.Repeat("x", 4096), "umlauts": "pässwörd-密码-🔑",
		"nul": "a\x00b", "spaces": "  a  ",
	}
	for name, password := range passwords {
		t.Run(name, func(t *testing.T) {
			if err := w.sim.SetPassword(sim.Logware, name, password); err != nil {
				t.Fatal(err)
			}
			body, err := json.Marshal(map[string]string{"login": name, "password": password})
			if err != nil {
				t.Fatal(err)
			}
			w.sim.ResetRequests()
			if answer := w.ask(ask{Method: "POST", Path: "/logware/api/users/authenticate", Body: string(body)}); answer.Status != 200 {
				t.Errorf("%d %s", answer.Status, answer.Body)
			}
			if diff := cmp.Diff(string(body), string(w.sim.Requests()[0].Body)); diff != "" {
				t.Errorf("the log has another body (-sent +logged):\n%s", diff)
			}
		})
	}
}

func TestRequestsAreLogged(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var lines []string
	w := start(t, sim.Options{OnRequest: func(r sim.Request) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, r.String())
	}})
	w.ask(ask{Method: "POST", Path: "/zumrails/api/authorize?key=secret&a=b", Body: `{"x":1}`, Auth: "Bearer x"})
	w.ask(ask{Method: "GET", Path: "/haut-ai/%2e%2e/%C3%A4"})
	w.ask(ask{Method: "GET", Path: "/nowhere"})
	w.ask(ask{Method: "GET", Path: "/sim/requests"})
	want := []sim.Request{
		{
			Time: w.clock.Now(), API: "zumrails", Method: "POST", Path: "/api/authorize?key=secret&a=b",
			Header: http.Header{
				"Accept-Encoding": {"gzip"}, "Authorization": {"Bearer x"}, "Content-Length": {"7"},
				"Content-Type": {"application/json"}, "User-Agent": {"Go-http-client/1.1"}, "Connection": {"close"},
			},
			Body: []byte(`{"x":1}`), Status: 400,
		},
		{
			Time: w.clock.Now(), API: "haut-ai", Method: "GET", Path: "/%2e%2e/%C3%A4",
			Header: http.Header{"Accept-Encoding": {"gzip"}, "User-Agent": {"Go-http-client/1.1"}, "Connection": {"close"}},
			Body:   []byte{}, Status: 404,
		},
	}
	if diff := cmp.Diff(want, w.sim.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	wantLines := []string{
		"zumrails POST /api/authorize?a=…&key=… 400", "haut-ai GET /%2e%2e/%C3%A4 404", "nowhere GET  404", "sim GET /requests 200",
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestOnlyLoopback keeps out other clients and DNS rebinding.
func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	tests := []struct {
		client, host string
		want         int
	}{
		{"127.0.0.1:1", "127.0.0.1:8484", 200},
		{"127.0.0.1:1", "localhost", 200},
		{"127.0.0.1:1", "LOCALHOST:1", 200},
		{"[::1]:1", "[::1]:8484", 200},
		{"[::ffff:127.0.0.1]:1", "127.8.8.8", 200},
		{"127.0.0.1:1", "evil.example:8484", 403},
		{"127.0.0.1:1", "localhost.evil.example", 403},
		{"127.0.0.1:1", "127.0.0.1.evil.example", 403},
		{"127.0.0.1:1", "", 403},
		{"192.0.2.1:1", "127.0.0.1", 403},
		{"", "127.0.0.1", 403},
	}
	server := sim.New(sim.Options{})
	for _, tt := range tests {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/datarhei-core/api", nil)
		r.RemoteAddr, r.Host = tt.client, tt.host
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("client %q host %q: %d, want %d", tt.client, tt.host, w.Code, tt.want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			w.ask(ask{Method: "POST", Path: "/haut-ai/api/v1/auth/login/", Body: hautBody})
			w.ask(ask{Method: "PUT", Path: "/sim/faults/logware", Body: "500 next=1"})
			w.ask(ask{Method: "GET", Path: "/logware/api/whoami"})
			w.ask(ask{Method: "GET", Path: "/sim/requests"})
		})
	}
	wait.Wait()
	tokens := map[string]bool{}
	for _, token := range w.sim.Tokens() {
		tokens[token] = true
	}
	if len(tokens) != 40 {
		t.Errorf("%d different tokens, want 40", len(tokens))
	}
}

// TestSetPassword changes the password of a user and leaves the rest.
func TestSetPassword(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	if err := w.sim.SetPassword(sim.HautAI, "mfa@haut-ai.example", "new"); err != nil {
		t.Fatal(err)
	}
	login := func(password string) ask {
		return ask{Method: "POST", Path: "/haut-ai/api/v1/auth/login/", Body: `{"username":"mfa@haut-ai.example","password":"` + password + `"}`}
	}
	w.check([]step{
		{"old", login("haut-ai-s3cr3t-mfa"), got{401, `{"code":"no_active_account","detail":"No active account found with the given credentials"}`}},
		{"new", login("new"), got{400, `{"code":"mfa_required","detail":"This account has multi-factor authentication, a password is not enough"}`}},
	})
	if w.sim.SetPassword("nothing", "a", "b") == nil || w.sim.SetPassword(sim.HautAI, "", "b") == nil {
		t.Error("no error for no API or no name")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sim.Options{
		"lifetime of nothing": {Lifetimes: map[string]time.Duration{"nothing": time.Hour}},
		"too short":           {Lifetimes: map[string]time.Duration{sim.Logware: time.Millisecond}},
		"limit of nothing":    {Limits: map[string]sim.Limit{"nothing": {}}},
		"user of nothing":     {Users: []sim.User{{API: "nothing", Name: "a", Password: "b"}}},
		"user without name":   {Users: []sim.User{{API: sim.Logware}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("New took it")
				}
			}()
			sim.New(o)
		})
	}
}
