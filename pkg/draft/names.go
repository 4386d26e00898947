package draft

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// snake writes a name in small letters: userName, User-Name → user_name.
func snake(name string, between rune) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		letter := r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
		if unicode.IsUpper(r) && lower || !letter {
			if b.Len() > 0 && !strings.HasSuffix(b.String(), string(between)) {
				b.WriteRune(between)
			}
		}
		if letter {
			b.WriteRune(unicode.ToLower(r))
		}
		lower = letter && !unicode.IsUpper(r)
	}
	return strings.Trim(b.String(), string(between))
}

// flat is a name without case and signs.
func flat(name string) string { return strings.ReplaceAll(snake(name, '_'), "_", "") }

// meanings are the inputs of the language, and what vendors call them.
func meanings() map[string][]string {
	return map[string][]string{
		"username": {
			"username", "user", "login", "userid", "loginid", "userlogin", "uname", "usr", "jusername", "principal", "identifier",
			"loginname", "accountname", "uid", "usernameoremail", "logonid",
		},
		"email":    {"email", "mail", "emailaddress", "useremail"},
		"password": {"password", "pass", "passwd", "pwd", "passphrase", "jpassword", "userpass", "credential"},
		"otp": {
			"otp", "totp", "mfa", "mfacode", "twofactorcode", "onetimepassword", "2fa", "2facode", "tfacode", "verificationcode",
			"otpcode", "twofactor", "mfatoken", "passcode",
		},
		"client_id":     {"clientid", "appid", "applicationid", "consumerid", "appclientid"},
		"client_secret": {"clientsecret", "appsecret", "applicationsecret", "consumersecret", "secret"},
		"api_key":       {"apikey", "key", "accesskey", "xapikey", "consumerkey", "appkey", "accesskeyid", "apiaccesskey"},
		"api_secret":    {"apisecret", "secretkey", "secretaccesskey", "apisecretkey", "xapisecret"},
		"refresh_token": {"refreshtoken", "refresh"},
	}
}

// meaning is the built-in input that a name stands for; "" if none.
func meaning(name string) string {
	plain := flat(name)
	for input, names := range meanings() {
		if slices.Contains(names, plain) {
			return input
		}
	}
	for _, suffix := range [][2]string{
		{"clientsecret", "client_secret"}, {"apisecret", "api_secret"}, {"secretkey", "api_secret"}, {"refreshtoken", "refresh_token"},
		{"password", "password"}, {"passwd", "password"}, {"apikey", "api_key"}, {"secret", "client_secret"},
		{"clientid", "client_id"}, {"username", "username"}, {"emailaddress", "email"},
	} {
		if strings.HasSuffix(plain, suffix[0]) {
			return suffix[1]
		}
	}
	return ""
}

// varies says whether a field is one that differs from person to person though
// it is no secret.
func varies(name string) bool {
	plain := flat(name)
	return slices.Contains([]string{
		"tenant", "tenantid", "tenantname", "domain", "organization", "organisation", "org", "orgid", "organizationid", "company",
		"companyid", "companydb", "database", "db", "account", "accountid", "customer", "customerid", "site", "siteid", "workspace", "subdomain",
		"store", "storeid", "merchant", "merchantid", "project", "projectid", "team", "teamid",
	}, plain)
}

// soundsSecret follows the rule by which 'profile validate' asks.
func soundsSecret(name string) bool {
	return regexp.MustCompile(`(?:token|secret|password|passwd|passphrase|_key|signature|assertion|cookie|session_id)$|^(?:session|pin|code|hash|otp)$`).MatchString(name)
}

// looksSecret recognises values that a machine has made: JWTs, hexadecimal and
// base64 of some length, keys with a prefix.
func looksSecret(value string) bool {
	if looksJWT(value) {
		return true
	}
	if len(value) < 16 || strings.ContainsAny(value, " :{}<>") || strings.Contains(value, "//") {
		return false
	}
	if regexp.MustCompile(`^[a-z]+(?:[._/-][a-z]+)*$|^[A-Z]+(?:_[A-Z]+)*$|^[a-z]+(?:[A-Z][a-z]+)+$|^application/`).MatchString(value) {
		return false // words
	}
	return entropy(value) > 2.8
}

// looksJWT recognises the beginning of {" in base64url, twice.
func looksJWT(value string) bool {
	return regexp.MustCompile(`^ey[A-Za-z0-9_-]{6,}\.ey[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*$`).MatchString(value) ||
		regexp.MustCompile(`^eyJ[A-Za-z0-9_.…-]{4,}$`).MatchString(value)
}

// entropy is the number of bits that a sign of the text is worth.
func entropy(text string) float64 {
	counts := map[rune]float64{}
	for _, r := range text {
		counts[r]++
	}
	total, bits := float64(len([]rune(text))), 0.0
	for _, n := range counts {
		bits -= n / total * math.Log2(n/total)
	}
	return bits
}

// piece is a part of a value: literal text, or a placeholder in the words of
// whoever wrote it.
type piece struct {
	literal string
	name    string // of the placeholder; "?" if it has none
}

