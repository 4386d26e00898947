package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/sim"
	"github.com/authctl/authctl/pkg/token"
)

// TestToken asks for tokens of datarhei Core, whose access token lasts 10 min
// and whose refresh token lasts a day.
func TestToken(t *testing.T) {
	t.Parallel()
	const refresh = "GET /api/login/refresh"
	type result struct {
		Error   outcome
		Warning outcome
		Token   string // "old", "new", or none
		Renewed bool
		Asked   []string
		Expiry  time.Time
	}
	unreachable := outcome{"renew the token of datarhei-core: cannot reach HOST: the connection broke (EOF)", "try again", fault.Unreachable}
	over := outcome{
		"renew the token of datarhei-core: the server no longer takes the refresh token: HOST refused: Missing or invalid JWT token (status 401)",
		"authctl login datarhei-core", fault.LoginNeeded,
	}
	tests := map[string]struct {
		later   time.Duration
		options session.TokenOptions
		fault   string
		want    result
	}{
		"live":                       {0, session.TokenOptions{}, "", result{Token: "old", Expiry: noon().Add(10 * time.Minute)}},
		"live for long enough":       {0, session.TokenOptions{MinTTL: 9 * time.Minute}, "", result{Token: "old", Expiry: noon().Add(10 * time.Minute)}},
		"over":                       {11 * time.Minute, session.TokenOptions{}, "", result{Token: "new", Renewed: true, Asked: []string{refresh}, Expiry: noon().Add(21 * time.Minute)}},
		"not for long enough":        {5 * time.Minute, session.TokenOptions{MinTTL: 6 * time.Minute}, "", result{Token: "new", Renewed: true, Asked: []string{refresh}, Expiry: noon().Add(15 * time.Minute)}},
		"forced":                     {0, session.TokenOptions{Force: true}, "", result{Token: "new", Renewed: true, Asked: []string{refresh}, Expiry: noon().Add(10 * time.Minute)}},
		"renewal fails, still live":  {5 * time.Minute, session.TokenOptions{MinTTL: 6 * time.Minute}, "dropped", result{Token: "old", Warning: unreachable, Asked: []string{refresh}, Expiry: noon().Add(10 * time.Minute)}},
		"renewal fails, strict":      {5 * time.Minute, session.TokenOptions{MinTTL: 6 * time.Minute, Strict: true}, "dropped", result{Error: unreachable, Asked: []string{refresh}}},
		"renewal fails, forced":      {0, session.TokenOptions{Force: true}, "dropped", result{Error: unreachable, Asked: []string{refresh}}},
		"renewal fails, over":        {11 * time.Minute, session.TokenOptions{}, "dropped", result{Error: unreachable, Asked: []string{refresh}}},
		"not renewed, live":          {0, session.TokenOptions{NoRenew: true}, "", result{Token: "old", Expiry: noon().Add(10 * time.Minute)}},
		"not renewed, short":         {5 * time.Minute, session.TokenOptions{NoRenew: true, MinTTL: 6 * time.Minute}, "", result{Token: "old", Warning: outcome{"the token of datarhei-core does not last", "authctl refresh datarhei-core", fault.LoginNeeded}, Expiry: noon().Add(10 * time.Minute)}},
		"not renewed, short, strict": {5 * time.Minute, session.TokenOptions{NoRenew: true, MinTTL: 6 * time.Minute, Strict: true}, "", result{Error: outcome{"the token of datarhei-core does not last", "authctl refresh datarhei-core", fault.LoginNeeded}}},
		"not renewed, over":          {11 * time.Minute, session.TokenOptions{NoRenew: true}, "", result{Error: outcome{"the token of datarhei-core does not last", "authctl refresh datarhei-core", fault.LoginNeeded}}},
		"refresh token refused":      {11 * time.Minute, session.TokenOptions{}, "status:401", result{Error: outcome{strings.Replace(over.Text, "Missing or invalid JWT token", "Simulated fault", 1), over.Hint, over.Kind}, Asked: []string{refresh}}},
		"refresh in trouble":         {11 * time.Minute, session.TokenOptions{}, "500", result{Error: outcome{"renew the token of datarhei-core: HOST is in trouble: Internal server error (status 500)", "try again later", fault.BadAnswer}, Asked: []string{refresh}}},
		"refresh limited":            {11 * time.Minute, session.TokenOptions{}, "429:5s", result{Error: outcome{"renew the token of datarhei-core: HOST has had too many requests: Too many requests (status 429)", "wait 5s, then try again", fault.RateLimited}, Asked: []string{refresh}}},
		"refresh gives null":         {11 * time.Minute, session.TokenOptions{}, "null-token", result{Error: outcome{"renew the token of datarhei-core: token: .access_token finds nothing; the answer is {access_token: null}", "compare token: in the profile with the answer", fault.BadAnswer}, Asked: []string{refresh}}},
		"refresh redirects":          {11 * time.Minute, session.TokenOptions{}, "redirect:307:http://127.0.0.1:9/", result{Error: outcome{"renew the token of datarhei-core: HOST redirects to http://127.0.0.1:9/ (status 307); a secret follows no redirect", "if the API has moved there, write it as base_url", fault.BadAnswer}, Asked: []string{refresh}}},
		"refresh token is over":      {25 * time.Hour, session.TokenOptions{}, "", result{Error: outcome{"renew the token of datarhei-core: the refresh token is over since 2026-01-03T12:00:00Z", "authctl login datarhei-core", fault.LoginNeeded}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAPIs(t)
			target := a.target("datarhei-core", "")
			old := a.login(target, session.LoginOptions{})
			a.asked()
			a.clock.add(test.later)
			if test.fault != "" {
				a.fail(sim.DatarheiCore, test.fault)
			}
			got, err := a.manager.Token(t.Context(), target, test.options)
			expect(t, a.url, test.want.Error, err)
			expect(t, a.url, test.want.Warning, got.Warning)
			failed := test.want.Error.Kind
			test.want.Error, test.want.Warning = outcome{}, outcome{}
			which := ""
			switch {
			case got.AccessToken.Equal(old.AccessToken):
				which = "old"
			case got.AccessToken.Equal(a.last(1)) && !got.AccessToken.IsZero():
				which = "new"
			}
			same(t, "result", test.want, result{Token: which, Renewed: got.Renewed, Asked: a.asked(), Expiry: got.At})
			stored, found := a.stored(target)
			want := remembered(old, failed, a.clock.Now())
			if which == "new" {
				want.AccessToken, want.Expiry, want.ObtainedAt = got.AccessToken, got.Expiry, a.clock.Now()
			}
			if !found {
				t.Fatal("the session is gone")
			}
			same(t, "stored", want, stored) // the refresh token is kept: none came
		})
	}
}

