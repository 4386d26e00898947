package profile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/authctl/authctl/pkg/profile"
)

const schemaFile = "../../docs/profile.schema.json"

func TestSchemaIsTheFile(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := profile.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(file), string(schema)); diff != "" {
		t.Errorf("docs/profile.schema.json is old: run make schema\n%s", diff)
	}
}

// compiled is the schema, ready to be asked.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := profile.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(profile.SchemaURL, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(profile.SchemaURL)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// instance is a node as an editor hands it to the schema: what JSON has.
func instance(t *testing.T, node *yaml.Node) any {
	t.Helper()
	switch node.Kind {
	case yaml.DocumentNode:
		return instance(t, node.Content[0])
	case yaml.MappingNode:
		members := map[string]any{}
		for i := 0; i < len(node.Content); i += 2 {
			members[node.Content[i].Value] = instance(t, node.Content[i+1])
		}
		return members
	case yaml.SequenceNode:
		items := []any{}
		for _, item := range node.Content {
			items = append(items, instance(t, item))
		}
		return items
	}
	switch node.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.ToLower(node.Value) == "true"
	case "!!int", "!!float":
		return json.Number(node.Value)
	}
	return node.Value
}

// rightFiles are the files of the repository that hold no mistake.
func rightFiles(t *testing.T) map[string]*yaml.Node {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../../profiles.example.yaml", "../gallery/profiles/*.yaml", "testdata/right/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	roots := map[string]*yaml.Node{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if mistakes(t, data) {
			t.Errorf("%s: %q", file, problems(t, data))
		}
		root := &yaml.Node{}
		if err := yaml.Unmarshal(data, root); err != nil {
			t.Fatal(err)
		}
		roots[filepath.Base(file)] = root
	}
	return roots
}

func TestSchemaTakesWhatIsRight(t *testing.T) {
	t.Parallel()
	schema, files := compiled(t), rightFiles(t)
	if len(files) < 30 {
		t.Fatalf("only %d files", len(files))
	}
	for file, root := range files {
		if err := schema.Validate(instance(t, root)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// The file with every key teaches the mutations below all of them.
func TestEveryKeyIsInTheRightFiles(t *testing.T) {
	t.Parallel()
	written := map[string]bool{}
	for _, root := range rightFiles(t) {
		for _, at := range places(root.Content[0]) {
			written[at.shape] = true
		}
	}
	var missing []string
	for _, key := range allKeys(t) {
		if !written[key] {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		t.Errorf("testdata/right/every-key.yaml lacks %q", missing)
	}
}

// allKeys are the keys of the language, from the schema: "profile.login",
// "call.json", "input.label".
func allKeys(t *testing.T) []string {
	t.Helper()
	text, err := profile.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	defs := schema["$defs"].(map[string]any)
	properties := func(of any) map[string]any { return of.(map[string]any)["properties"].(map[string]any) }
	var all []string
	add := func(where string, of map[string]any) {
		for key := range of {
			all = append(all, where+"."+key)
		}
	}
	inProfile := properties(defs["profile"])
	add("file", properties(schema))
	add("profile", inProfile)
	add("call", properties(defs["call"]))
	add("input", properties(defs["input"].(map[string]any)["oneOf"].([]any)[1]))
	add("send", properties(inProfile["send"].(map[string]any)["oneOf"].([]any)[1]))
	for _, nested := range []string{"tls", "tokens", "verify"} {
		add(nested, properties(inProfile[nested]))
	}
	slices.Sort(all)
	return all
}

// place is a key in a file of profiles, with what stands there.
type place struct {
	path  string // profiles.x.login.request
	shape string // what kind of mapping it stands in, and the key: call.request
	owner *yaml.Node
	index int // of the key in owner.Content
}

// places lists every key of a file that the language knows, and where it
// stands; keys that the author chose have no shape.
func places(file *yaml.Node) []place {
	var all []place
	var walk func(node *yaml.Node, kind, path string)
	walk = func(node *yaml.Node, kind, path string) {
		if node.Kind == yaml.SequenceNode && kind == "call" {
			for i, item := range node.Content {
				walk(item, kind, fmt.Sprintf("%s[%d]", path, i))
			}
		}
		if node.Kind != yaml.MappingNode || kind == "" {
			return
		}
		for i := 0; i < len(node.Content); i += 2 {
			key := node.Content[i].Value
			at := path + "." + key
			inner := map[string]string{
				"file.profiles": "profiles", "profile.inputs": "inputs", "profile.other_logins": "logins", "profile.tls": "tls",
				"profile.verify": "verify", "profile.send": "send", "profile.tokens": "tokens",
			}[kind+"."+key]
			switch {
			case kind == "profiles":
				inner = "profile"
			case kind == "inputs":
				inner = "input"
			case kind == "logins", kind == "tokens",
				kind == "profile" && slices.Contains([]string{"login", "refresh", "cancel", "whoami", "keepalive"}, key):
				inner = "call"
			}
			if kind != "profiles" && kind != "inputs" && kind != "logins" {
				all = append(all, place{path: at, shape: kind + "." + key, owner: node, index: i})
			}
			walk(node.Content[i+1], inner, at)
		}
	}
	walk(file, "file", "")
	return all
}

// mutation is one thing that an author gets wrong.
type mutation struct {
	name   string
	mutate func(place) (undo func())
	fine   map[string]string // where it is no mistake, and why
}

func setValue(node yaml.Node) func(place) func() {
	return func(p place) func() {
		old := p.owner.Content[p.index+1]
		p.owner.Content[p.index+1] = &node
		return func() { p.owner.Content[p.index+1] = old }
	}
}

func setKey(change func(string) string) func(place) func() {
	return func(p place) func() {
		key := p.owner.Content[p.index]
		old := *key
		key.Value = change(old.Value)
		return func() { *key = old }
	}
}

func text(value string) yaml.Node {
	return yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value}
}

func mutations() []mutation {
	number := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "7"}
	anyText := "any single value is taken as the text that was written"
	anyJSON := "a body of JSON is any YAML"
	fineFor := func(reason string, keys ...string) map[string]string {
		fine := map[string]string{}
		for _, key := range keys {
			fine[key] = reason
		}
		return fine
	}
	join := func(all ...map[string]string) map[string]string {
		joined := map[string]string{}
		for _, one := range all {
			maps.Copy(joined, one)
		}
		return joined
	}
	singles := []string{
		"profile.description", "profile.docs", "profile.expired", "profile.success", "profile.error", "profile.token", "profile.refresh_token",
		"profile.expires_in", "profile.expires_at", "tls.ca_file", "tls.cert_file", "tls.key_file", "verify.issuer", "verify.audience", "verify.keys",
		"input.label", "input.default", "input.choices", "input.env", "input.when",
		"call.text", "call.when", "call.show", "call.until", "call.success", "call.error", "call.token", "call.refresh_token", "call.expires_in",
		"call.expires_at", "call.items", "call.id", "call.name", "call.created_at", "call.next",
	}
	return []mutation{
		{name: "misspelt", mutate: setKey(func(key string) string { return key + "x" })},
		{name: "capital", mutate: setKey(func(key string) string { return strings.ToUpper(key[:1]) + key[1:] })},
		{name: "a mapping of a mapping", mutate: setValue(yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: "Odd Key"},
			{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: "b"}, {Kind: yaml.ScalarNode, Tag: "!!str", Value: "c"}}},
		}}), fine: fineFor(anyJSON, "call.json")},
		{name: "a list of lists", mutate: setValue(yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{
			{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: "a"}}},
		}}), fine: fineFor(anyJSON, "call.json")},
		{name: "an empty list", mutate: setValue(yaml.Node{Kind: yaml.SequenceNode}), fine: join(
			fineFor(anyJSON, "call.json"), fineFor("nothing is listed", "profile.allowed_hosts", "verify.algorithms", "tls.pin", "input.choices"))},
		{name: "nothing", mutate: setValue(yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}), fine: fineFor(anyJSON, "call.json")},
		{name: "a number", mutate: setValue(number), fine: join(fineFor(anyJSON, "call.json"), fineFor(anyText, singles...), fineFor("the token stands in another header", "send.basic"), fineFor("a program may be called so", "input.command"))},
		{name: "a text", mutate: setValue(text("two words")), fine: join(fineFor(anyJSON, "call.json"), fineFor(anyText, singles...),
			fineFor("a program and its argument", "input.command"), fineFor("the token stands in another header", "send.basic"))},
		{name: "a placeholder that is none", mutate: setValue(text("{{Two Words}}")), fine: join(fineFor(anyJSON, "call.json"),
			fineFor(anyText, "profile.description", "profile.docs", "tls.ca_file", "tls.cert_file", "tls.key_file", "verify.issuer", "verify.audience", "verify.keys",
				"input.label", "input.default", "input.env", "input.command"))},
	}
}

// apart are the mutations that only one of schema and loader refuses, with the
// reason.
func apart() map[string]string {
	const (
		isJQ  = "the schema does not compile jq"
		colon = "the schema does not look for the colon in it"
	)
	why := map[string]string{}
	for _, key := range []string{"success", "error", "token", "refresh_token", "expires_in", "expires_at"} {
		why["a placeholder that is none: profile."+key], why["a placeholder that is none: call."+key] = isJQ, isJQ
	}
	for _, key := range []string{"when", "until", "items", "id", "name", "created_at", "next"} {
		why["a placeholder that is none: call."+key] = isJQ
	}
	for _, key := range []string{"profile.expired", "input.when", "input.choices"} {
		why["a placeholder that is none: "+key] = isJQ
	}
	why["a number: call.basic"], why["a text: call.basic"] = colon, colon
	return why
}

// TestSchemaRefusesWhatTheLoaderRefuses gets every key of the example profiles
// and of the file with every key wrong in every way: schema and loader refuse it,
// or there is a reason. The gallery holds no other keys.
func TestSchemaRefusesWhatTheLoaderRefuses(t *testing.T) {
	t.Parallel()
	schema, reasons := compiled(t), apart()
	files := rightFiles(t)
	for _, file := range []string{"profiles.example.yaml", "every-key.yaml"} {
		for name, one := range oneByOne(files[file]) {
			t.Run(file+"/"+name, func(t *testing.T) {
				t.Parallel()
				done := map[string]bool{}
				for _, at := range places(one) {
					if done[at.shape] {
						continue
					}
					done[at.shape] = true
					for _, m := range mutations() {
						if m.fine[at.shape] == "" {
							refusedByBoth(t, schema, one, at, m, reasons)
						}
					}
				}
			})
		}
	}
}

// refusedByBoth makes one mutation and asks both.
func refusedByBoth(t *testing.T, schema *jsonschema.Schema, root *yaml.Node, at place, m mutation, reasons map[string]string) {
	t.Helper()
	undo := m.mutate(at)
	defer undo()
	data, err := yaml.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	which := m.name + ": " + at.shape
	bySchema := schema.Validate(instance(t, root)) != nil
	switch {
	case !refused(t, data):
		t.Errorf("%s (%s): the loader takes it", which, at.path)
	case !bySchema && reasons[which] == "":
		t.Errorf("%s (%s): the schema takes it", which, at.path)
	case bySchema && reasons[which] != "":
		t.Errorf("%s (%s): the schema refuses it: no reason is needed any more", which, at.path)
	}
}

// oneByOne makes a file of each profile.
func oneByOne(root *yaml.Node) map[string]*yaml.Node {
	files := map[string]*yaml.Node{}
	var profiles *yaml.Node
	for i, node := range root.Content[0].Content {
		if node.Value == "profiles" {
			profiles = root.Content[0].Content[i+1]
		}
	}
	word := func(text, tag string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text} }
	for i := 0; i < len(profiles.Content); i += 2 {
		files[profiles.Content[i].Value] = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			word("version", "!!str"), word("1", "!!int"), word("profiles", "!!str"),
			{Kind: yaml.MappingNode, Content: profiles.Content[i : i+2]},
		}}
	}
	return files
}

// refused is mistakes, in less time: most files do not even decode.
func refused(t *testing.T, data []byte) bool {
	t.Helper()
	catalog, err := profile.Parse("p.yaml", data)
	if err != nil {
		return true
	}
	for _, name := range catalog.Names() {
		if _, err := catalog.Profile(name); err != nil {
			return true
		}
	}
	return mistakes(t, data)
}

// mistakes says whether the loader finds any that is not just a warning.
func mistakes(t *testing.T, data []byte) bool {
	t.Helper()
	return slices.ContainsFunc(problems(t, data), func(said string) bool { return !strings.HasPrefix(said, "warning ") })
}

// TestSchemaAsksForKeys leaves out what must be there, and writes too much.
func TestSchemaAsksForKeys(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	for name, data := range map[string]string{
		"no login":           "version: 1\nprofiles: {x: {base_url: https://x.example, token: .t}}\n",
		"no base URL":        "version: 1\nprofiles: {x: {login: {request: POST /l, token: .t}}}\n",
		"two base URLs":      "version: 1\nprofiles: {x: {base_url: https://x.example, environments: {a: https://a.example}, login: {request: POST /l, token: .t}}}\n",
		"no version":         "profiles: {}\n",
		"no request":         "version: 1\nprofiles: {x: {base_url: https://x.example, login: {json: {}}}}\n",
		"an odd name":        "version: 1\nprofiles: {a b: {base_url: https://x.example, login: {request: POST /l, token: .t}}}\n",
		"nothing to be read": "version: 1\nprofiles: {x: }\n",
	} {
		if schema.Validate(instance(t, unmarshal(t, data))) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
		if !mistakes(t, []byte(data)) {
			t.Errorf("%s: the loader takes it", name)
		}
	}
}

// TestSchemaForms compares single values: what the loader takes, the schema
// takes, and the other way round.
func TestSchemaForms(t *testing.T) {
	t.Parallel()
	const head = "version: 1\nprofiles:\n  x:\n    base_url: https://x.example\n    inputs: {saved: Saved}\n    headers: {I: \"{{saved}}\"}\n    login: {request: POST /l, token: .t, save: {next_url: .u}}\n    "
	values := map[string][]string{
		"cancel: {request: %s}": {
			"POST /a", "POST a", "post /a", "/a", "POST", "POST  /a", "M-SEARCH /a", "PO(ST /a", "POST https://y.example/a", "POST ftp://y.example/a", "POST https:///a",
			"'POST {{next_url}}'", "'POST {{next_url}}/a'", "'POST {{next_url}}a'", "'POST /{{saved}}/a?b=c'", "POST /a b", "'POST /a#b'",
			"'POST {{Next}}'", "'{{next_url}}'", "GET /ä", "'POST {{next_url}}?a=b'", "POST https://y.example", "POST /a\\b",
		},
		"lifetime: %s": {"90s", "1h30m", "1w2d3h4m5s", "never", "Never", "1h30", "30m1h", "s", "''", "1.5h", "-1h", "10 h", "1d12h", "500ms", "60"},
		"send: %s": {
			"'X: {{token}}'", "'X: {{ token }}'", "'X:{{token}}'", "'X Y: {{token}}'", "'{{token}}'", "'X: token'", "{headers: {X: '{{token}}'}}", "{query: {t: '{{token}}'}}",
			"{basic: '{{token}}'}", "{header: {X: '{{token}}'}}", "[a]", "'X: {{token}}{{token}}'", "{headers: {X Y: '{{token}}'}}", "{headers: {'X-{{saved}}': '{{token}}'}}", "'X: {{token}} {{'",
		},
		"api_url: %s":       {"https://y.example", "https://y.example/a/b", "/a", "y.example", "'{{next_url}}'", "'{{next_url}}/a'", "'{{next_url}}a'", "https://", "ftp://y.example", "https://y.example/a b", "https://y.example?a=b"},
		"allowed_hosts: %s": {"[y.example]", "['*.y.example']", "['*']", "[y.example:8443]", "[https://y.example]", "[y.example/a]", "['a*.example']", "y.example", "[]", "['*.example']"},
		"tls: {pin: %s}": {
			"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "[sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=]", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "sha256//AAAA", "sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		},
		"whoami: {request: GET /a, headers: %s}": {
			"{A: b}", "{A: [b, c]}", "{A: 1}", "{A: true}", "{A b: c}", "{'A:': c}", "{A: {b: c}}", "{A: '{{saved}}'}", "{A: '{{s t}}'}", "{A: '{{saved'}", "{A: '${saved}'}", "{A: <saved>}", "{A: 'a{b}c'}", "{A: null}", "[A]",
			"{A: '{{{saved}}}'}", "{A: '{'}", "{A: '}}'}", "{'': a}", "{A: '{{saved}}{'}",
		},
		"tokens: {list: %s}":                     {"{request: GET /a}", "[]", "[{request: GET /a}]", "{}", "[{}]", "{token: .t}", "GET /a", "{query: {a: b}}", "null"},
		"allow_http: %s":                         {"true", "false", "yes", "1", "'true'", "True"},
		"environments: %s":                       {"{a: https://a.example}"},
		"save: %s":                               {"{a: .b}", "{A: .b}", "{a-b: .b}", "{a_1: .b}", "{1a: .b}"},
		"whoami: {request: GET /a, xml: %s}":     {"<a/>", "'  <a>{{saved}}</a>'", "a", "{a: b}", "7"},
		"computed: {c: $saved}\n    expired: %s": {"$c == 1", "true", "[a]", "{a: b}"},
	}
	// What only one of them refuses, and why.
	apart := map[string]string{
		"cancel: {request: GET /ä}":      "the schema does not escape paths",
		"api_url: https://y.example?a=b": "the schema does not take URLs apart",
	}
	schema := compiled(t)
	for form, list := range values {
		for _, value := range list {
			t.Run(strings.Replace(form, "%s", value, 1), func(t *testing.T) {
				t.Parallel()
				written := strings.Replace(form, "%s", value, 1)
				data := []byte(head + written + "\n")
				root := &yaml.Node{}
				if err := yaml.Unmarshal(data, root); err != nil {
					t.Fatal(err)
				}
				byLoader, bySchema := mistakes(t, data), schema.Validate(instance(t, root))
				if byLoader != (bySchema != nil) && apart[written] == "" {
					t.Errorf("the loader: %q\nthe schema: %v", problems(t, data), bySchema)
				}
			})
		}
	}
}

// Editors find the schema by the first line of the example, which people copy:
// a URL holds wherever the file ends up.
func TestExampleNamesTheSchema(t *testing.T) {
	t.Parallel()
	first, _, _ := strings.Cut(profile.Example(), "\n")
	if want := "# yaml-language-server: $schema=" + profile.SchemaURL; first != want {
		t.Errorf("the first line is %q, want %q", first, want)
	}
}

func marshal(t *testing.T, node *yaml.Node) []byte {
	t.Helper()
	data, err := yaml.Marshal(node)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unmarshal(t *testing.T, text string) *yaml.Node {
	t.Helper()
	root := &yaml.Node{}
	if err := yaml.Unmarshal([]byte(text), root); err != nil {
		t.Fatal(err)
	}
	return root
}
