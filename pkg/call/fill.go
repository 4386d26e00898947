package call

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/authctl/authctl/pkg/profile"
)

// Values are what placeholders stand for: strings, numbers, booleans, or what
// an expression read. A name that is absent, nil or an empty string is
// "missing".
type Values map[string]any

// Blank is the empty text as a value, where "" is none: an input with
// default: "" is sent even if it is empty.
const Blank = blank("")

type blank string

// Text returns the value of a name as text; ok is false if it is missing.
func (v Values) Text(name string) (text string, ok bool) {
	switch value := v[name].(type) {
	case nil:
		return "", false
	case string:
		return value, value != ""
	case blank:
		return "", true
	case json.Number:
		return value.String(), true
	case bool:
		return strconv.FormatBool(value), true
	default:
		encoded, err := json.Marshal(value)
		return string(encoded), err == nil
	}
}

// Fill puts values into a text for a person; a missing value is an error.
func (v Values) Fill(t profile.Template) (string, error) {
	text, missing, err := v.fill(t, plain)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("{{%s}} has no value", missing[0])
	}
	return text, err
}

// fill puts values into a template. Each value goes through encode, which
// makes it safe for its place or refuses it. missing holds the placeholders
// that have no value; the text is then of no use.
func (v Values) fill(t profile.Template, encode func(string) (string, error)) (text string, missing []string, err error) {
	var b strings.Builder
	for _, part := range t.Parts {
		if part.Name == "" {
			b.WriteString(part.Literal)
			continue
		}
		value, ok := v.Text(part.Name)
		if !ok {
			missing = append(missing, part.Name)
			continue
		}
		encoded, err := encode(value)
		if err != nil {
			return "", nil, fmt.Errorf("{{%s}} %w", part.Name, err)
		}
		b.WriteString(encoded)
	}
	return b.String(), missing, nil
}

// plain leaves a value as it is: a body of text takes everything.
func plain(value string) (string, error) { return value, nil }

// Header makes header values: what would end the line is refused (threat 5).
func headerSafe(value string) (string, error) {
	switch {
	case strings.ContainsAny(value, "\r\n\x00"):
		return "", errors.New("holds a line break or NUL, which a header cannot carry")
	case !httpguts.ValidHeaderFieldValue(value):
		return "", errors.New("holds a control character, which a header cannot carry")
	case strings.TrimSpace(value) != value:
		return "", errors.New("has blanks at an end, which a header does not carry")
	}
	return value, nil
}

// pathSegment keeps a value within its segment (threat 3).
func pathSegment(value string) (string, error) {
	switch {
	case value == "":
		return "", errors.New("is empty, and a path needs a value")
	case isDots(value):
		return "", errors.New("would lead to another path")
	}
	return url.PathEscape(value), nil
}

// jsonSafe refuses what JSON cannot carry byte for byte (RFC 8259 §8.1).
func jsonSafe(value string) (string, error) {
	if !utf8.ValidString(value) {
		return "", errors.New("is not UTF-8, which JSON cannot carry")
	}
	return value, nil
}

// filler fills one call and notes what it left out.
type filler struct {
	values  Values
	leftOut []string
}

// leaf fills a template whose leaf is left out when a value is missing; where
// names the leaf in the list of what was left out.
func (f *filler) leaf(where string, t profile.Template, encode func(string) (string, error)) (string, bool, error) {
	text, missing, err := f.values.fill(t, encode)
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", where, err)
	}
	if len(missing) > 0 {
		f.leftOut = append(f.leftOut, fmt.Sprintf("%s (no %s)", where, strings.Join(missing, ", ")))
		return "", false, nil
	}
	return text, true, nil
}

// path fills the path; a missing value is an error there.
func (f *filler) path(t profile.Template) (string, error) {
	text, missing, err := f.values.fill(t, pathSegment)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("{{%s}} has no value", missing[0])
	}
	if err == nil && slices.ContainsFunc(strings.Split(text, "/"), isDots) {
		err = errors.New("the placeholders would lead to another path")
	}
	return text, err
}

// isDots says whether a segment of a path stands for another one.
func isDots(segment string) bool { return segment == "." || segment == ".." }

// pairs fills names and values as a query or a form writes them, in order.
func (f *filler) pairs(where string, list profile.Pairs) (string, error) {
	var parts []string
	for _, pair := range list {
		name, named, err := f.leaf(where, pair.Name, plain)
		if err != nil {
			return "", err
		}
		value, present, err := f.leaf(where+"."+pair.Name.Text, pair.Value, plain)
		if err != nil {
			return "", err
		}
		if named && present {
			parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value))
		}
	}
	return strings.Join(parts, "&"), nil
}

