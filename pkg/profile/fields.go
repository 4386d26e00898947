package profile

import (
	"net"
	"net/http"
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
	u.Pos = d.pos(node)
	text := d.text(node, where)
	if text == "" {
		return
	}
	parsed, err := ParseBaseURL(text)
	if err != nil {
		d.fail(node, err.hint, "%s: %s", where, err.text)
		return
	}
	u.URL = parsed
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

// looksLikeRequest recognises "POST /login" where a mapping is needed.
func looksLikeRequest(text string) bool {
	method, path, found := strings.Cut(text, " ")
	return found && method == strings.ToUpper(method) && strings.HasPrefix(path, "/")
}

func (r *Request) decodeYAML(d *decoder, node *yaml.Node, where string) {
	const form = "write METHOD /path, such as POST /login"
	r.Pos = d.pos(node)
	text := d.text(node, where)
	if text == "" {
		return
	}
	method, target, found := strings.Cut(text, " ")
	target = strings.TrimSpace(target)
	switch {
	case !found && strings.HasPrefix(text, "/"):
		d.fail(node, "write POST "+text+" or GET "+text, "%s: the method is missing", where)
	case !found:
		d.fail(node, form, "%s: %s is no request", where, describe(node))
	case method != strings.ToUpper(method):
		d.fail(node, "write "+strings.ToUpper(method)+" "+target, "%s: the method is written in capitals", where)
	case !httpguts.ValidHeaderFieldName(method):
		d.fail(node, form, "%s: %s is no method", where, method)
	case strings.Contains(target, "://"):
		d.fail(node, "write "+method+" /path, and the host in base_url", "%s: the host does not belong here", where)
	case !strings.HasPrefix(target, "/"):
		d.fail(node, "write "+method+" /"+target, "%s: the path begins with /", where)
	case strings.HasPrefix(target, "//") || hasDots(target) || strings.ContainsAny(target, "#\\ \t\r\n"):
		d.fail(node, form, "%s: a path holds no //, . or .. segments, #, backslash or blank", where)
	default:
		r.Method = method
		r.decodeTarget(d, node, where, target)
	}
}

func (r *Request) decodeTarget(d *decoder, node *yaml.Node, where, target string) {
	path, query, _ := strings.Cut(target, "?")
	if strings.Contains(query, "{{") {
		d.fail(node, "write query: {name: \"{{…}}\"}", "%s: the query in a request is constant", where)
	}
	if _, err := url.ParseQuery(query); err != nil {
		d.fail(node, "write query: {name: value}", "%s: the query cannot be read", where)
	}
	r.Query = query
	parsed, err := ParseTemplate(path, r.Pos)
	found, name := foreignPlaceholder(path)
	switch escaped, ok := escapedPath(parsed); {
	case err != nil:
		d.fail(node, `a placeholder is written {{name}}`, "%s: %v", where, err)
	case found != "":
		d.fail(node, "write {{"+name+"}}", "%s: %s is not a placeholder of this language", where, found)
	case !ok:
		d.fail(node, "write % and two hexadecimal digits for each byte", "%s: the path holds a %% that stands for nothing", where)
	case escaped != path:
		d.fail(node, "write "+r.Method+" "+escaped, "%s: the path holds characters that a URL writes with %%", where)
	}
	r.Path = parsed
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
		d.fail(node, form, "%s: one line is needed here, not a mapping", where)
		return
	}
	header, value, found := strings.Cut(d.text(node, where), ":")
	value = strings.TrimSpace(value)
	parsed, err := ParseTemplate(value, d.pos(node))
	switch {
	case !found || value == "" || !httpguts.ValidHeaderFieldName(header):
		d.fail(node, form, "%s: %s is no header line", where, describe(node))
	case err != nil:
		d.fail(node, form, "%s: %v", where, err)
	case !slices.Contains(parsed.Names(), "token"):
		d.fail(node, form, "%s: {{token}} does not stand in it", where)
	case !httpguts.ValidHeaderFieldValue(value):
		d.fail(node, form, "%s: a header holds no line breaks and no control characters", where)
	}
	s.Header, s.Value = http.CanonicalHeaderKey(header), parsed
}

func (l *Lifetime) decodeYAML(d *decoder, node *yaml.Node, where string) {
	text := d.text(node, where)
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
		"body": "json:, form: or text:", "data": "json: or form:", "payload": "json:",
		"params": "query:", "bearer": "headers: {Authorization: \"Bearer {{…}}\"}", "auth": "basic: or headers:",
		"logout": "cancel:", "steps": "a list of calls right under the key", "logins": "other_logins:",
		"insecure": "allow_http: true (plain http); certificate checks cannot be switched off",
	}
	if word, known := ours[key]; known {
		return "write " + word
	}
	inProfile, _ := fields(reflect.TypeFor[Profile]())
	inCall, callIndex := fields(reflect.TypeFor[Call]())
	if _, isCallKey := callIndex[key]; isCallKey && len(keys) == len(inProfile) {
		return key + " belongs in a call, such as login:"
	}
	for _, profileKey := range inProfile {
		if profileKey == key && len(keys) == len(inCall) {
			return key + " belongs one level up, beside " + where + ":"
		}
	}
	return DidYouMean(key, keys)
}