// TestNotLoggedIn asks for a token of nobody.
func TestNotLoggedIn(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("zumrails", "production")
	target.Account, target.Flags = "ci", "--environment production --account ci"
	want := outcome{"not logged in to zumrails (production, account ci) at http://HOST", "authctl login zumrails --environment production --account ci", fault.LoginNeeded}
	_, err := a.manager.Token(t.Context(), target, session.TokenOptions{})
	expect(t, a.url, want, err)
	_, err = a.manager.Cancel(t.Context(), target)
	expect(t, a.url, want, err)
	_, err = a.manager.Logout(t.Context(), target)
	expect(t, a.url, want, err)
	same(t, "requests", []string(nil), a.asked())
}

// TestTargetString names targets as people do.
func TestTargetString(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	one, two := a.target("logware", ""), a.target("zumrails", "sandbox")
	other, more := one, two
	other.Account, more.Account, more.Flags = "ci", "ci", "--account ci"
	got := []string{one.String(), other.String(), two.String(), more.String(), one.LoginHint(), other.LoginHint(), two.LoginHint(), more.LoginHint()}
	same(t, "names", []string{
		"logware", "logware (account ci)", "zumrails (sandbox)", "zumrails (sandbox, account ci)",
		"authctl login logware", "authctl login logware", "authctl login zumrails", "authctl login zumrails --account ci",
	}, got)
}

// TestNothingRenews has tokens of APIs without a refresh call.
func TestNothingRenews(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("logware", "")
	a.login(target, session.LoginOptions{})
	a.clock.add(11 * time.Hour)
	_, err := a.manager.Token(t.Context(), target, session.TokenOptions{})
	expect(t, a.url, outcome{
		"renew the token of logware: the session is over since 2026-01-02T22:00:00Z; there is no refresh call, and no credentials were saved",
		"authctl login logware", fault.LoginNeeded,
	}, err)
	a.clock.add(-2 * time.Hour)
	got, err := a.manager.Token(t.Context(), target, session.TokenOptions{MinTTL: 2 * time.Hour})
	expect(t, a.url, outcome{}, err)
	expect(t, a.url, outcome{
		"renew the token of logware: there is no refresh call in the profile, and no credentials were saved", "authctl login logware", fault.LoginNeeded,
	}, got.Warning)
}

