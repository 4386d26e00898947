package profile

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/authctl/authctl/pkg/jq"
)

// complete fills in what the profile leaves out and refuses what no part of
// the program could work with. It is cheap: every command runs it.
func (p *Profile) complete(d *decoder) {
	if len(p.Send.Names()) == 0 {
		p.Send = Send{Headers: Pairs{{
			Name:  Template{Text: "Authorization", Parts: []Part{{Literal: "Authorization"}}, Pos: p.Pos},
			Value: Template{Text: "Bearer {{token}}", Parts: []Part{{Literal: "Bearer "}, {Name: "token"}}, Pos: p.Pos},
		}}}
	}
	p.inputsByName = map[string]Input{}
	for _, in := range builtinInputs() {
		in.builtin = true
		p.inputsByName[in.Name] = in
	}
	for i := range p.Inputs {
		in := p.Inputs[i].Value
		in.Name, in.Pos = p.Inputs[i].Name, p.Inputs[i].Pos
		if builtin, ok := p.inputsByName[in.Name]; ok {
			if !in.Secret.Set {
				in.Secret = builtin.Secret
			}
			if in.Label == "" {
				in.Label = builtin.Label
			}
		}
		in.Secret.Value = in.Secret.Value || in.TOTP
		p.Inputs[i].Value, p.inputsByName[in.Name] = in, in
	}
	p.checkBase(d)
}

func (p *Profile) checkBase(d *decoder) {
	report := func(pos Pos, hint, format string, args ...any) {
		d.problems.add(newProblem(pos, hint, format, args...))
	}
	switch {
	case len(d.problems) > 0: // the reason is told already
	case p.BaseURL.IsZero() && len(p.Environments) == 0:
		report(p.Pos, "write base_url: https://…", "profile %s: base_url is missing", p.Name)
	case !p.BaseURL.IsZero() && len(p.Environments) > 0:
		report(p.BaseURL.Pos, "remove one of them", "profile %s: base_url and environments exclude each other", p.Name)
	case len(p.Login) == 0:
		report(p.Pos, "write login: {request: POST /path, …}", "profile %s: login is missing", p.Name)
	}
	for _, u := range p.baseURLs() {
		p.checkPlainHTTP(report, u.Pos, u.Text.Text)
	}
	if p.APIURL.Base != nil {
		p.checkPlainHTTP(report, p.APIURL.Pos, p.APIURL.Base.String())
	}
	for _, phase := range p.Phases() {
		for _, c := range phase.Value {
			if c.Request.Base != nil {
				p.checkPlainHTTP(report, c.Request.Pos, c.Request.Base.String())
			}
		}
	}
}

// baseURLs are all that the profile names.
func (p *Profile) baseURLs() []URL {
	urls := []URL{p.BaseURL}
	for _, env := range p.Environments {
		urls = append(urls, env.Value)
	}
	return urls
}

func (p *Profile) checkPlainHTTP(report func(Pos, string, string, ...any), pos Pos, text string) {
	rest, plain := strings.CutPrefix(text, "http://")
	host, _, _ := strings.Cut(rest, "/")
	if u, err := url.Parse("http://" + host); err == nil {
		host = u.Hostname()
	}
	if plain && !IsLoopback(host) && !p.AllowHTTP {
		report(pos, "write https://, or allow_http: true if there is no other way", "%s: plain http would show the password to the network", text)
	}
}

// Validate reports the mistakes in expressions and names, which decoding does
// not look for. It runs before anything is sent.
func (p *Profile) Validate() error { return p.check().Err() }

// checker collects the problems of one profile that need its expressions
// compiled and its names looked up.
type checker struct {
	profile  *Profile
	problems Problems
	saved    []string // all names that logins and refresh save
	used     map[string]bool
}

func (c *checker) report(pos Pos, hint, format string, args ...any) {
	c.problems.add(newProblem(pos, hint, format, args...))
}

func (c *checker) warn(pos Pos, hint, format string, args ...any) {
	warning := newProblem(pos, hint, format, args...)
	warning.Warning = true
	c.problems.add(warning)
}

