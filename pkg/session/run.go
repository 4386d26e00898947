package session

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"time"

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
	toUse // cancel, whoami and long-lived tokens
)

// phase is the name of a phase with that purpose.
func (p purpose) phase() string {
	return [...]string{toLogin: "login", toRefresh: "refresh", toUse: ""}[p]
}

// Polling with until: ends after pollLimit, so that a person has time to act
// somewhere else; pollEvery is used where the server names no time.
const (
	pollEvery = 5 * time.Second
	pollLimit = 10 * time.Minute
)

// run is one pass through a list of calls.
type run struct {
	manager    *Manager
	target     Target
	purpose    purpose
	calls      profile.Calls
	values     call.Values       // by name: inputs, what answers gave, what the session holds
	given      map[string]string // inputs as they were given, by name
	base       *url.URL          // nil until open has filled it
	reach      token.Reach       // where the values may go
	fresh      bool              // the values are given for this pass: they may go to the base URL's origin as well
	unattended bool              // optional inputs are not asked for
	renewable  bool              // the session whose token it uses can be renewed
	jar        *call.Jar
	spent      time.Duration // of the manager's Timeout
}

// result is what a pass has read.
type result struct {
	answer *call.Answer  // the last one
	call   *profile.Call // that it answers
	read   readings
	saved  map[string]any
	absent error // why there is no token, if none was found
}

// newRun begins a pass with the values that are known. reach is that of the
// session that they come from; for a login it is what the profile says.
func (m *Manager) newRun(t Target, p purpose, calls profile.Calls, known call.Values, reach token.Reach) *run {
	values := call.Values{"environment": t.Environment}
	maps.Copy(values, known)
	return &run{manager: m, target: t, purpose: p, calls: calls, values: values, given: map[string]string{}, reach: reach, jar: call.NewJar()}
}

// open fills the base URL and api_url.
func (r *run) open(ctx context.Context) error {
	if err := r.target.Profile.Validate(); err != nil {
		return err
	}
	written := r.target.Base()
	if err := r.provide(ctx, written.Text.Names()); err != nil {
		return err
	}
	base, err := written.Fill(r.values.Text)
	if err != nil {
		return fault.New(fault.Usage, "", "base URL %w", err)
	}
	home, err := token.OriginOf(base)
	if err != nil {
		return fault.New(fault.Profile, "", "%w", err)
	}
	if r.fresh {
		r.reach = append(token.Reach{string(home)}, r.reach...)
	}
	if !r.reach.Allows(home) {
		return r.target.loginNeeded("the session belongs to %s, not to %s: nothing was sent", r.reach, home)
	}
	r.base = base
	r.values["base_url"], r.values["host"], r.values["api_url"] = base.String(), base.Host, base.String()
	if api, err := call.Resolve(r.target.Profile.APIURL, base, r.values); err == nil && !r.target.Profile.APIURL.IsZero() {
		r.values["api_url"] = api.String()
	}
	return nil
}