// placeholders are the ways in which documentation says "put yours here".
func placeholders() *regexp.Regexp {
	return regexp.MustCompile(strings.Join([]string{
		`\$\{([A-Za-z_][\w.]*)\}`, `\$([A-Za-z_]\w*)`, `<([A-Za-z][\w .-]*)>`, `\{\{\s*([\w.$ -]+?)\s*\}\}`,
		`\{([A-Za-z][\w .-]*)\}`, `%([A-Z][A-Z_]+)%`, `\[([A-Za-z][A-Za-z_ -]*)\]`,
		`\b(?i:your|my|insert|enter)[-_ ]((?i:[a-z][\w-]*(?: [a-z]+)?))`, `\b(?i:your)((?:[A-Z][a-z]+)+)\b`,
	}, "|"))
}

// pieces takes a value apart.
func pieces(value string) []piece {
	if hidden(value) {
		return []piece{{name: "?"}}
	}
	var parts []piece
	last := 0
	for _, m := range placeholders().FindAllStringSubmatchIndex(value, -1) {
		if chance(value, m[0], m[1]) {
			continue
		}
		if m[0] > last {
			parts = append(parts, piece{literal: value[last:m[0]]})
		}
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				parts = append(parts, piece{name: cleanName(value[m[i]:m[i+1]])})
			}
		}
		last = m[1]
	}
	if last < len(value) {
		parts = append(parts, piece{literal: value[last:]})
	}
	if len(parts) == 1 && parts[0].name == "" && shouted(value) {
		return []piece{{name: value}}
	}
	return parts
}

// chance says whether what looks like a placeholder is more likely a part of a
// secret: the $word in Pa$word, my-dog.
func chance(value string, from, to int) bool {
	found, whole := value[from:to], to-from == len(value)
	switch lower := strings.ToLower(found); {
	case strings.HasPrefix(found, "$") && !strings.HasPrefix(found, "${"):
		return !whole && strings.ToUpper(found) != found
	case strings.HasPrefix(lower, "my"), strings.HasPrefix(lower, "insert"), strings.HasPrefix(lower, "enter"):
		name := cleanName(found)
		return !whole || meaning(name) == "" && !isTokenName(name) || strings.ContainsAny(found, "0123456789")
	}
	return false
}

// cleanName takes "your" and the like off a placeholder's name.
func cleanName(name string) string {
	name = snake(name, '_')
	for _, prefix := range []string{"your_", "my_", "the_", "insert_", "enter_", "a_", "an_"} {
		if rest, found := strings.CutPrefix(name, prefix); found && rest != "" {
			name = rest
		}
	}
	for _, suffix := range []string{"_here", "_value", "_goes"} {
		if rest, found := strings.CutSuffix(name, suffix); found && rest != "" {
			name = rest
		}
	}
	if name == "" {
		return "?"
	}
	return name
}

// hidden recognises xxxx, **** and ….
func hidden(value string) bool {
	return regexp.MustCompile(`^(?:[xX]{3,}|[*•]{2,}|\.{3,}|…|x{2,}(?:-x{2,})+|X{2,}(?:-X{2,})+)$`).MatchString(value)
}

// shouted recognises USERNAME, API_KEY, CLIENT-SECRET: capitals whose words mean
// something.
func shouted(value string) bool {
	if !regexp.MustCompile(`^[A-Z][A-Z_-]{3,}$`).MatchString(value) {
		return false
	}
	return meaning(value) != "" || regexp.MustCompile(`(?:TOKEN|KEY|SECRET|_ID|NAME|CODE)$`).MatchString(value)
}

// names gives values their inputs, one for each.
type names struct {
	draft  *Draft
	values map[string]string // input → the constant that it stands for
	login  bool              // no token is known yet
}

// reserved are the names of the language that no input can have, and what an
// input is called instead.
func reserved() map[string]string {
	return map[string]string{
		"token": "api_token", "access_token": "api_token", "refresh_token": "given_refresh_token", "name": "login_name", "id": "login_id",
		"host": "server", "method": "login_method", "environment": "login_environment", "scopes": "login_scopes", "scope": "login_scope",
		"status": "login_status", "body": "login_body", "base_url": "server", "api_url": "server", "next": "next_value",
		"expires_at": "end", "expires_in": "seconds",
	}
}

// input returns the name of the input that a field is filled from, and
// declares it. called is what the placeholder says, or "".
func (n *names) input(field, called, value string) string {
	name := n.choose(field, called, value)
	if before, taken := n.values[name]; taken && before != "" && value != "" && before != value && flat(field) != flat(name) {
		name = inputName(field)
	}
	if n.values[name] == "" {
		n.values[name] = value
	}
	if !n.login && (name == "token" || name == "refresh_token") {
		return name
	}
	n.declare(name, cmp.Or(field, called), value)
	return name
}

func (n *names) choose(field, called, value string) string {
	if called == "?" {
		called = ""
	}
	byField, byName := meaning(field), meaning(called)
	isMail := byName == "email" || strings.Contains(value, "@") && called == ""
	switch {
	case byField == "username" && isMail:
		return "email"
	case byField == "refresh_token" || byName == "refresh_token":
		return n.known("refresh_token")
	case byField != "" && byName != "" && !slices.Contains([]string{"key", "secret", "user", "login"}, flat(field)):
		return byField
	case byName != "":
		return byName
	case byField != "":
		return byField
	case called != "" && isTokenName(called):
		return n.known("token")
	case called != "":
		return inputName(called)
	}
	return inputName(field)
}

