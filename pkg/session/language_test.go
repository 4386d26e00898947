package session_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// with is an answer in JSON with more headers: name, value, name, value.
func with(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		reply(status, body)(w, r)
	}
}

// inTurn gives one answer after the other, the last one for ever.
func inTurn(list ...http.HandlerFunc) http.HandlerFunc {
	next := 0
	return func(w http.ResponseWriter, r *http.Request) {
		list[min(next, len(list)-1)](w, r)
		next++
	}
}

// TestLogins logs in with what the language has beyond one call.
func TestLogins(t *testing.T) {
	t.Parallel()
	type want struct {
		Error   outcome
		Token   string
		Saved   map[string]any
		Expiry  token.Expiry
		Asked   []string // of the person
		Lines   []string // requests
		Told    []string
		Refresh string
	}
	nothing := token.Expiry{Source: token.FromNothing}
	tests := map[string]struct {
		yaml    string
		given   map[string]string
		answers answers
		want    want
	}{
		"a token that is brought": {
			"    inputs: {pat: {label: Token, secret: true}}\n    login: {token: $pat}\n    lifetime: 1d\n",
			map[string]string{"pat": "opal-7Q"}, answers{},
			want{Token: "opal-7Q", Expiry: token.Expiry{At: noon().Add(24 * time.Hour), Source: token.FromLifetime}, Asked: []string{"pat"}},
		},
		"cookies between calls, and the jar as the token": {
			"    login:\n      - {request: GET /start, save: {crumb: .crumb}}\n      - {request: POST /in, headers: {X-Crumb: \"{{crumb}}\", X-Seen: \"{{crumb}}\"}, token: cookies}\n    send: \"Cookie: {{token}}\"\n",
			nil, answers{
				"GET /start": with(200, `{"crumb":"c1"}`, "Set-Cookie", "sid=a; Path=/; HttpOnly", "Set-Cookie", "gone=1"),
				"POST /in": func(w http.ResponseWriter, r *http.Request) {
					with(200, `{"seen":"`+r.Header.Get("Cookie")+`"}`, "Set-Cookie", "sid=b; Max-Age=600", "Set-Cookie", "gone=; Max-Age=0", "Set-Cookie", "route=n0")(w, r)
				},
			},
			want{Token: "sid=b; route=n0", Saved: map[string]any{"crumb": "c1"}, Expiry: token.Expiry{At: noon().Add(10 * time.Minute), Source: token.FromCookie}, Lines: []string{"GET /start", "POST /in"}},
		},
		"a second factor given beforehand": {
			"    inputs: {otp: {when: $status == 412}}\n    login: {request: POST /in, json: {p: \"{{password}}\", otp: \"{{otp}}\"}, token: .t}\n",
			map[string]string{"password": "pw", "otp": "123456"}, answers{"POST /in": reply(200, `{"t":"agate-2"}`)},
			want{Token: "agate-2", Expiry: nothing, Asked: []string{"password", "otp"}, Lines: []string{`POST /in  {"p":"pw","otp":"123456"}`}},
		},
		"a second factor by a 4xx": {
			"    inputs: {otp: {when: $status == 412}}\n    login: {request: POST /in, json: {p: \"{{password}}\", otp: \"{{otp}}\"}, token: .t}\n",
			map[string]string{"password": "pw", "late:otp": "123456"}, answers{"POST /in": inTurn(reply(412, `{}`), reply(200, `{"t":"agate-2"}`))},
			want{Token: "agate-2", Expiry: nothing, Asked: []string{"password", "otp()"}, Lines: []string{`POST /in  {"p":"pw"}`, `POST /in  {"p":"pw","otp":"123456"}`}},
		},
		"a choice that the answer lists": {
			"    inputs: {tenant: {label: Tenant, when: .tenants, choices: .tenants}}\n    login: {request: POST /in, json: {tenant: \"{{tenant}}\"}, token: .t}\n",
			map[string]string{"late:tenant": "b"}, answers{"POST /in": inTurn(reply(300, `{"tenants":["a","b"]}`), reply(200, `{"t":"agate-2"}`))},
			want{Token: "agate-2", Expiry: nothing, Asked: []string{"tenant(a,b)"}, Lines: []string{"POST /in", `POST /in  {"tenant":"b"}`}},
		},
		"a wrong code is not asked for again": {
			"    inputs: {otp: {when: $status == 412}}\n    login: {request: POST /in, json: {otp: \"{{otp}}\"}, token: .t}\n",
			map[string]string{"late:otp": "000000"}, answers{"POST /in": reply(412, `{"message":"no"}`)},
			want{Error: outcome{"log in to x: HOST refused: no (status 412)", "check the user name and the password, then log in again", fault.Refused}, Asked: []string{"otp()"}, Lines: []string{"POST /in", `POST /in  {"otp":"000000"}`}},
		},
		"a half-way ticket is no token": {
			"    login:\n      - {request: POST /in, token: .t, save: {ticket: .ticket}}\n      - {when: .mfa, request: POST /mfa, form: {c: \"{{otp}}\", ticket: \"{{ticket}}\"}, token: .t}\n",
			map[string]string{"otp": "123456"}, answers{"POST /in": reply(200, `{"mfa":true,"ticket":"k"}`), "POST /mfa": reply(200, `{"t":"agate-2"}`)},
			want{Token: "agate-2", Saved: map[string]any{"ticket": "k"}, Expiry: nothing, Asked: []string{"otp"}, Lines: []string{"POST /in", "POST /mfa  c=123456&ticket=k"}},
		},
		"no token in the end": {
			"    login:\n      - {request: POST /in, token: .t}\n      - {when: .mfa, request: POST /mfa, token: .t}\n",
			nil, answers{"POST /in": reply(200, `{"mfa":false}`)},
			want{Error: outcome{"log in to x: token: .t finds nothing; the answer is {mfa: boolean}", "compare token: in the profile with the answer", fault.BadAnswer}, Lines: []string{"POST /in"}},
		},
		"polling": {
			"    login:\n      - {request: POST /device, save: {code: .code, link: .link}}\n      - {request: POST /token, show: \"Open {{link}}\", form: {code: \"{{code}}\"}, until: '.error? != \"pending\"', token: .t}\n",
			nil, answers{"POST /device": reply(200, `{"code":"d1","link":"https://x.example/d"}`), "POST /token": inTurn(reply(400, `{"error":"pending"}`), with(400, `{"error":"pending"}`, "Retry-After", "9"), reply(200, `{"t":"agate-2"}`))},
			want{Token: "agate-2", Saved: map[string]any{"code": "d1", "link": "https://x.example/d"}, Expiry: nothing,
				Lines: []string{"POST /device", "POST /token  code=d1", "POST /token  code=d1", "POST /token  code=d1"}, Told: []string{"show: Open https://x.example/d", "this machine's clock is 14s ahead of the server's; the server's clock was used"}},
		},
		"polling that ends in a refusal": {
			"    login: {request: POST /token, until: '.error? != \"pending\"', token: .t}\n",
			nil, answers{"POST /token": inTurn(reply(400, `{"error":"pending"}`), reply(400, `{"error":"denied"}`))},
			want{Error: outcome{"log in to x: HOST refused: denied (status 400)", "the server's message tells whether it is the password, a field or a second factor", fault.Refused}, Lines: []string{"POST /token", "POST /token"}},
		},
		"computed values": {
			"    computed:\n      stamp: now | floor\n      both: '\"\\($username):\\($stamp)\" | base64'\n      none: $otp | tonumber?\n    inputs: {otp: {optional: true}}\n    login: {request: POST /in, json: {a: \"{{both}}\", n: \"{{stamp}}\", t: \"{{none}}\"}, token: .t}\n",
			map[string]string{"username": "ann"}, answers{"POST /in": reply(200, `{"t":"agate-2"}`)},
			want{Token: "agate-2", Expiry: nothing, Asked: []string{"username", "otp"}, Lines: []string{`POST /in  {"a":"YW5uOjE3NjczNTUyMDA=","n":1767355200}`}},
		},
		"a computed value that cannot be": {
			"    computed: {n: $otp | tonumber}\n    login: {request: POST /in, json: {n: \"{{n}}\"}, token: .t}\n",
			map[string]string{"otp": "opal-7Q"}, answers{},
			want{Error: outcome{"log in to x: computed.n: tonumber cannot be applied to this value", "look at the inputs that it names, and at the expression in p.yaml:5:19", fault.Usage}, Asked: []string{"otp"}},
		},
		"a one-time code from its secret": {
			"    inputs: {otp: {totp: true}}\n    login: {request: POST /in, json: {otp: \"{{otp}}\"}, token: .t}\n",
			map[string]string{"otp": "JBSWY3DPEHPK3PXP"}, answers{"POST /in": reply(200, `{"t":"agate-2"}`)},
			want{Token: "agate-2", Expiry: nothing, Asked: []string{"otp"}, Lines: []string{`POST /in  {"otp":"TOTP"}`}},
		},
		"XML both ways": {
			"    login:\n      request: POST /in\n      xml: <a><u n=\"{{username}}\"/><o>{{otp}}</o></a>\n      token: .r.key[\"@v\"]\n    inputs: {otp: {optional: true}}\n",
			map[string]string{"username": `a"<b`}, answers{"POST /in": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/xml")
				w.Header().Set("Date", noon().Format(http.TimeFormat))
				_, _ = w.Write([]byte(`<?xml version="1.0"?><r xmlns="urn:x"><key v="agate-2"/></r>`))
			}},
			want{Token: "agate-2", Expiry: nothing, Asked: []string{"username", "otp"}, Lines: []string{`POST /in  <a><u n="a&#34;&lt;b"/></a>`}},
		},
		"several headers and an input that send: needs": {
			"    login: {request: POST /in, token: header(\"X-Tok\"), save: {cst: header(\"CST\")}}\n    send: {headers: {X-Tok: \"{{token}}\", CST: \"{{cst}}\", K: \"{{api_key}}\"}}\n",
			map[string]string{"api_key": "k1"}, answers{"POST /in": with(200, `{}`, "X-Tok", "agate-2", "CST", "c2")},
			want{Token: "agate-2", Saved: map[string]any{"cst": "c2", "api_key": "k1"}, Expiry: nothing, Asked: []string{"api_key"}, Lines: []string{"POST /in"}},
		},
		"what send: needs did not come": {
			"    login: {request: POST /in, token: .t, save: {cst: header(\"CST\")}}\n    send: {headers: {X-Tok: \"{{token}}\", CST: \"{{cst}}\"}}\n",
			nil, answers{"POST /in": reply(200, `{"t":"agate-2"}`)},
			want{Error: outcome{"log in to x: the login worked, but: the token cannot be sent: send.CST (no cst) has no value", "check save: in the profile", fault.BadAnswer},
				Lines: []string{"POST /in"}, Told: []string{`save.cst: header("CST") found nothing; what names it is left out`}},
		},
		"idle timeout": {
			"    login: {request: POST /in, token: .t}\n    lifetime: 1h\n    idle_timeout: 10m\n", nil, answers{"POST /in": reply(200, `{"t":"agate-2"}`)},
			want{Token: "agate-2", Expiry: token.Expiry{At: noon().Add(10 * time.Minute), Source: token.FromIdle}, Lines: []string{"POST /in"}},
		},
		"text with a line break": {
			"    login: {request: POST /in, token: $body, refresh_token: .}\n", nil, answers{"POST /in": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", noon().Format(http.TimeFormat))
				_, _ = w.Write([]byte("agate-2\n"))
			}},
			want{Token: "agate-2", Refresh: "agate-2", Expiry: nothing, Lines: []string{"POST /in"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.inputs.values = map[string]string{}
			late := lateInputs{given: w.inputs, late: map[string]string{}}
			for key, value := range test.given {
				if after, found := strings.CutPrefix(key, "late:"); found {
					late.late[after] = value
				} else {
					w.inputs.values[key] = value
				}
			}
			w.manager.Inputs = late
			s := serve(t, test.answers)
			result, err := w.manager.Login(t.Context(), at(t, s.URL, test.yaml), session.LoginOptions{})
			expect(t, s.URL, test.want.Error, err)
			got := want{
				Error: test.want.Error, Token: result.AccessToken.Reveal(), Refresh: result.RefreshToken.Reveal(), Saved: result.Saved,
				Expiry: result.Expiry, Asked: w.inputs.asks(), Lines: s.asked(), Told: w.told(),
			}
			for i, line := range got.Lines {
				if code, err := lastCode(w); err == nil && code != "" {
					got.Lines[i] = strings.ReplaceAll(line, code, "TOTP")
				}
			}
			same(t, "login", test.want, got)
		})
	}
}