// remembered is what the store keeps of a renewal that failed: that the saved
// credentials were refused, or for how long the server wants to be left alone.
func remembered(old token.Session, kind fault.Kind, now time.Time) token.Session {
	switch kind {
	case fault.Refused:
		old.RefusedAt = now
	case fault.RateLimited:
		old.RetryAt = now.Add(5 * time.Second)
	}
	return old
}

// TestRefusedCredentialsRest sends credentials that were refused never again,
// and asks a server that has had enough only when it wants to be asked.
func TestRefusedCredentialsRest(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	target := a.target("logware", "")
	a.login(target, session.LoginOptions{SaveCredentials: true})
	a.clock.add(13 * time.Hour)
	ask := func(fault string) (string, []string) {
		a.asked()
		if a.fail("logware"); fault != "" {
			a.fail("logware", fault)
		}
		_, err := a.manager.Token(t.Context(), target, session.TokenOptions{})
		return fmt.Sprint(err), a.asked()
	}
	const login = "POST /api/users/authenticate"
	_, limited := ask("429:5s")
	text, early := ask("")
	same(t, "asked too early", [][]string{{login}, nil}, [][]string{limited, early})
	same(t, "told", "renew the token of logware: the server has had too many requests and was not asked again", text)
	a.clock.add(5 * time.Second)
	_, refused := ask("status:401")
	text, again := ask("")
	same(t, "refused", [][]string{{login}, nil}, [][]string{refused, again})
	same(t, "told", "renew the token of logware: the credentials were refused on 2026-01-03T01:00:05Z and are not sent again", text)
	a.login(target, session.LoginOptions{SaveCredentials: true})
	a.clock.add(13 * time.Hour)
	text, renewed := ask("")
	same(t, "after a login", [][]string{{login}, {"<nil>"}}, [][]string{renewed, {text}})
}

// TestSavedCredentials logs in again exactly once, and only where the refresh
// call cannot help or was refused.
func TestSavedCredentials(t *testing.T) {
	t.Parallel()
	const login, refresh = "POST /api/login", "GET /api/login/refresh"
	tests := map[string]struct {
		profile string
		later   time.Duration
		faults  []string
		want    outcome
		asked   []string
	}{
		"no refresh call": {"logware", 13 * time.Hour, nil, outcome{}, []string{"POST /api/users/authenticate"}},
		"password changed since": {
			"logware", 13 * time.Hour, []string{"status:401"},
			outcome{"renew the token of logware: HOST refused: Simulated fault (status 401)", "check the user name and the password, then log in again", fault.Refused},
			[]string{"POST /api/users/authenticate"},
		},
		"limited": {
			"logware", 13 * time.Hour, []string{"429:5s"},
			outcome{"renew the token of logware: HOST has had too many requests: Too many requests (status 429)", "wait 5s, then try again", fault.RateLimited},
			[]string{"POST /api/users/authenticate"},
		},
		"the refresh call works":   {"datarhei-core", time.Hour, nil, outcome{}, []string{refresh}},
		"refresh token refused":    {"datarhei-core", time.Hour, []string{"status:401 path=/api/login/refresh"}, outcome{}, []string{refresh, login}},
		"refresh token over":       {"datarhei-core", 25 * time.Hour, nil, outcome{}, []string{login}},
		"refresh call in trouble":  {"datarhei-core", time.Hour, []string{"500 path=/api/login/refresh"}, outcome{"renew the token of datarhei-core: HOST is in trouble: Internal server error (status 500)", "try again later", fault.BadAnswer}, []string{refresh}},
		"refresh call unreachable": {"datarhei-core", time.Hour, []string{"dropped path=/api/login/refresh"}, outcome{"renew the token of datarhei-core: cannot reach HOST: the connection broke (EOF)", "try again", fault.Unreachable}, []string{refresh}},
		"refresh call limited":     {"datarhei-core", time.Hour, []string{"429:5s path=/api/login/refresh"}, outcome{"renew the token of datarhei-core: HOST has had too many requests: Too many requests (status 429)", "wait 5s, then try again", fault.RateLimited}, []string{refresh}},
		"refresh gives nonsense":   {"datarhei-core", time.Hour, []string{"html path=/api/login/refresh"}, outcome{"renew the token of datarhei-core: token: .access_token finds nothing; the answer is text/html, 141 bytes", "compare token: in the profile with the answer", fault.BadAnswer}, []string{refresh}},
		"both refused": {
			"datarhei-core", time.Hour, []string{"status:401"},
			outcome{"renew the token of datarhei-core: HOST refused: Simulated fault (status 401)", "check the user name and the password, then log in again", fault.Refused},
			[]string{refresh, login},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startAPIs(t)
			target := a.target(test.profile, "")
			old := a.login(target, session.LoginOptions{SaveCredentials: true})
			a.asked()
			a.inputs.asks()
			a.inputs.values = nil // nobody is there
			a.clock.add(test.later)
			a.fail(test.profile, test.faults...)
			got, err := a.manager.Token(t.Context(), target, session.TokenOptions{})
			expect(t, a.url, test.want, err)
			same(t, "requests", test.asked, a.asked())
			same(t, "asked for", []string(nil), a.inputs.asks())
			stored, _ := a.stored(target)
			if err != nil {
				same(t, "stored", remembered(old, test.want.Kind, a.clock.Now()), stored)
				return
			}
			want := old
			want.AccessToken, want.Expiry, want.ObtainedAt = got.AccessToken, got.Expiry, a.clock.Now()
			if old.Renewable == "refresh" && test.asked[len(test.asked)-1] == login {
				want.RefreshToken, want.RefreshExpiry.At = a.last(1), a.clock.Now().Add(24*time.Hour)
			}
			same(t, "stored", want, stored)
			if !stored.Live(a.clock.Now(), 0) || stored.AccessToken.Equal(old.AccessToken) {
				t.Error("the token is not new")
			}
		})
	}
}

