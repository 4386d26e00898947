package console

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestThreat09_Sanitize(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "Zūm Rails – 日本 é \\n 'q' a ", "Zūm Rails – 日本 é \\n 'q' a "},
		{"empty", "", ""},
		{"c0", "a\x00b\x1b[31mc\x07\x08", `a\x00b\x1b[31mc\x07\x08`},
		{"line ends", "a\r\nb\tc\vd\f", `a\r\nb\tc\x0bd\x0c`},
		{"del", "a\x7f", `a\x7f`},
		{"c1", "p8\u0088>\u009b31m", `p8\u0088>\u009b31m`},
		{"bidi", "a\u061cb\u200e\u200f\u202a\u202e\u2066\u2069c", `a\u061cb\u200e\u200f\u202a\u202e\u2066\u2069c`},
		{"zero width", "a\u200bb\u200c\u200d\u2060\ufeff\u00ad", `a\u200bb\u200c\u200d\u2060\ufeff\u00ad`},
		{"blank-looking letters", "\u3164\u115f\uffa0\u034f\u180e\u17b4", `\u3164\u115f\uffa0\u034f\u180e\u17b4`},
		{"tags and variation selectors", "x\U000e0041\ufe0f\U000e0100", `x\U000e0041\ufe0f\U000e0100`},
		{"separators", "a\u2028b\u2029", `a\u2028b\u2029`},
		{"invalid bytes", "a\xff\x88b\xc3", `a\xff\x88b\xc3`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"replacement character", "\ufffd", "\ufffd"},
		{"github command", "::set-env name=X::y", `\x3a:set-env name=X::y`},
		{"github command after blanks", " \u3000::set-env name=X::y", " \u3000" + `\x3a:set-env name=X::y`},
		{"address", "::1", "::1"},
		{"address in a name", "fe80::1 and ::2", "fe80::1 and ::2"},
		{"old github command", "x ##[set-env name=X]y", `x #\x23[set-env name=X]y`},
		{"azure command", "##vso[task.setvariable]", `#\x23vso[task.setvariable]`},
		{"many", "###[a##B[", `##\x23[a#\x23B[`},
		{"heading", "## title [x] #[", "## title [x] #["},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Sanitize(tt.in); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{"a\x1b[0m", "\u0088", "\u202e", "\xff", "::a::b", "##[", "\U000e0001"} {
		f.Add(s)
	}
	command := regexp.MustCompile(`##[A-Za-z]*\[|^\s*::.*::`)
	f.Fuzz(func(t *testing.T, in string) {
		out := Sanitize(in)
		if !utf8.ValidString(out) {
			t.Errorf("not UTF-8: %q", out)
		}
		for _, r := range out {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector,
				unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point) {
				t.Errorf("%U is left in %q", r, out)
			}
		}
		if command.MatchString(out) {
			t.Errorf("a CI command is left in %q", out)
		}
		if again := Sanitize(out); again != out {
			t.Errorf("twice is not once: %q, %q", out, again)
		}
	})
}

func TestThreat09_JSONKeepsTheValue(t *testing.T) {
	value := "a\u0088\u202e\n##[x]\U000e0041\x7f<é>"
	var out bytes.Buffer
	if err := WriteJSON(&out, map[string]any{"k": value, "raw": json.RawMessage(`{"n": 9007199254740993}`)}); err != nil {
		t.Fatal(err)
	}
	want := `{
  "k": "a\u0088\u202e\n#\u0023[x]\udb40\udc41\u007f<é>",
  "raw": {
    "n": 9007199254740993
  }
}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	var back struct{ K string }
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back.K != value {
		t.Errorf("read back %q, %v", back.K, err)
	}
}

func TestThreat09_JSONInvalidBytes(t *testing.T) {
	var out bytes.Buffer
	if err := WriteJSON(&out, json.RawMessage("\"a\xffb\"")); err != nil {
		t.Fatal(err)
	}
	if want := `"a\ufffdb"` + "\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