// lastCode is the six-digit secret that was learned, if there is one.
func lastCode(w *world) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for secret := range w.learned {
		if len(secret) == 6 && strings.Trim(secret, "0123456789") == "" && secret != "123456" && secret != "000000" {
			return secret, nil
		}
	}
	return "", nil
}

// lateInputs knows some inputs only when they are asked for.
type lateInputs struct {
	*given
	late map[string]string
}

func (l lateInputs) Input(ctx context.Context, in profile.Input) (string, error) {
	value, ok := l.late[in.Name]
	if !ok {
		return l.given.Input(ctx, in)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, in.Name+"("+strings.Join(in.Choices.List, ",")+")")
	return value, nil
}

// TestKeepalive prolongs a session until its hard end, then logs in again from
// what needs no person.
func TestKeepalive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": inTurn(reply(200, `{"t":"agate-1"}`), reply(200, `{"t":"agate-2"}`)), "GET /ping": reply(200, `{}`)})
	target := at(t, s.URL, "    inputs: {key: {label: Key, env: X_KEY}}\n    login: {request: POST /in, form: {k: \"{{key}}\"}, token: .t}\n    keepalive: {request: GET /ping}\n    idle_timeout: 10m\n    lifetime: 25m\n")
	w.inputs.values["key"] = "k"
	w.login(target, session.LoginOptions{})
	type step struct {
		token  string
		at     time.Duration
		source token.ExpirySource
		lines  []string
	}
	for _, want := range []step{
		{"agate-1", 19*time.Minute + 30*time.Second, token.FromIdle, []string{"GET /ping Bearer agate-1"}},
		{"agate-1", 25 * time.Minute, token.FromLifetime, []string{"GET /ping Bearer agate-1"}},
		{"agate-2", 38*time.Minute + 30*time.Second, token.FromIdle, []string{"POST /in  k=k"}},
	} {
		s.asked()
		w.clock.add(9*time.Minute + 30*time.Second)
		live, err := w.manager.Token(t.Context(), target, session.TokenOptions{MinTTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		got := step{live.AccessToken.Reveal(), live.At.Sub(noon()), live.Source, s.asked()}
		same(t, "step", []any{want.token, want.at, want.source, want.lines}, []any{got.token, got.at, got.source, got.lines})
	}
}

// TestUnattendedLogin renews from what the profile names (env:, command:), and
// not again once that was refused.
func TestUnattendedLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": inTurn(reply(200, `{"t":"agate-1","in":60}`), reply(200, `{"t":"agate-2","in":60}`), reply(401, `{}`))})
	target := at(t, s.URL, "    inputs: {key: {label: Key, secret: true, command: [pass, show, key]}}\n    login: {request: POST /in, form: {k: \"{{key}}\"}, token: .t, expires_in: .in}\n")
	w.inputs.values["key"] = "opal-7Q"
	if got := w.login(target, session.LoginOptions{}); got.Renewable != "login" || len(got.Credentials) > 0 {
		t.Errorf("renewable %q, credentials %d", got.Renewable, len(got.Credentials))
	}
	live, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
	if err != nil || live.AccessToken.Reveal() != "agate-2" {
		t.Errorf("%v", err)
	}
	w.clock.add(2 * time.Minute)
	_, err = w.manager.Token(t.Context(), target, session.TokenOptions{})
	expect(t, s.URL, outcome{"renew the token of x: HOST refused with status 401", "check the user name and the password, then log in again", fault.Refused}, err)
	s.asked()
	w.inputs.asks()
	_, err = w.manager.Token(t.Context(), target, session.TokenOptions{})
	expect(t, s.URL, outcome{"renew the token of x: the credentials were refused on 2026-01-02T12:02:00Z and are not sent again", "authctl login x", fault.LoginNeeded}, err)
	same(t, "after a refusal", [][]string{nil, nil}, [][]string{s.asked(), w.inputs.asks()})
}