// rotating is a profile of a server that gives a new refresh token with each
// refresh.
const rotating = `    token: .t
    refresh_token: .r
    expires_in: .in
    login: {request: POST /login, headers: {U: "{{username}}"}}
    refresh:
      request: POST /refresh
      form: {r: "{{refresh_token}}", stamp: "{{stamp}}"}
    save: {stamp: .stamp}
`

// TestRefreshAnswers has refresh calls that bring more or less than was there.
func TestRefreshAnswers(t *testing.T) {
	t.Parallel()
	over := outcome{"renew the token of x: the server gives no later token: the session has reached its end", "authctl login x", fault.LoginNeeded}
	tests := map[string]struct {
		answer  string
		want    outcome
		refresh string // token that is stored then
		saved   map[string]any
	}{
		"a new refresh token":        {`{"t":"agate-2","r":"r-2","in":600,"stamp":"s-2"}`, outcome{}, "r-2", map[string]any{"stamp": "s-2"}},
		"no refresh token":           {`{"t":"agate-2","in":600}`, outcome{}, "r-1", map[string]any{"stamp": "s-1"}},
		"null for a refresh token":   {`{"t":"agate-2","r":null,"in":600}`, outcome{}, "r-1", map[string]any{"stamp": "s-1"}},
		"an empty refresh token":     {`{"t":"agate-2","r":"","in":600}`, outcome{}, "r-1", map[string]any{"stamp": "s-1"}},
		"a refresh token of a list":  {`{"t":"agate-2","r":[],"in":600}`, outcome{"renew the token of x: refresh_token: what was found is not text", "", fault.BadAnswer}, "r-1", map[string]any{"stamp": "s-1"}},
		"the same access token":      {`{"t":"agate-1","in":600}`, outcome{}, "r-1", map[string]any{"stamp": "s-1"}},
		"no later end":               {`{"t":"agate-2","in":1}`, over, "r-1", map[string]any{"stamp": "s-1"}},
		"no token":                   {`{"r":"r-2","in":600}`, outcome{"renew the token of x: token: .t finds nothing; the answer is {in: number, r: string}", "compare token: in the profile with the answer", fault.BadAnswer}, "r-1", map[string]any{"stamp": "s-1"}},
		"an implausible end":         {`{"t":"agate-2","r":"r-2","in":-600}`, outcome{}, "r-2", map[string]any{"stamp": "s-1"}},
		"a refused grant with a 400": {`400`, outcome{"renew the token of x: the server no longer takes the refresh token: HOST refused: invalid_grant (status 400)", "authctl login x", fault.LoginNeeded}, "r-1", map[string]any{"stamp": "s-1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			answer := reply(200, test.answer)
			if test.answer == "400" {
				answer = reply(400, `{"error":"invalid_grant"}`)
			}
			s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-1","r":"r-1","in":60,"stamp":"s-1"}`), "POST /refresh": answer})
			target := at(t, s.URL, rotating)
			old := w.login(target, session.LoginOptions{})
			s.asked()
			if name == "no later end" {
				w.clock.add(-time.Minute) // the old end is later
				old.At, old.ObtainedAt = noon().Add(10*time.Minute), noon().Add(-10*time.Minute)
				w.keep(old)
			}
			_, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
			expect(t, s.URL, test.want, err)
			same(t, "requests", []string{"POST /refresh  r=r-1&stamp=s-1"}, s.asked())
			want := old
			if err == nil {
				want.AccessToken, want.Expiry = token.NewSecret("agate-2"), token.Expiry{At: noon().Add(10 * time.Minute), Source: token.FromExpiresIn}
				if name == "an implausible end" {
					want.Expiry = token.Expiry{Source: token.FromNothing}
				}
				if name == "the same access token" {
					want.AccessToken = old.AccessToken
				}
			}
			want.RefreshToken, want.Saved = token.NewSecret(test.refresh), test.saved
			stored, _ := w.stored(target)
			same(t, "stored", want, stored)
		})
	}
}

