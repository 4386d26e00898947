package session_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/session"
)

// renewing is a profile whose tokens are agate-1, agate-2, …; only the last one
// is taken.
func renewing(t *testing.T, more answers) (*world, session.Target, *server) {
	t.Helper()
	var mu sync.Mutex
	issued := 0
	give := func(response http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		issued++
		_, _ = fmt.Fprintf(response, `{"t":"agate-%d","r":"ruby-%d"}`, issued, issued)
	}
	use := func(response http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer agate-%d", issued) {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(response, r.Header.Get("Authorization"))
	}
	known := answers{"POST /in": give, "POST /more": give, "GET /me": use, "POST /me": use}
	for request, answer := range more {
		known[request] = answer
	}
	s := serve(t, known)
	target := at(t, s.URL, "    login: {request: POST /in}\n    refresh: {request: POST /more, form: {r: \"{{refresh_token}}\"}}\n    token: .t\n    refresh_token: .r\n    lifetime: 1h\n")
	w := newWorld(t)
	w.login(target, session.LoginOptions{})
	s.asked()
	return w, target, s
}

func clientOf(w *world, target session.Target) *http.Client {
	return &http.Client{Transport: &session.Transport{Source: w.manager.NewSource(target)}}
}

// TestOneRenewalForAll lets a hundred goroutines find that the token is over, by
// the clock and by the server's word.
func TestOneRenewalForAll(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*testing.T, *world, *server){
		"by the clock": func(_ *testing.T, w *world, _ *server) { w.clock.add(2 * time.Hour) },
		"by the server": func(t *testing.T, _ *world, s *server) {
			answer, err := http.Post(s.URL+"/in", "", nil) // agate-1 is no longer the last
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, target, s := renewing(t, nil)
			client := clientOf(w, target)
			ask := func() (string, error) {
				answer, err := client.Post(s.URL+"/me", "text/plain", strings.NewReader("opal"))
				if err != nil {
					return "", err
				}
				defer answer.Body.Close()
				body, err := io.ReadAll(answer.Body)
				return string(body), err
			}
			if got, err := ask(); got != "Bearer agate-1" || err != nil {
				t.Fatal(got, err)
			}
			end(t, w, s)
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if got, err := ask(); err != nil || !strings.HasPrefix(got, "Bearer agate-") {
						t.Errorf("%q, %v", got, err)
					}
				})
			}
			all.Wait()
			renewals := 0
			for _, request := range s.asked() {
				switch {
				case strings.HasPrefix(request, "POST /more"):
					renewals++
				case strings.HasPrefix(request, "POST /me") && !strings.HasSuffix(request, " opal"):
					t.Errorf("the body is missing: %s", request)
				}
			}
			if renewals != 1 {
				t.Errorf("%d renewals, want 1", renewals)
			}
		})
	}
}

// TestThreat01_TransportStaysAtItsOrigin sends nothing anywhere else, whether
// the URL says so or a redirect.
func TestThreat01_TransportStaysAtItsOrigin(t *testing.T) {
	t.Parallel()
	evil := serve(t, answers{"GET /": reply(200, "thanks")})
	w, target, s := renewing(t, answers{"GET /away": with(307, "", "Location", evil.URL+"/")})
	for _, address := range []string{evil.URL + "/", s.URL + "/away", strings.Replace(s.URL, "http://", "http://me@", 1) + "/me", "https://api.example.com/"} {
		answer, err := clientOf(w, target).Get(address)
		if err == nil {
			_ = answer.Body.Close()
			t.Errorf("%s was asked", address)
		}
	}
	if got := evil.asked(); len(got) > 0 {
		t.Errorf("another origin was asked: %q", got)
	}
}

// TestThreat03_HostHeader does not let a request name a virtual host that was not looked
// at.
func TestThreat03_HostHeader(t *testing.T) {
	t.Parallel()
	var host string
	w, target, s := renewing(t, answers{"GET /host": func(_ http.ResponseWriter, r *http.Request) { host = r.Host }})
	request, err := http.NewRequest(http.MethodGet, s.URL+"/host", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example"
	answer, err := clientOf(w, target).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	same(t, "host", strings.TrimPrefix(s.URL, "http://"), host)
}

// TestRequestIsNotChanged keeps to the contract of http.RoundTripper.
func TestRequestIsNotChanged(t *testing.T) {
	t.Parallel()
	w, target, s := renewing(t, nil)
	request, err := http.NewRequest(http.MethodGet, s.URL+"/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := clientOf(w, target).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	same(t, "header", fmt.Sprint(http.Header{}), fmt.Sprint(request.Header))
}

// TestExpired reads what an API says about a token and leaves the answer unread.
func TestExpired(t *testing.T) {
	t.Parallel()
	type result struct {
		Expired bool
		Body    string
	}
	tests := map[string]struct {
		expired, kind, body string
		status              int
		want                result
	}{
		"401":               {"", "", "no", 401, result{true, "no"}},
		"403":               {"", "", "no", 403, result{false, "no"}},
		"in the body":       {"    expired: .code == 9\n", "application/json", `{"code":9}`, 200, result{true, `{"code":9}`}},
		"not in the body":   {"    expired: .code == 9\n", "application/json", `{"code":8}`, 401, result{false, `{"code":8}`}},
		"a stream":          {"    expired: '$body != \"\"'\n", "text/event-stream", "data: x", 200, result{false, "data: x"}},
		"by another status": {"    expired: $status == 498\n", "image/png", "x", 498, result{true, "x"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := at(t, "http://127.0.0.1:9", test.expired+"    login: {request: POST /in, token: .t}\n")
			response := &http.Response{StatusCode: test.status, Header: http.Header{"Content-Type": {test.kind}}, Body: io.NopCloser(strings.NewReader(test.body))}
			expired, err := call.Expired(t.Context(), target.Profile, nil, response)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			if diff := cmp.Diff(test.want, result{expired, string(body)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPass shows all that a pass holds.
func TestPass(t *testing.T) {
	t.Parallel()
	s := serve(t, answers{"POST /in": reply(200, `{"t":"agate-1","tenant":"t7"}`)})
	w := newWorld(t)
	target := at(t, s.URL, "    login: {request: POST /in, token: .t}\n    save: {tenant: .tenant}\n    api_url: "+s.URL+"/v1/{{tenant}}\n"+
		"    send: {headers: {X-Key: \"{{token}}\"}, query: {tenant: \"{{tenant}}\"}}\n    env: {API_KEY: \"{{token}}\", API_USER: \"{{username}}:{{tenant}}\", API_URL: \"{{api_url}}\"}\n")
	w.inputs.values["username"] = "ann"
	w.login(target, session.LoginOptions{})
	p, err := w.manager.Pass(t.Context(), target, session.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var variables []string
	for _, v := range p.Variables {
		variables = append(variables, fmt.Sprint(v.Name, "=", v.Value.Reveal(), " ", v.Plain))
	}
	same(t, "variables", "API_KEY=agate-1 false, API_USER=ann:t7 false, API_URL="+s.URL+"/v1/t7 true", strings.Join(variables, ", "))
	same(t, "API", s.URL+"/v1/t7", p.API.String())
	request, err := http.NewRequest(http.MethodGet, s.URL+"/x?a=1&tenant=other", nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Set(request)
	same(t, "request", "/x?a=1&tenant=t7 map[X-Key:[agate-1]]", request.URL.RequestURI()+" "+fmt.Sprint(request.Header))
}