// TestThreat01_ChangedProfileReachesNobodyNew changes what a profile says after
// the login: no other origin ever gets the session's secrets.
func TestThreat01_ChangedProfileReachesNobodyNew(t *testing.T) {
	t.Parallel()
	evil := serve(t, answers{})
	home := serve(t, answers{"POST /in": reply(200, `{"t":"agate-1","r":"opal-7Q","in":60}`), "POST /new": reply(200, `{"url":"`+evil.URL+`/x"}`)})
	const honest = "    login: {request: POST /in, form: {u: \"{{username}}\"}, token: .t, refresh_token: .r, expires_in: .in}\n    refresh: {request: POST /r, form: {r: \"{{refresh_token}}\"}, token: .t}\n"
	host := strings.TrimPrefix(evil.URL, "http://")
	changed := map[string]string{
		"another host in refresh":       strings.Replace(honest, "POST /r,", "POST "+evil.URL+"/r,", 1),
		"a saved URL":                   strings.Replace(honest, "refresh: {request: POST /r, form", "refresh: [{request: POST /new, save: {u: .url}}, {request: \"POST {{u}}\", form", 1),
		"a saved URL, host allowed":     "    allowed_hosts: [\"" + host + "\"]\n" + strings.Replace(honest, "refresh: {request: POST /r, form", "refresh: [{request: POST /new, save: {u: .url}}, {request: \"POST {{u}}\", form", 1),
		"api_url":                       "    api_url: " + evil.URL + "\n" + strings.Replace(honest, "POST /r,", "\"POST {{api_url}}/r\",", 1),
		"keepalive elsewhere":           "    idle_timeout: 5m\n    keepalive: {request: GET " + evil.URL + "/k}\n" + honest,
		"an expression for the address": strings.Replace(honest, "refresh: {request: POST /r, form", "refresh: [{request: POST /new, save: {u: '\""+evil.URL+"\"'}}, {request: \"POST {{u}}\", form", 1),
	}
	for name, yaml := range changed {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.login(at(t, home.URL, honest), session.LoginOptions{})
			if strings.Contains(yaml, "refresh: [{") {
				yaml = strings.Replace(yaml, "token: .t}\n", "token: .t}]\n", 2)
				yaml = strings.Replace(yaml, "expires_in: .in}]", "expires_in: .in}", 1)
			}
			_, err := w.manager.Token(t.Context(), at(t, home.URL, yaml), session.TokenOptions{Force: true})
			if err == nil {
				t.Error("the session was renewed")
			}
			if lines := evil.asked(); len(lines) > 0 {
				t.Errorf("the other host was asked: %q", lines)
			}
		})
	}
}

