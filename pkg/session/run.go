package session

import (
	"context"
	"errors"
	"slices"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// purpose is what a list of calls is for; it decides the defaults.
type purpose int

const (
	toLogin purpose = iota
	toRefresh
	toUse // cancel and long-lived tokens
)

// run is one pass through a list of calls.
type run struct {
	manager *Manager
	target  Target
	purpose purpose
	calls   profile.Calls
	values  call.Values
	origin  token.Origin // of the session whose secrets the values hold
}

// result is what a pass has read.
type result struct {
	answer  *call.Answer  // the last one
	call    *profile.Call // that it answers
	read    readings
	saved   map[string]any
	offered call.Values // all values at the end
}

// do makes the calls one after the other. A call with when: is made only if
// that is true of the answer before it; such a call is also reached when that
// answer was a refusal.
func (r *run) do(ctx context.Context) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, r.manager.Timeout)
	defer cancel()
	res := &result{saved: map[string]any{}, offered: r.values}
	var refused error
	for i := range r.calls {
		c := &r.calls[i]
		if i > 0 && !c.When.IsZero() {
			if wanted, err := res.answer.Read(ctx, c.When, res.offered); err != nil || wanted == nil || wanted == false {
				continue
			}
			refused = nil
		}
		if refused != nil {
			return nil, refused
		}
		answer, err := r.manager.Calls.Do(ctx, r.spec(c, res.offered))
		if err != nil && (answer == nil || fault.KindOf(err) != fault.Refused) {
			return nil, err
		}
		refused, res.answer, res.call = err, answer, c
		if err := r.readCall(ctx, res); err != nil && refused == nil {
			return nil, err
		}
	}
	if refused != nil {
		return nil, refused
	}
	return res, r.readProfile(ctx, res)
}

func (r *run) spec(c *profile.Call, values call.Values) call.Spec {
	return call.Spec{
		Profile: r.target.Profile, Call: c, Base: r.target.Base(),
		Values: values, Origin: r.origin, WithToken: withToken(c, r.purpose),
	}
}

// withToken says whether a call carries the token as send: says: not in login,
// where there is none, and not in a refresh that sends the refresh token.
func withToken(c *profile.Call, p purpose) bool {
	if c.WithToken.Set {
		return c.WithToken.Value
	}
	return p == toUse || p == toRefresh && !c.Mentions("refresh_token")
}

// readCall takes what the call itself names from its answer.
func (r *run) readCall(ctx context.Context, res *result) error {
	if err := r.save(ctx, res, res.call.Save); err != nil {
		return err
	}
	return r.manager.read(ctx, res, &res.read, readingExprs{
		token: res.call.Token, refreshToken: res.call.RefreshToken,
		expiresIn: res.call.ExpiresIn, expiresAt: res.call.ExpiresAt,
	})
}

// readProfile takes what the profile names from the last answer of a login or
// a refresh. What stands in the call wins.
func (r *run) readProfile(ctx context.Context, res *result) error {
	if r.purpose == toUse {
		return nil
	}
	p, c := r.target.Profile, res.call
	if err := r.save(ctx, res, p.Save); err != nil {
		return err
	}
	unless := func(own, general profile.Expr) profile.Expr {
		if own.IsZero() {
			return general
		}
		return profile.Expr{}
	}
	return r.manager.read(ctx, res, &res.read, readingExprs{
		token: unless(c.Token, p.Token), refreshToken: unless(c.RefreshToken, p.RefreshToken),
		expiresIn: unless(c.ExpiresIn, p.ExpiresIn), expiresAt: unless(c.ExpiresAt, p.ExpiresAt),
	})
}

// save reads what is kept with the session and makes it known to later calls.
func (r *run) save(ctx context.Context, res *result, list profile.List[profile.Expr]) error {
	for _, entry := range list {
		value, err := res.answer.Read(ctx, entry.Value, res.offered)
		if err != nil {
			return fault.New(fault.BadAnswer, "", "save.%s: %s finds nothing it can use: %s", entry.Name, entry.Value.Text, res.answer.Describe())
		}
		if value == nil {
			r.manager.Note("save.%s: %s found nothing; what names it is left out", entry.Name, entry.Value.Text)
			continue
		}
		if text, isText := value.(string); isText {
			r.manager.Learn(token.NewSecret(text))
		}
		res.saved[entry.Name], res.offered[entry.Name] = value, value
	}
	return nil
}

// gather returns the values that calls need: those that are known already and
// the inputs that they name, asked for in the order in which they stand.
func (m *Manager) gather(ctx context.Context, t Target, calls profile.Calls, known call.Values) (call.Values, error) {
	if err := t.Profile.Validate(); err != nil {
		return nil, err
	}
	values := call.Values{"environment": t.Environment}
	for name, value := range known {
		values[name] = value
	}
	for _, in := range inputsOf(t.Profile, calls) {
		if _, given := values[in.Name]; given {
			continue
		}
		value, err := m.Inputs.Input(ctx, in)
		if err != nil {
			return nil, err
		}
		if in.Secret.Value {
			m.Learn(token.NewSecret(value))
		}
		values[in.Name] = value
	}
	return values, nil
}

// inputsOf returns the inputs that calls name, in templates or as $name.
func inputsOf(p *profile.Profile, calls profile.Calls) []profile.Input {
	var inputs []profile.Input
	add := func(name string) {
		in, ok := p.Input(name)
		if ok && !slices.ContainsFunc(inputs, func(i profile.Input) bool { return i.Name == name }) {
			inputs = append(inputs, in)
		}
	}
	template := func(t profile.Template) {
		for _, name := range t.Names() {
			add(name)
		}
	}
	for _, header := range p.Headers {
		template(header.Value)
	}
	var exprs []profile.Expr
	if len(calls) > 0 {
		exprs = p.Exprs()
	}
	for i := range calls {
		calls[i].Templates(template)
		exprs = append(exprs, calls[i].Exprs()...)
	}
	for _, expr := range exprs {
		for _, name := range expr.Names() {
			add(name)
		}
	}
	return inputs
}

// sessionValues are the names that a session brings to a call.
func sessionValues(s token.Session) call.Values {
	values := call.Values{"token": s.AccessToken.Reveal(), "refresh_token": s.RefreshToken.Reveal()}
	for name, value := range s.Saved {
		values[name] = value
	}
	return values
}

// learnSession makes all secrets of a session known.
func (m *Manager) learnSession(s token.Session) {
	m.Learn(s.AccessToken)
	m.Learn(s.RefreshToken)
	for _, value := range s.Saved {
		if text, isText := value.(string); isText {
			m.Learn(token.NewSecret(text))
		}
	}
	for _, value := range s.Credentials {
		m.Learn(value)
	}
}

// refusedBy says whether an error is the server's refusal.
func refusedBy(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Kind == fault.Refused
}
