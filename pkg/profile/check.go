package profile

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

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
	c.headers("headers", p.Headers)
	c.profileReadings(saved)
	c.unused()
	c.problems.sort()
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
		if i == 0 && !call.When.IsZero() {
			c.report(call.When.Pos, "remove it, or write it in a later call of the list", "%s: when: asks about the answer before, and there is none", where)
		}
		c.call(where, call, names)
		c.savedAs(call.Save)
		names = append(names, call.Save.Names()...)
		c.readings(where, call, names)
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

func (c *checker) call(where string, call *Call, names []string) {
	if call.Request.Pos.Line == 0 {
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
	c.headers(where, call.Headers)
	for _, list := range []List[Template]{call.Form, call.Query, call.Headers} {
		for _, entry := range list {
			c.constantSecret(where, entry.Name, entry.Value)
		}
	}
	for _, list := range []List[Template]{call.Form, call.Query} {
		for _, entry := range list {
			if strings.Contains(entry.Name, "{{") {
				c.report(entry.Pos, "write the name out", "%s: %s is a name, and names hold no placeholders", where, entry.Name)
			}
		}
	}
}

func (c *checker) body(where string, call *Call) {
	bodies := 0
	for _, present := range []bool{call.JSON != nil, call.Form != nil, call.Text != nil} {
		if present {
			bodies++
		}
	}
	if bodies > 1 {
		c.report(call.Pos, "keep one of json, form and text", "%s: a request has one body", where)
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

// headers refuses what no header line can carry (RFC 9110 §5), and Basic
// written by hand.
func (c *checker) headers(where string, list List[Template]) {
	for _, entry := range list {
		switch {
		case strings.EqualFold(entry.Name, "Authorization") && strings.HasPrefix(entry.Value.Text, "Basic {{"):
			c.report(entry.Value.Pos, `write basic: "{{username}}:{{password}}"`, "%s: Basic needs its value encoded", where)
		case !httpguts.ValidHeaderFieldName(entry.Name):
			c.report(entry.Pos, "use letters, digits and -", "%s: %q is no name for a header", where, entry.Name)
		case !httpguts.ValidHeaderFieldValue(entry.Value.Text):
			c.report(entry.Value.Pos, "write it in one line", "%s: a header holds no line breaks and no control characters", where)
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
			c.report(value.Pos, `write "{{`+word[1]+`}}" or another input`, "%s: a profile holds no secrets, and %s looks like one", where, name)
			return
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
			c.report(t.Pos, knownWhere(name), "%s: {{%s}} is not known yet here", where, name)
			continue
		}
		known := slices.Concat(slices.Sorted(maps.Keys(c.profile.inputsByName)), names)
		c.report(t.Pos, DidYouMean(name, known), "%s: {{%s}} is no input and nothing saves it", where, name)
	}
}

// knownWhere says which calls know a name that is not an input.
func knownWhere(name string) string {
	switch name {
	case "token", "refresh_token":
		return "the login gives it: calls after the login know it"
	case "name", "expires_at", "expires_in":
		return "only tokens.create knows it"
	case "id":
		return "only tokens.revoke knows it"
	case "next":
		return "only tokens.list knows it"
	default:
		return "an answer gives it: only the calls after that one know it"
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
	c.savedAs(p.Save)
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
	if hint := wordHint(e.Text); hint != "" {
		c.report(e.Pos, hint, "%s: %s is not how it is read", where, e.Text)
		return
	}
	known := slices.Concat(slices.Sorted(maps.Keys(c.profile.inputsByName)), names, ambient(), []string{"status", "body"})
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

// wordHint recognises what jq would take and what means something else to
// people who know other tools.
func wordHint(text string) string {
	first, rest, dotted := strings.Cut(text, ".")
	name, alone := strings.CutPrefix(text, "{{")
	switch {
	case alone && strings.HasSuffix(name, "}}"):
		return "this is read from the answer: write ." + strings.TrimSpace(strings.TrimSuffix(name, "}}"))
	case strings.HasPrefix(text, "$."):
		return "that is JSONPath: write " + text[1:]
	case dotted && strings.EqualFold(first, "headers"):
		return `write header("` + rest + `")`
	case dotted && validName(first) && !strings.ContainsAny(text, " |("):
		return "a path begins with a dot: write ." + text
	case strings.Contains(withoutStrings(text), "'"):
		return "jq puts strings in double quotes"
	case strings.Contains(withoutStrings(text), " = "):
		return "== compares, = changes: write " + strings.ReplaceAll(text, " = ", " == ")
	default:
		return ""
	}
}

// withoutStrings empties the strings in an expression.
func withoutStrings(text string) string {
	return regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllString(text, `""`)
}

// syntaxExprHint says what to write instead of text that does not compile.
func syntaxExprHint(text string, err error, known []string) string {
	code := withoutStrings(text)
	path := regexp.MustCompile(`^(\.(?:\w+\.)*)(\w+(?:-\w+)+)$`).FindStringSubmatch(text)
	word := regexp.MustCompile(`(function|variable) not defined: \$?([a-z][a-z0-9_]*)(/0)?$`).FindStringSubmatch(err.Error())
	switch {
	case strings.Contains(code, "&&"):
		return "jq says and"
	case strings.Contains(code, "||"):
		return "jq says or"
	case strings.Contains(code, "{{"):
		return "this is read from the answer: write .path, or $name for a name"
	case path != nil && path[1] == ".":
		return `write .["` + path[2] + `"]`
	case path != nil:
		return "write " + strings.TrimSuffix(path[1], ".") + `["` + path[2] + `"]`
	case word == nil:
		return "what is read is jq: .path, $name"
	case word[1] == "variable":
		return DidYouMean(word[2], known)
	case word[2] == "status":
		return "$status is the answer's status"
	case slices.Contains(known, word[2]):
		return "." + word[2] + " reads it from the answer, $" + word[2] + " is the name"
	default:
		return "a path begins with a dot: write ." + word[2]
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