// secret reports a secret that stands in the profile.
func (c *checker) secret(pos Pos, hint, format string, args ...any) {
	problem := newProblem(pos, hint, format, args...)
	problem.Secret = true
	c.problems.add(problem)
}

// check looks at expressions and names; the places they can stand in decide
// which names are known there.
func (p *Profile) check() Problems {
	c := &checker{profile: p, saved: p.SavedNames(), used: map[string]bool{}}
	c.inputs()
	c.computed()
	c.base()
	for _, phase := range p.Phases() {
		c.calls(phase.Name, phase.Value)
	}
	c.logins()
	c.renewal()
	c.send("send", p.Send, c.session())
	c.send("tokens.send", p.Tokens.Send, []string{"token"}) // nothing else is kept with such a token
	c.variables()
	c.pairs("headers", p.Headers, nil)
	c.headers("headers", p.Headers)
	session := c.session()
	c.savedAs(p.Save)
	for _, entry := range append(p.Readings.Exprs(), Named[Expr]{Name: "expired", Value: p.Expired}) {
		c.expr(entry.Name, entry.Value, session)
	}
	c.unused()
	c.problems.sort()
	return c.problems
}

// session are the names that a session brings.
func (c *checker) session() []string { return append([]string{"token", "refresh_token"}, c.saved...) }

func (c *checker) inputs() {
	for _, entry := range c.profile.Inputs {
		in := entry.Value
		switch {
		case !validName(in.Name):
			c.report(entry.Pos, "use small letters, digits and _, beginning with a letter", "inputs: %q is no name for an input", in.Name)
		case slices.Contains(reserved(), in.Name):
			c.report(entry.Pos, "choose another name", "inputs: %s is a name of authctl's own", in.Name)
		case in.Secret.Value && in.Default.Set && in.Default.Text != "":
			c.secret(entry.Pos, "a profile holds no secrets: use env: or command:", "inputs.%s: a secret has no default", in.Name)
		case in.Default.Set && len(in.Choices.List) > 0 && !slices.Contains(in.Choices.List, in.Default.Text):
			c.report(entry.Pos, "", "inputs.%s: the default is none of the choices", in.Name)
		case !in.Choices.Expr.IsZero() && in.When.IsZero():
			c.report(in.Choices.Expr.Pos, "write a list, or add when:", "inputs.%s: choices: as an expression reads the answer that when: asks about", in.Name)
		case strings.HasPrefix(in.Env, "AUTHCTL_"):
			c.report(entry.Pos, "use another variable", "inputs.%s: %s is a variable of authctl's own", in.Name, in.Env)
		case !in.Secret.Set && !in.Secret.Value && soundsSecret(in.Name):
			c.report(entry.Pos, "write "+in.Name+": {label: …, secret: true}, or secret: false if it may be seen", "inputs.%s: is this a secret?", in.Name)
		}
		c.expr("inputs."+in.Name+".when", in.When, c.saved)
		c.expr("inputs."+in.Name+".choices", in.Choices.Expr, c.saved)
	}
}

func soundsSecret(name string) bool {
	for _, word := range []string{"token", "secret", "password", "passwd", "passphrase"} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return strings.HasSuffix(name, "_key")
}

// reserved are the names that a session or a command brings.
func reserved() []string {
	return append(ambient(), "token", "refresh_token", "name", "expires_at", "expires_in", "scopes", "id", "next", "status", "body")
}

// ambient are the names that are known everywhere.
func ambient() []string { return []string{"base_url", "api_url", "host", "environment", "method"} }

