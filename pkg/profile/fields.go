package profile

import (
	"fmt"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/http/httpguts"

	"github.com/authctl/authctl/pkg/token"
)

func (u *URL) decodeYAML(d *decoder, node *yaml.Node, where string) {
	told := len(d.problems)
	u.Pos = d.pos(node)
	if d.written(node, where) != "" {
		u.Text.decodeYAML(d, node, where)
	}
	if u.Text.Text == "" || len(d.problems) > told {
		return
	}
	names := u.Text.Names()
	sample, err := u.fill(func(string) (string, bool) { return "x", true })
	if err != nil {
		d.fail(node, err.hint, "%s: %s", where, err.text)
	} else if len(names) == 0 {
		u.URL = sample
	}
}

// Fill returns the base URL with the values of its placeholders. A value may
// hold letters, digits, dots and hyphens only, so that it stays in its place
// (threat 3); where it is all of host and port, a colon too.
func (u URL) Fill(value func(name string) (string, bool)) (*url.URL, error) {
	if u.URL != nil {
		return u.URL, nil
	}
	filled, err := u.fill(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", u.Text.Text, err.text)
	}
	return filled, nil
}

func (u URL) fill(value func(name string) (string, bool)) (*url.URL, *urlError) {
	var b strings.Builder
	for i, part := range u.Text.Parts {
		if part.Name == "" {
			b.WriteString(part.Literal)
			continue
		}
		text, known := value(part.Name)
		signs := ".-"
		if strings.HasSuffix(b.String(), "://") && (i+1 == len(u.Text.Parts) || strings.HasPrefix(u.Text.Parts[i+1].Literal, "/")) {
			signs += ":"
		}
		foreign := func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(signs, r))
		}
		if !known || text == "" || strings.ContainsFunc(text, foreign) {
			return nil, &urlError{"{{" + part.Name + "}} takes letters, digits, dots and hyphens only", "give it with --input " + part.Name + "=…"}
		}
		b.WriteString(text)
	}
	return ParseBaseURL(b.String())
}

// Origin names the origin of the base URL. Placeholders stay in it as they are
// written: it tells profiles apart, and no request is made to it.
func (u URL) Origin() (token.Origin, error) {
	if u.URL != nil {
		return token.OriginOf(u.URL)
	}
	const mark = "placeholder-of-"
	marked, err := u.fill(func(name string) (string, bool) { return mark + strings.ReplaceAll(name, "_", "-"), true })
	if err != nil {
		return "", fmt.Errorf("%s: %s", u.Text.Text, err.text)
	}
	origin, failure := token.OriginOf(marked)
	text := string(origin)
	for _, name := range u.Text.Names() {
		text = strings.Replace(text, mark+strings.ReplaceAll(name, "_", "-"), "{{"+name+"}}", 1)
	}
	return token.Origin(text), failure
}

// urlError says what is wrong with a base URL, and what to write.
type urlError struct{ text, hint string }