// TestThreat12_OneRefreshForMany has fifty callers that find the same expired
// token, and a refresh token that works once.
func TestThreat12_OneRefreshForMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var once sync.Once
	refresh := func(rw http.ResponseWriter, r *http.Request) {
		answer := reply(400, `{"error":"reused"}`)
		once.Do(func() { answer = reply(200, `{"t":"agate-2","r":"r-2","in":600}`) })
		answer(rw, r)
	}
	s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-1","r":"r-1","in":60}`), "POST /refresh": refresh})
	target := at(t, s.URL, rotating)
	w.login(target, session.LoginOptions{})
	s.asked()
	w.clock.add(2 * time.Minute)
	var callers sync.WaitGroup
	results := make([]session.Renewed, 50)
	failures := make([]error, len(results))
	for i := range results {
		callers.Go(func() { results[i], failures[i] = w.manager.Token(t.Context(), target, session.TokenOptions{}) })
	}
	callers.Wait()
	for i, got := range results {
		if failures[i] != nil || got.Warning != nil || got.AccessToken.Reveal() != "agate-2" {
			t.Fatalf("caller %d: %v, warning %v", i, failures[i], got.Warning)
		}
	}
	same(t, "requests", []string{"POST /refresh  r=r-1"}, s.asked())
	stored, _ := w.stored(target)
	same(t, "refresh token", token.NewSecret("r-2"), stored.RefreshToken)
}

// faulty is a store that fails at one operation.
type faulty struct {
	session.Store
	save, lock, unlock error
}

func (f *faulty) Save(ctx context.Context, s token.Session) error {
	if f.save != nil {
		return f.save
	}
	return f.Store.Save(ctx, s)
}

func (f *faulty) Lock(ctx context.Context, key token.Key) (func() error, error) {
	if f.lock != nil {
		return nil, f.lock
	}
	release, err := f.Store.Lock(ctx, key)
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(release(), f.unlock) }, nil
}

// TestThreat12_FailedSaveGivesTheTokenAway: the server has made the old token
// useless, so the new one is given even if it cannot be kept.
func TestThreat12_FailedSaveGivesTheTokenAway(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		w := newWorld(t)
		s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-1","r":"r-1","in":60}`), "POST /refresh": reply(200, `{"t":"agate-2","r":"r-2","in":600}`)})
		target := at(t, s.URL, rotating)
		w.login(target, session.LoginOptions{})
		w.clock.add(2 * time.Minute)
		w.manager.Store = &faulty{Store: w.manager.Store, save: fault.New(fault.Store, "unlock it", "the keyring is locked")}
		got, err := w.manager.Token(t.Context(), target, session.TokenOptions{Strict: strict})
		expect(t, s.URL, outcome{}, err)
		same(t, "token", token.NewSecret("agate-2"), got.AccessToken)
		expect(t, s.URL, outcome{"the token of x was renewed and could not be kept: the keyring is locked", "unlock it; if the next renewal is refused: authctl login x", fault.Store}, got.Warning)
		if !w.knows("agate-2") || !w.knows("r-2") {
			t.Error("the new tokens were not told to Learn")
		}
	}
}

