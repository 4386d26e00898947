package session

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// LoginOptions are the choices of a login.
type LoginOptions struct {
	Via             string // one of the profile's other_logins; empty for login
	SaveCredentials bool   // keep the inputs in the store, for unattended renewal
}

// Authenticate logs in and returns the session without storing it. A login is
// never repeated by itself: it can lock an account or block an address.
func (m *Manager) Authenticate(ctx context.Context, t Target, o LoginOptions) (token.Session, error) {
	calls, err := t.login(o.Via)
	if err != nil {
		return token.Session{}, err
	}
	values, err := m.gather(ctx, t, calls, nil)
	if err != nil {
		return token.Session{}, err
	}
	s, err := m.loginWith(ctx, t, calls, values, "")
	if err != nil {
		return token.Session{}, err
	}
	s.Via = o.Via
	if o.SaveCredentials {
		s.Credentials = credentials(t.Profile, calls, values)
	}
	s.Renewable = renewable(t.Profile, s)
	return s, nil
}

// Login logs in and stores the session in place of the one that was there.
func (m *Manager) Login(ctx context.Context, t Target, o LoginOptions) (token.Session, error) {
	// Nobody is asked for a password, and no server for a token, that could not
	// be kept.
	if err := m.Store.Check(ctx); err != nil {
		return token.Session{}, fault.Wrap(err, "log in to %s", t)
	}
	s, err := m.Authenticate(ctx, t, o)
	if err != nil {
		return token.Session{}, fault.Wrap(err, "log in to %s", t)
	}
	err = m.locked(ctx, s.Key, func() error { return m.Store.Save(ctx, s) })
	return s, fault.Wrap(err, "the server has logged you in to %s, but", t)
}

func (t Target) login(via string) (profile.Calls, error) {
	calls, ok := t.Profile.LoginCalls(via)
	if !ok {
		names := t.Profile.OtherLogins.Names()
		hint := "this profile has no other logins"
		if len(names) > 0 {
			hint = profile.DidYouMean(via, names)
		}
		return nil, fault.New(fault.Usage, hint, "%s has no login called %q", t.Profile.Name, via)
	}
	return calls, nil
}

// loginWith makes the calls of a login with all values at hand. origin is that
// of the session that the values were kept with, if they were.
func (m *Manager) loginWith(ctx context.Context, t Target, calls profile.Calls, values call.Values, origin token.Origin) (token.Session, error) {
	key, err := t.Key()
	if err != nil {
		return token.Session{}, err
	}
	given := maps.Clone(values)
	res, err := (&run{manager: m, target: t, purpose: toLogin, calls: calls, values: values, origin: origin}).do(ctx)
	if err != nil {
		return token.Session{}, explainRefusal(err)
	}
	if res.read.token.IsZero() {
		return token.Session{}, fault.New(fault.BadAnswer, "", "no token came: %s", res.answer.Describe())
	}
	expiry, err := m.expiry(t, res)
	if err != nil {
		return token.Session{}, err
	}
	s := token.Session{
		Access: token.Access{
			Info:        token.Info{Key: key, Expiry: expiry, ObtainedAt: res.answer.ReceivedAt.UTC(), User: userOf(given)},
			AccessToken: res.read.token,
		},
		RefreshToken: res.read.refreshToken,
		Saved:        res.saved,
	}
	s.RefreshExpiry = refreshExpiry(res)
	keepInputs(t.Profile, given, s.Saved)
	return s, nil
}

// explainRefusal adds the hint that a refused login allows: 401 and 403 speak
// of who logs in, 400 and 422 may speak of a field or a second factor.
func explainRefusal(err error) error {
	var refusal *call.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	hint := "check the user name and the password, then log in again"
	switch refusal.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		hint = "the server's message tells whether it is the password, a field or a second factor"
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		hint = "check base_url and request in the profile, then the user name"
	}
	return &fault.Error{Kind: fault.Refused, Err: err, Hint: hint}
}

// userOf is the name that a person knows the login by.
func userOf(values call.Values) string {
	for _, name := range []string{"username", "email", "client_id"} {
		if user, isText := values[name].(string); isText && user != "" {
			return user
		}
	}
	return ""
}

// credentials are the inputs of a login, for another login without a person.
func credentials(p *profile.Profile, calls profile.Calls, values call.Values) map[string]token.Secret {
	kept := map[string]token.Secret{}
	for _, in := range inputsOf(p, calls) {
		if text, isText := values[in.Name].(string); isText && text != "" {
			kept[in.Name] = token.NewSecret(text)
		}
	}
	return kept
}

// keepInputs keeps the inputs that later calls name, so that a refresh finds
// its client id: those of refresh, and of the others what is no secret.
func keepInputs(p *profile.Profile, values call.Values, saved map[string]any) {
	keep := func(calls profile.Calls, secretsToo bool) {
		for _, in := range inputsOf(p, calls) {
			if value, given := values[in.Name]; given && (secretsToo || !in.Secret.Value) {
				saved[in.Name] = value
			}
		}
	}
	keep(p.Refresh, true)
	keep(slices.Concat(p.Cancel, p.Tokens.Create, p.Tokens.List, p.Tokens.Revoke), false)
}

// renewable says how the session can be renewed without a person.
func renewable(p *profile.Profile, s token.Session) string {
	switch {
	case canRefresh(p, s):
		return "refresh"
	case len(s.Credentials) > 0:
		return "login"
	}
	return ""
}

// canRefresh says whether the profile has a refresh call and the session what
// it needs.
func canRefresh(p *profile.Profile, s token.Session) bool {
	needsToken := slices.ContainsFunc(p.Refresh, func(c profile.Call) bool { return c.Mentions("refresh_token") })
	return len(p.Refresh) > 0 && !s.LongLived && (!needsToken || !s.RefreshToken.IsZero())
}

// Preview fills the requests of a login without sending any. Secrets show as
// "[redacted]", inputs that were not given as <name>, and what an earlier
// answer would give likewise.
func Preview(t Target, via string, given func(profile.Input) (string, bool)) ([]*call.Request, error) {
	if _, err := t.Key(); err != nil {
		return nil, err
	}
	calls, err := t.login(via)
	if err != nil {
		return nil, err
	}
	if err := t.Profile.Validate(); err != nil {
		return nil, err
	}
	values := call.Values{"environment": t.Environment}
	for _, in := range inputsOf(t.Profile, calls) {
		value, ok := given(in)
		switch {
		case in.Secret.Value:
			value = token.NewSecret("").String()
		case !ok && in.Optional:
			value = ""
		case !ok:
			value = "<" + in.Name + ">"
		}
		values[in.Name] = value
	}
	var requests []*call.Request
	for i := range calls {
		request, err := call.Build((&run{target: t, purpose: toLogin}).spec(&calls[i], values))
		if err != nil {
			return nil, err
		}
		requests = append(requests, request)
		for _, name := range calls[i].Save.Names() {
			values[name] = "<" + name + ">"
		}
	}
	return requests, nil
}