// computed looks at the expressions under computed:. What they name must be
// known where they are used; see known.
func (c *checker) computed() {
	p := c.profile
	for _, entry := range p.Computed {
		_, input := p.Input(entry.Name)
		switch {
		case !validName(entry.Name):
			c.report(entry.Pos, "use small letters, digits and _, beginning with a letter", "computed: %q is no name for a value", entry.Name)
		case slices.Contains(reserved(), entry.Name) || input || slices.Contains(c.saved, entry.Name):
			c.report(entry.Pos, "choose another name", "computed: %s is a name that is taken", entry.Name)
		case strings.HasPrefix(entry.Value.Text, ".") && !strings.Contains(entry.Value.Text, "$"):
			c.report(entry.Value.Pos, "save: it in a call, then write $name", "computed.%s: there is no answer to read here", entry.Name)
		case slices.Contains(p.NeedsOf(entry.Value.Names()...), entry.Name):
			c.report(entry.Value.Pos, "", "computed.%s: it needs itself", entry.Name)
		}
		all := slices.Concat(c.session(), p.Computed.Names(), []string{"name", "expires_at", "expires_in", "scopes", "id", "next"})
		c.expr("computed."+entry.Name, entry.Value, all)
	}
}

// base looks at the placeholders of base URLs and of api_url.
func (c *checker) base() {
	p := c.profile
	for _, u := range p.baseURLs() {
		for _, name := range u.Text.Names() {
			c.used[name] = true
			switch in, ok := p.Input(name); {
			case !ok:
				c.report(u.Pos, DidYouMean(name, p.InputNames()), "base URL: {{%s}} is no input", name)
			case in.Secret.Value:
				c.report(u.Pos, "use an input that may be seen", "base URL: {{%s}} is a secret, and names of hosts are seen by everybody", name)
			}
		}
	}
	if name := p.APIURL.From; name != "" {
		c.template("api_url", Template{Text: "{{" + name + "}}", Parts: []Part{{Name: name}}, Pos: p.APIURL.Pos}, c.session())
	}
	c.template("api_url", p.APIURL.Path, c.session())
}

// logins look for the token, and for the refresh token if one is needed.
func (c *checker) logins() {
	p := c.profile
	for _, phase := range p.Phases() {
		isLogin := IsLogin(phase.Name)
		if (isLogin || phase.Name == "refresh") && !readsToken(phase.Value) && p.Token.IsZero() {
			hint := "write token: .path, such as token: .access_token"
			if !isLogin {
				hint = "write token: here, or beside login: to read both answers alike"
			}
			c.report(phase.Value[len(phase.Value)-1].Pos, hint, "%s: nothing says where the token is in the answer", phase.Name)
		}
	}
	if p.NeedsRefreshToken() && !p.ReadsRefreshToken() {
		c.report(p.Refresh[0].Pos, "write refresh_token: .path in login", "refresh: {{refresh_token}} is read by no login")
	}
}

func readsToken(calls Calls) bool {
	return slices.ContainsFunc(calls, func(call Call) bool { return !call.Token.IsZero() })
}

// NeedsRefreshToken says whether refresh sends the refresh token.
func (p *Profile) NeedsRefreshToken() bool {
	return slices.ContainsFunc(p.Refresh, func(call Call) bool { return slices.Contains(p.Needs(&call), "refresh_token") })
}

// ReadsRefreshToken says whether any call or the profile reads one.
func (p *Profile) ReadsRefreshToken() bool {
	return !p.RefreshToken.IsZero() || slices.ContainsFunc(p.Phases(), func(phase Named[Calls]) bool {
		return slices.ContainsFunc(phase.Value, func(call Call) bool { return !call.RefreshToken.IsZero() })
	})
}

// renewal looks at what makes a token last longer.
func (c *checker) renewal() {
	p := c.profile
	reads := slices.ContainsFunc(p.Keepalive, func(call Call) bool { return !call.ExpiresIn.IsZero() || !call.ExpiresAt.IsZero() })
	if len(p.Keepalive) > 0 && p.IdleTimeout.IsZero() && !reads {
		c.report(p.Keepalive[0].Pos, "write idle_timeout: 10m in the profile, or expires_in: .path in keepalive", "keepalive: nothing says how long the token lasts afterwards")
	}
	if p.IdleTimeout.Never {
		c.report(p.Pos, "remove it", "idle_timeout: never is no length of time")
	}
}