// ParseBaseURL reads a base URL: https or http, a host, perhaps a port and a
// path, and nothing else, so that no part of it can lead a request elsewhere
// (threat 3). The path loses its trailing slash.
func ParseBaseURL(text string) (*url.URL, *urlError) {
	const form = "write https://host or https://host/path"
	u, err := url.Parse(text)
	switch {
	case strings.ContainsAny(text, "{}\\"):
		return nil, &urlError{"a base URL holds no braces and no backslashes", form}
	case err != nil:
		return nil, &urlError{"not a URL", form}
	case u.Scheme != "https" && u.Scheme != "http":
		_, rest, found := strings.Cut(text, "://")
		if !found {
			rest = text
		}
		return nil, &urlError{"a base URL begins with https://", "write https://" + rest}
	case u.Hostname() == "" || u.Opaque != "":
		return nil, &urlError{"the host is missing", form}
	case strings.ContainsAny(text, " \t") || !validPort(u.Port()):
		return nil, &urlError{"a base URL holds no blanks, and a port is at most 65535", form}
	case u.User != nil:
		return nil, &urlError{"a base URL holds no user name or password", "use {{username}} and {{password}} in the login"}
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return nil, &urlError{"a base URL holds no query and no fragment", "move the query to query: in the call"}
	case hasDots(u.Path) || strings.Contains(u.Path, "//"):
		return nil, &urlError{"a base URL holds no double slashes, . or ..", form}
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	return u, nil
}

func validPort(port string) bool {
	number, err := strconv.Atoi(port)
	return port == "" || err == nil && number > 0 && number <= 65535
}

// hasDots says whether a path has a segment that stands for another one.
func hasDots(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// IsLoopback says whether a host is this machine beyond doubt: localhost or a
// loopback address written as such. Other names are not looked up.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Exposes says whether a request to u would show its secrets to the network: it
// is plain http, not to this machine, and the profile does not allow that
// (threat 4).
func (p *Profile) Exposes(u *url.URL) bool {
	return u.Scheme == "http" && !IsLoopback(u.Hostname()) && !p.AllowHTTP
}

// looksLikeRequest recognises "POST /login" where a mapping is needed.
func looksLikeRequest(text string) bool {
	method, path, found := strings.Cut(text, " ")
	return found && method == strings.ToUpper(method) && strings.HasPrefix(path, "/")
}

func (r *Request) decodeYAML(d *decoder, node *yaml.Node, where string) {
	const form = "write METHOD /path, such as POST /login"
	r.Pos = d.pos(node)
	text := d.written(node, where)
	if text == "" {
		return
	}
	method, target, found := strings.Cut(text, " ")
	target = strings.TrimSpace(target)
	absolute := strings.Contains(target, "://") || strings.HasPrefix(target, "{{")
	switch {
	case !found && strings.HasPrefix(text, "/"):
		d.fail(node, "write POST "+text+" or GET "+text, "%s: the method is missing", where)
	case !found:
		d.fail(node, form, "%s: %s is no request", where, describe(node))
	case strings.Contains(method, "://"):
		d.fail(node, "write the method first: POST "+method, "%s: %s is no method", where, method)
	case method != strings.ToUpper(method) && slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}, strings.ToUpper(method)):
		d.fail(node, "write "+strings.ToUpper(method)+" "+target, "%s: the method is written in capitals", where)
	case !httpguts.ValidHeaderFieldName(method) || method != strings.ToUpper(method):
		d.fail(node, form, "%s: %s is no method", where, method)
	case !absolute && !strings.HasPrefix(target, "/"):
		d.fail(node, "write "+method+" /"+target, "%s: the path begins with /", where)
	default:
		r.Method = method
		target, r.Query, _ = strings.Cut(target, "?")
		r.Target.parse(d, node, where, method+" ", target)
		r.checkQuery(d, node, where)
	}
}

func (r *Request) checkQuery(d *decoder, node *yaml.Node, where string) {
	if strings.Contains(r.Query, "{{") {
		d.fail(node, "write query: {name: \"{{…}}\"}", "%s: the query in a request is constant", where)
	} else if _, err := url.ParseQuery(r.Query); err != nil || strings.ContainsAny(r.Query, "# \t\r\n\\") {
		d.fail(node, "write query: {name: value}", "%s: the query cannot be read", where)
	}
}

func (t *Target) decodeYAML(d *decoder, node *yaml.Node, where string) {
	text := d.written(node, where)
	if text == "" {
		return
	}
	if !strings.Contains(text, "://") && !strings.HasPrefix(text, "{{") {
		d.fail(node, "write https://host/path, or {{name}} of a saved URL", "%s: %s is no URL", where, describe(node))
		return
	}
	if !strings.HasSuffix(text, "://") {
		text = strings.TrimSuffix(text, "/")
	}
	t.parse(d, node, where, "", text)
}

