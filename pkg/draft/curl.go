package draft

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
)

// request is what one curl command sends.
type request struct {
	method  string
	url     string
	headers []Field
	data    []string // parts of -d, in order
	json    bool     // --json
	get     bool     // -G
	user    string   // -u
	hasUser bool
	cookies []string
	command command
	notes   []string
}

// option is one of curl's.
type option struct {
	short string
	takes bool // a value follows
	apply func(r *request, value string) error
}

// skip is an option that changes nothing that a profile says.
func skip(*request, string) error { return nil }

// told is an option that a person must hear about.
func told(note string) func(*request, string) error {
	return func(r *request, _ string) error {
		r.notes = append(r.notes, note)
		return nil
	}
}

// refused is an option that no profile can express.
func refused(hint, format string) func(*request, string) error {
	return func(*request, string) error { return fault.New(fault.Usage, hint, "%s", format) }
}

const (
	noteInsecure = "-k switches certificate checks off, and authctl does not: write tls: {ca_file: …} or tls: {pin: \"sha256//…\"} instead"
	noteRedirect = "-L follows redirects; authctl sends a secret to no other place: write the last address as base_url"
	noteProxy    = "the proxy (-x) is left out: authctl obeys https_proxy, http_proxy and no_proxy"
	noteCA       = "write the certificate authority into the profile: tls: {ca_file: /path/ca.pem}"
	noteCert     = "write the client certificate into the profile: tls: {cert_file: /path/cert.pem, key_file: /path/key.pem}"
)

// options are those of curl that documentation uses (curl(1)).
func options() map[string]option {
	list := map[string]option{
		"request":        {"X", true, (*request).verbOf},
		"header":         {"H", true, (*request).header},
		"data":           {"d", true, (*request).fileOrData},
		"data-ascii":     {"", true, (*request).fileOrData},
		"data-binary":    {"", true, (*request).fileOrData},
		"data-raw":       {"", true, (*request).plainData},
		"data-urlencode": {"", true, (*request).encodedData},
		"json":           {"", true, func(r *request, v string) error { r.json = true; return r.fileOrData(v) }},
		"user":           {"u", true, func(r *request, v string) error { r.user, r.hasUser = v, true; return nil }},
		"oauth2-bearer":  {"", true, func(r *request, v string) error { return r.header("Authorization: Bearer " + v) }},
		"get":            {"G", false, func(r *request, _ string) error { r.get = true; return nil }},
		"head":           {"I", false, func(r *request, _ string) error { r.method = "HEAD"; return nil }},
		"url":            {"", true, (*request).address},
		"cookie":         {"b", true, (*request).cookie},
		"insecure":       {"k", false, told(noteInsecure)},
		"location":       {"L", false, told(noteRedirect)}, "location-trusted": {"", false, told(noteRedirect)},
		"proxy": {"x", true, told(noteProxy)}, "proxy-user": {"U", true, told(noteProxy)}, "noproxy": {"", true, told(noteProxy)},
		"cacert": {"", true, told(noteCA)}, "capath": {"", true, told(noteCA)}, "pinnedpubkey": {"", true, told(noteInsecure)},
		"cert": {"E", true, told(noteCert)}, "key": {"", true, told(noteCert)}, "cert-type": {"", true, told(noteCert)}, "key-type": {"", true, told(noteCert)},
		"form":        {"F", true, refused("if the API takes a plain form too, write the fields with -d", "-F sends a multipart form, and a profile cannot say that")},
		"form-string": {"", true, refused("if the API takes a plain form too, write the fields with -d", "--form-string sends a multipart form, and a profile cannot say that")},
		"upload-file": {"T", true, refused("write what is sent with -d", "-T sends a file, and a profile cannot say that")},
		"digest":      {"", false, refused("look for another login of this API", "--digest: authctl knows HTTP Basic, headers and bodies")},
		"ntlm":        {"", false, refused("look for another login of this API", "--ntlm: authctl knows HTTP Basic, headers and bodies")},
		"negotiate":   {"", false, refused("look for another login of this API", "--negotiate: authctl knows HTTP Basic, headers and bodies")},
		"aws-sigv4":   {"", true, refused("look for another login of this API", "--aws-sigv4 signs requests, and a profile cannot say that")},
		"config":      {"K", true, refused("write the options on the command line", "-K reads options from a file, which is not looked at")},
		"next":        {":", false, refused("write the second request as a second curl command", "--next: one request to a command")},
	}
	for long, short := range map[string]string{
		"silent": "s", "show-error": "S", "verbose": "v", "include": "i", "fail": "f", "fail-with-body": "", "compressed": "", "no-buffer": "N",
		"basic": "", "http1.1": "", "http1.0": "0", "http2": "", "http3": "", "tlsv1.2": "", "tlsv1.3": "", "ipv4": "4", "ipv6": "6", "globoff": "g",
		"remote-name": "O", "no-progress-meter": "", "progress-bar": "#", "path-as-is": "", "remote-header-name": "J", "anyauth": "", "ssl-no-revoke": "",
		"post301": "", "post302": "", "no-keepalive": "", "disable": "q",
	} {
		list[long] = option{short, false, skip}
	}
	for long, short := range map[string]string{
		"output": "o", "write-out": "w", "user-agent": "A", "max-time": "m", "connect-timeout": "", "retry": "", "retry-delay": "", "dump-header": "D",
		"cookie-jar": "c", "referer": "e", "resolve": "", "connect-to": "", "max-redirs": "", "ciphers": "", "stderr": "", "interface": "", "trace-ascii": "", "trace": "",
	} {
		list[long] = option{short, true, skip}
	}
	return list
}

