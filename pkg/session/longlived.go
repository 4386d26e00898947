package session

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// maxPages bounds a list that does not end.
const maxPages = 1000

// LongLived is a token that was made with a session, for a server or CI.
type LongLived struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	CreatedAt time.Time    `json:"created_at,omitzero"`
	ExpiresAt time.Time    `json:"expires_at,omitzero"`
	Secret    token.Secret `json:"-"` // only when it was just made
}

// CreateToken makes a long-lived token called name that ends at expiresAt (zero:
// no wish). The server shows the secret this once.
func (m *Manager) CreateToken(ctx context.Context, t Target, name string, expiresAt time.Time) (LongLived, error) {
	wishes := call.Values{"name": name}
	if !expiresAt.IsZero() {
		wishes["expires_at"] = expiresAt.UTC().Format(time.RFC3339)
		wishes["expires_in"] = int(expiresAt.Sub(m.Now()).Round(time.Second).Seconds())
	}
	res, err := m.manage(ctx, t, t.Profile.Tokens.Create, "create", wishes)
	if err != nil {
		return LongLived{}, fault.Wrap(err, "create a token at %s", t)
	}
	if res.read.token.IsZero() {
		return LongLived{}, fault.New(fault.BadAnswer, "write token: in tokens.create", "create a token at %s: no token came: %s", t, res.answer.Describe())
	}
	created := LongLived{Name: name, ExpiresAt: res.read.expiresAt, Secret: res.read.token}
	if created.ExpiresAt.IsZero() {
		created.ExpiresAt = expiresAt
	}
	if id, err := res.answer.Read(ctx, orDefault(res.call.ID, ".id?"), res.offered); err == nil {
		created.ID = plainText(id)
	}
	return created, nil
}

// SaveToken keeps a long-lived token as the account called account, where
// Token finds it.
func (m *Manager) SaveToken(ctx context.Context, t Target, created LongLived, account string) error {
	t.Account = account
	key, err := t.Key()
	if err != nil {
		return err
	}
	s := token.Session{Access: token.Access{
		Info: token.Info{
			Key: key, Expiry: token.Expiry{At: created.ExpiresAt, Source: token.FromExpiresAt},
			ObtainedAt: m.Now().UTC(), User: created.Name, LongLived: true, TokenID: created.ID,
		},
		AccessToken: created.Secret,
	}}
	if created.ExpiresAt.IsZero() {
		s.Source = token.FromNothing
	}
	return m.locked(ctx, key, func() error { return m.Store.Save(ctx, s) })
}

// ListTokens returns the long-lived tokens of all pages.
func (m *Manager) ListTokens(ctx context.Context, t Target) ([]LongLived, error) {
	access, values, err := m.prepare(ctx, t, t.Profile.Tokens.List, "list", nil)
	if err != nil {
		return nil, fault.Wrap(err, "list the tokens at %s", t)
	}
	if len(t.Profile.Tokens.List) != 1 {
		return nil, fault.New(fault.Profile, "write one call", "tokens.list of %s: a list of calls cannot be paged", t.Profile.Name)
	}
	c := &t.Profile.Tokens.List[0]
	spec := call.Spec{
		Profile: t.Profile, Call: c, Base: t.Base(), Values: values, Origin: access.Origin,
		WithToken: withToken(c, toUse), MaxBody: call.MaxListBody,
	}
	ctx, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	var all []LongLived
	seen := map[string]bool{}
	for range maxPages {
		answer, err := m.Calls.Do(ctx, spec)
		if err != nil {
			return nil, fault.Wrap(err, "list the tokens at %s", t)
		}
		page, err := m.page(ctx, answer, c, values)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		next, err := answer.Read(ctx, c.Next, values)
		if text := plainText(next); err != nil || text == "" || seen[text] {
			return all, nil
		} else {
			seen[text] = true
		}
		if err := follow(&spec, answer.URL, plainText(next)); err != nil {
			return nil, err
		}
	}
	return nil, fault.New(fault.BadAnswer, "", "list the tokens at %s: more than %d pages", t, maxPages)
}