// parse reads "/path", "https://host/path" or "{{saved_url}}/path". written is
// what stands before it in the line.
func (t *Target) parse(d *decoder, node *yaml.Node, where, written, text string) {
	t.Pos = d.pos(node)
	path := text
	if scheme, rest, found := strings.Cut(text, "://"); found {
		host, tail, slash := strings.Cut(rest, "/")
		base, err := ParseBaseURL(scheme + "://" + host)
		if err != nil {
			d.fail(node, "write https://host/path with the host written out", "%s: %s", where, err.text)
			return
		}
		t.Base, path = base, strings.Repeat("/", map[bool]int{true: 1}[slash])+tail
	} else if strings.HasPrefix(text, "{{") {
		name, tail, _ := strings.Cut(strings.TrimPrefix(text, "{{"), "}}")
		t.From, path = strings.TrimSpace(name), tail
		if !validName(t.From) || path != "" && !strings.HasPrefix(path, "/") {
			d.fail(node, "write {{name}} or {{name}}/path", "%s: %s is no URL", where, describe(node))
			return
		}
	}
	t.parsePath(d, node, where, written+strings.TrimSuffix(text, path), path)
}

func (t *Target) parsePath(d *decoder, node *yaml.Node, where, written, path string) {
	parsed, err := ParseTemplate(path, t.Pos)
	found, name := foreignPlaceholder(path)
	escaped, ok := escapedPath(parsed)
	beforeVersion, _, hasVersion := strings.Cut(path, " HTTP/")
	switch {
	case hasVersion:
		d.fail(node, "write "+written+beforeVersion, "%s: the version of HTTP is not written", where)
	case strings.Contains(path, "//") || hasDots(path) || strings.ContainsAny(path, "#\\ \t\r\n"):
		d.fail(node, "write METHOD /path, such as POST /login", "%s: a path holds no //, . or .. segments, #, backslash or blank", where)
	case err != nil:
		d.fail(node, `a placeholder is written {{name}}`, "%s: %v", where, err)
	case found != "":
		d.fail(node, "write {{"+name+"}}", "%s: %s is not a placeholder of this language", where, found)
	case !ok:
		d.fail(node, "write % and two hexadecimal digits for each byte", "%s: the path holds a %% that stands for nothing", where)
	case escaped != path:
		d.fail(node, "write "+written+escaped, "%s: the path holds characters that a URL writes with %%", where)
	}
	t.Path = parsed
}

// escapedPath is a path as a URL writes it, with its placeholders; ok is false
// if it cannot be one.
func escapedPath(path Template) (escaped string, ok bool) {
	for _, part := range path.Parts {
		if part.Name != "" {
			escaped += "{{" + part.Name + "}}"
			continue
		}
		plain, err := url.PathUnescape(part.Literal)
		if err != nil {
			return "", false
		}
		escaped += (&url.URL{Path: plain, RawPath: part.Literal}).EscapedPath()
	}
	return escaped, true
}

func (s *Send) decodeYAML(d *decoder, node *yaml.Node, where string) {
	const form = `write send: "Header: value", such as "Authorization: Token {{token}}"`
	if node.Kind == yaml.MappingNode {
		d.decodeStruct(node, reflect.ValueOf(s).Elem(), where)
	} else {
		header, value, found := strings.Cut(d.text(node, where), ":")
		pair := Pair{Name: Template{Text: header, Parts: []Part{{Literal: header}}, Pos: d.pos(node)}}
		parsed, err := ParseTemplate(strings.TrimSpace(value), d.pos(node))
		switch {
		case !found || !httpguts.ValidHeaderFieldName(header):
			d.fail(node, form, "%s: %s is no header line", where, describe(node))
			return
		case err != nil:
			d.fail(node, form, "%s: %v", where, err)
			return
		}
		pair.Value = parsed
		s.Headers = Pairs{pair}
	}
	if len(d.problems) == 0 && !slices.Contains(s.Names(), "token") {
		d.fail(node, form, "%s: {{token}} does not stand in it", where)
	}
}

