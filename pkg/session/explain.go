package session

import (
	"fmt"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// Fact is what a rule that hangs on mentions came to for a profile.
type Fact struct {
	About string `json:"about"` // a call, or a topic
	Text  string `json:"text"`
}

// Explain tells what the rules of the language came to for a profile: which
// call sends the token, what decides success, which inputs are asked for and
// kept, where secrets may go, when the token ends and how it is renewed. It asks
// the code that carries them out.
func Explain(p *profile.Profile) []Fact {
	e := explainer{p: p}
	for _, phase := range p.Phases() {
		for i := range phase.Value {
			e.call(phase.Name, i, len(phase.Value), &phase.Value[i])
		}
	}
	e.asked()
	e.kept()
	e.reach()
	e.expiry()
	e.renewal()
	return e.facts
}

type explainer struct {
	p     *profile.Profile
	facts []Fact
}

func (e *explainer) say(about, format string, args ...any) {
	e.facts = append(e.facts, Fact{about, fmt.Sprintf(format, args...)})
}

func (e *explainer) call(phase string, i, of int, c *profile.Call) {
	about := phase
	if of > 1 {
		about = fmt.Sprintf("%s %d/%d", phase, i+1, of)
	}
	if !c.Sends() {
		e.say(about, "sends nothing: it has no request:")
		return
	}
	e.say(about, "%s", c.Request.Text())
	e.say(about, "%s", e.tokenIn(phase, c))
	e.say(about, "%s", e.success(c))
}

func (e *explainer) tokenIn(phase string, c *profile.Call) string {
	switch {
	case c.WithToken.Set && c.WithToken.Value:
		return "sends the token, because with_token: says so: " + e.p.Send.String()
	case c.WithToken.Set:
		return "does not send the token, because with_token: says so"
	case c.SendsToken(phase):
		return "sends the token: " + e.p.Send.String()
	case profile.IsLogin(phase):
		return "sends no token: a login has none yet"
	}
	return "does not send the token, because it sends {{refresh_token}}"
}

func (e *explainer) success(c *profile.Call) string {
	expr := c.Success.Or(e.p.Success)
	where := "success: of the profile"
	if !c.Success.IsZero() {
		where = "its own success:"
	}
	switch {
	case expr.IsZero():
		return "is a success if the status is 2xx"
	case slices.Contains(expr.Names(), "status"):
		return fmt.Sprintf("is a success if %s; %s decides alone, because it names $status", expr.Text, where)
	}
	return fmt.Sprintf("is a success if the status is 2xx and %s (%s)", expr.Text, where)
}

// asked says which inputs each phase needs and where they come from. Those that
// the base URL, headers: and send: name are needed by every phase.
func (e *explainer) asked() {
	for _, phase := range e.p.Phases() {
		var names []string
		for _, in := range inputsOf(e.p, e.base(), phase.Value) {
			names = append(names, in.Name+source(in))
		}
		if len(names) > 0 {
			e.say("inputs of "+phase.Name, "%s", strings.Join(names, ", "))
		}
	}
}

// base is the base URL with the placeholders of all of them.
func (e *explainer) base() profile.URL {
	base := e.p.BaseURL
	for _, env := range e.p.Environments {
		base.Text.Parts = append(slices.Clone(base.Text.Parts), env.Value.Text.Parts...)
	}
	return base
}

// source says in brackets what is special about an input.
func source(in profile.Input) string {
	var parts []string
	add := func(when bool, text string) {
		if when {
			parts = append(parts, text)
		}
	}
	add(in.Secret.Value, "secret")
	add(in.Optional, "may be left out")
	add(in.Default.Set, fmt.Sprintf("default %q", in.Default.Text))
	add(in.Env != "", "from $"+in.Env)
	add(len(in.Command) > 0, "from a program")
	add(in.TOTP, "a code from a TOTP secret")
	add(!in.When.IsZero(), "only if the answer says "+in.When.Text)
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (e *explainer) kept() {
	parts := []string{"the token"}
	if e.p.ReadsRefreshToken() {
		parts = append(parts, "the refresh token")
	}
	for _, name := range e.p.SavedNames() {
		parts = append(parts, name+" (save:)")
	}
	for _, in := range keptInputs(e.p, e.base()) {
		parts = append(parts, in.Name+" (a later call names it)")
	}
	e.say("kept with the session", "%s", strings.Join(parts, ", "))
	e.say("kept with the session", "what else was typed is kept by login --save-credentials only")
}

func (e *explainer) reach() {
	var origins []string
	for _, u := range append([]profile.Named[profile.URL]{{Value: e.p.BaseURL}}, e.p.Environments...) {
		if origin, err := u.Value.Origin(); err == nil && !u.Value.IsZero() {
			origins = append(origins, string(origin))
		}
	}
	text := strings.Join(origins, " or ")
	if len(origins) > 1 {
		text += " (that of the environment)"
	}
	if more := profileReach(e.p); len(more) > 0 {
		text += "; also " + strings.Join(more, ", ")
	}
	e.say("secrets go to", "%s", text)
	if e.p.AllowHTTP {
		e.say("secrets go to", "plain http is allowed: others on the network can read them")
	}
}

func (e *explainer) expiry() {
	var sources []string
	reads := func(pick func(profile.Readings) profile.Expr) bool {
		return !pick(e.p.Readings).IsZero() || slices.ContainsFunc(e.p.Phases(), func(phase profile.Named[profile.Calls]) bool {
			return !strings.HasPrefix(phase.Name, "tokens.") && slices.ContainsFunc(phase.Value, func(c profile.Call) bool { return !pick(c.Readings).IsZero() })
		})
	}
	if e.p.Lifetime.Duration > 0 {
		sources = append(sources, "lifetime: "+e.p.Lifetime.Text)
	}
	if reads(func(r profile.Readings) profile.Expr { return r.ExpiresIn }) {
		sources = append(sources, "expires_in:")
	}
	if reads(func(r profile.Readings) profile.Expr { return r.ExpiresAt }) {
		sources = append(sources, "expires_at:")
	}
	if !e.p.IdleTimeout.IsZero() {
		sources = append(sources, "idle_timeout: "+e.p.IdleTimeout.Text)
	}
	sources = append(sources, "exp in the token if it is a JWT", "the age of the cookie if it is one")
	e.say("the token ends", "at the earliest of: %s", strings.Join(sources, ", "))
	if e.p.Expired.IsZero() {
		e.say("the token is over", "if an answer has the status 401")
	} else {
		e.say("the token is over", "if it is true of an answer: %s", e.p.Expired.Text)
	}
}

func (e *explainer) renewal() {
	var ways []string
	if len(e.p.Keepalive) > 0 {
		ways = append(ways, "keepalive")
	}
	if len(e.p.Refresh) > 0 {
		way := "refresh"
		if e.p.NeedsRefreshToken() {
			way += ", if the login gave a refresh token"
		}
		ways = append(ways, way)
	}
	login := "a new login, if login --save-credentials kept what it asks for"
	if canLogin(Target{Profile: e.p}, token.Session{}) {
		login = "a new login: the profile says where everything comes from"
	}
	e.say("renewed by", "%s", strings.Join(append(ways, login), "; else "))
}