// SavedNames are the names that logins, refresh and keepalive keep with the
// session.
func (p *Profile) SavedNames() []string {
	names := map[string]bool{}
	for _, name := range p.Save.Names() {
		names[name] = true
	}
	for _, phase := range p.Phases() {
		if !strings.HasPrefix(phase.Name, "tokens.") {
			for _, call := range phase.Value {
				for _, name := range call.Save.Names() {
					names[name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// phaseNames are the names that a list of calls knows from the start.
func (c *checker) phaseNames(phase string) []string {
	switch phase {
	case "tokens.create":
		return append([]string{"name", "expires_at", "expires_in", "scopes"}, c.session()...)
	case "tokens.list":
		return append([]string{"next"}, c.session()...)
	case "tokens.revoke":
		return append([]string{"id", "name"}, c.session()...)
	case "tokens.rotate":
		return append([]string{"id", "name", "expires_at", "expires_in", "scopes"}, c.session()...)
	case "refresh", "cancel", "whoami", "keepalive":
		return c.session()
	}
	return nil // a login
}

// calls checks a list of calls; what a call reads is known to those after it.
// A login knows what it saves itself: from the last time.
func (c *checker) calls(phase string, calls Calls) {
	names := c.phaseNames(phase)
	for i := range calls {
		call := &calls[i]
		if i == 0 && !call.When.IsZero() {
			c.report(call.When.Pos, "remove it, or write it in a later call of the list", "%s: when: asks about the answer before, and there is none", phase)
		}
		c.call(phase, call, append(call.Save.Names(), names...))
		c.savedAs(call.Save)
		names = append(names, call.Save.Names()...)
		if !call.Token.IsZero() {
			names = append(names, "token")
		}
		if !call.RefreshToken.IsZero() {
			names = append(names, "refresh_token")
		}
		for _, entry := range call.Exprs() {
			c.expr(phase+"."+entry.Name, entry.Value, names)
		}
	}
}

// savedAs refuses names that are taken: there is one flat namespace.
func (c *checker) savedAs(list List[Expr]) {
	for _, entry := range list {
		_, input := c.profile.Input(entry.Name)
		switch {
		case !validName(entry.Name):
			c.report(entry.Pos, "use small letters, digits and _, beginning with a letter", "save: %q is no name for a value", entry.Name)
		case slices.Contains(reserved(), entry.Name):
			c.report(entry.Pos, "choose another name", "save: %s is a name of authctl's own", entry.Name)
		case input:
			c.report(entry.Pos, "choose another name", "save: %s is the name of an input", entry.Name)
		}
	}
}

// Sends says whether the call makes a request: one that only reads names has
// none.
func (c *Call) Sends() bool { return !c.Request.IsZero() }

func (c *checker) call(where string, call *Call, names []string) {
	nothing := call.JSON == nil && call.Form == nil && call.XML == nil && call.Text == nil && call.Basic == nil && call.Query == nil && call.Headers == nil
	if call.Request.Pos.Line == 0 && (call.Token.IsZero() || !nothing) {
		c.report(call.Pos, "write request: METHOD /path", "%s: request is missing", where)
	}
	call.Templates(func(t Template) { c.template(where, t, names) })
	for _, name := range call.Request.Path.Names() {
		if in, ok := c.profile.Input(name); ok && in.Optional && !in.Default.Set {
			c.report(call.Request.Pos, "give it a default, or remove optional: true", "%s: {{%s}} is optional, and a path needs a value", where, name)
		}
	}
	if call.Basic != nil && !strings.Contains(call.Basic.Text, ":") {
		c.report(call.Basic.Pos, `write basic: "{{username}}:{{password}}"`, "%s: basic: the colon is missing", where)
	}
	c.body(where, call)
	c.query(where, call)
	c.headers(where, call.Headers)
	for _, pair := range slices.Concat(call.Form, call.Query, call.Headers) {
		c.constantSecret(where, pair.Name.Text, pair.Value)
	}
	if call.Basic != nil && slices.ContainsFunc(call.Headers, func(p Pair) bool { return strings.EqualFold(p.Name.Text, "Authorization") }) {
		c.report(call.Basic.Pos, "keep one of them", "%s: basic: and the header Authorization exclude each other", where)
	}
}

// query refuses a name that stands in the request too, and warns of secrets:
// URLs end up in logs.
func (c *checker) query(where string, call *Call) {
	constant, _ := url.ParseQuery(call.Request.Query) // decoding has told
	for _, pair := range call.Query {
		if constant.Has(pair.Name.Text) {
			c.report(pair.Name.Pos, "remove it from request:", "%s: %s stands in request: and in query:", where, pair.Name.Text)
		}
		for _, name := range pair.Value.Names() {
			if in, ok := c.profile.Input(name); name == "token" || name == "refresh_token" || ok && in.Secret.Value {
				c.warn(pair.Value.Pos, "use the body or a header if the API takes it there", "%s: query.%s carries a secret, and servers keep URLs in their logs", where, pair.Name.Text)
			}
		}
	}
}

func (c *checker) body(where string, call *Call) {
	bodies := 0
	for _, present := range []bool{call.JSON != nil, call.Form != nil, call.XML != nil, call.Text != nil} {
		if present {
			bodies++
		}
	}
	if bodies > 1 {
		c.report(call.Pos, "keep one of json, form, xml and text", "%s: a request has one body", where)
	}
	if call.JSON == nil {
		return
	}
	c.jsonSecrets(where, *call.JSON)
	text := call.JSON.Text
	if text != nil && !strings.HasPrefix(text.Text, "{{") && (strings.HasPrefix(text.Text, "{") || strings.HasPrefix(text.Text, "[")) {
		c.report(text.Pos, "write YAML here: json: {name: value}", "%s: json: is a text that looks like JSON, and would be sent as a text", where)
	}
}

// send checks how a request carries the token. names are known there.
func (c *checker) send(where string, send Send, names []string) {
	c.pairs(where, send.Headers, names)
	c.pairs(where, send.Query, names)
	c.headers(where, send.Headers)
	if send.Basic != nil {
		c.template(where, *send.Basic, names)
	}
	for _, pair := range send.Query {
		if slices.Contains(pair.Value.Names(), "token") {
			c.warn(pair.Value.Pos, "use a header if the API takes one", "%s: query.%s carries the token, and servers keep URLs in their logs", where, pair.Name.Text)
		}
	}
}

func (c *checker) pairs(where string, pairs Pairs, names []string) {
	pairs.templates(func(t Template) { c.template(where, t, names) })
}

// headers refuses what no header line can carry (RFC 9110 §5), and Basic
// written by hand.
func (c *checker) headers(where string, pairs Pairs) {
	for _, pair := range pairs {
		name := pair.Name.Text
		switch {
		case strings.EqualFold(name, "Authorization") && strings.HasPrefix(pair.Value.Text, "Basic {{"):
			c.report(pair.Value.Pos, `write basic: "{{username}}:{{password}}"`, "%s: Basic needs its value encoded", where)
		case len(pair.Name.Names()) == 0 && !httpguts.ValidHeaderFieldName(name):
			c.report(pair.Name.Pos, "use letters, digits and -", "%s: %q is no name for a header", where, name)
		case !httpguts.ValidHeaderFieldValue(pair.Value.Text):
			c.report(pair.Value.Pos, "write it in one line", "%s: a header holds no line breaks and no control characters", where)
		}
	}
}

func (c *checker) jsonSecrets(where string, value Value) {
	for _, member := range value.Members {
		if member.Value.Text != nil {
			c.constantSecret(where, member.Name.Text, *member.Value.Text)
		}
		c.jsonSecrets(where, member.Value)
	}
	for _, item := range value.Items {
		c.jsonSecrets(where, item)
	}
}

// constantSecret refuses a password that is written into the profile.
func (c *checker) constantSecret(where, name string, value Template) {
	lower := strings.ToLower(name)
	for _, word := range [][2]string{
		{"password", "password"}, {"api_secret", "api_secret"}, {"secret", "client_secret"}, {"api_key", "api_key"}, {"apikey", "api_key"},
	} {
		if strings.HasSuffix(lower, word[0]) && value.Text != "" && len(value.Names()) == 0 {
			c.secret(value.Pos, `write "{{`+word[1]+`}}" or another input`, "%s: a profile holds no secrets, and %s looks like one", where, name)
			return
		}
	}
}

// template reports the placeholders that nothing fills.
func (c *checker) template(where string, t Template, names []string) {
	for _, name := range t.Names() {
		if c.problems.full() {
			return
		}
		c.used[name] = true
		if reason, hint := c.unknown(name, names); reason != "" {
			c.report(t.Pos, hint, "%s: {{%s}} %s", where, name, reason)
		}
	}
}

// unknown says why a name has no value where names are known beside inputs and
// ambient ones, and what to do; no reason if it has.
func (c *checker) unknown(name string, names []string) (reason, hint string) {
	p := c.profile
	_, input := p.Input(name)
	computed, isComputed := p.Computed.Get(name)
	switch {
	case input || slices.Contains(names, name) || slices.Contains(ambient(), name):
		return "", ""
	case isComputed:
		for _, needed := range p.NeedsOf(computed.Names()...) {
			if _, nested := p.Computed.Get(needed); nested {
				continue
			}
			if reason, hint := c.unknown(needed, names); reason != "" {
				return "needs $" + needed + ", which " + reason, hint
			}
		}
		return "", ""
	case slices.Contains(reserved(), name) || slices.Contains(c.saved, name):
		return "is not known yet here", knownWhere(name)
	}
	known := slices.Concat(slices.Sorted(maps.Keys(p.inputsByName)), names, p.Computed.Names())
	return "is no input and nothing saves it", DidYouMean(name, known)
}

// knownWhere says which calls know a name that is not an input.
func knownWhere(name string) string {
	switch name {
	case "token", "refresh_token":
		return "the login gives it: calls after the login know it"
	case "name", "expires_at", "expires_in", "scopes":
		return "only tokens.create and tokens.rotate know it"
	case "id":
		return "only tokens.revoke and tokens.rotate know it"
	case "next":
		return "only tokens.list knows it"
	default:
		return "an answer gives it: only the calls after that one know it"
	}
}

// expr reports an expression that is no jq, or one that is likely to be
// something else than the author meant.
func (c *checker) expr(where string, e Expr, names []string) {
	if e.IsZero() {
		return
	}
	if hint := wordHint(e.Text); hint != "" {
		c.report(e.Pos, hint, "%s: %s is not how it is read", where, e.Text)
		return
	}
	known := slices.Concat(slices.Sorted(maps.Keys(c.profile.inputsByName)), names, c.profile.Computed.Names(), ambient(), []string{"status", "body"})
	slices.Sort(known)
	known = slices.DeleteFunc(slices.Compact(known), func(name string) bool { return !validName(name) })
	var syntax *jq.SyntaxError
	if err := jq.Check(e.Text, known); errors.As(err, &syntax) {
		c.report(e.at(syntax.Offset), syntaxExprHint(e.Text, err, known), "%s: %v in %s", where, err, e.Text)
	}
	for _, name := range e.Names() {
		c.used[name] = true
	}
}

// unused warns of names that nothing names.
func (c *checker) unused() {
	for _, entry := range c.profile.Inputs {
		if !c.used[entry.Name] && validName(entry.Name) {
			c.warn(entry.Pos, "remove it, or write {{"+entry.Name+"}} where it is sent", "inputs.%s: nothing uses it", entry.Name)
		}
	}
	for _, entry := range c.profile.Computed {
		if !c.used[entry.Name] && validName(entry.Name) {
			c.warn(entry.Pos, "remove it, or write {{"+entry.Name+"}} where it is sent", "computed.%s: nothing uses it", entry.Name)
		}
	}
}