func (h *Host) decodeYAML(d *decoder, node *yaml.Node, where string) {
	text := d.written(node, where)
	*h = Host{Text: text, Pos: d.pos(node)}
	if text == "" {
		return
	}
	plain := strings.TrimPrefix(text, "*.")
	parsed, err := ParseBaseURL("https://" + plain)
	if err != nil || parsed.Path != "" || strings.Contains(plain, "*") || strings.HasPrefix(text, "*.") && !strings.Contains(plain, ".") {
		d.fail(node, `write a host, such as api.example.com or "*.example.com"`, "%s: %s is no host", where, describe(node))
	}
}

func (l *Lifetime) decodeYAML(d *decoder, node *yaml.Node, where string) {
	text := d.written(node, where)
	l.Text = text
	if text == "never" {
		l.Never = true
		return
	}
	lifetime, err := token.ParseLifetime(text)
	if err != nil && text != "" {
		hint := "write 90s, 15m, 10h, 60d, 1w or never"
		if node.Tag == "!!int" {
			hint = "write " + text + "s if these are seconds"
		}
		d.fail(node, hint, "%s: %v", where, err)
	}
	l.Duration = lifetime
}

// unknownKeyHint says what to write instead of a key that is not known here:
// our word for it, where it belongs, or the one that is most like it.
func unknownKeyHint(key, where string, keys []string) string {
	ours := map[string]string{
		"url": "request: METHOD /path", "method": "request: METHOD /path", "path": "request: METHOD /path",
		"endpoint": "request: METHOD /path", "uri": "request: METHOD /path",
		"body": "json:, form:, xml: or text:", "data": "json: or form:", "payload": "json:",
		"params": "query:", "bearer": "headers: {Authorization: \"Bearer {{…}}\"}", "auth": "basic: or headers:",
		"cookies": "headers: {Cookie: \"name={{…}}\"}; cookies of earlier calls are sent by themselves",
		"logout":  "cancel:", "steps": "a list of calls right under the key", "logins": "other_logins:",
		"insecure": "tls: {ca_file: …} or tls: {pin: …}; certificate checks cannot be switched off, and allow_http: true is for plain http",
		"oauth2":   "the token call under login:, with form: {grant_type: …}; a login in a browser cannot be written yet",
		"ca_file":  "tls: {ca_file: …}", "check": "whoami:", "let": "computed:",
	}
	inProfile, profileIndex := fields(reflect.TypeFor[Profile]())
	inCall, callIndex := fields(reflect.TypeFor[Call]())
	_, isProfileKey := profileIndex[key]
	_, isCallKey := callIndex[key]
	word, known := ours[key]
	switch {
	case strings.Contains(key, "\u00a0"):
		return noBreakHint
	case where == "the file" && nearest(key, keys) == "":
		return "a profile stands below profiles:, indented: its name, and below that its keys"
	case key == "delete" && where == "tokens":
		return "write revoke:"
	case known:
		return "write " + word
	case where == "send":
		return `write send: "Header: value", or send: {headers: {…}, query: {…}, basic: "…"}`
	case isCallKey && len(keys) == len(inProfile):
		return key + " belongs in a call, such as login:"
	case isProfileKey && len(keys) == len(inCall):
		return key + " belongs one level up, beside " + where + ":"
	}
	if hint := DidYouMean(key, keys); len(keys) <= maxListed || !strings.HasPrefix(hint, "known are") {
		return hint
	}
	return "authctl profile schema lists the keys"
}

// maxListed is how many keys a hint lists.
const maxListed = 12

// Patterns are the entry as a token.Reach holds it: over https, and over http
// on this machine or where plain is true.
func (h Host) Patterns(plain bool) []string {
	host, isPattern := strings.CutPrefix(h.Text, "*")
	if isPattern {
		host = "x" + host
	}
	var patterns []string
	for _, scheme := range []string{"https://", "http://"} {
		u, err := url.Parse(scheme + host)
		if err != nil || scheme == "http://" && !plain && !IsLoopback(u.Hostname()) {
			continue
		}
		if origin, err := token.OriginOf(u); err == nil && isPattern {
			patterns = append(patterns, strings.Replace(string(origin), "://x", "://*", 1))
		} else if err == nil {
			patterns = append(patterns, string(origin))
		}
	}
	return patterns
}