// follow points a list call to its next page: {{next}} where the call names
// it, else a URL; call.Do sends it to the same origin or nowhere.
func follow(spec *call.Spec, from *url.URL, next string) error {
	if spec.Call.Mentions("next") {
		spec.Values["next"] = next
		return nil
	}
	target, err := from.Parse(next)
	if err != nil {
		return fault.New(fault.BadAnswer, "", "the next page is no URL")
	}
	spec.URL = target
	return nil
}

// page reads the tokens of one answer.
func (m *Manager) page(ctx context.Context, answer *call.Answer, c *profile.Call, values call.Values) ([]LongLived, error) {
	found, err := answer.Read(ctx, orDefault(c.Items, "."), values)
	items, isList := found.([]any)
	if err != nil || !isList {
		return nil, fault.New(fault.BadAnswer, "compare items: in the profile with the answer", "items: no list was found; %s", answer.Describe())
	}
	list := make([]LongLived, 0, len(items))
	for _, item := range items {
		one := LongLived{
			ID:   plainText(answer.ReadItem(ctx, item, orDefault(c.ID, ".id?"))),
			Name: plainText(answer.ReadItem(ctx, item, orDefault(c.TokenName, ".name?"))),
		}
		for _, at := range []struct {
			into *time.Time
			expr profile.Expr
		}{{&one.ExpiresAt, orDefault(c.ExpiresAt, ".expires_at?")}, {&one.CreatedAt, orDefault(c.CreatedAt, ".created_at?")}} {
			if value := answer.ReadItem(ctx, item, at.expr); value != nil {
				if *at.into, err = asTime(at.expr.Text, value); err != nil {
					return nil, err
				}
			}
		}
		list = append(list, one)
	}
	return list, nil
}

// RevokeToken makes the token with this id invalid.
func (m *Manager) RevokeToken(ctx context.Context, t Target, id string) error {
	_, err := m.manage(ctx, t, t.Profile.Tokens.Revoke, "revoke", call.Values{"id": id})
	return fault.Wrap(err, "revoke a token at %s", t)
}

// manage makes calls about long-lived tokens with a live session.
func (m *Manager) manage(ctx context.Context, t Target, calls profile.Calls, what string, extra call.Values) (*result, error) {
	access, values, err := m.prepare(ctx, t, calls, what, extra)
	if err != nil {
		return nil, err
	}
	return (&run{manager: m, target: t, purpose: toUse, calls: calls, values: values, origin: access.Origin}).do(ctx)
}

// prepare gets a live token and the values for calls about long-lived tokens.
func (m *Manager) prepare(ctx context.Context, t Target, calls profile.Calls, what string, extra call.Values) (token.Access, call.Values, error) {
	if len(calls) == 0 {
		return token.Access{}, nil, fault.New(fault.Other, "see "+docs(t.Profile), "the profile %s describes no tokens.%s", t.Profile.Name, what)
	}
	live, err := m.Token(ctx, t, TokenOptions{MinTTL: time.Minute})
	if err != nil {
		return token.Access{}, nil, err
	}
	s, err := m.Store.Session(ctx, live.Key)
	if err != nil {
		return token.Access{}, nil, err
	}
	known := sessionValues(s)
	known["token"] = live.AccessToken.Reveal()
	for name, value := range extra {
		known[name] = value
	}
	values, err := m.gather(ctx, t, calls, known)
	return live.Access, values, err
}

func docs(p *profile.Profile) string {
	if p.Docs == "" {
		return "the vendor's page"
	}
	return p.Docs
}

func orDefault(e profile.Expr, usual string) profile.Expr {
	if e.IsZero() {
		return profile.Expr{Text: usual}
	}
	return e
}

// plainText is a scalar as text; nil is "".
func plainText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	default:
		text, _ := call.Values{"v": v}.Text("v")
		return text
	}
}