// TestOtherHosts logs in at one host and refreshes at others that the profile
// names, or that an answer names and the profile allows.
func TestOtherHosts(t *testing.T) {
	t.Parallel()
	other := serve(t, answers{"POST /r": reply(200, `{"t":"agate-2"}`)})
	home := serve(t, answers{"POST /in": reply(200, `{"t":"agate-1","r":"opal-7Q","home":"`+other.URL+`/"}`)})
	const login = "    login: {request: POST /in, token: .t, refresh_token: .r, save: {home: .home}}\n"
	tests := map[string]string{
		"written out":          login + "    refresh: {request: POST " + other.URL + "/r, form: {r: \"{{refresh_token}}\"}, token: .t}\n",
		"saved and allowed":    "    allowed_hosts: [\"" + strings.TrimPrefix(other.URL, "http://") + "\"]\n" + login + "    refresh: {request: \"POST {{home}}/r\", form: {r: \"{{refresh_token}}\"}, token: .t}\n",
		"api_url of an answer": "    api_url: \"{{home}}\"\n    allowed_hosts: [\"" + strings.TrimPrefix(other.URL, "http://") + "\"]\n" + login + "    refresh: {request: \"POST {{api_url}}/r\", form: {r: \"{{refresh_token}}\"}, token: .t}\n",
	}
	for name, yaml := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			target := at(t, home.URL, yaml)
			w.login(target, session.LoginOptions{})
			live, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "token and requests", []any{"agate-2", []string{"POST /r  r=opal-7Q"}}, []any{live.AccessToken.Reveal(), other.asked()})
		})
	}
}

