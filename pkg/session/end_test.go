package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/token"
)

// TestThreat13_Cancel makes Zūm Rails invalidate a token, or not.
func TestThreat13_Cancel(t *testing.T) {
	t.Parallel()
	const call = "PATCH /api/authorize/canceltoken"
	refused := func(text string) outcome {
		return outcome{"cancel the token of zumrails (sandbox): HOST refused: " + text, "", fault.Refused}
	}
	tests := map[string]struct {
		later time.Duration
		fault string
		over  bool
		kept  bool
		want  outcome
	}{
		"done":                 {},
		"refused":              {0, "status:401", false, true, refused("Simulated fault (status 401)")},
		"refused by isError":   {0, "status:200", false, true, refused("Simulated fault (status 200)")},
		"over already":         {2 * time.Hour, "", true, false, outcome{}},
		"over, but in trouble": {2 * time.Hour, "500", false, true, outcome{"cancel the token of zumrails (sandbox): HOST is in trouble: Internal server error (status 500)", "try again later", fault.BadAnswer}},
		"in trouble":           {0, "500", false, true, outcome{"cancel the token of zumrails (sandbox): HOST is in trouble: Internal server error (status 500)", "try again later", fault.BadAnswer}},
		"unreachable":          {0, "dropped", false, true, outcome{"cancel the token of zumrails (sandbox): cannot reach HOST: the connection broke (EOF)", "try again", fault.Unreachable}},
		"limited":              {0, "429:9s", false, true, outcome{"cancel the token of zumrails (sandbox): HOST has had too many requests: Too many requests (status 429)", "wait 9s, then try again", fault.RateLimited}},
		"a page of a proxy":    {0, "html", false, true, outcome{"cancel the token of zumrails (sandbox): HOST answered something unusable: the answer is text/html, 141 bytes (status 200)", "check base_url", fault.BadAnswer}},
		"redirect":             {0, "redirect:302:/login", false, true, outcome{"cancel the token of zumrails (sandbox): HOST redirects to http://HOST/login (status 302); a secret follows no redirect", "if the API has moved there, write it as base_url", fault.BadAnswer}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAPIs(t)
			target := a.target("zumrails", "sandbox")
			old := a.login(target, session.LoginOptions{})
			a.asked()
			a.clock.add(test.later)
			if test.fault != "" {
				a.fail(sim.Zumrails, test.fault)
			}
			got, err := a.manager.Cancel(t.Context(), target)
			expect(t, a.url, test.want, err)
			same(t, "result", session.Cancelled{Info: old.Info, AlreadyOver: test.over}, got)
			same(t, "requests", []string{call}, a.asked())
			_, kept := a.stored(target)
			if kept != test.kept {
				t.Errorf("the session is kept: %v", kept)
			}
			if !kept && len(a.memory.Names()) > 0 {
				t.Errorf("left in the store: %q", a.memory.Names())
			}
		})
	}
}

// TestThreat13_CancelThatCannotForget says that the token is dead and still
// here.
func TestThreat13_CancelThatCannotForget(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("zumrails", "sandbox")
	a.login(target, session.LoginOptions{})
	a.memory.Before = func(operation, _ string) error {
		if operation == "delete" {
			return fault.New(fault.Store, "unlock it", "the keyring is locked")
		}
		return nil
	}
	_, err := a.manager.Cancel(t.Context(), target)
	if fault.KindOf(err) != fault.Store {
		t.Errorf("kind %d: %v", fault.KindOf(err), err)
	}
	if want := "the server cancelled the token; forget it here: "; err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
		t.Errorf("error: %v", err)
	}
}

// TestNoCancel has an API that cannot cancel.
func TestNoCancel(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("logware", "")
	a.login(target, session.LoginOptions{})
	_, err := a.manager.Cancel(t.Context(), target)
	expect(t, a.url, outcome{"logware has no way to cancel a token; it can only be forgotten here", "authctl logout logware", fault.Other}, err)
	if _, found := a.stored(target); !found {
		t.Error("the session is gone")
	}
}

// TestLogout forgets one session and no other, and tells the server nothing.
func TestLogout(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("datarhei-core", "")
	other := target
	other.Account = "ci"
	old := a.login(target, session.LoginOptions{SaveCredentials: true})
	a.login(other, session.LoginOptions{})
	a.asked()
	info, err := a.manager.Logout(t.Context(), target)
	expect(t, a.url, outcome{}, err)
	same(t, "info", old.Info, info)
	same(t, "requests", []string(nil), a.asked())
	_, here := a.stored(target)
	_, there := a.stored(other)
	if here || !there {
		t.Errorf("the session is here: %v, the other one: %v", here, there)
	}
}

