package profile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/authctl/authctl/pkg/jq"
)

// complete fills in what the profile leaves out and refuses what no part of
// the program could work with. It is cheap: every command runs it.
func (p *Profile) complete(d *decoder) {
	if p.Send.Header == "" {
		value, err := ParseTemplate("Bearer {{token}}", p.Pos)
		if err != nil {
			panic("profile: the default of send: is no template")
		}
		p.Send = Send{Header: "Authorization", Value: value}
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
		p.Inputs[i].Value, p.inputsByName[in.Name] = in, in
	}
	p.checkBase(d)
}

func (p *Profile) checkBase(d *decoder) {
	report := func(pos Pos, hint, format string, args ...any) {
		d.problems = append(d.problems, Problem{Pos: pos, Text: fmt.Sprintf(format, args...), Hint: hint})
	}
	switch {
	case len(d.problems) > 0: // the reason is told already
	case p.BaseURL.URL == nil && len(p.Environments) == 0:
		report(p.Pos, "write base_url: https://…", "profile %s: base_url is missing", p.Name)
	case p.BaseURL.URL != nil && len(p.Environments) > 0:
		report(p.BaseURL.Pos, "remove one of them", "profile %s: base_url and environments exclude each other", p.Name)
	case len(p.Login) == 0:
		report(p.Pos, "write login: {request: POST /path, …}", "profile %s: login is missing", p.Name)
	}
	urls := []URL{p.BaseURL}
	for _, env := range p.Environments {
		urls = append(urls, env.Value)
	}
	for _, u := range urls {
		if u.URL != nil && u.Scheme == "http" && !IsLoopback(u.Hostname()) && !p.AllowHTTP {
			report(u.Pos, "write https://, or allow_http: true if there is no other way", "%s: plain http would show the password to the network", u.Redacted())
		}
	}
}

// Validate reports the mistakes in expressions and names, which decoding does
// not look for. It runs before anything is sent.
func (p *Profile) Validate() error { return asFault(p.check()) }

// checker collects the problems of one profile that need its expressions
// compiled and its names looked up.
type checker struct {
	profile  *Profile
	problems Problems
	used     map[string]bool
}