// readCurl reads one curl command.
func readCurl(c command) (*request, error) {
	r := &request{command: c}
	known := options()
	for words := c.words[1:]; len(words) > 0; {
		word := words[0]
		words = words[1:]
		var err error
		switch {
		case strings.HasPrefix(word, "--") && len(word) > 2:
			words, err = r.long(known, word[2:], words)
		case strings.HasPrefix(word, "-") && len(word) > 1:
			words, err = r.short(known, word[1:], words)
		default:
			err = r.address(word)
		}
		if err != nil {
			return nil, err
		}
	}
	if r.url == "" {
		return nil, fault.New(fault.Usage, "paste the whole command, with its https://… address", "the curl command names no address")
	}
	return r, nil
}

// long reads --name VALUE or --name=VALUE.
func (r *request) long(known map[string]option, name string, rest []string) ([]string, error) {
	name, value, attached := strings.Cut(name, "=")
	o, found := known[name]
	if !found {
		return nil, unknownOption("--" + name)
	}
	if o.takes && !attached {
		if len(rest) == 0 {
			return nil, missingValue("--" + name)
		}
		value, rest = rest[0], rest[1:]
	}
	return rest, o.apply(r, value)
}

// short reads -sSX POST, -XPOST and the like.
func (r *request) short(known map[string]option, letters string, rest []string) ([]string, error) {
	for i, letter := range letters {
		o, found := option{}, false
		for _, candidate := range known {
			if candidate.short == string(letter) {
				o, found = candidate, true
			}
		}
		if !found {
			return nil, unknownOption("-" + string(letter))
		}
		if !o.takes {
			if err := o.apply(r, ""); err != nil {
				return nil, err
			}
			continue
		}
		value := letters[i+len(string(letter)):]
		if value == "" {
			if len(rest) == 0 {
				return nil, missingValue("-" + string(letter))
			}
			value, rest = rest[0], rest[1:]
		}
		return rest, o.apply(r, value)
	}
	return rest, nil
}

func unknownOption(name string) error {
	return fault.New(fault.Usage, "leave it out if the request is the same without it", "curl's option %s is not known here", name)
}

func missingValue(name string) error {
	return fault.New(fault.Usage, "paste the whole command", "nothing follows curl's option %s", name)
}

func (r *request) verbOf(method string) error {
	if !regexp.MustCompile(`^[A-Za-z]{2,20}$`).MatchString(method) {
		return fault.New(fault.Usage, "write -X POST", "-X: no method follows")
	}
	r.method = strings.ToUpper(method)
	return nil
}

func (r *request) address(text string) error {
	if r.url != "" {
		return fault.New(fault.Usage, "put a text with blanks in quotes, and write one address to a command", "the curl command names two addresses, or a word too many")
	}
	r.url = text
	return nil
}

