package jq_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/jq"
)

func TestThreat07_MarkedShowsNoValue(t *testing.T) {
	t.Parallel()
	deep := any("opal")
	for range 10 {
		deep = map[string]any{"in": deep}
	}
	wide := map[string]any{}
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		wide[string(c)] = "opal"
	}
	item := map[string]any{"id": "opal", "tags": []any{"opal"}}
	for name, tt := range map[string]struct {
		value  any
		marks  []jq.Mark
		shape  string
		missed []jq.Mark
	}{
		"the usual": {
			value: map[string]any{
				"data":  map[string]any{"access_token": strings.Repeat("o", 212), "expires_in": 3600},
				"items": []any{item, item, item}, "none": nil, "off": false, "empty": []any{}, "void": map[string]any{},
			},
			marks: []jq.Mark{
				{"token", ".data.access_token"}, {"expires_in", ".wrong // .data\n.expires_in"}, {"again", `.data["expires_in"] # note`},
				{"all", "."}, {"refresh_token", ".data.refresh_token"}, {"id", ".none"}, {"bad", ".data.access_token.x"},
				{"header", `header("X-A")`}, {"computed", ".data.expires_in   + 1"}, {"second", ".items[1].id"}, {"list", ".items"}, {"var", "$var"},
			},
			shape: `{                                ← all
  data: {
    access_token: string (212)   ← token
    expires_in: number           ← expires_in, again
  }
  empty: []
  items: [3 of {…}]              ← list
  none: null
  off: boolean
  void: {}
}
header ← header("X-A"): string (4)
computed ← .data.expires_in + 1: number
second ← .items[1].id: string (4)
var ← $var: {…}`,
			missed: []jq.Mark{{"refresh_token", ".data.refresh_token"}, {"id", ".none"}, {"bad", ".data.access_token.x"}},
		},
		"into a list": {
			value: map[string]any{"items": []any{item, item}},
			marks: []jq.Mark{{"id", ".items[0].id"}, {"tag", ".items[0].tags[0]"}, {"first", "first(.items[])"}},
			shape: `{
  items: [2 of
    {                  ← first
      id: string (4)   ← id
      tags: [1 of
        string (4)     ← tag
      ]
    }
  ]
}`,
		},
		"deep": {
			value: deep,
			shape: "{\n  in: {\n    in: {\n      in: {\n        in: {\n          in: {…}\n        }\n      }\n    }\n  }\n}",
		},
		"deep with a mark": {
			value: map[string]any{"in": deep, "by": deep},
			marks: []jq.Mark{{"token", ".in.in.in.in.in.in"}},
			shape: "{\n  by: {\n    in: {\n      in: {\n        in: {\n          in: {…}\n        }\n      }\n    }\n  }\n" +
				"  in: {\n    in: {\n      in: {\n        in: {\n          in: {\n            in: {…}   ← token\n          }\n        }\n      }\n    }\n  }\n}",
		},
		"wide": {
			value: wide, marks: []jq.Mark{{"token", ".z"}},
			shape: "{\n  a: string (4)\n  b: string (4)\n  c: string (4)\n  d: string (4)\n  e: string (4)\n  f: string (4)\n  g: string (4)\n  h: string (4)\n  i: string (4)\n  j: string (4)\n" +
				"  k: string (4)\n  l: string (4)\n  m: string (4)\n  n: string (4)\n  o: string (4)\n  p: string (4)\n  q: string (4)\n  r: string (4)\n  s: string (4)\n  t: string (4)\n" +
				"  z: string (4)   ← token\n  …\n}",
		},
		"keys": {
			value: map[string]any{strings.Repeat("opal", 11): 1, "a\n\x1b[1mb": 1, "": 1, "@é": 1, "a b": 1},
			shape: "{\n  \"\": number\n  @é: number\n  \"a\\n\\x1b[1mb\": number\n  \"a b\": number\n  …: number\n}",
		},
		"text":    {value: "opal", marks: []jq.Mark{{"token", "."}}, shape: "string (4)   ← token"},
		"nothing": {value: nil, marks: []jq.Mark{{"token", "."}}, shape: "null", missed: []jq.Mark{{"token", "."}}},
		"a list":  {value: []any{[]any{"opal"}, 1}, shape: "[2 of […]]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := jq.Input{Value: tt.value, Header: http.Header{"X-A": {"opal"}}, Vars: map[string]any{"var": map[string]any{"opal": 1}}}
			shape, missed := jq.Marked(t.Context(), in, tt.marks)
			if diff := cmp.Diff(tt.shape, shape); diff != "" {
				t.Errorf("%s\n%s", diff, shape)
			}
			if diff := cmp.Diff(tt.missed, missed); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(shape, "opal") {
				t.Error("a value is in it")
			}
		})
	}
}

func FuzzExpressions(f *testing.F) {
	for _, text := range []string{`.a[0] // $x | "\(.)" * 3`, `header("X") | split("."; "g")`, "reduce .[] as [$a] (0; . + $a)", "def f(g): g; f(now)", `{a: 1} | jwt("k"; "HS256")`, ".a |= (.b -= 1)", "@base32", "break $x", "path(..)", "$__loc__", "$__x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names := jq.Names(text)
		err := jq.Check(text, names)
		in := jq.Input{Value: map[string]any{"a": []any{1, "x"}}, Header: http.Header{}}
		_, failed := jq.First(t.Context(), text, in)
		if _, isSyntax := failed.(*jq.SyntaxError); err == nil && isSyntax {
			t.Errorf("Check takes %q, First does not: %v", text, failed)
		}
		jq.Marked(t.Context(), in, []jq.Mark{{"x", text}})
	})
}