// known is the name of what an earlier answer gives; in a login that sends it,
// nobody has given it yet.
func (n *names) known(name string) string {
	if n.login {
		return reserved()[name]
	}
	return name
}

// isTokenName says whether a placeholder is what a login gives.
func isTokenName(name string) bool {
	return regexp.MustCompile(`^(?:[a-z]+_)?(?:access_?token|auth_?token|bearer_?token|bearer|token|jwt|jwt_token|id_token|session_token|session_?id|session_key|api_token)$`).MatchString(name)
}

// inputName makes a valid name of an input.
func inputName(name string) string {
	name = snake(name, '_')
	if other, taken := reserved()[name]; taken {
		return other
	}
	switch {
	case name == "":
		return "value"
	case name[0] < 'a' || name[0] > 'z':
		return "x_" + name
	}
	return name
}

// builtin says whether the language knows an input without declaration.
func builtin(name string) bool {
	return slices.Contains([]string{"username", "email", "password", "otp", "client_id", "client_secret", "api_key", "api_secret"}, name)
}

func (n *names) declare(name, field, value string) {
	if name == "client_id" && isWord(value) && meaning(value) == "" {
		n.public(value)
	}
	if builtin(name) || slices.ContainsFunc(n.draft.Inputs, func(in Input) bool { return in.Name == name }) {
		return
	}
	in := Input{Name: name, Label: label(name), Secret: soundsSecret(name) || soundsSecret(snake(field, '_')) || looksSecret(value)}
	if !in.Secret && varies(field) && plainDefault(value) {
		in.Default = value
	}
	n.draft.Inputs = append(n.draft.Inputs, in)
}

// public declares the id of a public client, which is the same for everybody.
func (n *names) public(id string) {
	if !slices.ContainsFunc(n.draft.Inputs, func(in Input) bool { return in.Name == "client_id" }) {
		n.draft.Inputs = append(n.draft.Inputs, Input{Name: "client_id", Label: "Client id", Default: id})
	}
}

// optional declares an input that may be left empty.
func (n *names) optional(name, label string) {
	if !slices.ContainsFunc(n.draft.Inputs, func(in Input) bool { return in.Name == name }) {
		n.draft.Inputs = append(n.draft.Inputs, Input{Name: name, Label: label, Secret: true, Optional: true})
	}
}

// plainDefault says whether a value can stand in the profile.
func plainDefault(value string) bool {
	return value != "" && !looksSecret(value) && !strings.ContainsAny(value, "{}$<>")
}

// label is what the prompt says.
func label(name string) string {
	text := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// template writes the value of a field with {{name}} for what varies. A
// constant stays, unless its field or its looks say that it is a person's own.
func (n *names) template(field, value string) string {
	parts := pieces(value)
	if len(parts) > 1 && meaning(field) != "" && !strings.Contains(value, "@{") {
		parts = []piece{{name: firstName(parts)}} // P@ss$word is one secret
	}
	var b strings.Builder
	for _, part := range parts {
		switch {
		case part.name != "":
			b.WriteString("{{" + n.input(field, part.name, "") + "}}")
		case len(parts) == 1 && n.personal(field, part.literal):
			n.draft.secret(part.literal)
			b.WriteString("{{" + n.input(field, "", part.literal) + "}}")
		default:
			b.WriteString(part.literal)
		}
	}
	if len(parts) == 0 && meaning(field) == "otp" {
		n.optional("otp", "One-time code")
	}
	if len(parts) == 0 && meaning(field) != "" {
		return "{{" + n.input(field, "", "") + "}}"
	}
	if len(parts) > 1 && strings.Contains(withoutNames(b.String()), "{{") || looksSecret(withoutNames(b.String())) {
		n.draft.secret(value)
		return "{{" + n.input(field, firstName(parts), value) + "}}"
	}
	return b.String()
}

// withoutNames is a template's literal text.
func withoutNames(template string) string {
	return placeholder().ReplaceAllString(template, "")
}

// placeholder is how the language writes one.
func placeholder() *regexp.Regexp { return regexp.MustCompile(`\{\{[a-z][a-z0-9_]*\}\}`) }

func firstName(parts []piece) string {
	for _, part := range parts {
		if part.name != "" {
			return part.name
		}
	}
	return ""
}

// personal says whether a constant belongs to whoever wrote the example.
func (n *names) personal(field, value string) bool {
	return meaning(field) != "" || varies(field) || looksSecret(value) || strings.Contains(value, "{{") ||
		soundsSecret(snake(field, '_')) && value != "" && !isWord(value)
}

// isWord says whether a value is a word of an API, such as code in
// response_type: code.
func isWord(value string) bool {
	return regexp.MustCompile(`^[a-z]+(?:[_:.-][a-z]+)*$|^(?:true|false|\d{1,2})$`).MatchString(value)
}