func (r *request) header(line string) error {
	if strings.HasPrefix(line, "@") {
		return fault.New(fault.Usage, "write the lines of the file with -H", "-H @file: the file is not looked at")
	}
	name, value, found := strings.Cut(line, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !found || value == "" {
		return nil // "Name:" and "Name;" take a header of curl's away, or leave it empty
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return fault.New(fault.Usage, "write -H 'Name: value'", "-H: what stands before the colon is no name for a header")
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return fault.New(fault.Usage, "write it in one line", "-H: the value of %s holds a control character", name)
	}
	r.headers = append(r.headers, Field{name, value})
	return nil
}

func (r *request) plainData(text string) error {
	r.data = append(r.data, text)
	return nil
}

func (r *request) fileOrData(text string) error {
	file, isFile := strings.CutPrefix(text, "@")
	switch {
	case file == "-" && r.command.stdin != "":
		return r.plainData(r.command.stdin)
	case isFile:
		return fault.New(fault.Usage, "paste what stands in the file in place of @"+file, "-d @%s: the file is not looked at", file)
	}
	return r.plainData(text)
}

// encodedData keeps the value as it is: the profile encodes it.
func (r *request) encodedData(text string) error {
	at := strings.IndexAny(text, "=@")
	if at < 0 {
		return fault.New(fault.Usage, "write --data-urlencode name=value", "--data-urlencode: a value without a name")
	}
	name, value := text[:at], text[at+1:]
	if text[at] == '@' {
		value = "<" + name + ">" // what the file holds varies; it is not looked at
	}
	return r.plainData(name + "=" + escapeOnce(value))
}

// escapeOnce encodes what the form's reader will decode; placeholders stay.
func escapeOnce(value string) string {
	return strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B").Replace(value)
}

func (r *request) cookie(text string) error {
	if strings.Contains(text, "=") {
		r.cookies = append(r.cookies, text)
	}
	return nil // else it is a file: cookies of earlier calls are sent by themselves
}

// headerValue returns the value of a header.
func (r *request) headerValue(name string) string {
	for _, h := range r.headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// verb is the method that curl would use.
func (r *request) verb() string {
	switch {
	case r.method != "":
		return r.method
	case len(r.data) > 0 && !r.get:
		return "POST"
	}
	return "GET"
}

// target takes an address apart: base URL, path, query.
func target(text string) (base, path, query string, err error) {
	text, _, _ = strings.Cut(text, "#")
	if !strings.Contains(text, "://") && !strings.HasPrefix(text, "$") && !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "<") {
		text = "https://" + text
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "https", text
	}
	scheme = strings.ToLower(scheme)
	if scheme != "https" && scheme != "http" {
		return "", "", "", fault.New(fault.Usage, "paste a command whose address begins with https://", "%s: is no scheme that authctl speaks", scheme)
	}
	rest, query, _ = strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	return scheme + "://" + host, "/" + path, query, nil
}

// base writes the base URL of a request; placeholders in the host become inputs.
func (n *names) base(text string) (string, error) {
	scheme, host, _ := strings.Cut(text, "://")
	if user, rest, found := cutLast(host, "@"); found {
		host = rest
		n.draft.secret(user)
	}
	var b strings.Builder
	for _, part := range pieces(shoutedHost(host)) {
		if part.name == "" {
			b.WriteString(strings.ToLower(part.literal))
			continue
		}
		name := inputName(part.name)
		if name == "value" || builtin(name) || soundsSecret(name) || regexp.MustCompile(`(?:^|_)(?:url|base|host|endpoint|uri|server)$`).MatchString(name) {
			name = "server"
		}
		n.declare(name, name, "")
		b.WriteString("{{" + name + "}}")
	}
	base := scheme + "://" + b.String()
	if !isBase(base) {
		return "", fault.New(fault.Usage, "write https://host/path", "the address names no host that can be read, or another scheme than https")
	}
	return base, nil
}

// shoutedHost marks SERVER_IP as a placeholder.
func shoutedHost(host string) string {
	if strings.ContainsAny(host, "<{$[%") {
		return host
	}
	return regexp.MustCompile(`\b[A-Z]+(?:_[A-Z]+)+\b`).ReplaceAllStringFunc(host, func(name string) string {
		if strings.HasPrefix(name, "YOUR_") {
			return name
		}
		return "<" + name + ">"
	})
}

// isBase asks the language whether it takes a base URL.
func isBase(text string) bool {
	_, err := profile.ParseBaseURL(placeholder().ReplaceAllString(text, "x"))
	return err == nil
}

func cutLast(text, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):], true
	}
	return "", text, false
}