// TestLogoutOfADamagedSession gets rid of what cannot be read.
func TestLogoutOfADamagedSession(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("logware", "")
	s := a.login(target, session.LoginOptions{})
	if err := a.memory.Set(t.Context(), s.Key.ID(), []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.manager.Token(t.Context(), target, session.TokenOptions{}); fault.KindOf(err) != fault.Store {
		t.Errorf("the damaged session gives %v", err)
	}
	if _, err := a.manager.Logout(t.Context(), target); err != nil {
		t.Error(err)
	}
	if names := a.memory.Names(); len(names) > 0 {
		t.Errorf("left in the store: %q", names)
	}
}

// TestForget removes a session by its key.
func TestForget(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("logware", "")
	s := a.login(target, session.LoginOptions{})
	if err := a.manager.Forget(t.Context(), s.Key); err != nil {
		t.Error(err)
	}
	if err := a.manager.Forget(t.Context(), s.Key); !errors.Is(err, token.ErrNoSession) {
		t.Errorf("once more: %v", err)
	}
}

// TestLongLivedTokens makes, lists and revokes Haut.AI's private tokens.
func TestLongLivedTokens(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/auth/private_tokens/"
	a := startAPIs(t)
	target := a.target("haut-ai", "")
	a.login(target, session.LoginOptions{})
	a.asked()
	var want []session.LongLived
	for i := range 23 {
		end := noon().Add(time.Duration(i+1) * 24 * time.Hour)
		name := fmt.Sprintf("ci %d", i)
		created, err := a.manager.CreateToken(t.Context(), target, session.Wish{Name: name, ExpiresAt: end.Add(300 * time.Millisecond)})
		if err != nil {
			t.Fatal(err)
		}
		one := session.LongLived{ID: fmt.Sprint(1_000_001 + i), Name: name, ExpiresAt: end, Secret: a.last(1)}
		same(t, "created", one, created)
		if !a.knows(created.Secret.Reveal()) {
			t.Error("the token was not told to Learn")
		}
		one.Secret = token.Secret{}
		want = append(want, one)
	}
	asked := a.asked()
	if len(asked) != 23 || asked[0] != "POST "+path {
		t.Errorf("requests: %q", asked)
	}
	list, err := a.manager.ListTokens(t.Context(), target)
	expect(t, a.url, outcome{}, err)
	same(t, "list", want, list)
	same(t, "requests", []string{"GET " + path, "GET " + path + "?page=2", "GET " + path + "?page=3"}, a.asked())
	if err := a.manager.RevokeToken(t.Context(), target, want[0].ID, ""); err != nil {
		t.Error(err)
	}
	same(t, "requests", []string{"DELETE " + path + "1000001/"}, a.asked())
	list, err = a.manager.ListTokens(t.Context(), target)
	expect(t, a.url, outcome{}, err)
	same(t, "list", want[1:], list)
	a.asked()
	err = a.manager.RevokeToken(t.Context(), target, want[0].ID, "")
	expect(t, a.url, outcome{"revoke a token at haut-ai: HOST refused: detail: Not found. (status 404)", "", fault.Refused}, err)
	err = a.manager.RevokeToken(t.Context(), target, "../login", "")
	if fault.KindOf(err) != fault.Refused {
		t.Errorf("an id that leads elsewhere: %v", err)
	}
	same(t, "requests", []string{"DELETE " + path + "1000001/", "DELETE " + path + "..%2Flogin/"}, a.asked())
	err = a.manager.RevokeToken(t.Context(), target, "..", "")
	expect(t, a.url, outcome{"revoke a token at haut-ai: request: {{id}} would lead to another path", "", fault.Usage}, err)
	same(t, "requests", []string(nil), a.asked())
}

// TestCreateWithoutAnEnd leaves the wish out; the server wants one.
func TestCreateWithoutAnEnd(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("haut-ai", "")
	a.login(target, session.LoginOptions{})
	_, err := a.manager.CreateToken(t.Context(), target, session.Wish{Name: "ci"})
	expect(t, a.url, outcome{"create a token at haut-ai: HOST refused: expiration_time: This field is required. (status 400)", "", fault.Refused}, err)
}

// TestSaveToken keeps a long-lived token as another account, where Token finds
// it; it is not renewed.
func TestSaveToken(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("haut-ai", "")
	a.login(target, session.LoginOptions{})
	end := noon().Add(24 * time.Hour)
	created, err := a.manager.CreateToken(t.Context(), target, session.Wish{Name: "ci", ExpiresAt: end})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.manager.SaveToken(t.Context(), target, created, "robot"); err != nil {
		t.Fatal(err)
	}
	robot := target
	robot.Account, robot.Flags = "robot", "--account robot"
	want := token.Access{
		Info: token.Info{
			Key:    token.Key{Origin: token.Origin(a.url), Profile: "haut-ai", Account: "robot"},
			Expiry: token.Expiry{At: end, Source: token.FromExpiresAt}, ObtainedAt: noon(), User: "ci", LongLived: true, TokenID: created.ID,
		},
		AccessToken: created.Secret,
	}
	got, err := a.manager.Token(t.Context(), robot, session.TokenOptions{})
	expect(t, a.url, outcome{}, err)
	same(t, "token", session.Renewed{Access: want}, got)
	a.clock.add(25 * time.Hour)
	_, err = a.manager.Token(t.Context(), robot, session.TokenOptions{})
	expect(t, a.url, outcome{
		"renew the token of haut-ai (account robot): a long-lived token is not renewed: make a new one", "authctl login haut-ai --account robot", fault.LoginNeeded,
	}, err)
	created.ExpiresAt = time.Time{}
	if err := a.manager.SaveToken(t.Context(), target, created, "robot"); err != nil {
		t.Fatal(err)
	}
	stored, _ := a.stored(robot)
	same(t, "without an end", token.Expiry{Source: token.FromNothing}, stored.Expiry)
}

// TestNoLongLivedTokens has an API that makes none.
func TestNoLongLivedTokens(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("logware", "")
	a.login(target, session.LoginOptions{})
	a.asked()
	missing := func(what, which string) outcome {
		return outcome{what + ": the profile logware describes no tokens." + which, "see https://docs.logware.io (Authentication)", fault.Other}
	}
	_, err := a.manager.CreateToken(t.Context(), target, session.Wish{Name: "ci"})
	expect(t, a.url, missing("create a token at logware", "create"), err)
	_, err = a.manager.ListTokens(t.Context(), target)
	expect(t, a.url, missing("list the tokens at logware", "list"), err)
	err = a.manager.RevokeToken(t.Context(), target, "7", "")
	expect(t, a.url, missing("revoke a token at logware", "revoke"), err)
	same(t, "requests", []string(nil), a.asked())
}

// keys is a profile of a server with tokens of its own.
const keys = `    login: {request: POST /login, token: .t}
    tokens:
      create: {request: POST /keys, form: {n: "{{name}}", at: "{{expires_at}}", in: "{{expires_in}}"}, token: .secret, expires_at: .end}
      list: {request: GET /keys, items: .items, next: .next, name: .label, created_at: .made}
`

// TestCreateReadsNoToken has a token: in the profile, which is that of login and
// refresh, and none in create.
func TestCreateReadsNoToken(t *testing.T) {
	t.Parallel()
	w, s, target := pages(t, "    token: .t\n    login: {request: POST /login}\n    tokens: {create: {request: POST /keys}}\n", answers{"POST /keys": reply(201, `{"t":"opal-7Q"}`)})
	_, err := w.manager.CreateToken(t.Context(), target, session.Wish{Name: "ci"})
	expect(t, s.URL, outcome{"create a token at x: no token came: the answer is {t: string}", "write token: in tokens.create", fault.BadAnswer}, err)
}

// pages logs in to a server whose list begins with one answer.
func pages(t *testing.T, yaml string, known answers) (*world, *server, session.Target) {
	t.Helper()
	w := newWorld(t)
	known["POST /login"] = reply(200, `{"t":"agate-1"}`)
	s := serve(t, known)
	target := at(t, s.URL, yaml)
	w.login(target, session.LoginOptions{})
	s.asked()
	return w, s, target
}

// TestThreat01_NextPageElsewhere has a list whose next page is on another
// server, with another scheme, or with a user name.
func TestThreat01_NextPageElsewhere(t *testing.T) {
	t.Parallel()
	evil := serve(t, answers{})
	const elsewhere = "list the tokens at x: http://OTHER is not http://HOST: nothing was sent there"
	tests := map[string]struct {
		next string
		want outcome
	}{
		"another origin": {evil.URL + "/keys?page=2", outcome{elsewhere, "", fault.BadAnswer}},
		"no scheme":      {"//" + evil.URL[len("http://"):] + "/keys", outcome{elsewhere, "", fault.BadAnswer}},
		"https":          {"https://HOST/keys", outcome{"list the tokens at x: https://HOST is not http://HOST: nothing was sent there", "", fault.BadAnswer}},
		"a user name":    {"http://a:b@HOST/keys", outcome{"list the tokens at x: a URL with a user name in it is not followed", "", fault.BadAnswer}},
		"no URL":         {"http://[::1", outcome{"list the tokens at x: the next page is no URL", "", fault.BadAnswer}},
		"no http":        {"javascript:alert(1)", outcome{`list the tokens at x: "javascript:alert(1)" names no host`, "", fault.Profile}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := ""
			known := answers{}
			w, s, target := pages(t, keys, known)
			host := s.URL[len("http://"):]
			next = strings.ReplaceAll(test.next, "HOST", host)
			known["GET /keys"] = reply(200, fmt.Sprintf(`{"items":[{"id":1}],"next":%q}`, next))
			list, err := w.manager.ListTokens(t.Context(), target)
			test.want.Text = strings.ReplaceAll(test.want.Text, "OTHER", evil.URL[len("http://"):])
			expect(t, s.URL, test.want, err)
			if list != nil {
				t.Errorf("a part of the list is returned: %v", list)
			}
			same(t, "requests", []string{"GET /keys Bearer agate-1"}, s.asked())
		})
	}
	t.Cleanup(func() { same(t, "the other server was asked", []string(nil), evil.asked()) })
}