// do makes the calls one after the other. A call with when: is made only if
// that is true of the answer before it; such a call is also reached when that
// answer was a refusal.
func (r *run) do(ctx context.Context) (*result, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	res := &result{saved: map[string]any{}}
	var refused error
	for i := range r.calls {
		c := &r.calls[i]
		if i > 0 && !c.When.IsZero() {
			if err := r.provide(ctx, c.When.Names()); err != nil {
				return nil, err
			}
			if !res.answer.True(ctx, c.When, r.values) {
				continue
			}
			refused = nil
		}
		if refused != nil {
			return nil, refused
		}
		answer, err := r.make(ctx, c)
		goesOn := i+1 < len(r.calls) && !r.calls[i+1].When.IsZero()
		if err != nil && (answer == nil || fault.KindOf(err) != fault.Refused || !goesOn) {
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

// make makes one call: again with an input that its answer asks for, and again
// until until: is true.
func (r *run) make(ctx context.Context, c *profile.Call) (*call.Answer, error) {
	r.values["method"] = c.Request.Method
	names := r.target.Profile.Needs(c)
	if err := r.provide(ctx, names); err != nil {
		return nil, err
	}
	if !c.Sends() {
		return call.NoAnswer(r.base, r.manager.Now()), nil
	}
	if err := r.show(c); err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; {
		answer, err := r.once(ctx, c)
		if answer == nil {
			return nil, err
		}
		asked, askErr := r.askedFor(ctx, names, answer)
		if askErr != nil {
			return nil, errors.Join(askErr, err)
		}
		if !asked {
			if c.Until.IsZero() || answer.True(ctx, c.Until, r.values) || fault.KindOf(err) == fault.BadAnswer {
				return answer, err
			}
			pause := max(pollEvery, answer.RetryAfter())
			if waited += pause; waited > pollLimit {
				return nil, fault.New(fault.Unreachable, "try again", "%s was asked for %s and is not done: until: %s", r.base.Host, pollLimit, c.Until.Text)
			}
			if err := r.manager.Wait(ctx, pause); err != nil {
				return nil, err
			}
		}
		if err := r.compute(ctx, names); err != nil { // time and nonces anew
			return nil, err
		}
	}
}

// show gives the person the text of show:.
func (r *run) show(c *profile.Call) error {
	if c.Show == nil {
		return nil
	}
	text, err := r.values.Fill(*c.Show)
	if err != nil {
		return fault.New(fault.BadAnswer, "", "show: %w", err)
	}
	r.manager.Show(text)
	return nil
}

// once sends a call within what is left of the time for all of them. The time
// in which a person is asked does not count; polling has a limit of its own.
func (r *run) once(ctx context.Context, c *profile.Call) (*call.Answer, error) {
	left := max(0, r.manager.Timeout-r.spent)
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	deadline, _ := ctx.Deadline()
	spec := r.spec(c)
	answer, err := r.manager.Calls.Do(ctx, spec)
	if c.Until.IsZero() {
		r.spent += max(0, left-time.Until(deadline))
	}
	if r.manager.Watch != nil {
		r.watch(ctx, spec, answer)
	}
	return answer, err
}

// askedFor asks for the inputs among names that, by their when:, this answer
// makes necessary. It says whether there were any.
func (r *run) askedFor(ctx context.Context, names []string, answer *call.Answer) (bool, error) {
	asked := false
	for _, name := range names {
		in, ok := r.target.Profile.Input(name)
		if _, given := r.given[name]; !ok || given || in.When.IsZero() || !answer.True(ctx, in.When, r.values) {
			continue
		}
		if !in.Choices.Expr.IsZero() {
			found, err := answer.Read(ctx, in.Choices.Expr, r.values)
			list, isList := found.([]any)
			if err != nil || !isList {
				return false, fault.New(fault.BadAnswer, "", "inputs.%s.choices: %s finds no list; %s", name, in.Choices.Expr.Text, answer.Describe())
			}
			for _, one := range list {
				in.Choices.List = append(in.Choices.List, plainText(one))
			}
		}
		value, err := r.manager.Inputs.Input(ctx, in)
		if err != nil {
			return false, err
		}
		if err := r.give(in, value); err != nil {
			return false, err
		}
		asked = true
	}
	return asked, nil
}

func (r *run) spec(c *profile.Call) call.Spec {
	return call.Spec{
		Profile: r.target.Profile, Call: c, Base: r.base, Values: r.values, Reach: r.reach,
		WithToken: c.SendsToken(r.purpose.phase()), Jar: r.jar,
	}
}

// readCall takes what the call itself names from its answer.
func (r *run) readCall(ctx context.Context, res *result) error {
	if err := r.save(ctx, res, res.call.Save); err != nil {
		return err
	}
	return r.read(ctx, res, res.call.Readings)
}

// readProfile takes what the profile names from the last answer of a login or
// a refresh. What stands in the call wins.
func (r *run) readProfile(ctx context.Context, res *result) error {
	if r.purpose == toUse || res.answer == nil {
		return nil
	}
	general, own := r.target.Profile.Readings, res.call.Readings
	if err := r.save(ctx, res, general.Save); err != nil {
		return err
	}
	for _, pair := range []struct{ own, general *profile.Expr }{
		{&own.Token, &general.Token}, {&own.RefreshToken, &general.RefreshToken}, {&own.ExpiresIn, &general.ExpiresIn}, {&own.ExpiresAt, &general.ExpiresAt},
	} {
		if !pair.own.IsZero() {
			*pair.general = profile.Expr{}
		}
	}
	return r.read(ctx, res, general)
}

// save reads what is kept with the session and makes it known to later calls.
func (r *run) save(ctx context.Context, res *result, list profile.List[profile.Expr]) error {
	for _, entry := range list {
		value, err := res.answer.Read(ctx, entry.Value, r.values)
		if err != nil {
			return fault.New(fault.BadAnswer, "", "save.%s: %s: %w; %s", entry.Name, entry.Value.Text, err, res.answer.Describe())
		}
		if value == nil {
			r.manager.Note("save.%s: %s found nothing; what names it is left out", entry.Name, entry.Value.Text)
			continue
		}
		if !r.shows(entry.Name) {
			r.learn(value)
		}
		res.saved[entry.Name], r.values[entry.Name] = value, value
	}
	return nil
}

// shows says whether a person is to read a value: a link or a code that show:
// names, which would be of no use redacted.
func (r *run) shows(name string) bool {
	return slices.ContainsFunc(r.calls, func(c profile.Call) bool {
		return c.Show != nil && slices.Contains(r.target.Profile.NeedsOf(c.Show.Names()...), name)
	})
}

// learn takes text for a secret, but not the user name that an answer repeats.
func (r *run) learn(value any) {
	if text, isText := value.(string); isText && text != "" && text != userOf(r.values) {
		r.manager.Learn(token.NewSecret(text))
	}
}

// provide sees to it that names have values: inputs are asked for in this
// order, computed ones are evaluated. An input with when: is not asked for.
func (r *run) provide(ctx context.Context, names []string) error {
	for _, name := range names {
		in, ok := r.target.Profile.Input(name)
		if _, known := r.values[name]; !ok || known {
			continue
		}
		value, found, err := r.manager.Inputs.Known(ctx, in)
		if err != nil {
			return err
		}
		if !found && in.When.IsZero() && !(r.unattended && in.Optional) {
			value, err = r.manager.Inputs.Input(ctx, in)
			found = true
		}
		if err != nil {
			return err
		}
		if found {
			if err := r.give(in, value); err != nil {
				return err
			}
		}
	}
	return r.compute(ctx, names)
}

// give makes an input known.
func (r *run) give(in profile.Input, value string) error {
	if in.Secret.Value {
		r.learn(value)
	}
	r.given[in.Name] = value
	return r.use(in, value)
}

// use sets the value of an input: of one with totp:, the code of the moment.
func (r *run) use(in profile.Input, value string) error {
	if in.TOTP && value != "" {
		code, err := oneTimeCode(value, r.manager.Now())
		if err != nil {
			return fault.New(fault.Usage, "give the secret in base32, the otpauth:// address, or a code", "input %s: %w", in.Name, err)
		}
		r.learn(code)
		value = code
	}
	r.values[in.Name] = valueOf(in, value)
	return nil
}

// valueOf is the value of an input: none for an empty text, unless the profile
// says default: "" and means that it is sent.
func valueOf(in profile.Input, text string) any {
	if text == "" && in.Default.Set && in.Default.Text == "" {
		return call.Blank
	}
	return text
}

// compute evaluates the computed ones among names.
func (r *run) compute(ctx context.Context, names []string) error {
	p := r.target.Profile
	nothing := call.NoAnswer(r.base, r.manager.Now())
	for _, name := range names {
		expr, ok := p.Computed.Get(name)
		if !ok {
			continue
		}
		value, err := nothing.Read(ctx, expr, r.values)
		if err != nil {
			return fault.New(fault.Usage, "look at the inputs that it names, and at the expression in "+expr.Pos.String(), "computed.%s: %w", name, err)
		}
		if slices.ContainsFunc(p.NeedsOf(name), r.isSecret) {
			r.learn(value)
		}
		r.values[name] = value
	}
	return nil
}

// isSecret says whether a name stands for something that is not to be seen.
func (r *run) isSecret(name string) bool {
	in, isInput := r.target.Profile.Input(name)
	_, isComputed := r.target.Profile.Computed.Get(name)
	switch {
	case isInput:
		return in.Secret.Value
	case isComputed:
		return slices.ContainsFunc(r.target.Profile.NeedsOf(name), func(n string) bool { return n != name && r.isSecret(n) })
	}
	return !slices.Contains([]string{"base_url", "api_url", "host", "environment", "method", "name", "expires_at", "expires_in", "scopes", "id"}, name)
}

// inputsOf returns the inputs that calls name, in templates or as $name, and
// those of the base URL, of headers: and of send:.
func inputsOf(p *profile.Profile, base profile.URL, calls profile.Calls) []profile.Input {
	names := p.NeedsOf(slices.Concat(base.Text.Names(), p.Carries())...)
	for i := range calls {
		names = append(names, p.Needs(&calls[i])...)
	}
	var inputs []profile.Input
	for _, name := range names {
		in, ok := p.Input(name)
		if ok && !slices.ContainsFunc(inputs, func(i profile.Input) bool { return i.Name == name }) {
			inputs = append(inputs, in)
		}
	}
	return inputs
}

// sessionValues are the names that a session brings to a call.
func sessionValues(s token.Session) call.Values {
	values := call.Values{"token": s.AccessToken.Reveal(), "refresh_token": s.RefreshToken.Reveal()}
	maps.Copy(values, s.Saved)
	return values
}

// sessionReach is where a session's secrets may go.
func sessionReach(s token.Session) token.Reach {
	return append(token.Reach{string(s.Base())}, s.Reach...)
}

// profileReach are the origins beside its base URL that a profile names.
func profileReach(p *profile.Profile) token.Reach {
	var reach token.Reach
	add := func(u *url.URL) {
		if u == nil {
			return
		}
		if origin, err := token.OriginOf(u); err == nil && !slices.Contains(reach, string(origin)) {
			reach = append(reach, string(origin))
		}
	}
	add(p.APIURL.Base)
	for _, phase := range p.Phases() {
		for i := range phase.Value {
			add(phase.Value[i].Request.Base)
		}
	}
	for _, host := range p.AllowedHosts {
		reach = append(reach, host.Patterns(p.AllowHTTP)...)
	}
	return reach
}

// learnSession makes all secrets of a session known; the user name, which may
// have been saved as well, is none.
func (m *Manager) learnSession(s token.Session) {
	secrets := slices.Collect(maps.Values(s.Credentials))
	for _, value := range s.Saved {
		if text, isText := value.(string); isText {
			secrets = append(secrets, token.NewSecret(text))
		}
	}
	user := token.NewSecret(s.User)
	m.Learn(s.AccessToken, s.RefreshToken)
	m.Learn(slices.DeleteFunc(secrets, user.Equal)...)
}

// refusedBy says whether an error is the server's refusal.
func refusedBy(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Kind == fault.Refused
}

// saysExpired says whether an error is a refusal that tells that the token is
// over.
func saysExpired(err error) bool {
	var refusal *call.Refusal
	return errors.As(err, &refusal) && refusal.Expired
}