func (c *checker) report(pos Pos, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{Pos: pos, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// check looks at expressions and names; the places they can stand in decide
// which names are known there.
func (p *Profile) check() Problems {
	c := &checker{profile: p, used: map[string]bool{}}
	c.inputs()
	c.logins()
	saved := p.savedNames()
	session := append([]string{"token", "refresh_token"}, saved...)
	c.calls("refresh", p.Refresh, session)
	c.calls("cancel", p.Cancel, session)
	c.calls("tokens.create", p.Tokens.Create, append([]string{"name", "expires_at", "expires_in"}, session...))
	c.calls("tokens.list", p.Tokens.List, append([]string{"next"}, session...))
	c.calls("tokens.revoke", p.Tokens.Revoke, append([]string{"id"}, session...))
	c.template("send", p.Send.Value, session)
	for _, header := range p.Headers {
		c.template("headers."+header.Name, header.Value, nil)
	}
	c.profileReadings(saved)
	c.unused()
	return c.problems
}

func (c *checker) inputs() {
	for _, entry := range c.profile.Inputs {
		in := entry.Value
		switch {
		case !validName(in.Name):
			c.report(entry.Pos, "use small letters, digits and _, beginning with a letter", "inputs: %q is no name for an input", in.Name)
		case slices.Contains(reserved(), in.Name):
			c.report(entry.Pos, "choose another name", "inputs: %s is a name of authctl's own", in.Name)
		case in.Secret.Value && in.Default.Set:
			c.report(entry.Pos, "a profile holds no secrets: use env: or command:", "inputs.%s: a secret has no default", in.Name)
		case in.Default.Set && len(in.Choices) > 0 && !slices.Contains(in.Choices, in.Default.Text):
			c.report(entry.Pos, "", "inputs.%s: the default is none of the choices", in.Name)
		case !in.Secret.Set && !in.Secret.Value && soundsSecret(in.Name):
			c.report(entry.Pos, "write "+in.Name+": {label: …, secret: true}, or secret: false if it may be seen", "inputs.%s: is this a secret?", in.Name)
		}
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
	return append(ambient(), "token", "refresh_token", "name", "expires_at", "expires_in", "id", "next", "status", "body")
}

// ambient are the names that are known everywhere.
func ambient() []string { return []string{"base_url", "host", "environment"} }

func (c *checker) logins() {
	p := c.profile
	all := append(List[Calls]{{Name: "", Pos: p.Pos, Value: p.Login}}, p.OtherLogins...)
	for _, login := range all {
		where := "login"
		if login.Name != "" {
			where = "other_logins." + login.Name
		}
		c.calls(where, login.Value, nil)
		if len(login.Value) > 0 && !readsToken(login.Value) && p.Token.IsZero() {
			c.report(login.Value[len(login.Value)-1].Pos, "write token: .path, such as token: .access_token",
				"%s: nothing says where the token is in the answer", where)
		}
	}
	if p.needsRefreshToken() && !p.readsRefreshToken() {
		c.report(p.Refresh[0].Pos, "write refresh_token: .path in login", "refresh: {{refresh_token}} is read by no login")
	}
}

func readsToken(calls Calls) bool {
	return slices.ContainsFunc(calls, func(call Call) bool { return !call.Token.IsZero() })
}

func (p *Profile) needsRefreshToken() bool {
	return slices.ContainsFunc(p.Refresh, func(call Call) bool { return call.Mentions("refresh_token") })
}

func (p *Profile) readsRefreshToken() bool {
	reads := func(calls Calls) bool {
		return slices.ContainsFunc(calls, func(call Call) bool { return !call.RefreshToken.IsZero() })
	}
	return !p.RefreshToken.IsZero() || reads(p.Login) ||
		slices.ContainsFunc(p.OtherLogins, func(l Named[Calls]) bool { return reads(l.Value) })
}

// savedNames are the names that logins and refresh keep with the session.
func (p *Profile) savedNames() []string {
	names := map[string]bool{}
	add := func(calls Calls) {
		for _, call := range calls {
			for _, name := range call.Save.Names() {
				names[name] = true
			}
		}
	}
	for _, name := range p.Save.Names() {
		names[name] = true
	}
	add(p.Login)
	add(p.Refresh)
	for _, login := range p.OtherLogins {
		add(login.Value)
	}
	return slices.Sorted(maps.Keys(names))
}

// calls checks a list of calls in which names are known from the start; what a
// call saves is known to those after it.
func (c *checker) calls(where string, calls Calls, names []string) {
	names = slices.Clone(names)
	for i := range calls {
		call := &calls[i]
		c.call(where, call, names)
		names = append(names, call.Save.Names()...)
		c.readings(where, call, names)
	}
}

func (c *checker) call(where string, call *Call, names []string) {
	if call.Request.Pos.Line == 0 {
		c.report(call.Pos, "write request: METHOD /path", "%s: request is missing", where)
	}
	bodies := 0
	for _, present := range []bool{call.JSON != nil, call.Form != nil, call.Text != nil} {
		if present {
			bodies++
		}
	}
	if bodies > 1 {
		c.report(call.Pos, "keep one of json, form and text", "%s: a request has one body", where)
	}
	call.Templates(func(t Template) { c.template(where, t, names) })
	for _, header := range call.Headers {
		if strings.EqualFold(header.Name, "Authorization") && strings.HasPrefix(header.Value.Text, "Basic {{") {
			c.report(header.Value.Pos, `write basic: "{{username}}:{{password}}"`, "%s: Basic needs its value encoded", where)
		}
	}
	for _, list := range []List[Template]{call.Form, call.Query, call.Headers} {
		for _, entry := range list {
			c.constantSecret(where, entry.Name, entry.Value)
		}
	}
	if call.JSON != nil {
		c.jsonSecrets(where, *call.JSON)
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
	for _, word := range []string{"password", "secret", "api_key", "apikey"} {
		if strings.HasSuffix(lower, word) && value.Text != "" && len(value.Names()) == 0 {
			c.report(value.Pos, `write "{{`+word+`}}" or another input`, "%s: a profile holds no secrets, and %s looks like one", where, name)
		}
	}
}

// template reports the placeholders that nothing fills.
func (c *checker) template(where string, t Template, names []string) {
	for _, name := range t.Names() {
		c.used[name] = true
		_, input := c.profile.Input(name)
		if input || slices.Contains(names, name) || slices.Contains(ambient(), name) {
			continue
		}
		if slices.Contains(reserved(), name) || slices.Contains(c.profile.savedNames(), name) {
			c.report(t.Pos, "", "%s: {{%s}} is not known yet here", where, name)
			continue
		}
		known := slices.Concat(slices.Sorted(maps.Keys(c.profile.inputsByName)), names)
		c.report(t.Pos, DidYouMean(name, known), "%s: {{%s}} is no input and nothing saves it", where, name)
	}
}

func (c *checker) readings(where string, call *Call, names []string) {
	exprs := map[string]Expr{
		"when": call.When, "success": call.Success, "error": call.Error, "token": call.Token,
		"refresh_token": call.RefreshToken, "expires_in": call.ExpiresIn, "expires_at": call.ExpiresAt,
		"items": call.Items, "id": call.ID, "name": call.TokenName, "created_at": call.CreatedAt, "next": call.Next,
	}
	for _, saved := range call.Save {
		exprs["save."+saved.Name] = saved.Value
	}
	for key, expr := range exprs {
		c.expr(where+"."+key, expr, names)
	}
}

func (c *checker) profileReadings(saved []string) {
	p := c.profile
	exprs := map[string]Expr{
		"success": p.Success, "error": p.Error, "token": p.Token, "refresh_token": p.RefreshToken,
		"expires_in": p.ExpiresIn, "expires_at": p.ExpiresAt,
	}
	for _, entry := range p.Save {
		exprs["save."+entry.Name] = entry.Value
	}
	for key, expr := range exprs {
		c.expr(key, expr, saved)
	}
}

// expr reports an expression that is no jq, or one that is likely to be
// something else than the author meant.
func (c *checker) expr(where string, e Expr, names []string) {
	if e.IsZero() {
		return
	}
	if hint := exprHint(e.Text); hint != "" {
		c.report(e.Pos, hint, "%s: %s is not how it is read", where, e.Text)
		return
	}
	known := slices.Concat(slices.Sorted(maps.Keys(c.profile.inputsByName)), names, ambient(), []string{"status", "body"})
	slices.Sort(known)
	known = slices.DeleteFunc(slices.Compact(known), func(name string) bool { return !validName(name) })
	var syntax *jq.SyntaxError
	if err := jq.Check(e.Text, known); errors.As(err, &syntax) {
		pos := e.Pos
		pos.Column += syntax.Offset
		c.report(pos, "what is read is jq: .path, $name", "%s: %v in %s", where, err, e.Text)
	}
	for _, name := range known {
		if strings.Contains(e.Text, "$"+name) {
			c.used[name] = true
		}
	}
}

// exprHint recognises what people write who know other tools.
func exprHint(text string) string {
	first, rest, dotted := strings.Cut(text, ".")
	switch {
	case strings.Contains(text, "{{"):
		return "this is read from the answer: write .path, or $name for a name"
	case strings.HasPrefix(text, "$."):
		return "that is JSONPath: write " + text[1:]
	case dotted && strings.EqualFold(first, "headers"):
		return `write header("` + rest + `")`
	case dotted && validName(first) && !strings.ContainsAny(text, " |("):
		return "a path begins with a dot: write ." + text
	case strings.Contains(text, "&&"):
		return "jq says and"
	case strings.Contains(text, "||"):
		return "jq says or"
	case strings.Contains(text, "'"):
		return "jq puts strings in double quotes"
	default:
		return ""
	}
}

// unused reports inputs that no call, reading or header names.
func (c *checker) unused() {
	for _, entry := range c.profile.Inputs {
		if !c.used[entry.Name] && validName(entry.Name) {
			c.report(entry.Pos, "remove it, or write {{"+entry.Name+"}} where it is sent", "inputs.%s: nothing uses it", entry.Name)
		}
	}
}
