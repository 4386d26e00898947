package session

import (
	"cmp"
	"context"
	"maps"
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

// Wish is what a long-lived token is to be. Zero values are no wish.
type Wish struct {
	Name      string
	ExpiresAt time.Time
	Scopes    []string
}

// values are the names that tokens.create and tokens.rotate know it by.
func (w Wish) values(now time.Time) call.Values {
	values := call.Values{}
	if w.Name != "" {
		values["name"] = w.Name
	}
	if !w.ExpiresAt.IsZero() {
		values["expires_at"] = w.ExpiresAt.UTC().Format(time.RFC3339)
		values["expires_in"] = int(w.ExpiresAt.Sub(now).Round(time.Second).Seconds())
	}
	if len(w.Scopes) > 0 {
		scopes := make([]any, len(w.Scopes))
		for i, scope := range w.Scopes {
			scopes[i] = scope
		}
		values["scopes"] = scopes
	}
	return values
}

// CreateToken makes a long-lived token. The server shows the secret this once.
func (m *Manager) CreateToken(ctx context.Context, t Target, wish Wish) (LongLived, error) {
	created, err := m.newToken(ctx, t, t.Profile.Tokens.Create, "tokens.create", wish, wish.values(m.Now()))
	return created, fault.Wrap(err, "create a token at %s", t)
}

// RotateToken replaces the token with this id by a new one; the old one is over.
func (m *Manager) RotateToken(ctx context.Context, t Target, id string, wish Wish) (LongLived, error) {
	values := wish.values(m.Now())
	values["id"] = id
	created, err := m.newToken(ctx, t, t.Profile.Tokens.Rotate, "tokens.rotate", wish, values)
	if created.ID == "" {
		created.ID = id
	}
	return created, fault.Wrap(err, "rotate a token at %s", t)
}

func (m *Manager) newToken(ctx context.Context, t Target, calls profile.Calls, what string, wish Wish, values call.Values) (LongLived, error) {
	r, res, err := m.manage(ctx, t, calls, what, values)
	if err != nil {
		return LongLived{}, err
	}
	if res.read.token.IsZero() {
		return LongLived{}, res.noToken(what)
	}
	created := LongLived{Name: wish.Name, ExpiresAt: res.read.expiresAt, Secret: res.read.token}
	if created.ExpiresAt.IsZero() {
		created.ExpiresAt = cmp.Or(res.read.expiresIn, wish.ExpiresAt)
	}
	if id, err := res.answer.Read(ctx, res.call.ID.Or(profile.Default("tokens.create", "id")), r.values); err == nil {
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

// ListTokens returns the long-lived tokens of all pages. Of a list of calls, the
// last is the one that is paged.
func (m *Manager) ListTokens(ctx context.Context, t Target) ([]LongLived, error) {
	list, err := m.listTokens(ctx, t)
	return list, fault.Wrap(err, "list the tokens at %s", t)
}

func (m *Manager) listTokens(ctx context.Context, t Target) ([]LongLived, error) {
	r, res, err := m.manage(ctx, t, t.Profile.Tokens.List, "tokens.list", nil)
	if err != nil {
		return nil, err
	}
	spec := r.spec(res.call)
	var all []LongLived
	seen := map[string]bool{}
	ctx, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	for answer := res.answer; ; {
		page, err := m.page(ctx, answer, res.call, r.values)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		next, err := answer.Read(ctx, res.call.Next, r.values)
		text := plainText(next)
		switch {
		case err != nil || text == "" || seen[text]:
			return all, nil
		case len(seen) == maxPages:
			return nil, fault.New(fault.BadAnswer, "", "more than %d pages", maxPages)
		}
		seen[text] = true
		if err := follow(&spec, answer.URL, text); err != nil {
			return nil, err
		}
		if answer, err = m.Calls.Do(ctx, spec); err != nil {
			return nil, err
		}
	}
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
	found, err := answer.Read(ctx, c.Items.Or(profile.Default("tokens.list", "items")), values)
	items, isList := found.([]any)
	if err != nil || !isList {
		return nil, fault.New(fault.BadAnswer, "compare items: in the profile with the answer", "items: no list was found; %s", answer.Describe())
	}
	list := make([]LongLived, 0, len(items))
	for _, item := range items {
		one := LongLived{
			ID:   plainText(answer.ReadItem(ctx, item, c.ID.Or(profile.Default("tokens.list", "id")), values)),
			Name: plainText(answer.ReadItem(ctx, item, c.TokenName.Or(profile.Default("tokens.list", "name")), values)),
		}
		for _, at := range []struct {
			into *time.Time
			expr profile.Expr
		}{{&one.ExpiresAt, c.ExpiresAt.Or(profile.Default("tokens.list", "expires_at"))}, {&one.CreatedAt, c.CreatedAt.Or(profile.Default("tokens.list", "created_at"))}} {
			if value := answer.ReadItem(ctx, item, at.expr, values); value != nil && !isNever(value) {
				if *at.into, err = asTime(at.expr.Text, value); err != nil {
					return nil, err
				}
			}
		}
		list = append(list, one)
	}
	return list, nil
}

// RevokeToken makes the token with this id and name invalid.
func (m *Manager) RevokeToken(ctx context.Context, t Target, id, name string) error {
	_, _, err := m.manage(ctx, t, t.Profile.Tokens.Revoke, "tokens.revoke", call.Values{"id": id, "name": name})
	return fault.Wrap(err, "revoke a token at %s", t)
}

// manage makes calls with a live session. If the server says that the token is
// over, it is renewed, and the calls are made once more.
func (m *Manager) manage(ctx context.Context, t Target, calls profile.Calls, what string, extra call.Values) (*run, *result, error) {
	if len(calls) == 0 {
		return nil, nil, fault.New(fault.Other, "see "+docs(t.Profile), "the profile %s describes no %s", t.Profile.Name, what)
	}
	r, res, err := m.manageOnce(ctx, t, calls, TokenOptions{MinTTL: time.Minute}, extra)
	if saysExpired(err) && r.renewable {
		m.Note("the server says that the token is over: it is renewed")
		return m.manageOnce(ctx, t, calls, TokenOptions{Force: true}, extra)
	}
	return r, res, err
}

func (m *Manager) manageOnce(ctx context.Context, t Target, calls profile.Calls, o TokenOptions, extra call.Values) (*run, *result, error) {
	live, err := m.Token(ctx, t, o)
	if err != nil {
		return nil, nil, err
	}
	s, err := m.Store.Session(ctx, live.Key)
	if err != nil {
		return nil, nil, err
	}
	m.learnSession(s)
	known := sessionValues(s)
	known["token"] = live.AccessToken.Reveal()
	maps.Copy(known, extra)
	r := m.newRun(t.forSession(s.Info), toUse, calls, known, sessionReach(s))
	r.renewable = s.Renewable != ""
	res, err := r.do(ctx)
	return r, res, err
}

func docs(p *profile.Profile) string {
	if p.Docs == "" {
		return "the vendor's page"
	}
	return p.Docs
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