// TestBaseURLWithInput keeps the tenant of a login with its session.
func TestBaseURLWithInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /v1/in": reply(200, `{"t":"agate-1"}`), "POST /v1/out": reply(200, `{}`)})
	host, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	target := at(t, "http://{{node}}:"+port+"/{{version}}", "    inputs: {node: Node, version: {label: Version, default: v1}}\n    allow_http: true\n    login: {request: POST /in, token: .t}\n    cancel: {request: POST /out}\n")
	w.inputs.values["node"], w.inputs.values["version"] = host, "v1"
	got := w.login(target, session.LoginOptions{})
	same(t, "key and home", []token.Origin{token.Origin("http://{{node}}:" + port), token.Origin("http://" + host + ":" + port)}, []token.Origin{got.Origin, got.Base()})
	same(t, "kept", map[string]any{"node": host, "version": "v1"}, got.Saved)
	w.inputs.values["node"] = "evil.example"
	if _, err := w.manager.Cancel(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	same(t, "requests", []string{"POST /v1/in", "POST /v1/out Bearer agate-1"}, s.asked())
	for _, bad := range []string{"evil.example/", "a@evil.example", "evil.example#", "evil.example?", "a b", "", "evil\\x", "[::1]"} {
		w.inputs.values["node"] = bad
		_, err := w.manager.Login(t.Context(), target, session.LoginOptions{})
		if fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestLastTime sends the id of the device that the last login was given.
func TestLastTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": reply(200, `{"t":"agate-1","device":"d7"}`)})
	target := at(t, s.URL, "    login: {request: POST /in, json: {a: 1, device: \"{{device}}\"}, token: .t, save: {device: .device}}\n")
	w.login(target, session.LoginOptions{})
	w.login(target, session.LoginOptions{})
	same(t, "requests", []string{`POST /in  {"a":1}`, `POST /in  {"a":1,"device":"d7"}`}, s.asked())
}

// TestLastTimeOfAComputedValue makes the id of a device at the first login.
func TestLastTimeOfAComputedValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": reply(200, `{"t":"agate-1"}`)})
	target := at(t, s.URL, "    computed: {device: $known // \"d\\(now | floor)\"}\n    login: {request: POST /in, json: {device: \"{{device}}\"}, token: .t, save: {known: $device}}\n")
	w.login(target, session.LoginOptions{})
	w.clock.add(time.Minute)
	w.login(target, session.LoginOptions{})
	same(t, "requests", []string{`POST /in  {"device":"d1767355200"}`, `POST /in  {"device":"d1767355200"}`}, s.asked())
}