// TestStoreFails has a store that cannot be asked, locked or unlocked: that is
// never taken for "not logged in".
func TestStoreFails(t *testing.T) {
	t.Parallel()
	locked := fault.New(fault.Store, "unlock it", "the keyring is locked")
	w := newWorld(t)
	s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-1","r":"r-1","in":60}`), "POST /refresh": reply(200, `{"t":"agate-2","in":600}`)})
	target := at(t, s.URL, rotating)
	w.login(target, session.LoginOptions{})
	sound := w.manager.Store
	w.manager.Store = &faulty{Store: sound, unlock: locked}
	got, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
	expect(t, s.URL, outcome{}, err)
	same(t, "token", token.NewSecret("agate-2"), got.AccessToken)
	expect(t, s.URL, outcome{"the keyring is locked", "unlock it", fault.Store}, got.Warning)
	w.manager.Store = sound
	s.asked()
	w.memory.Before = func(string, string) error { return locked }
	_, err = w.manager.Token(t.Context(), target, session.TokenOptions{})
	expect(t, s.URL, outcome{"the keyring is locked", "unlock it", fault.Store}, err)
	_, err = w.manager.Cancel(t.Context(), at(t, s.URL, rotating+"    cancel: {request: DELETE /t}\n"))
	expect(t, s.URL, outcome{"the keyring is locked", "unlock it", fault.Store}, err)
	same(t, "requests", []string(nil), s.asked())
}

// TestBusyLock waits for somebody who holds the lock, and not for ever.
func TestBusyLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.manager.Timeout = 20 * time.Millisecond
	s := serve(t, answers{"POST /refresh": reply(200, `{"t":"agate-2","in":600}`)})
	target := at(t, s.URL, rotating)
	key, err := target.Key()
	if err != nil {
		t.Fatal(err)
	}
	w.keep(token.Session{Access: token.Access{Info: token.Info{Key: key}, AccessToken: token.NewSecret("agate-1")}, RefreshToken: token.NewSecret("r-1")})
	release, err := w.manager.Store.Lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
	expect(t, s.URL, outcome{"another authctl has been busy with this session for 40ms", "look for an authctl that hangs", fault.Store}, err)
	m := *w.manager
	m.Store = &faulty{Store: w.manager.Store, lock: context.DeadlineExceeded}
	_, err = m.Token(t.Context(), target, session.TokenOptions{Force: true})
	expect(t, s.URL, outcome{"another authctl has been busy with this session for 40ms", "look for an authctl that hangs", fault.Store}, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.manager.Token(ctx, target, session.TokenOptions{Force: true})
	if fault.KindOf(err) != fault.Interrupted {
		t.Errorf("interrupted: %v", err)
	}
	same(t, "requests", []string(nil), s.asked())
	if err := release(); err != nil {
		t.Error(err)
	}
}

// TestInterruptedRenewal gives no token: the person wants to stop.
func TestInterruptedRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, answers{
		"POST /login":   reply(200, `{"t":"agate-1","r":"r-1","in":60}`),
		"POST /refresh": func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() },
	})
	target := at(t, s.URL, rotating)
	w.login(target, session.LoginOptions{})
	got, err := w.manager.Token(ctx, target, session.TokenOptions{MinTTL: time.Hour})
	expect(t, s.URL, outcome{"renew the token of x: interrupted", "", fault.Interrupted}, err)
	if !got.AccessToken.IsZero() {
		t.Error("a token is returned")
	}
}

// TestABroughtTokenIsNoCredential: what refresh has replaced does not come back.
func TestABroughtTokenIsNoCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inputs.values["pat"] = "agate-1"
	s := serve(t, answers{"POST /rotate": reply(401, "{}")})
	target := at(t, s.URL, "    inputs: {pat: {label: x, secret: true}}\n    login: {token: $pat}\n    refresh: {request: POST /rotate, token: .t}\n")
	got := w.login(target, session.LoginOptions{SaveCredentials: true})
	same(t, "credentials", map[string]token.Secret(nil), got.Credentials)
	_, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
	expect(t, s.URL, outcome{"renew the token of x: the server no longer takes the token: HOST refused with status 401", "authctl login x", fault.LoginNeeded}, err)
}

// TestRefusedWithoutARefreshToken renews with the token itself.
func TestRefusedWithoutARefreshToken(t *testing.T) {
	t.Parallel()
	for name, renewal := range map[string]string{"refresh": "", "keepalive": "    idle_timeout: 10m\n"} {
		w := newWorld(t)
		s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-1"}`), "POST /renew": reply(401, "{}")})
		target := at(t, s.URL, "    token: .t\n    login: {request: POST /login, json: {user: \"{{username}}\"}}\n    "+name+": {request: POST /renew}\n"+renewal)
		w.login(target, session.LoginOptions{})
		_, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
		expect(t, s.URL, outcome{"renew the token of x: the server no longer takes the token: HOST refused with status 401", "authctl login x", fault.LoginNeeded}, err)
	}
}

