package profile_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/authctl/authctl/pkg/profile"
)

// TestThreat14_TextIsTakenAsWritten gives values that YAML takes for something
// else to keys that want text.
func TestThreat14_TextIsTakenAsWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"no", "yes", "on", "off", "true", "0123", "0x1F", "1e3", "3.10", "1_000", "12:30:45", "2026-01-02", ".5", "+1", "=", "1.0", ".inf", ".nan", "007", "0o17",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			p := parse(t, []byte("version: 1\nprofiles:\n  x:\n    base_url: https://x.example\n    description: "+text+"\n"+
				"    inputs: {a: {default: "+text+", choices: ["+text+"], label: "+text+"}}\n"+
				"    login: {request: POST /l, form: {f: "+text+", g: \"{{a}}\"}, headers: {H: "+text+"}, token: .t}\n"))
			in, _ := p.Input("a")
			c := p.Login[0]
			got := []string{p.Description, in.Default.Text, in.Choices.List[0], in.Label, c.Form[0].Value.Text, c.Headers[0].Value.Text}
			if diff := cmp.Diff([]string{text, text, text, text, text, text}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// flat writes a JSON body as JSON, its templates as they stand.
func flat(v profile.Value) any {
	switch {
	case v.Object:
		members := map[string]any{}
		for _, member := range v.Members {
			members[member.Name.Text] = flat(member.Value)
		}
		return members
	case v.Array:
		items := []any{}
		for _, item := range v.Items {
			items = append(items, flat(item))
		}
		return items
	case v.Text != nil:
		return v.Text.Text
	default:
		return json.RawMessage(v.Raw)
	}
}

// TestThreat14_JSONBody reads what a body can hold. Numbers keep their digits;
// what JSON cannot write is refused and not turned into another number.
func TestThreat14_JSONBody(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ yaml, want, problem string }{
		"a word":            {"no", `"no"`, ""},
		"yes":               {"Yes", `"Yes"`, ""},
		"true":              {"True", "true", ""},
		"text of true":      {`"true"`, `"true"`, ""},
		"null":              {"null", "null", ""},
		"tilde":             {"~", "null", ""},
		"nothing":           {"", "null", ""},
		"empty text":        {`""`, `""`, ""},
		"exponent":          {"1e3", "1e3", ""},
		"trailing zero":     {"3.10", "3.10", ""},
		"large":             {"123456789012345678901234567890", "123456789012345678901234567890", ""},
		"date":              {"2026-01-02", `"2026-01-02"`, ""},
		"empty list":        {"[]", "[]", ""},
		"empty object":      {"{}", "{}", ""},
		"nested":            {`{b: [1, "{{username}}", {c: null}], a: {}}`, `{"a":{},"b":[1,"{{username}}",{"c":null}]}`, ""},
		"key of a number":   {"{1: a, no: b, 0123: c}", `{"0123":"c","1":"a","no":"b"}`, ""},
		"block text":        {"|\n          a\n          b", `"a\nb\n"`, ""},
		"folded text":       {">-\n          a\n          b", `"a b"`, ""},
		"tagged as text":    {"!!str 0123", `"0123"`, ""},
		"own tag":           {"!secret x", `"x"`, ""},
		"leading zero":      {"0123", "", `8:13 json: 0123 is not a number as JSON writes it | write "0123" in quotes if it is text`},
		"hexadecimal":       {"0x1F", "", `8:13 json: 0x1F is not a number as JSON writes it | write "0x1F" in quotes if it is text`},
		"underscore":        {"1_000", "", `8:13 json: 1_000 is not a number as JSON writes it | write "1_000" in quotes if it is text`},
		"infinity":          {".inf", "", `8:13 json: .inf is not a number as JSON writes it | write ".inf" in quotes if it is text`},
		"plus":              {"+1", "", `8:13 json: +1 is not a number as JSON writes it | write "+1" in quotes if it is text`},
		"tagged as boolean": {"!!bool maybe", "", `8:13 json: "maybe" is neither true nor false | write true or false`},
		"tagged as number":  {"!!int abc", "", `8:13 json: abc is not a number as JSON writes it | write "abc" in quotes if it is text`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := []byte("version: 1\nprofiles:\n  x:\n    base_url: https://x.example\n    token: .t\n    login:\n      request: POST /l\n      json: " + test.yaml + "\n")
			if test.problem != "" {
				if diff := cmp.Diff([]string{test.problem}, problems(t, data)); diff != "" {
					t.Errorf("%s\n%s", diff, data)
				}
				return
			}
			got, err := json.Marshal(flat(*parse(t, data).Login[0].JSON))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestThreat14_YAMLTraps reads files that other programs read otherwise, or not
// at all.
func TestThreat14_YAMLTraps(t *testing.T) {
	t.Parallel()
	const head = "version: 1\nprofiles:\n  x:\n    base_url: https://x.example\n    login: {request: POST /login, token: .token}\n"
	tests := map[string]struct {
		data string
		want []string
	}{
		"nothing":         {"", nil},
		"only a comment":  {"# nothing\n", nil},
		"BOM":             {"\ufeff" + head, nil},
		"CRLF":            {strings.ReplaceAll(head, "\n", "\r\n"), nil},
		"CRLF, a mistake": {strings.ReplaceAll(head+"    tokne: a\n", "\n", "\r\n"), []string{"6:5 tokne: unknown key in profile x | did you mean token?"}},
		"BOM, a mistake":  {"\ufeffversion: 3\n", []string{"1:10 version: this authctl reads version 1 only | write version: 1"}},
		"end marker":      {"---\n" + head + "...\n", nil},
		"second document": {head + "---\nversion: 1\n", []string{"6:1 a second YAML document (---) in one file | write one document to a file, or another file in profiles.d"}},
		"anchor":          {head + "    description: &d text\n", []string{"6:18 description: anchors and aliases are not used in profiles | write the value out"}},
		"alias": {
			head + "    headers: {A: &a b, C: *a}\n",
			[]string{"6:18 headers.A: anchors and aliases are not used in profiles | write the value out", "6:27 headers.C: anchors and aliases are not used in profiles | write the value out"},
		},
		"alias in a command": {
			head + "    inputs: {pin: {label: Pin, command: [&a pass, *a]}}\n",
			[]string{"warning 6:14 inputs.pin: nothing uses it | remove it, or write {{pin}} where it is sent", "6:51 command: a single value is needed here, not an alias"},
		},
		"alias as a key": {
			head + "    save: {&a b: .c, *a : .d}\n",
			[]string{"6:22 save: a key must be a plain word | write the keys out"},
		},
		"merge key": {
			"version: 1\nprofiles:\n  a: &a {base_url: https://x.example, login: {request: POST /l, token: .t}}\n  x:\n    <<: *a\n",
			[]string{
				"3:6 profile a: anchors and aliases are not used in profiles | write the value out",
				"5:5 profile x: a key must be a plain word | write the keys out",
			},
		},
		"a thousand laughs": {
			"version: 1\nprofiles:\n  x:\n    a: &a [x, x]\n    b: &b [*a, *a]\n    c: &c [*b, *b]\n    base_url: *c\n",
			[]string{
				"4:5 a: unknown key in profile x | authctl profile schema lists the keys",
				"5:5 b: unknown key in profile x | authctl profile schema lists the keys",
				"6:5 c: unknown key in profile x | authctl profile schema lists the keys",
				"7:15 base_url: anchors and aliases are not used in profiles | write the value out",
			},
		},
		"profile twice":       {head + "  x: {}\n", []string{"6:3 x: written twice, first in line 3 | remove one of them"}},
		"key twice":           {head + "    login: {request: POST /evil}\n", []string{"6:5 login: written twice, first in line 5 | remove one of them"}},
		"case-folded key":     {head + "    Login: {request: POST /evil}\n", []string{"6:5 Login: unknown key in profile x | did you mean login?"}},
		"environment twice":   {"version: 1\nprofiles:\n  x:\n    environments: {a: https://a.example, a: https://b.example}\n    login: {request: POST /l, token: .t}\n", []string{"4:42 a: written twice, first in line 4 | remove one of them"}},
		"key with a dot":      {head + "    login.request: POST /evil\n", []string{"6:5 login.request: unknown key in profile x | authctl profile schema lists the keys"}},
		"null values":         {head + "    token:\n    lifetime: ~\n    inputs: {pin: null}\n    headers:\n", []string{"6:11 token: the value is missing | write a value or remove the key", "7:15 lifetime: the value is missing | write a value or remove the key", "warning 8:14 inputs.pin: nothing uses it | remove it, or write {{pin}} where it is sent", "8:19 inputs.pin: the value is missing | write a value or remove the key", "9:13 headers: nothing stands below it | write its keys below it, indented deeper, or remove it"}},
		"null default":        {head + "    inputs: {pin: {label: Pin, default: null}}\n    headers: {P: \"{{pin}}\"}\n", []string{`6:41 default: the value is missing | write "" for an empty value`}},
		"yes for true":        {head + "    allow_http: yes\n", []string{`6:17 allow_http: "yes" is neither true nor false | write true or false`}},
		"1 for true":          {head + "    allow_http: 1\n", []string{`6:17 allow_http: "1" is neither true nor false | write true or false`}},
		"text for true":       {head + "    allow_http: \"true\"\n", []string{`6:17 allow_http: "true" is neither true nor false | write true or false`}},
		"tagged as true":      {head + "    inputs: {pin: {secret: !!bool yes}}\n    headers: {P: \"{{pin}}\"}\n", []string{`6:28 secret: "yes" is neither true nor false | write true or false`}},
		"version as text":     {strings.Replace(head, "1", `"1"`, 1), nil},
		"version of fashion":  {strings.Replace(head, "1", "1.0", 1), []string{"1:10 version: this authctl reads version 1 only | write version: 1"}},
		"octal version":       {strings.Replace(head, "1", "01", 1), []string{"1:10 version: this authctl reads version 1 only | write version: 1"}},
		"unknown at the top":  {head + "profile: x\n", []string{"6:1 profile: unknown key in the file | did you mean profiles?"}},
		"a list":              {"- version: 1\n", []string{"1:1 the file: keys and values are needed here, not a list | write name: value, without the dash"}},
		"a word":              {"hello\n", []string{`1:1 the file: keys and values are needed here, not "hello" | write {name: value}`}},
		"profiles as a list":  {"version: 1\nprofiles: [x]\n", []string{"2:11 profiles: keys and values are needed here, not a list | write name: value, without the dash"}},
		"tab":                 {"version: 1\nprofiles:\n\tx: {}\n", []string{"3:2 not YAML: found character that cannot start any token | indent with blanks, not with a tab"}},
		"not UTF-8":           {head + "    docs: a\xffb\n", []string{"6:12 not YAML: invalid leading UTF-8 octet"}},
		"cut UTF-8":           {head + "    docs: \xc3\n", []string{"6:11 not YAML: invalid trailing UTF-8 octet"}},
		"NUL":                 {head + "    docs: a\x00b\n", []string{"6:12 not YAML: control characters are not allowed"}},
		"escape":              {head + "    docs: a\x1b[2J\n", []string{"6:12 not YAML: control characters are not allowed"}},
		"mistake in line one": {"{", []string{"1:1 not YAML: did not find expected node content | keys of one mapping begin in the same column; look at this line and those around it"}},
		"open quote":          {"version: 1\nprofiles:\n  x: \"a\n", []string{"3:3 not YAML: found unexpected end of stream | a quote is opened and not closed, or the other way round"}},
		"empty list of calls": {head + "    refresh: []\n", []string{"6:14 refresh: an empty list of calls | write request: METHOD /path"}},
		"null call":           {head + "    refresh:\n", []string{"6:13 refresh: nothing stands below it | write its keys below it, indented deeper, or remove it"}},
		"lists in a list":     {head + "    refresh: [[{request: GET /}]]\n", []string{"6:15 refresh: keys and values are needed here, not a list | write name: value, without the dash"}},
		"too deep for YAML":   {"version: " + strings.Repeat("[", 20_000), []string{"1:1 not YAML: exceeded max depth of 10000"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, problems(t, []byte(test.data)), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPlaceAfterBOM: the mark at the beginning of a file is no column.
func TestPlaceAfterBOM(t *testing.T) {
	t.Parallel()
	file := `{version: 1, profiles: {x: {base_url: "https://x.example", login: {request: POST /l, token: ".t | foo"}}}}`
	want := []string{fmt.Sprintf("1:%d login.token: function not defined: foo/0 in .t | foo | a path begins with a dot: write .foo", 1+strings.Index(file, "foo"))}
	for _, mark := range []string{"", "\ufeff"} {
		if diff := cmp.Diff(want, problems(t, []byte(mark+file))); diff != "" {
			t.Errorf("%q: %s", mark, diff)
		}
	}
}

// TestProblemsAreBounded: a hundred mistakes are told, each in a few hundred
// characters.
func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 10_000)
	for name, data := range map[string]string{
		"keys":         "version: 1\nprofiles:\n  x:\n" + manyKeys(),
		"placeholders": "version: 1\nprofiles: {x: {base_url: https://x.example, login: {request: POST /l, token: .t, text: '" + strings.Repeat("{{a}}", 1000) + "'}}}\n",
		"a long one":   "version: 1\nprofiles: {x: {base_url: " + long + "}}\n",
	} {
		found := problems(t, []byte(data))
		if name != "a long one" && (len(found) != 100 || !strings.HasSuffix(found[99], "there may be more mistakes, which are not told | mend these first")) {
			t.Errorf("%s: %d problems, the last is %q", name, len(found), found[len(found)-1])
		}
		for _, said := range found {
			if len(said) > 1000 {
				t.Errorf("%s: %d bytes", name, len(said))
			}
		}
	}
}

func manyKeys() string {
	var keys strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&keys, "    key%d: a\n", i)
	}
	return keys.String()
}

// TestDeepBody reads a body as deep as YAML allows: nothing overflows.
func TestDeepBody(t *testing.T) {
	t.Parallel()
	const depth = 9_000
	body := strings.Repeat("[", depth) + `"{{username}}"` + strings.Repeat("]", depth)
	p := parse(t, []byte("version: 1\nprofiles:\n  x:\n    base_url: https://x.example\n    login: {request: POST /l, token: .t, json: "+body+"}\n"))
	if !p.Login[0].Mentions("username") {
		t.Error("the placeholder at the bottom is not found")
	}
}

func TestThreat03_BaseURL(t *testing.T) {
	t.Parallel()
	const (
		noInput = "base URL: {{tenant}} is no input | known are: username, email, password, otp, client_id, client_secret, api_key, api_secret"
		braces  = "base_url: a base URL holds no braces and no backslashes | write https://host or https://host/path"
		dots    = "base_url: a base URL holds no double slashes, . or .. | write https://host or https://host/path"
		user    = "base_url: a base URL holds no user name or password | use {{username}} and {{password}} in the login"
		query   = "base_url: a base URL holds no query and no fragment | move the query to query: in the call"
		noHost  = "base_url: the host is missing | write https://host or https://host/path"
		blank   = "base_url: a base URL holds no blanks, and a port is at most 65535 | write https://host or https://host/path"
		noURL   = "base_url: not a URL | write https://host or https://host/path"
	)
	scheme := func(text string) string {
		return "base_url: a base URL begins with https:// | write https://" + text
	}
	plain := func(text string) string {
		return text + ": plain http would show the password to the network | write https://, or allow_http: true if there is no other way"
	}
	tests := map[string]struct{ want, problem string }{
		"https://x.example":                    {want: "https://x.example"},
		"https://x.example/":                   {want: "https://x.example"},
		"https://x.example/a/b/":               {want: "https://x.example/a/b"},
		"HTTPS://X.Example/A":                  {want: "https://X.Example/A"},
		"https://x.example:8443":               {want: "https://x.example:8443"},
		"https://x.example/a%2fb/":             {want: "https://x.example/a%2fb"},
		"https://münchen.example":              {want: "https://m%C3%BCnchen.example"},
		"https://[2001:db8::1]:1/a":            {want: "https://[2001:db8::1]:1/a"},
		"http://127.0.0.1:8080":                {want: "http://127.0.0.1:8080"},
		"http://127.9.9.9":                     {want: "http://127.9.9.9"},
		"http://[::1]:8080":                    {want: "http://[::1]:8080"},
		"http://[0:0:0:0:0:0:0:1]":             {want: "http://[0:0:0:0:0:0:0:1]"},
		"http://[::ffff:127.0.0.1]":            {want: "http://[::ffff:127.0.0.1]"},
		"http://localhost:1":                   {want: "http://localhost:1"},
		"http://LocalHost":                     {want: "http://LocalHost"},
		"http://x.example":                     {problem: plain("http://x.example")},
		"http://localhost.evil.com":            {problem: plain("http://localhost.evil.com")},
		"http://127.0.0.1.evil.com":            {problem: plain("http://127.0.0.1.evil.com")},
		"http://127.1":                         {problem: plain("http://127.1")},
		"http://2130706433":                    {problem: plain("http://2130706433")},
		"http://0.0.0.0":                       {problem: plain("http://0.0.0.0")},
		"http://[::]":                          {problem: plain("http://[::]")},
		"http://192.168.0.1":                   {problem: plain("http://192.168.0.1")},
		"http://169.254.169.254":               {problem: plain("http://169.254.169.254")},
		"http://localhost.":                    {problem: plain("http://localhost.")},
		"https://user@x.example":               {problem: user},
		"https://user:pw@x.example":            {problem: user},
		"https://@x.example":                   {problem: user},
		"https://x.example@evil.com/":          {problem: user},
		"https://x.example:80@evil.com":        {problem: user},
		"https://x.example?a=b":                {problem: query},
		"https://x.example/?":                  {problem: query},
		"https://x.example/#":                  {problem: query},
		"https://x.example/a#b":                {problem: query},
		"https://x.example#@evil.com":          {problem: query},
		"https://x.example/a/../b":             {problem: dots},
		"https://x.example/./a":                {problem: dots},
		"https://x.example/%2e%2e/a":           {problem: dots},
		"https://x.example//evil.com":          {problem: dots},
		"https://x.example/a//b":               {problem: dots},
		`https://x.example\@evil.com`:          {problem: braces},
		`https://x.example/a\b`:                {problem: braces},
		"https://{tenant}.x.example":           {problem: `base_url: {tenant} is not a placeholder of this language | write "{{tenant}}"`},
		"https://x.example/{tenant}":           {problem: `base_url: {tenant} is not a placeholder of this language | write "{{tenant}}"`},
		"https://{{tenant}}.x.example":         {problem: noInput},
		"https://x.example/{{tenant}}":         {problem: noInput},
		"https://":                             {problem: noHost},
		"https:///a":                           {problem: noHost},
		"https:x.example":                      {problem: noHost},
		"https://:443":                         {problem: noHost},
		"https://x example":                    {problem: noURL},
		"https://x.example:http":               {problem: noURL},
		"https://x.example:65535":              {want: "https://x.example:65535"},
		"https://x.example:65536":              {problem: blank},
		"https://x.example:0":                  {problem: blank},
		"https://x.example/a b":                {problem: blank},
		"https://[::1":                         {problem: noURL},
		"https://x.example/%zz":                {problem: noURL},
		"https://%65vil.com":                   {problem: noURL},
		"x.example":                            {problem: scheme("x.example")},
		"//x.example":                          {problem: scheme("//x.example")},
		"/a":                                   {problem: scheme("/a")},
		"ftp://x.example":                      {problem: scheme("x.example")},
		"localhost:8080":                       {problem: scheme("localhost:8080")},
		"file:///etc/passwd":                   {problem: scheme("/etc/passwd")},
		"javascript:alert(1)":                  {problem: scheme("javascript:alert(1)")},
		"https://x.example/\u202e":             {want: "https://x.example/%E2%80%AE"},
		"https://x.example.":                   {want: "https://x.example."},
		"https://xn--mnchen-3ya.example":       {want: "https://xn--mnchen-3ya.example"},
		"https://x.example/a;b=c,d/e=f&g'h(i)": {want: "https://x.example/a;b=c,d/e=f&g'h(i)"},
	}
	for text, test := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			data := []byte(strings.Replace(string(good("")), "https://x.example", strings.ReplaceAll(string(quoted), `\u0026`, "&"), 1))
			if test.problem != "" {
				if diff := cmp.Diff([]string{"4:15 " + test.problem}, problems(t, data)); diff != "" {
					t.Error(diff)
				}
				return
			}
			if got := parse(t, data).BaseURL.String(); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestThreat04_PlainHTTPMustBeAllowed has a profile that allows it.
func TestThreat04_PlainHTTPMustBeAllowed(t *testing.T) {
	t.Parallel()
	data := strings.Replace(string(good("    allow_http: true\n")), "https://", "http://", 1)
	if p := parse(t, []byte(data)); !p.AllowHTTP || p.BaseURL.String() != "http://x.example" {
		t.Errorf("%v %s", p.AllowHTTP, p.BaseURL)
	}
}

func TestLifetimeOfAProfile(t *testing.T) {
	t.Parallel()
	tests := map[string]profile.Lifetime{"never": {Text: "never", Never: true}, "90s": {Text: "90s", Duration: 90e9}, `"1h30m"`: {Text: "1h30m", Duration: 5400e9}}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got := parse(t, good("    lifetime: "+text+"\n")).Lifetime
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	const form = ": write a number and a unit, such as 90s, 15m, 10h, 30d or 1w"
	wrong := map[string]string{
		"Never": `6:15 lifetime: "Never" is no length of time` + form + " | write 90s, 15m, 10h, 60d, 1w or never",
		"0s":    `6:15 lifetime: "0s" is no time at all` + form + " | write 90s, 15m, 10h, 60d, 1w or never",
		"1e3":   `6:15 lifetime: "1e3" is no length of time` + form + " | write 90s, 15m, 10h, 60d, 1w or never",
		"0123":  `6:15 lifetime: "0123" is no length of time` + form + " | write 0123s if these are seconds",
		"-5":    `6:15 lifetime: "-5" is no length of time` + form + " | write -5s if these are seconds",
		"[1h]":  "6:15 lifetime: a single value is needed here, not a list | write one value instead of a list",
	}
	for text, want := range wrong {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{want}, problems(t, good("    lifetime: "+text+"\n"))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseTemplate(t *testing.T) {
	t.Parallel()
	type result struct {
		Parts []profile.Part
		Error string
	}
	tests := map[string]result{
		"":                        {},
		"text":                    {Parts: []profile.Part{{Literal: "text"}}},
		"{{a}}":                   {Parts: []profile.Part{{Name: "a"}}},
		"{{ a_1 }}":               {Parts: []profile.Part{{Name: "a_1"}}},
		"x{{a}}y{{b}}z":           {Parts: []profile.Part{{Literal: "x"}, {Name: "a"}, {Literal: "y"}, {Name: "b"}, {Literal: "z"}}},
		"{{a}}{{a}}":              {Parts: []profile.Part{{Name: "a"}, {Name: "a"}}},
		"{a} }} {":                {Parts: []profile.Part{{Literal: "{a} }} {"}}},
		"{{a}} }}":                {Parts: []profile.Part{{Name: "a"}, {Literal: " }}"}}},
		"{{a":                     {Error: `"{{a" opens a placeholder and does not close it`},
		"{{a}":                    {Error: `"{{a}" opens a placeholder and does not close it`},
		"{{}}":                    {Error: "{{}} is no placeholder: a name has small letters, digits and _ only"},
		"{{A}}":                   {Error: "{{A}} is no placeholder: a name has small letters, digits and _ only"},
		"{{1a}}":                  {Error: "{{1a}} is no placeholder: a name has small letters, digits and _ only"},
		"{{a b}}":                 {Error: "{{a b}} is no placeholder: a name has small letters, digits and _ only"},
		"{{a.b}}":                 {Error: "{{a.b}} is no placeholder: a name has small letters, digits and _ only"},
		"{{ä}}":                   {Error: "{{ä}} is no placeholder: a name has small letters, digits and _ only"},
		"{{{a}}}":                 {Error: "{{{a}} is no placeholder: a name has small letters, digits and _ only"},
		"{{a{{b}}}}":              {Error: "{{a{{b}} is no placeholder: a name has small letters, digits and _ only"},
		"{{a}} and \"{{b\\\"}}\"": {Parts: []profile.Part{{Name: "a"}, {Literal: ` and "`}}, Error: `{{b\"}} is no placeholder: a name has small letters, digits and _ only`},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			parsed, err := profile.ParseTemplate(text, profile.Pos{})
			got := result{Parts: parsed.Parts}
			if err != nil {
				got.Error = err.Error()
			}
			if parsed.Text != text {
				t.Errorf("the text became %q", parsed.Text)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSyntaxInStrings has expressions whose strings hold what would be a
// mistake outside of them.
func TestSyntaxInStrings(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`.a // "can't log in"`, `.a == "x = y"`, `.a | test("a||b&&c")`, `"{{\(.a)}}"`, `.a[0]["b-c"]`, `.a - .b`,
		`. as {a: {b: $x}} | $x`, `$status == 200 or .a != "ok"`, `.a <= 3 and .b >= 4`, `if .a == 1 then .b else .c end`,
		`.a | .b |= 1`, `[.[] | select(.x == "y")] | first`, `..|.token? // empty`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			data := good(fmt.Sprintf("    success: |-\n      %s\n", text))
			if found := problems(t, data); len(found) > 0 {
				t.Errorf("problems: %q", found)
			}
		})
	}
}