// TestWhatAPersonReads logs in with a link that a person opens. The link and the
// user name that an answer repeats are no secrets, and nothing logs in like this
// by itself.
func TestWhatAPersonReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": reply(200, `{"code":"opal-7Q","link":"https://x.example/d","user":"ann"}`), "POST /poll": reply(200, `{"t":"agate-1"}`), "POST /out": reply(200, `{}`)})
	target := at(t, s.URL, "    cancel: {request: POST /out}\n    login:\n      - {request: POST /in, json: [\"{{username}}\"], save: {code: .code, link: .link, user: .user}}\n      - {request: POST /poll, show: \"Open {{link}}\", form: {code: \"{{code}}\"}, token: .t}\n")
	got := w.login(target, session.LoginOptions{SaveCredentials: true})
	same(t, "renewed by", "", got.Renewable)
	same(t, "secrets", map[string]bool{"opal-7Q": true, "https://x.example/d": false, "ann": false},
		map[string]bool{"opal-7Q": w.knows("opal-7Q"), "https://x.example/d": w.knows("https://x.example/d"), "ann": w.knows("ann")})
	w.learned = map[string]bool{}
	_, err := w.manager.Cancel(t.Context(), target)
	expect(t, s.URL, outcome{}, err)
	same(t, "secrets of the session", map[string]bool{"opal-7Q": true, "ann": false}, map[string]bool{"opal-7Q": w.knows("opal-7Q"), "ann": w.knows("ann")})
}

