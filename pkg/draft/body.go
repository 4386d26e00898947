package draft

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
)

// maxDepth bounds how deep a body, an answer or a schema is looked into.
const maxDepth = 12

// body decides by the Content-Type, else by its looks, what the data is.
func (n *names) body(r *request, c *Call) {
	text := strings.Join(r.data, "&")
	if r.json {
		text = strings.Join(r.data, "")
	}
	trimmed := strings.TrimSpace(text)
	kind := strings.ToLower(r.headerValue("Content-Type"))
	switch {
	case trimmed == "" && (r.json || strings.Contains(kind, "json")) && len(r.data) > 0, trimmed == "":
	case r.json, strings.Contains(kind, "json"), strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		if value, err := n.jsonBody(trimmed); err == nil {
			c.JSON = &value
			return
		}
		n.draft.note("the body says it is JSON and is not; it is sent as text: look at text:")
		c.Text = n.text(text)
	case strings.Contains(kind, "xml"), strings.HasPrefix(trimmed, "<?xml"), regexp.MustCompile(`^<[A-Za-z][\w:.-]*(?:\s[^>]*)?>[\s\S]*</`).MatchString(trimmed):
		c.XML = n.xml(trimmed)
	case strings.Contains(kind, "text/plain"), !strings.Contains(text, "="):
		c.Text = n.text(text)
	default:
		c.Form = n.form(text)
	}
}

func (n *names) form(text string) []Field {
	var fields []Field
	for _, f := range formFields(text) {
		fields = append(fields, Field{f.Name, n.template(f.Name, f.Value)})
	}
	return fields
}

// text is a body of which nothing is known: it may be a password as a whole.
func (n *names) text(text string) string {
	parts := pieces(text)
	if len(parts) == 1 && parts[0].name == "" {
		n.draft.secret(text)
		return "{{" + n.input("password", "", text) + "}}"
	}
	return n.template("login_body", text)
}

// bare finds a placeholder that stands in JSON without quotes.
func bare() *regexp.Regexp {
	return regexp.MustCompile(`([:,\[]\s*)(\$\{?\w+\}?|<[A-Za-z][\w .-]*>|\{\{\s*[\w. ]+\s*\}\}|\{[A-Za-z]\w*\}|[A-Z][A-Z_]{3,}|\.\.\.|…)(\s*[,}\]])`)
}

// jsonBody reads a body in the order in which it is written.
func (n *names) jsonBody(text string) (Value, error) {
	value, err := readJSON(text)
	if err != nil {
		value, err = readJSON(regexp.MustCompile(`,(\s*[}\]])`).ReplaceAllString(bare().ReplaceAllString(text, `$1"$2"$3`), "$1"))
	}
	if err != nil && strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		value, err = readJSON(strings.ReplaceAll(text, "'", `"`))
	}
	if err != nil {
		return Value{}, err
	}
	return n.fill("", value), nil
}

var errDeep = errors.New("it is too deep")

// readJSON keeps the order of members and the digits of numbers.
func readJSON(text string) (Value, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	value, err := readValue(decoder, maxDepth)
	if err != nil {
		return Value{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Value{}, errors.New("more text follows")
	}
	return value, nil
}

func readValue(decoder *json.Decoder, depth int) (Value, error) {
	if depth == 0 {
		return Value{}, errDeep
	}
	token, err := decoder.Token()
	if err != nil {
		return Value{}, err
	}
	switch t := token.(type) {
	case json.Delim:
		return readNested(decoder, t, depth)
	case string:
		return Value{Kind: Text, Text: t}, nil
	case json.Number:
		return Value{Kind: Raw, Text: t.String()}, nil
	default:
		var b bytes.Buffer
		err := json.NewEncoder(&b).Encode(t)
		return Value{Kind: Raw, Text: strings.TrimSpace(b.String())}, err
	}
}

func readNested(decoder *json.Decoder, opening json.Delim, depth int) (Value, error) {
	v := Value{Kind: Array}
	if opening == '{' {
		v.Kind = Object
	}
	seen := map[string]bool{}
	for decoder.More() {
		name := ""
		if v.Kind == Object {
			token, err := decoder.Token()
			if err != nil {
				return Value{}, err
			}
			name, _ = token.(string) // a member's name is nothing else
			if seen[name] {
				return Value{}, errors.New("a name stands twice")
			}
			seen[name] = true
		}
		inner, err := readValue(decoder, depth-1)
		if err != nil {
			return Value{}, err
		}
		if v.Kind == Object {
			v.Members = append(v.Members, Member{name, inner})
		} else {
			v.Items = append(v.Items, inner)
		}
	}
	_, err := decoder.Token()
	return v, err
}

// fill puts placeholders into a body. A number or null in a field that is a
// person's own is replaced as well.
func (n *names) fill(field string, v Value) Value {
	switch v.Kind {
	case Object:
		for i, m := range v.Members {
			v.Members[i] = Member{n.memberName(m.Name), n.fill(fieldIn(field, m.Name), m.Value)}
		}
	case Array:
		for i := range v.Items {
			v.Items[i] = n.fill(field, v.Items[i])
		}
	case Text:
		v.Text = n.template(field, v.Text)
	case Raw:
		if strings.Trim(v.Text, "-0123456789.eE+") == "" && (meaning(field) != "" || soundsSecret(snake(field, '_'))) {
			n.draft.secret(v.Text)
			return Value{Kind: Text, Text: "{{" + n.input(field, "", v.Text) + "}}"}
		}
	}
	return v
}

// fieldIn is what a member is about: the name in a user is the user's.
func fieldIn(parent, name string) string {
	if slices.Contains([]string{"name", "id"}, flat(name)) && slices.Contains([]string{"user", "credentials", "login", "account"}, flat(parent)) {
		return "username"
	}
	return name
}

// memberName keeps names as they are; braces would be read as a placeholder.
func (n *names) memberName(name string) string {
	if strings.Contains(name, "{{") {
		return n.template("", name)
	}
	return name
}

// xml puts placeholders into the texts and attributes of XML.
func (n *names) xml(text string) string {
	text = regexp.MustCompile(`^<\?xml[^>]*\?>\s*`).ReplaceAllString(text, "")
	attribute := regexp.MustCompile(`([\w:.-]+)(\s*=\s*")([^"<]*)(")`)
	text = regexp.MustCompile(`<[A-Za-z][^<>]*>`).ReplaceAllStringFunc(text, func(tag string) string {
		element := localName(regexp.MustCompile(`[\w:.-]+`).FindString(tag))
		return replaceGroup(attribute, tag, func(m []string) string {
			if strings.HasPrefix(m[1], "xmlns") {
				return m[0]
			}
			return m[1] + m[2] + xmlText(n.template(fieldIn(element, localName(m[1])), unXML(m[3]))) + m[4]
		})
	})
	element := regexp.MustCompile(`(<([A-Za-z][\w:.-]*)(?:\s[^<>]*)?>)([^<]*)(</)`)
	return replaceGroup(element, text, func(m []string) string {
		return m[1] + xmlText(n.template(localName(m[2]), unXML(strings.TrimSpace(m[3])))) + m[4]
	})
}

func localName(name string) string {
	_, local, found := strings.Cut(name, ":")
	if found {
		return local
	}
	return name
}

func unXML(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&").Replace(text)
}

func xmlText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
}

// replaceGroup replaces each match by what write makes of its groups.
func replaceGroup(pattern *regexp.Regexp, text string, write func([]string) string) string {
	return pattern.ReplaceAllStringFunc(text, func(match string) string {
		return write(pattern.FindStringSubmatch(match))
	})
}