// path writes the path of a request. A segment that a machine has made is an
// input, and so is the name of who logs in at the end of a path.
func (n *names) path(path string, namesUser bool) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		plain := segment
		if text, err := url.PathUnescape(segment); err == nil && !strings.ContainsAny(text, "/?#") {
			plain = text
		}
		switch colon, isColon := strings.CutPrefix(plain, ":"); {
		case segment == "":
		case segment == "." || segment == "..":
			segments[i] = ""
		case isColon && colon != "":
			segments[i] = "{{" + n.input(colon, "", "") + "}}"
		case namesUser && i == len(segments)-1 && i > 1 && slices.Contains([]string{"login", "users", "user"}, strings.ToLower(segments[i-1])):
			n.draft.secret(plain)
			segments[i] = "{{username}}"
		default:
			segments[i] = escapePath(n.template("", plain), segment)
		}
	}
	text := strings.Join(segments, "/")
	for strings.Contains(text, "//") {
		text = strings.ReplaceAll(text, "//", "/")
	}
	return text
}

// escapePath writes a template's literal parts as a URL does.
func escapePath(template, written string) string {
	if !strings.Contains(template, "{{") {
		plain, err := url.PathUnescape(written)
		if err != nil {
			plain = written
		}
		return strings.ReplaceAll((&url.URL{Path: plain, RawPath: written}).EscapedPath(), "\\", "%5C")
	}
	var b strings.Builder
	for template != "" {
		literal, rest, found := strings.Cut(template, "{{")
		b.WriteString((&url.URL{Path: literal}).EscapedPath())
		if !found {
			break
		}
		name, tail, _ := strings.Cut(rest, "}}")
		b.WriteString("{{" + name + "}}")
		template = tail
	}
	return strings.TrimPrefix(b.String(), "./")
}

// query splits a query into what stays in the request and what varies.
func (n *names) query(text string) (constant string, fields []Field) {
	var kept []string
	for _, f := range formFields(text) {
		value := n.template(f.Name, f.Value)
		if value == f.Value && !strings.Contains(value, "{{") && value != "" {
			kept = append(kept, url.QueryEscape(f.Name)+"="+url.QueryEscape(value))
		} else if value != "" {
			fields = append(fields, Field{f.Name, value})
		}
	}
	return strings.Join(kept, "&"), fields
}

// formFields reads name=value&…; names keep their order.
func formFields(text string) []Field {
	var fields []Field
	for pair := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if name = unescape(name); name != "" {
			fields = append(fields, Field{name, unescape(value)})
		}
	}
	return fields
}

func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// basicPair decodes the value of Basic; ok is false if it is a placeholder.
func basicPair(value string) (pair string, ok bool) {
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
		if raw, err := enc.DecodeString(value); err == nil && strings.Contains(string(raw), ":") {
			return string(raw), true
		}
	}
	return "", false
}

// basic writes user and password as a template. client is true where an OAuth
// client logs in.
func (n *names) basic(pair string, client bool) string {
	userField, passwordField := "username", "password"
	if client {
		userField, passwordField = "client_id", "client_secret"
	}
	user, password, found := strings.Cut(pair, ":")
	if parts := pieces(pair); len(parts) == 1 && parts[0].name != "" {
		user, password, found = "", "", false // $CREDENTIALS is both
	}
	if found && password == "" && user != "" {
		if parts := pieces(user); len(parts) == 1 && parts[0].name != "" && meaning(parts[0].name) == "" && !client {
			return "{{" + n.input("", parts[0].name, "") + "}}:"
		}
		n.personalSecret(user)
		return "{{" + n.input(cmp.Or(userMeaning(user), "api_key"), "", "") + "}}:"
	}
	n.personalSecret(password)
	return fmt.Sprintf("{{%s}}:{{%s}}", n.side(user, userField), n.side(password, passwordField))
}

func (n *names) personalSecret(value string) {
	if parts := pieces(value); len(parts) == 1 && parts[0].name == "" {
		n.draft.secret(value)
	}
}

// side is the input for one side of Basic.
func (n *names) side(text, field string) string {
	if parts := pieces(text); len(parts) == 1 && parts[0].name != "" && parts[0].name != "?" {
		if m := meaning(parts[0].name); m != "" || !strings.Contains(parts[0].name, field) {
			return n.input(cmp.Or(m, parts[0].name), "", "")
		}
	}
	return n.input(field, "", "")
}

func userMeaning(user string) string {
	if parts := pieces(user); len(parts) == 1 && parts[0].name != "" {
		return meaning(parts[0].name)
	}
	return ""
}