// TestCarry is what the user's own requests carry, with what the session keeps.
func TestCarry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": reply(200, `{"t":"agate-1","x":"x7"}`)})
	target := at(t, s.URL, "    headers: {App: \"{{api_key}}\"}\n    computed: {sum: '$token + $x | hash(\"sha256\") | hex | .[:8]'}\n    login: {request: POST /in, token: .t, save: {x: .x}}\n    send: {headers: {T: \"{{token}}\", X: \"{{x}}\", S: \"{{sum}}\"}, query: {v: \"{{x}}\"}}\n")
	w.inputs.values["api_key"] = "k1"
	w.login(target, session.LoginOptions{})
	_, got, err := w.manager.Credential(t.Context(), target, session.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "carrier", "[{T agate-1} {X x7} {S 83fce874} {App k1}] [{v x7}]", strings.Join([]string{sprint(got.Headers), sprint(got.Query)}, " "))
}

// TestWhoamiRenews asks the server about a token that it takes for over: the
// session is renewed, and it is asked once more.
func TestWhoamiRenews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{
		"POST /in": reply(200, `{"t":"agate-1","r":"r1"}`), "POST /r": reply(200, `{"t":"agate-2"}`),
		"GET /me": inTurn(reply(403, `{"code":209}`), reply(200, `{"login":"ann"}`)),
	})
	target := at(t, s.URL, "    login: {request: POST /in, token: .t, refresh_token: .r}\n    refresh: {request: POST /r, form: {r: \"{{refresh_token}}\"}, token: .t}\n    whoami: {request: GET /me, name: .login}\n    expired: .code == 209\n")
	w.login(target, session.LoginOptions{})
	s.asked()
	name, err := w.manager.Whoami(t.Context(), target)
	expect(t, s.URL, outcome{}, err)
	same(t, "name and requests", []any{"ann", []string{"GET /me Bearer agate-1", "POST /r  r=r1", "GET /me Bearer agate-2"}}, []any{name, s.asked()})
}

