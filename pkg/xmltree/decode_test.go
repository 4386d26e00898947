package xmltree_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"github.com/authctl/authctl/pkg/xmltree"
)

type object = map[string]any

func TestDecode(t *testing.T) {
	t.Parallel()
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(`<?xml version="1.0" encoding="UTF-16"?><a>é</a>`)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]any{
		`<a/>`:              object{"a": ""},
		`<a></a>`:           object{"a": ""},
		`<a> x </a>`:        object{"a": " x "}, // exactly
		"<a>1\r\n2</a>":     object{"a": "1\n2"},
		`<a>&lt;&#233;</a>`: object{"a": "<é"},
		`<a>x<![CDATA[<b>&amp;]]><!-- no -->y</a>`:                     object{"a": "x<b>&amp;y"},
		`<a b="1" c=''/>`:                                              object{"a": object{"@b": "1", "@c": ""}},
		`<a b="1"> x </a>`:                                             object{"a": object{"@b": "1", "#text": "x"}},
		`<a b="1"> </a>`:                                               object{"a": object{"@b": "1"}},
		`<a><b>1</b><c/></a>`:                                          object{"a": object{"b": "1", "c": ""}},
		`<a><b>1</b><c/><b x="2"/><b/></a>`:                            object{"a": object{"b": []any{"1", object{"@x": "2"}, ""}, "c": ""}},
		`<a>x<b/>y</a>`:                                                object{"a": object{"b": "", "#text": "xy"}},
		`<s:a xmlns:s="u" xmlns="v"><s:b>1</s:b></s:a>`:                object{"a": object{"b": "1"}},
		`<a xmlns="v">1</a>`:                                           object{"a": "1"},
		`<a xmlns:i="u" i:nil="true"/>`:                                object{"a": object{"@nil": "true"}},
		`<a xmlns:p="u" xmlns:q="v"><p:b>1</p:b><q:b>2</q:b></a>`:      object{"a": object{"b": []any{"1", "2"}}},
		"\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a>é</a>\n": object{"a": "é"},
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>":   object{"a": "é"},
		"<?xml version=\"1.0\" encoding=\"Windows-1252\"?><a>\x80</a>": object{"a": "€"},
		utf16:                                object{"a": "é"},
		`<!-- x --><?p x?><a/><!-- --><?q?>`: object{"a": ""},
		strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200): nested(200),
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := xmltree.Decode([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func nested(depth int) any {
	value := any("")
	for range depth {
		value = object{"a": value}
	}
	return value
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                 "line 1, column 1: there is no element",
		"<!-- -->":         "line 1, column 9: there is no element",
		"opal":             "line 1, column 1: there is text outside the root element",
		"<a/>opal":         "line 1, column 5: there is text outside the root element",
		"<a/>\n<b/>":       "line 2, column 1: there is a second root element",
		"<a>":              "line 1, column 4: unexpected EOF",
		"<a>\n <b></a>":    "line 2, column 9: element <b> closed by </a>",
		"</a>":             "line 1, column 5: unexpected end element </a>",
		`<a b=c/>`:         "line 1, column 7: unquoted or missing attribute value in element",
		`<a b="1" b="2"/>`: "line 1, column 1: the attribute b stands twice",
		`<a xmlns:p="u" xmlns:q="v" p:b="1" q:b="2"/>`: "line 1, column 45: the attribute b stands twice, with different prefixes",
		`<!DOCTYPE a [<!ENTITY e "opal">]><a>&e;</a>`:  "line 1, column 1: a document type (<!DOCTYPE>) is not taken",
		`<a>ab&opal</a>`:              "line 1, column 11: invalid character entity",
		`<a>&opal;</a>`:               "line 1, column 10: invalid character entity",
		"<a>\x00</a>":                 "line 1, column 5: illegal character code U+0000",
		"<a>\xff</a>":                 "line 1, column 5: invalid UTF-8",
		"<a/><?xml version=\"1.0\"?>": "line 1, column 5: the XML declaration is not at the start",
		`<?xml version="1.0" encoding="EBCDIC"?><a/>`: "line 1, column 40: the encoding is neither UTF-8, UTF-16, ISO-8859-1 nor Windows-1252",
		"\xff\xfe<": "line 1, column 1: it is not UTF-16",
		`{"a": 1}`:  "line 1, column 1: there is text outside the root element",
		strings.Repeat("<a>", 201) + strings.Repeat("</a>", 201): "line 1, column 601: more than 200 elements stand in each other",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			value, err := xmltree.Decode([]byte(text))
			var syntax *xmltree.SyntaxError
			if !errors.As(err, &syntax) || value != nil {
				t.Fatalf("got %v, %v", value, err)
			}
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{`<a x="1">b<c/></a>`, "\xff\xfe<\x00", `<?xml version="1.0" encoding="latin1"?><a/>`, `<!DOCTYPE a><a/>`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := xmltree.Decode(data)
		if root, ok := value.(object); err == nil && (!ok || len(root) != 1) {
			t.Errorf("%q gave %v", data, value)
		}
	})
}