// headerFields fills headers; those of which a value is missing are left out.
func (f *filler) headerFields(where string, list profile.Pairs) ([]Field, error) {
	var fields []Field
	for _, pair := range list {
		name, named, err := f.leaf(where, pair.Name, headerName)
		if err != nil {
			return nil, err
		}
		value, present, err := f.leaf(where+"."+pair.Name.Text, pair.Value, headerSafe)
		if err != nil {
			return nil, err
		}
		if named && present {
			fields = append(fields, Field{name, value})
		}
	}
	return fields, nil
}

// headerName refuses a value that would not stay within the name of a header.
func headerName(value string) (string, error) {
	if !httpguts.ValidHeaderFieldName(value) {
		return "", errors.New("holds what the name of a header cannot carry")
	}
	return value, nil
}

// xml fills a body of XML.
func (f *filler) xml(x *profile.XML) ([]byte, error) {
	body, err := x.Document.Fill(func(leaf string) (string, bool, error) {
		t, err := profile.ParseTemplate(leaf, x.Text.Pos)
		if err != nil {
			return "", false, err
		}
		return f.leaf("xml", t, plain)
	})
	if err != nil {
		return nil, fmt.Errorf("xml: %w", err)
	}
	return body, nil
}

// basic fills "{{username}}:{{password}}" (RFC 7617 §2): the user name ends at
// the first colon, so it cannot hold one. Without a colon it is encoded as it
// is: some APIs take a token that way.
func (f *filler) basic(t profile.Template) (string, bool, error) {
	halves := strings.SplitN(t.Text, ":", 2)
	var parts []string
	for _, half := range halves {
		parsed, err := profile.ParseTemplate(half, t.Pos)
		if err != nil {
			return "", false, fmt.Errorf("basic: %w", err)
		}
		text, present, err := f.leaf("basic", parsed, plain)
		if err != nil || !present {
			return "", false, err
		}
		parts = append(parts, text)
	}
	if len(parts) == 2 && strings.Contains(parts[0], ":") {
		return "", false, errors.New("basic: the user name holds a colon, which Basic cannot carry")
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, ":"))), true, nil
}

// json writes a body. Objects and arrays that lose all they had are left out
// themselves; what was written empty stays.
func (f *filler) json(v profile.Value) ([]byte, error) {
	var b bytes.Buffer
	present, err := f.jsonValue(&b, v, "json")
	if err != nil || !present {
		return nil, err
	}
	return b.Bytes(), nil
}

func (f *filler) jsonValue(b *bytes.Buffer, v profile.Value, where string) (bool, error) {
	switch {
	case v.Object:
		return f.jsonObject(b, v.Members, where)
	case v.Array:
		return f.jsonArray(b, v.Items, where)
	case v.Text == nil:
		b.WriteString(v.Raw)
		return true, nil
	}
	if name, alone := v.Text.Alone(); alone {
		if _, isText := f.values[name].(string); !isText && f.values[name] != nil {
			return true, writeJSON(b, f.values[name])
		}
	}
	text, present, err := f.leaf(where, *v.Text, jsonSafe)
	if err != nil || !present {
		return false, err
	}
	return true, writeJSON(b, text)
}

func (f *filler) jsonObject(b *bytes.Buffer, members []profile.Member, where string) (bool, error) {
	return jsonList(b, "{}", len(members), func(one *bytes.Buffer, i int) (bool, error) {
		name, missing, err := f.values.fill(members[i].Name, jsonSafe)
		if err != nil || len(missing) > 0 {
			return false, errors.Join(err, nameMissing(missing))
		}
		if err := writeJSON(one, name); err != nil {
			return false, err
		}
		one.WriteByte(':')
		return f.jsonValue(one, members[i].Value, where+"."+name)
	})
}

func nameMissing(missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("json: {{%s}} names a field and has no value", missing[0])
}

func (f *filler) jsonArray(b *bytes.Buffer, items []profile.Value, where string) (bool, error) {
	return jsonList(b, "[]", len(items), func(one *bytes.Buffer, i int) (bool, error) {
		return f.jsonValue(one, items[i], where+"."+strconv.Itoa(i))
	})
}

// jsonList writes n elements between brackets, without those that are left out.
// It is left out itself if there were some and none is left.
func jsonList(b *bytes.Buffer, brackets string, n int, element func(*bytes.Buffer, int) (bool, error)) (bool, error) {
	start, written := b.Len(), 0
	b.WriteByte(brackets[0])
	for i := range n {
		var one bytes.Buffer
		present, err := element(&one, i)
		if err != nil {
			return false, err
		}
		if !present {
			continue
		}
		if written > 0 {
			b.WriteByte(',')
		}
		written++
		b.Write(one.Bytes())
	}
	b.WriteByte(brackets[1])
	if written == 0 && n > 0 {
		b.Truncate(start)
		return false, nil
	}
	return true, nil
}

// writeJSON encodes without the HTML escapes that encoding/json adds.
func writeJSON(b *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder ends with a line break
	return nil
}