// TestPages follows lists that end, turn in a circle, or name the next page by
// a cursor.
func TestPages(t *testing.T) {
	t.Parallel()
	const cursor = `    login: {request: POST /login, token: .t}
    tokens:
      list: {request: GET /keys, query: {after: "{{next}}"}, next: .cursor}
`
	one, two := session.LongLived{ID: "1", Name: "a"}, session.LongLived{ID: "2", Name: "b"}
	made := session.LongLived{ID: "1", Name: "a", CreatedAt: noon().Add(-time.Hour), ExpiresAt: noon().Add(time.Hour)}
	tests := map[string]struct {
		yaml    string
		answers answers
		want    []session.LongLived
		error   outcome
		asked   int
	}{
		"one page":      {keys, answers{"GET /keys": reply(200, `{"items":[{"id":1,"label":"a","made":"2026-01-02T11:00:00Z","expires_at":1767358800}],"next":null}`)}, []session.LongLived{made}, outcome{}, 1},
		"empty":         {keys, answers{"GET /keys": reply(200, `{"items":[]}`)}, nil, outcome{}, 1},
		"relative":      {keys, answers{"GET /keys": reply(200, `{"items":[{"id":1,"label":"a"}],"next":"more"}`), "GET /more": reply(200, `{"items":[{"id":"2","label":"b"}],"next":""}`)}, []session.LongLived{one, two}, outcome{}, 2},
		"a circle":      {keys, answers{"GET /keys": reply(200, `{"items":[{"id":1,"label":"a"}],"next":"/keys"}`)}, []session.LongLived{one, one}, outcome{}, 2},
		"no list":       {keys, answers{"GET /keys": reply(200, `{"items":{"a":1}}`)}, nil, outcome{"list the tokens at x: items: no list was found; the answer is {items: {a: number}}", "compare items: in the profile with the answer", fault.BadAnswer}, 1},
		"refused":       {keys, answers{"GET /keys": reply(403, `{}`)}, nil, outcome{"list the tokens at x: HOST refused with status 403", "", fault.Refused}, 1},
		"odd time":      {keys, answers{"GET /keys": reply(200, `{"items":[{"id":1,"made":"yesterday"}]}`)}, nil, outcome{"list the tokens at x: .made: what was found is no point in time", "", fault.BadAnswer}, 1},
		"no end":        {keys, answers{"GET /keys": reply(200, `{"items":[{"id":1,"label":"a","expires_at":0},{"id":2,"label":"b","expires_at":-1}]}`)}, []session.LongLived{one, two}, outcome{}, 1},
		"odd items":     {keys, answers{"GET /keys": reply(200, `{"items":[1,"x",null,{"id":[1]}]}`)}, []session.LongLived{{}, {}, {}, {ID: "[1]"}}, outcome{}, 1},
		"a cursor":      {cursor, answers{"GET /keys": reply(200, `[{"id":1,"name":"a"}]`)}, []session.LongLived{one}, outcome{}, 1},
		"a bare number": {cursor, answers{"GET /keys": reply(200, `7`)}, nil, outcome{"list the tokens at x: items: no list was found; the answer is number", "compare items: in the profile with the answer", fault.BadAnswer}, 1},
		"two calls":     {"    login: {request: POST /login, token: .t}\n    tokens: {list: [{request: GET /a}, {request: GET /b}]}\n", answers{"GET /a": reply(200, `{}`), "GET /b": reply(200, `[{"id":1,"name":"a"}]`)}, []session.LongLived{one}, outcome{}, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s, target := pages(t, test.yaml, test.answers)
			list, err := w.manager.ListTokens(t.Context(), target)
			expect(t, s.URL, test.error, err)
			same(t, "list", test.want, list)
			if asked := s.asked(); len(asked) != test.asked {
				t.Errorf("requests: %q", asked)
			}
		})
	}
}

