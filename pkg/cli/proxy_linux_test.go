package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// upstream is an API that takes the last of its tokens and no other.
type upstream struct {
	mu       sync.Mutex
	issued   int
	renewals int
	seen     http.Header // of the last request
}

func (u *upstream) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.issued++
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	login := strings.HasPrefix(r.URL.Path, "/api/in")
	if login {
		u.issued++
		u.renewals++
	}
	n := u.issued
	u.seen = r.Header.Clone()
	u.mu.Unlock()
	w.Header().Set("Set-Cookie", "sid=opal-session")
	switch {
	case login:
		_, _ = fmt.Fprintf(w, `{"t":"agate-%d","r":"ruby"}`, n)
	case r.Header.Get("Authorization") != fmt.Sprintf("Bearer agate-%d", n):
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/api/stream":
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // the client has read it
	case r.URL.Path == "/api/socket":
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = both.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_ = both.Flush()
		line, _ := both.ReadString('\n')
		_, _ = both.WriteString("echo " + line)
		_ = both.Flush()
	case r.URL.Path == "/api/moved":
		http.Redirect(w, r, "/api/echo?q=1", http.StatusFound)
	default:
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.RequestURI(), len(body))
	}
}

// testProxy uses the API of a profile through the proxy as programs do.
func testProxy(t *testing.T, program string) {
	api := &upstream{}
	web := httptest.NewServer(api)
	defer web.Close()
	s := newScene(t, program, store.File, storetest.NoBus())
	own := filepath.Join(s.home, ".config", "authctl", "profiles.d")
	text := "version: 1\nprofiles:\n  own:\n    base_url: " + web.URL + "/api\n    login: {request: POST /in, form: {u: \"{{username}}\"}}\n" +
		"    refresh: {request: POST /in2, form: {r: \"{{refresh_token}}\"}}\n    token: .t\n    refresh_token: .r\n    lifetime: 1h\n"
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "own.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.want(0, "login", "own", "--username", "ann")
	address := s.startProxy("own")
	t.Run("Passes", func(t *testing.T) { testProxyPasses(t, address, api) })
	t.Run("Threat06_OnlyWithTheSecret", func(t *testing.T) { testProxyRefuses(t, address) })
	t.Run("Streams", func(t *testing.T) { testProxyStreams(t, address) })
	t.Run("OneRenewal", func(t *testing.T) { testProxyRenews(t, address, api) })
	s.want(3, "proxy", "core")
}

// startProxy returns the address that the proxy prints. It ends with the test, as
// by Ctrl-C.
func (s *scene) startProxy(args ...string) string {
	s.t.Helper()
	cmd := s.command(append([]string{"proxy"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			s.t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("proxy: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// ask sends a request and returns status and body.
func ask(t *testing.T, method, url, body string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Host = header.Get("Host")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return answer.StatusCode, string(data) + strings.Join(answer.Header.Values("Set-Cookie"), "")
}

func testProxyPasses(t *testing.T, address string, api *upstream) {
	for request, want := range map[string]string{
		"GET /echo": "GET /api/echo 0", "GET /echo?a=1": "GET /api/echo?a=1 0", "PUT /a%2Fb": "PUT /api/a%2Fb 0", "GET /moved": "GET /api/echo?q=1 0",
	} {
		method, path, _ := strings.Cut(request, " ")
		status, body := ask(t, method, address+path, "", nil)
		if diff := cmp.Diff(fmt.Sprint(200, " ", want), fmt.Sprint(status, " ", body)); diff != "" {
			t.Error(diff)
		}
	}
	if _, body := ask(t, "POST", address+"/up", strings.Repeat("x", 1<<20), nil); body != "POST /api/up 1048576" {
		t.Errorf("an upload: %s", body)
	}
	mine := http.Header{"Authorization": {"Bearer mine"}, "Cookie": {"sid=mine"}, "Referer": {address + "/x"}}
	status, _ := ask(t, "GET", address+"/echo", "", mine)
	if status != 200 || api.seen.Get("Cookie")+api.seen.Get("Referer") != "" || api.seen.Get("Authorization") == "Bearer mine" {
		t.Errorf("status %d; what the client sent came through: %v", status, api.seen)
	}
}

func testProxyRefuses(t *testing.T, address string) {
	origin := address[:strings.LastIndex(address, "/")]
	for name, test := range map[string]struct {
		url  string
		host string
	}{
		"no secret": {origin + "/echo", ""}, "another": {origin + "/AAAAAAAAAAAAAAAAAAAAAAAAAA/echo", ""}, "a part": {address[:len(address)-1] + "/echo", ""},
		"more": {address + "x/echo", ""}, "rebinding": {address + "/echo", "evil.example"},
	} {
		if status, _ := ask(t, "GET", test.url, "", http.Header{"Host": {test.host}}); status != http.StatusForbidden {
			t.Errorf("%s: status %d", name, status)
		}
	}
}

func testProxyStreams(t *testing.T, address string) {
	answer, err := http.Get(address + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(answer.Body).ReadString('\n'); line != "data: 1\n" {
		t.Errorf("an event: %q, %v", line, err)
	}
	_ = answer.Body.Close()
	host, secret, _ := strings.Cut(strings.TrimPrefix(address, "http://"), "/")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = fmt.Fprintf(conn, "GET /%s/socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", secret, host)
	lines := bufio.NewReader(conn)
	upgraded, err := http.ReadResponse(lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = upgraded.Body.Close()
	_, _ = io.WriteString(conn, "hello\n")
	if echo, err := lines.ReadString('\n'); upgraded.StatusCode != http.StatusSwitchingProtocols || echo != "echo hello\n" {
		t.Errorf("a WebSocket: status %d, %q, %v", upgraded.StatusCode, echo, err)
	}
}

func testProxyRenews(t *testing.T, address string, api *upstream) {
	api.mu.Lock()
	before := api.renewals
	api.mu.Unlock()
	var all sync.WaitGroup
	for i := range 200 {
		if i == 100 {
			api.end()
		}
		all.Go(func() {
			if status, body := ask(t, "POST", address+"/echo", "opal", nil); status != 200 || body != "POST /api/echo 4" {
				t.Errorf("status %d: %s", status, body)
			}
		})
	}
	all.Wait()
	if got := api.renewals - before; got != 1 {
		t.Errorf("%d renewals, want 1", got)
	}
}