// TestThreat12_RefusalAfterAnInterruptedRenewal: who finds the refresh token used
// up is told of a renewal whose answer nobody has kept, and of no other.
func TestThreat12_RefusalAfterAnInterruptedRenewal(t *testing.T) {
	t.Parallel()
	const refused = "HOST refused: invalid_grant (status 400)"
	const plain = "renew the token of x: the server no longer takes the refresh token: " + refused
	const told = "renew the token of x: the server no longer takes the refresh token: " +
		"a renewal that began at 2026-01-02T12:00:00Z was interrupted and may have used the refresh token up: " + refused
	locked := fault.New(fault.Store, "", "the keyring is locked")
	dropped := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, test := range map[string]struct {
		first http.HandlerFunc
		save  error // of the first renewal
		again bool  // somebody logs in after it
		want  string
	}{
		"no answer":           {dropped, nil, false, told},
		"an answer of no use": {reply(502, "{}"), nil, false, told},
		"an answer not kept":  {reply(200, `{"t":"agate-2","r":"r-2","in":600}`), locked, false, told},
		"an answer that was":  {reply(200, `{"t":"agate-2","r":"r-2","in":600}`), nil, false, plain},
		"a refusal":           {reply(400, `{"error":"invalid_grant"}`), nil, false, plain},
		"too many requests":   {reply(429, "{}"), nil, false, plain},
		"another login since": {dropped, nil, true, plain},
	} {
		w := newWorld(t)
		var once sync.Once
		s := serve(t, answers{
			"POST /login": reply(200, `{"t":"agate-1","r":"r-1","in":60}`),
			"POST /refresh": func(rw http.ResponseWriter, r *http.Request) {
				answer := reply(400, `{"error":"invalid_grant"}`)
				once.Do(func() { answer = test.first })
				answer(rw, r)
			},
		})
		target := at(t, s.URL, rotating)
		w.login(target, session.LoginOptions{})
		sound := w.manager.Store
		w.manager.Store = &faulty{Store: sound, save: test.save}
		_, _ = w.manager.Token(t.Context(), target, session.TokenOptions{Force: true}) // the next ones tell
		w.manager.Store = sound
		w.clock.add(2 * time.Second)
		if test.again {
			w.login(target, session.LoginOptions{})
		}
		for range 2 {
			_, err := w.manager.Token(t.Context(), target, session.TokenOptions{Force: true})
			if got := strings.ReplaceAll(fmt.Sprint(err), strings.TrimPrefix(s.URL, "http://"), "HOST"); got != test.want || fault.HintOf(err) != "authctl login x" {
				t.Errorf("%s: %s (%s)", name, got, fault.HintOf(err))
			}
		}
	}
}

// TestThreat01_ChangedBaseURL moves the profile to another server: it is not
// logged in there, and that server gets nothing.
func TestThreat01_ChangedBaseURL(t *testing.T) {
	t.Parallel()
	a := startAPIs(t)
	home := a.target("datarhei-core", "")
	a.login(home, session.LoginOptions{SaveCredentials: true})
	a.clock.add(time.Hour)
	evil := serve(t, answers{})
	moved := home
	changed := *home.Profile
	changed.BaseURL.URL = at(t, evil.URL, "    login: {request: POST /l, token: .t}\n").Profile.BaseURL.URL
	changed.Cancel = changed.Refresh
	moved.Profile = &changed
	want := outcome{"not logged in to datarhei-core at http://HOST", "authctl login datarhei-core", fault.LoginNeeded}
	for _, options := range []session.TokenOptions{{}, {Force: true}, {NoRenew: true}, {MinTTL: time.Hour, Strict: true}} {
		_, err := a.manager.Token(t.Context(), moved, options)
		expect(t, evil.URL, want, err)
	}
	_, err := a.manager.Cancel(t.Context(), moved)
	expect(t, evil.URL, want, err)
	_, err = a.manager.Logout(t.Context(), moved)
	expect(t, evil.URL, want, err)
	same(t, "the other server was asked", []string(nil), evil.asked())
	if _, found := a.stored(home); !found {
		t.Error("the session at home is gone")
	}
}

// swapped is a store that gives the session of another origin, as one that was
// tampered with could.
type swapped struct {
	session.Store
	s token.Session
}

