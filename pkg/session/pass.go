package session

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// Pass lets requests of the user's own in: a live token, what carries it, and
// where it may go.
type Pass struct {
	Renewed
	Carrier   call.Carrier
	Variables []Variable // that hand it to programs: env: in the profile
	API       *url.URL   // what a path stands after: api_url, else the base URL
	Reach     token.Reach

	profile *profile.Profile
}

// Variable is an environment variable, filled.
type Variable struct {
	Name  string
	Value token.Secret
	Plain bool // there is nothing secret in it
}

// Pass returns a live token with what requests of the user's own need.
func (m *Manager) Pass(ctx context.Context, t Target, o TokenOptions) (Pass, error) {
	live, err := m.Token(ctx, t, o)
	if err != nil {
		return Pass{}, err
	}
	s, err := m.Store.Session(ctx, live.Key)
	if err != nil {
		return Pass{}, t.absent(live.Key, err)
	}
	m.learnSession(s)
	s.AccessToken = live.AccessToken
	pass, err := m.PassFor(ctx, t, s)
	pass.Renewed = live
	return pass, err
}

// PassFor returns the pass of a session that may be kept nowhere.
func (m *Manager) PassFor(ctx context.Context, t Target, s token.Session) (Pass, error) {
	t = t.forSession(s.Info)
	r, err := m.carrying(ctx, t, s, t.Profile.Env.Names())
	if err != nil {
		return Pass{}, err
	}
	p := Pass{Renewed: Renewed{Access: s.Access}, Reach: r.reach, profile: t.Profile}
	if p.Carrier, err = call.Carry(t.Profile, r.values); err != nil {
		return Pass{}, err
	}
	if p.Variables, err = r.variables(); err != nil {
		return Pass{}, err
	}
	address, _ := r.values.Text("api_url")
	if p.API, err = url.Parse(address); err != nil {
		return Pass{}, fault.New(fault.BadAnswer, "check api_url in the profile", "api_url holds no URL")
	}
	return p, fault.Wrap(p.Admits(p.API), "api_url")
}

// variables fills env:.
func (r *run) variables() ([]Variable, error) {
	var list []Variable
	for _, pair := range r.target.Profile.Variables() {
		value, err := r.values.Fill(pair.Value)
		if err != nil {
			return nil, fault.New(fault.BadAnswer, "check env: in the profile", "env: %s: %w", pair.Name.Text, err)
		}
		secret := token.NewSecret(value)
		hidden := slices.ContainsFunc(pair.Value.Names(), r.isSecret)
		if hidden {
			r.manager.Learn(secret)
		}
		list = append(list, Variable{Name: pair.Name.Text, Value: secret, Plain: !hidden})
	}
	return list, nil
}

// Admits says whether the token may be sent to u: to the origins of the session
// and to no other (threat 1), and not over plain http (threat 4).
func (p Pass) Admits(u *url.URL) error {
	to, err := token.OriginOf(u)
	switch {
	case err != nil:
		return fault.New(fault.Usage, "", "%w", err)
	case u.User != nil:
		return fault.New(fault.Usage, "write the URL without it", "a URL with a user name in it gets no token")
	case !p.Reach.Allows(to):
		return fault.New(fault.Usage, "ask the API itself, or write the host under allowed_hosts: and log in again",
			"the session belongs to %s, not to %s: nothing was sent", p.Reach, to)
	case p.profile.Exposes(u):
		return fault.New(fault.Usage, "write https://", "plain http to %s would show the token to the network", u.Host)
	}
	return nil
}

// Type is the word before the token in Authorization (RFC 9110 §11.4), empty if
// it is sent in another way.
func (p Pass) Type() string {
	for _, field := range p.Carrier.Headers {
		scheme, value, _ := strings.Cut(field.Value, " ")
		if strings.EqualFold(field.Name, "Authorization") && value == p.AccessToken.Reveal() {
			return scheme
		}
	}
	return ""
}

// Set puts the credential on a request, in place of what the request had there.
func (p Pass) Set(r *http.Request) {
	for _, field := range p.Carrier.Headers {
		r.Header.Set(field.Name, field.Value)
	}
	if len(p.Carrier.Query) == 0 {
		return
	}
	query := r.URL.Query()
	for _, field := range p.Carrier.Query {
		query.Set(field.Name, field.Value)
	}
	r.URL.RawQuery = query.Encode()
}