// TestCursor follows a list by {{next}}.
func TestCursor(t *testing.T) {
	t.Parallel()
	known := answers{}
	w, s, target := pages(t, "    login: {request: POST /login, token: .t}\n    tokens:\n      list: {request: GET /keys, query: {after: \"{{next}}\", n: \"2\"}, items: .items, next: .cursor}\n", known)
	known["GET /keys"] = byQuery(map[string]string{
		"n=2": `{"items":[{"id":1}],"cursor":7}`, "after=7&n=2": `{"items":[{"id":2}],"cursor":"a&b"}`, "after=a%26b&n=2": `{"items":[{"id":3}]}`,
	})
	list, err := w.manager.ListTokens(t.Context(), target)
	expect(t, s.URL, outcome{}, err)
	same(t, "list", []session.LongLived{{ID: "1"}, {ID: "2"}, {ID: "3"}}, list)
	same(t, "requests", []string{"GET /keys?n=2 Bearer agate-1", "GET /keys?after=7&n=2 Bearer agate-1", "GET /keys?after=a%26b&n=2 Bearer agate-1"}, s.asked())
}

// TestCreateAnswers has answers to tokens.create.
func TestCreateAnswers(t *testing.T) {
	t.Parallel()
	end := noon().Add(90 * time.Minute)
	tests := map[string]struct {
		answer string
		want   session.LongLived
		error  outcome
	}{
		"all":         {`{"id":7,"secret":"opal-7Q","end":"2026-01-02T13:00:00Z"}`, session.LongLived{ID: "7", Name: "ci", ExpiresAt: noon().Add(time.Hour), Secret: token.NewSecret("opal-7Q")}, outcome{}},
		"no end":      {`{"secret":"opal-7Q"}`, session.LongLived{Name: "ci", ExpiresAt: end, Secret: token.NewSecret("opal-7Q")}, outcome{}},
		"no token":    {`{"id":7}`, session.LongLived{}, outcome{"create a token at x: token: .secret finds nothing; the answer is {id: number}", "compare token: in the profile with the answer", fault.BadAnswer}},
		"odd end":     {`{"secret":"opal-7Q","end":"never"}`, session.LongLived{Name: "ci", ExpiresAt: end, Secret: token.NewSecret("opal-7Q")}, outcome{}},
		"not an text": {`{"secret":{"a":"opal-7Q"}}`, session.LongLived{}, outcome{"create a token at x: token: what was found is not text", "", fault.BadAnswer}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s, target := pages(t, keys, answers{"POST /keys": reply(201, test.answer)})
			created, err := w.manager.CreateToken(t.Context(), target, session.Wish{Name: "ci", ExpiresAt: end})
			expect(t, s.URL, test.error, err)
			same(t, "created", test.want, created)
			same(t, "requests", []string{"POST /keys Bearer agate-1 n=ci&at=2026-01-02T13%3A30%3A00Z&in=5400"}, s.asked())
		})
	}
}