// TestRotateToken replaces a long-lived token.
func TestRotateToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": reply(200, `{"t":"agate-1"}`), "POST /k/7/rotate": reply(200, `{"t":"opal-7Q","id":8,"end":"2026-01-09"}`)})
	target := at(t, s.URL, "    login: {request: POST /in, token: .t}\n    tokens: {rotate: {request: \"POST /k/{{id}}/rotate\", json: {end: \"{{expires_at}}\", scopes: \"{{scopes}}\", n: \"{{name}}\"}, token: .t, expires_at: .end}}\n")
	w.login(target, session.LoginOptions{})
	s.asked()
	got, err := w.manager.RotateToken(t.Context(), target, "7", session.Wish{Scopes: []string{"api", "read"}})
	expect(t, s.URL, outcome{}, err)
	same(t, "token", session.LongLived{ID: "8", ExpiresAt: time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC), Secret: token.NewSecret("opal-7Q")}, got)
	same(t, "requests", []string{`POST /k/7/rotate Bearer agate-1 {"scopes":["api","read"]}`}, s.asked())
}

// TestLongLivedTokenIsSentAsItSays keeps a long-lived token, which travels in
// another way than the token of the login.
func TestLongLivedTokenIsSentAsItSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": reply(200, `{"t":"agate-1"}`), "POST /k": reply(200, `{"k":"opal-7Q"}`), "GET /me": reply(200, `{}`)})
	target := at(t, s.URL, "    login: {request: POST /in, token: .t}\n    whoami: {request: GET /me}\n    send: {basic: \"{{token}}\"}\n    tokens: {create: {request: POST /k, token: .k}, send: \"Authorization: Key {{token}}\"}\n")
	w.login(target, session.LoginOptions{})
	created, err := w.manager.CreateToken(t.Context(), target, session.Wish{Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.manager.SaveToken(t.Context(), target, created, "ci"); err != nil {
		t.Fatal(err)
	}
	ci := target
	ci.Account = "ci"
	s.asked()
	if _, err := w.manager.Whoami(t.Context(), ci); err != nil {
		t.Fatal(err)
	}
	_, byKey, err := w.manager.Credential(t.Context(), ci, session.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pass, err := w.manager.Pass(t.Context(), ci, session.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, byLogin, err := w.manager.Credential(t.Context(), target, session.TokenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "sent", []string{"GET /me Key opal-7Q"}, s.asked())
	const key = "[{Authorization Key opal-7Q}]"
	same(t, "carried", []string{key, key, "[{Authorization Basic YWdhdGUtMQ==}]"}, []string{sprint(byKey.Headers), sprint(pass.Carrier.Headers), sprint(byLogin.Headers)})
}

// TestWatch shows calls as they were made, without secrets.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /in": reply(200, `{"data":{"t":"agate-2"},"in":60}`)})
	var got []session.Exchange
	w.manager.Watch = func(e session.Exchange) { got = append(got, e) }
	target := at(t, s.URL, "    login: {request: POST /in, json: {u: \"{{username}}\", p: \"{{password}}\"}, token: .data.t, refresh_token: .data.r, expires_in: .in}\n")
	w.inputs.values["password"] = "opal-7Q"
	w.login(target, session.LoginOptions{})
	if len(got) != 1 {
		t.Fatalf("%d exchanges", len(got))
	}
	same(t, "request", `{"u":"ann","p":"[redacted]"}`, string(got[0].Request.Body))
	for _, mark := range []string{"t: string (7)", "← token", "in: number", "← expires_in"} {
		if !strings.Contains(got[0].Shape, mark) {
			t.Errorf("%q is not in\n%s", mark, got[0].Shape)
		}
	}
	if len(got[0].Missed) != 1 || got[0].Missed[0].Name != "refresh_token" {
		t.Errorf("missed: %v", got[0].Missed)
	}
	if strings.Contains(got[0].Shape, "agate") {
		t.Error("the shape holds a value")
	}
}

func sprint(value any) string { return fmt.Sprint(value) }
