package xmltree_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/xmltree"
)

func placeholder(value string) bool { return strings.Contains(value, "{{") }

// from fills {{name}} from values; a name without a value is absent.
func from(values map[string]string) func(string) (string, bool, error) {
	return func(leaf string) (string, bool, error) {
		value, ok := values[strings.Trim(leaf, "{} \n")]
		return value, ok, nil
	}
}

func parse(t *testing.T, text string) *xmltree.Template {
	t.Helper()
	template, err := xmltree.Parse(text, placeholder)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func TestFill(t *testing.T) {
	t.Parallel()
	values := map[string]string{"x": `a<b>&"'` + "\t\r\n", "empty": "", "é": "1"}
	const escaped = "a&lt;b&gt;&amp;&#34;&#39;&#x9;&#xD;&#xA;"
	const asWritten = "as written"
	for text, want := range map[string]string{
		`<a>{{x}}</a>`:             `<a>` + escaped + `</a>`,
		`<a b="{{x}}"/>`:           `<a b="` + escaped + `"/>`,
		`<a b = '{{x}}' />`:        `<a b = '` + escaped + `' />`,
		`<a>{{empty}}</a>`:         `<a></a>`,
		`<a b="{{empty}}"/>`:       `<a b=""/>`,
		`<a><![CDATA[{{x}}]]></a>`: `<a>` + escaped + `</a>`,
		`<a>{{&#233;}}</a>`:        `<a>1</a>`,

		// Order, prefixes, quotes, entities, declaration, blanks.
		"<?xml version='1.0'?>\n<!-- c --><s:a  z='1' xmlns:s=\"u\"\ty='&lt;>' >\r\n <b/><c></c>&#233;<![CDATA[<]]></s:a >\n": asWritten,
		// Empty from the start.
		`<a><b></b> <c/><d x=""/></a>`: asWritten,

		// A leaf without a value, and what that empties.
		`<a b="{{no}}" c="1"/>`:              `<a c="1"/>`,
		"<a b=\"1\"\n  c='{{no}}'>x</a>":     `<a b="1">x</a>`,
		`<a><b>{{no}}</b><c>1</c></a>`:       `<a><c>1</c></a>`,
		`<a><b><c>{{no}}</c></b><d/></a>`:    `<a><d/></a>`,
		`<a><b i="1">{{no}}</b></a>`:         `<a><b i="1"></b></a>`,
		`<a><b i="{{no}}"/><c/></a>`:         `<a><c/></a>`,
		`<a><b i="{{no}}">1</b></a>`:         `<a><b>1</b></a>`,
		`<a><b i="{{no}}">{{x}}</b></a>`:     `<a><b>` + escaped + `</b></a>`,
		`<a><b xmlns="u">{{no}}</b><c/></a>`: `<a><c/></a>`,
		`<a><b>{{no}}<c/></b></a>`:           `<a><b><c/></b></a>`,
		`<a><b>{{no}}<![CDATA[1]]></b></a>`:  `<a><b><![CDATA[1]]></b></a>`,
		"<a>\n <b>{{no}}</b>\n <c/></a>":     "<a>\n \n <c/></a>",
		`<a><b> <!-- c -->{{no}}</b></a>`:    "",
		"<a>\n  <b>{{no}}</b>\n</a>":         "",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if want == asWritten {
				want = text
			}
			got, err := parse(t, text).Fill(from(values))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	got := parse(t, `<a x="{{1}}" y="2"><b>{{3}}</b>{{&#52;}}</a>`).Leaves()
	if diff := cmp.Diff([]string{"{{1}}", "{{3}}", "{{4}}"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const place = "a placeholder stands in a text or in the value of an attribute"
	for text, want := range map[string]string{
		"":                         "line 1, column 1: there is no element",
		"<a>\n <b></a>":            "line 2, column 9: element <b> closed by </a>",
		"<{{x}}/>":                 "line 1, column 2: expected element name after <",
		`<a {{x}}="1"/>`:           "line 1, column 4: expected attribute name in element",
		"<a>\n<!-- {{x}} --></a>":  "line 2, column 1: " + place,
		"<?p {{x}}?><a/>":          "line 1, column 1: " + place,
		"{{x}}":                    "line 1, column 1: there is text outside the root element",
		"<!DOCTYPE a><a/>":         "line 1, column 1: a document type (<!DOCTYPE>) is not taken",
		`<a x="{{x}}" x="{{y}}"/>`: "line 1, column 1: the attribute x stands twice",
		`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`: "line 1, column 44: the XML declaration must say UTF-8, which is what is sent",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			template, err := xmltree.Parse(text, placeholder)
			var syntax *xmltree.SyntaxError
			if !errors.As(err, &syntax) || template != nil {
				t.Fatalf("got %v, %v", template, err)
			}
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What XML cannot carry is refused, and the error does not tell the value.
func TestFillRefuses(t *testing.T) {
	t.Parallel()
	template := parse(t, `<a b="{{x}}">{{x}}</a>`)
	for _, value := range []string{"opal\x00", "opal\x1b", "opal\xff", "opal\ufffe", "opal\uffff"} {
		got, err := template.Fill(from(map[string]string{"x": value}))
		if err == nil || err.Error() != "the value holds a character that XML cannot carry" || got != nil {
			t.Errorf("%q gave %q, %v", value, got, err)
		}
	}
	broken := errors.New("broken")
	if got, err := template.Fill(func(string) (string, bool, error) { return "", true, broken }); !errors.Is(err, broken) || got != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// FuzzFill makes sure that any text arrives as it was and that no text changes
// the shape of the document.
func FuzzFill(f *testing.F) {
	for _, value := range []string{"a", " ", "", "]]>", `"/><c x='`, "</b>&amp;\r\n\t", "é\U0001f600", "\x00", "\u0085\u2028"} {
		f.Add(value)
	}
	template, err := xmltree.Parse(`<a b="{{x}}" c='{{x}}'><d>{{x}}</d><e><![CDATA[{{x}}]]></e></a>`, placeholder)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		out, err := template.Fill(from(map[string]string{"x": value}))
		if err != nil {
			if utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '\ufffd' }) {
				t.Errorf("%q: %v", value, err)
			}
			return
		}
		got, err := xmltree.Decode(out)
		if err != nil {
			t.Fatalf("%q gave %q: %v", value, out, err)
		}
		want := object{"a": object{"@b": value, "@c": value, "d": value, "e": value}}
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{`<a x="{{1}}">{{2}}<b/></a>`, "<?xml version='1.0'?><a >\n</a >", `<a x='"' y="'"/>`, `<a:b c:d="{{"/>`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		template, err := xmltree.Parse(text, func(string) bool { return false })
		if err != nil {
			return
		}
		if got, err := template.Fill(nil); err != nil || string(got) != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	})
}