func (s *swapped) Access(context.Context, token.Key) (token.Access, error)   { return s.s.Access, nil }
func (s *swapped) Session(context.Context, token.Key) (token.Session, error) { return s.s, nil }

// TestThreat01_SwappedSession has the session of another origin in the store:
// no secret of it is sent, neither token nor refresh token nor credentials.
func TestThreat01_SwappedSession(t *testing.T) {
	t.Parallel()
	const yaml = rotating + `    cancel: {request: DELETE /t}
    tokens:
      list: {request: GET /keys, expires_at: .x}
      create: {request: POST /keys, form: {n: "{{name}}"}, token: .t}
      revoke: {request: "DELETE /keys/{{id}}"}
`
	w := newWorld(t)
	s := serve(t, answers{})
	target := at(t, s.URL, yaml)
	const home = "https://home.example:443"
	foreign := token.Session{
		Access: token.Access{
			Info:        token.Info{Key: token.Key{Origin: home, Profile: "x", Account: "default"}, Expiry: token.Expiry{At: noon().Add(time.Hour)}},
			AccessToken: token.NewSecret("opal-7Q"),
		},
		RefreshToken: token.NewSecret("opal-8R"), Saved: map[string]any{"stamp": "opal-9S"},
		Credentials: map[string]token.Secret{"username": token.NewSecret("ann"), "password": token.NewSecret("opal-0T")},
	}
	withLogin := at(t, s.URL, strings.Replace(yaml, "POST /login", `POST /login, form: {u: "{{username}}", p: "{{password}}"}`, 1))
	withoutRefresh := foreign
	withoutRefresh.RefreshToken = token.Secret{}
	want := outcome{"the session belongs to " + home + ", not to http://HOST: nothing was sent", "authctl login x", fault.LoginNeeded}
	tests := map[string]struct {
		s      token.Session
		do     func(m *session.Manager) error
		prefix string
	}{
		"refresh": {foreign, func(m *session.Manager) error {
			_, err := m.Token(t.Context(), target, session.TokenOptions{Force: true})
			return err
		}, "renew the token of x: "},
		"saved credentials": {withoutRefresh, func(m *session.Manager) error {
			_, err := m.Token(t.Context(), withLogin, session.TokenOptions{Force: true})
			return err
		}, "renew the token of x: "},
		"refresh, then saved credentials": {foreign, func(m *session.Manager) error {
			_, err := m.Token(t.Context(), withLogin, session.TokenOptions{Force: true})
			return err
		}, "renew the token of x: "},
		"cancel": {foreign, func(m *session.Manager) error {
			_, err := m.Cancel(t.Context(), target)
			return err
		}, "cancel the token of x: "},
		"list": {foreign, func(m *session.Manager) error {
			_, err := m.ListTokens(t.Context(), target)
			return err
		}, "list the tokens at x: "},
		"create": {foreign, func(m *session.Manager) error {
			_, err := m.CreateToken(t.Context(), target, session.Wish{Name: "ci"})
			return err
		}, "create a token at x: "},
		"revoke": {foreign, func(m *session.Manager) error {
			return m.RevokeToken(t.Context(), target, "7", "")
		}, "revoke a token at x: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := *w.manager
			m.Store = &swapped{Store: w.manager.Store, s: test.s}
			want := want
			want.Text = test.prefix + want.Text
			expect(t, s.URL, want, test.do(&m))
			same(t, "requests", []string(nil), s.asked())
		})
	}
}

// TestSomebodyElseRenewed finds a newer token when it has the lock, and takes
// it.
func TestSomebodyElseRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := serve(t, answers{"POST /login": reply(200, `{"t":"agate-1","r":"r-1","in":60}`)})
	target := at(t, s.URL, rotating)
	old := w.login(target, session.LoginOptions{})
	s.asked()
	newer := old
	newer.AccessToken, newer.At = token.NewSecret("agate-2"), noon().Add(time.Hour)
	w.keep(newer)
	w.clock.add(2 * time.Minute)
	m := *w.manager
	m.Store = &stale{Store: w.manager.Store, access: old.Access}
	got, err := m.Token(t.Context(), target, session.TokenOptions{})
	expect(t, s.URL, outcome{}, err)
	same(t, "token", session.Renewed{Access: newer.Access, Renewed: true}, got)
	same(t, "requests", []string(nil), s.asked())
}

// stale is a store whose first look is older than the second.
type stale struct {
	session.Store
	access token.Access
}

func (s *stale) Access(context.Context, token.Key) (token.Access, error) { return s.access, nil }
