package jwks

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
)

// The key of RFC 8037 A.2, under a name.
func keySet(name string) string {
	return `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"` + name + `","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
}

// issuer is a server and the requests that it got.
type issuer struct {
	*httptest.Server
	requests []string
	answer   func(http.ResponseWriter, *http.Request)
}

func newIssuer(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *issuer {
	i := &issuer{answer: answer}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.requests = append(i.requests, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("If-None-Match")))
		i.answer(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) asked() []string {
	asked := i.requests
	i.requests = nil
	return asked
}

type clock struct{ now time.Time }

func newClient(folder string, c *clock) *Client {
	return &Client{
		HTTP: call.NewHTTP(func(string) string { return "" }), Now: func() time.Time { return c.now }, Timeout: 5 * time.Second,
		UserAgent: "authctl/test", Folder: folder,
	}
}

func newClock() *clock { return &clock{time.Unix(1700000000, 0)} }

// names fetches the names of the keys, as a new process would.
func names(t *testing.T, c *Client, address string) []string {
	t.Helper()
	set, err := c.Set(address)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := set.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, key := range keys {
		list = append(list, key.ID)
	}
	return list
}

// What may be kept is not asked for again; what is stale is, with its mark.
func TestCache(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		headers map[string]string
		want    []string // requests: at once, after 30 seconds, after 2 minutes
	}{
		{"max-age", map[string]string{"Cache-Control": "public, max-age=60"}, []string{"/keys", "", "/keys"}},
		{"max-age and ETag", map[string]string{"Cache-Control": "Max-Age=60", "ETag": `"v1"`}, []string{"/keys", "", `/keys "v1"`}},
		{"age already", map[string]string{"Cache-Control": "max-age=60", "Age": "50"}, []string{"/keys", "/keys", "/keys"}},
		{"no-cache", map[string]string{"Cache-Control": "no-cache, max-age=600", "ETag": `"v1"`}, []string{"/keys", `/keys "v1"`, `/keys "v1"`}},
		{"no-store", map[string]string{"Cache-Control": "no-store, max-age=600", "ETag": `"v1"`}, []string{"/keys", "/keys", "/keys"}},
		{"expires", map[string]string{"Date": "Tue, 14 Nov 2023 22:00:00 GMT", "Expires": "Tue, 14 Nov 2023 22:01:00 GMT"}, []string{"/keys", "", "/keys"}},
		{"expires is 0", map[string]string{"Expires": "0"}, []string{"/keys", "/keys", "/keys"}},
		{"nothing said", nil, []string{"/keys", "/keys", "/keys"}},
		{"nonsense", map[string]string{"Cache-Control": "max-age=soon"}, []string{"/keys", "/keys", "/keys"}},
		{"a very long time", map[string]string{"Cache-Control": "max-age=999999999999"}, []string{"/keys", "/keys", "/keys"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newIssuer(t, func(w http.ResponseWriter, r *http.Request) {
				for name, value := range tt.headers {
					w.Header().Set(name, value)
				}
				if r.Header.Get("If-None-Match") != "" {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				_, _ = fmt.Fprint(w, keySet("a"))
			})
			clock, folder := newClock(), t.TempDir()
			var got []string
			for _, wait := range []time.Duration{0, 30 * time.Second, 90 * time.Second} {
				clock.now = clock.now.Add(wait)
				if diff := cmp.Diff([]string{"a"}, names(t, newClient(folder, clock), server.URL+"/keys")); diff != "" {
					t.Error(diff)
				}
				got = append(got, strings.Join(server.asked(), " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A key that was withdrawn is not trusted for more than a day.
func TestCacheEnds(t *testing.T) {
	t.Parallel()
	server := newIssuer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=31536000")
		_, _ = fmt.Fprint(w, keySet("a"))
	})
	clock, folder := newClock(), t.TempDir()
	names(t, newClient(folder, clock), server.URL)
	clock.now = clock.now.Add(24*time.Hour - time.Second)
	names(t, newClient(folder, clock), server.URL)
	if asked := server.asked(); len(asked) != 1 {
		t.Errorf("asked %q", asked)
	}
	clock.now = clock.now.Add(time.Second)
	names(t, newClient(folder, clock), server.URL)
	if asked := server.asked(); len(asked) != 1 {
		t.Errorf("asked %q", asked)
	}
}

// What is damaged, of another address or from the future is fetched again, and
// nobody else can read or list the files.
func TestCacheFiles(t *testing.T) {
	t.Parallel()
	server := newIssuer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = fmt.Fprint(w, keySet("a"))
	})
	clock, folder := newClock(), filepath.Join(t.TempDir(), "state", "jwks")
	client := newClient(folder, clock)
	names(t, client, server.URL+"/a")
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	about, err := os.Stat(files[0])
	if err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", about.Mode(), err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "{", strings.Replace(string(good), "/a", "/b", 1), strings.Replace(string(good), `"fetched":"2023`, `"fetched":"2024`, 1),
		strings.Replace(string(good), `"expires":"2023`, `"expires":"2033`, 1)} {
		if err := os.WriteFile(files[0], []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		server.asked()
		names(t, client, server.URL+"/a")
		if asked := server.asked(); len(asked) != 1 {
			t.Errorf("%s: asked %q", bad, asked)
		}
	}
}

// A name that is unknown makes one request a minute, however many tokens.
func TestThreat16_Reload(t *testing.T) {
	t.Parallel()
	name := "old"
	server := newIssuer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = fmt.Fprint(w, keySet(name))
	})
	clock := newClock()
	client := newClient("", clock)
	set, err := client.Set(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Keys(t.Context()); err != nil {
		t.Fatal(err)
	}
	reload := func() string {
		keys, err := set.Reload(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return keys[0].ID
	}
	name = "new"
	got := []string{reload(), reload()}
	clock.now = clock.now.Add(time.Minute)
	for range 100 {
		got = append(got, reload())
	}
	if got[0] != "old" || got[1] != "old" || got[2] != "new" || got[101] != "new" || len(server.asked()) != 2 {
		t.Errorf("got %q", got[:3])
	}
}

func TestThreat16_Refused(t *testing.T) {
	t.Parallel()
	elsewhere := newIssuer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, keySet("evil")) })
	server := newIssuer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/long":
			_, _ = fmt.Fprint(w, strings.Repeat(" ", maxBody)+"{}")
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			_, _ = zip.Write(make([]byte, 64<<20))
			_ = zip.Close()
		case "/html":
			_, _ = fmt.Fprint(w, "<html>")
		case "/twice":
			_, _ = fmt.Fprint(w, `{"keys":[],"keys":[]}`)
		case "/503":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/401":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			http.NotFound(w, r)
		}
	})
	host := strings.TrimPrefix(server.URL, "http://")
	for path, want := range map[string]string{
		"/redirect": host + " leads elsewhere, to " + strings.TrimPrefix(elsewhere.URL, "http://") + ", and was not followed",
		"/long":     host + ": the answer is longer than 1 MiB",
		"/bomb":     host + ": the answer is longer than 1 MiB",
		"/html":     host + ": the key set: it is not JSON",
		"/twice":    host + ": the key set: a name stands twice",
		"/503":      host + " answered with status 503",
		"/401":      host + " answered with status 401",
		"/none":     host + "/none: there is no such document",
	} {
		set, err := newClient(t.TempDir(), newClock()).Set(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = set.Keys(t.Context())
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.BadAnswer {
			t.Errorf("%s: got %v; want %s", path, err, want)
		}
	}
	if asked := elsewhere.asked(); asked != nil {
		t.Errorf("the other server was asked %q", asked)
	}
}

// Threat 4: https, or this machine.
func TestThreat04_Addresses(t *testing.T) {
	t.Parallel()
	client := newClient("", newClock())
	for _, address := range []string{
		"http://issuer.example/keys", "http://127.0.0.1.evil.example/", "ftp://127.0.0.1/", "file:///etc/passwd", "/etc/passwd", "", "https://", "::",
		"https://user:secret@issuer.example/", "https://issuer.example/#x", "http://localhost.evil.example",
	} {
		if _, err := client.Set(address); fault.KindOf(err) != fault.Usage || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"https://issuer.example/keys?v=1", "http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1"} {
		if _, err := client.Set(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	set, err := newClient("", newClock()).Set(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = set.Keys(t.Context()); fault.KindOf(err) != fault.Unreachable || fault.HintOf(err) != "check the URL and the network" {
		t.Errorf("got %v", err)
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path, about string // where the description is, and what it says; HOST is the server
		issuer, want      string
	}{
		{"OpenID", "/.well-known/openid-configuration", `{"issuer":"HOST","jwks_uri":"HOST/keys"}`, "HOST", ""},
		{"OpenID below a path", "/realms/a/.well-known/openid-configuration", `{"issuer":"HOST/realms/a","jwks_uri":"HOST/keys"}`, "HOST/realms/a", ""},
		{"Auth0, with a slash", "/.well-known/openid-configuration", `{"issuer":"HOST/","jwks_uri":"HOST/keys"}`, "HOST/", ""},
		{"OAuth", "/.well-known/oauth-authorization-server", `{"issuer":"HOST","jwks_uri":"HOST/keys"}`, "HOST", ""},
		{"OAuth below a path", "/.well-known/oauth-authorization-server/a", `{"issuer":"HOST/a","jwks_uri":"HOST/keys"}`, "HOST/a", ""},
		{"another issuer", "/.well-known/openid-configuration", `{"issuer":"https://evil.example","jwks_uri":"HOST/keys"}`, "HOST", "ADDRESS describes the issuer \"https://evil.example\", not \"HOST\""},
		{"a slash more", "/.well-known/openid-configuration", `{"issuer":"HOST/","jwks_uri":"HOST/keys"}`, "HOST", "ADDRESS describes the issuer \"HOST/\", not \"HOST\""},
		{"keys over http", "/.well-known/openid-configuration", `{"issuer":"HOST","jwks_uri":"http://evil.example"}`, "HOST", "jwks_uri of the issuer: keys come over https; plain http is for this machine only"},
		{"no keys", "/.well-known/openid-configuration", `{"issuer":"HOST"}`, "HOST", "jwks_uri of the issuer: this is not the URL of a key set or issuer"},
		{"no JSON", "/.well-known/openid-configuration", `<html>`, "HOST", "ADDRESS: the description of the issuer is not what it should be"},
		{"nothing", "/x", `{}`, "HOST", "ADDRESS/.well-known/oauth-authorization-server: there is no such document"},
		{"query", "/x", `{}`, "HOST?a=b", "an issuer's URL has no query"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var server *issuer
			server = newIssuer(t, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case tt.path:
					_, _ = fmt.Fprint(w, strings.ReplaceAll(tt.about, "HOST", server.URL))
				case "/keys":
					_, _ = fmt.Fprint(w, keySet("a"))
				default:
					http.NotFound(w, r)
				}
			})
			set, err := newClient("", newClock()).Discover(t.Context(), strings.ReplaceAll(tt.issuer, "HOST", server.URL))
			want := strings.NewReplacer("HOST", server.URL, "ADDRESS", strings.TrimPrefix(server.URL, "http://")).Replace(tt.want)
			if err != nil || want != "" {
				if err == nil || err.Error() != want {
					t.Errorf("got %v; want %s", err, want)
				}
				return
			}
			if keys, err := set.Keys(t.Context()); err != nil || keys[0].ID != "a" {
				t.Errorf("got %v", err)
			}
		})
	}
}
