package jq_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/jq"
)

// answer is what most expressions here look at.
func answer() map[string]any {
	return map[string]any{
		"token": "opal-7Q", "id": json.Number("9007199254740993"),
		"data":  []any{map[string]any{"access-token": "agate-2"}},
		"empty": "", "no": nil, "off": false,
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"X-Subject-Token": {"beryl-1", "beryl-2"},
	}
	cookies := []*http.Cookie{{Name: "a", Value: "1"}, {Name: "session", Value: "pearl 3", Quoted: true}, {Name: "empty"}}
	type result struct {
		Value any
		Error string
	}
	tests := map[string]result{

		`.data[0]["access-token"]`:  {Value: "agate-2"},
		".id":                       {Value: json.Number("9007199254740993")}, // not rounded
		".off":                      {Value: false},
		".empty":                    {Value: ""},
		".missing":                  {},
		".no":                       {},
		"empty":                     {},
		".missing.deeper":           {},
		".token, .id":               {Value: "opal-7Q"},
		".missing // .token":        {Value: "opal-7Q"},
		"$status":                   {Value: 200},
		"$token":                    {Value: "jade-9"},
		"$unset":                    {},
		"$unset // .token":          {Value: "opal-7Q"},
		". as $unset | $unset.off":  {Value: false},
		`header("X-Subject-Token")`: {Value: "beryl-1"},
		`header("x-subject-token")`: {Value: "beryl-1"},
		`header("X-Other")`:         {},
		`cookie("session")`:         {Value: "pearl 3"},
		`cookie("a")`:               {Value: "1"},
		`cookie("empty")`:           {Value: ""},
		`cookie("A")`:               {},
		"cookies":                   {Value: `a=1; session="pearl 3"; empty=`},
		"header(1)":                 {Error: "header takes text, not number"},
		"cookie(null)":              {Error: "cookie takes text, not null"},
		".token.deeper":             {Error: "expected an object but got: string"},
		".token":                    {Value: "opal-7Q"},
		`error("no")`:               {Error: "it calls error"},
		".a b":                      {Error: `not a jq expression: unexpected token "b"`},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			value, err := jq.First(t.Context(), text, jq.Input{
				Value: answer(), Header: header, Cookies: cookies, Vars: map[string]any{"status": 200, "token": "jade-9"},
			})
			got := result{Value: value}
			if err != nil {
				got.Error = err.Error()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestThreat14_NothingOfTheSystemIsSeen asks for everything that jq programs
// usually can see beside their input.
func TestThreat14_NothingOfTheSystemIsSeen(t *testing.T) {
	t.Parallel()
	if os.Getenv("PATH") == "" {
		t.Fatal("the environment is empty: this test would prove nothing")
	}
	type result struct {
		Value any
		Error string
	}
	tests := map[string]result{
		"$ENV":                             {Value: map[string]any{}},
		"$ENV.PATH":                        {},
		"env":                              {Value: map[string]any{}},
		"env.PATH":                         {},
		`"\(env)"`:                         {Value: "{}"},
		"$ENV | keys | length":             {Value: 0},
		"input":                            {Error: "input(s)/0 is not allowed"},
		"[inputs]":                         {Error: "input(s)/0 is not allowed"},
		`include "a"; .`:                   {Error: "import is not allowed"},
		`import "a" as a; .`:               {Error: "import is not allowed"},
		`import "/etc/passwd" as $a; $a`:   {Error: "import is not allowed"},
		`"a" | modulemeta`:                 {Error: "modulemeta is not allowed"},
		"input_filename":                   {Error: "function not defined: input_filename/0"},
		"input_line_number":                {Error: "function not defined: input_line_number/0"},
		"get_search_list":                  {Error: "function not defined: get_search_list/0"},
		"debug":                            {Error: "function not defined: debug/0"},
		`debug("x")`:                       {Error: "function not defined: debug/1"},
		"stderr":                           {Error: "function not defined: stderr/0"},
		"$__prog_args":                     {Error: "variable not defined: $__prog_args"},
		"$__loc__":                         {Error: "variable not defined: $__loc__"},
		`"x" | halt_error`:                 {Error: "it calls halt"},
		"halt":                             {Error: "it calls halt"},
		`getpath(["PATH"])`:                {},
		`input_filename?`:                  {Error: "function not defined: input_filename/0"},
		`[splits("x")?]`:                   {Value: []any{}},
		`try error("x") catch .`:           {Value: "x"},
		`"0" | ltrimstr("0") | $ENV.HOME`:  {},
		`[paths] | map(tostring) | length`: {Value: 8},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			value, err := jq.First(t.Context(), text, jq.Input{Value: answer()})
			got := result{Value: value}
			if err != nil {
				got.Error = err.Error()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFirstEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := jq.First(ctx, "def f: f; f", jq.Input{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error: %v", err)
	}
	if took := time.Since(start); took > 800*time.Millisecond {
		t.Errorf("it ended after %s", took)
	}
}

// TestCheck compiles and runs nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	type result struct {
		Error  string
		Offset int
	}
	tests := map[string]result{
		".token":                     {},
		"$known":                     {},
		`header("x") // cookie("y")`: {},
		"def f: f; f":                {},
		`error("not now")`:           {},
		". as $x | $x":               {},
		"":                           {Error: `missing query (try ".")`},
		"$other":                     {Error: "variable not defined: $other"},
		"token":                      {Error: "function not defined: token/0"},
		"header":                     {Error: "function not defined: header/0"},
		".a | $other":                {Error: "variable not defined: $other", Offset: 5},
		".a &&":                      {Error: `not a jq expression: unexpected token "&"`, Offset: 3},
		".a == 'x'":                  {Error: `not a jq expression: unexpected token "'"`, Offset: 6},
		"(.a":                        {Error: `not a jq expression: unexpected EOF`, Offset: 3},
		`"open`:                      {Error: `not a jq expression: unterminated string literal`, Offset: 5},
		"é | ]":                      {Error: `not a jq expression: unexpected token "é"`, Offset: 0},
		`"é" | ]`:                    {Error: `not a jq expression: unexpected token "]"`, Offset: 7},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			err := jq.Check(text, []string{"known"})
			var got result
			var syntax *jq.SyntaxError
			if errors.As(err, &syntax) {
				got = result{syntax.Error(), syntax.Offset}
			} else if err != nil {
				t.Fatalf("%T: %v", err, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		".token":                               nil,
		"$tenant":                              {"tenant"},
		".list[$tenant] // $username":          {"tenant", "username"},
		"$tenant_id":                           {"tenant_id"},
		". as $otp | $otp":                     nil,
		". as {a: $otp} | $otp + $x":           {"x"},
		"reduce .[] as $i (0; . + $i)":         nil,
		`"\($nonce):\(.a)"`:                    {"nonce"},
		`"costs $5 and $tenant"`:               nil,
		"$ENV.HOME":                            nil,
		"$__loc__":                             nil,
		"$a | syntax error":                    nil,
		"def f($x): $x; f($status) and $token": {"status", "token"},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, jq.Names(text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestThreat07_ShapeShowsNoValue describes answers that are full of secrets.
func TestThreat07_ShapeShowsNoValue(t *testing.T) {
	t.Parallel()
	deep := any("opal-7Q")
	for range 10 {
		deep = map[string]any{"in": deep}
	}
	wide := map[string]any{}
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		wide[string(c)] = "opal-7Q"
	}
	nested := any("opal-7Q")
	for range 6 {
		nested = []any{nested, "opal-7Q"}
	}
	tests := map[string]struct {
		value any
		want  string
	}{
		"text":           {"opal-7Q", "string"},
		"number":         {json.Number("42"), "number"},
		"integer":        {42, "number"},
		"boolean":        {true, "boolean"},
		"null":           {nil, "null"},
		"object":         {map[string]any{"user": map[string]any{"id": 1, "token": "opal-7Q"}, "ok": true}, "{ok: boolean, user: {id: number, token: string}}"},
		"nothing":        {map[string]any{}, "{}"},
		"empty":          {[]any{}, "[]"},
		"one":            {[]any{"opal-7Q"}, "[string]"},
		"list":           {[]any{map[string]any{"id": 1}, "opal-7Q"}, "[{id: number}, …]"},
		"deep":           {deep, "{in: {in: {in: {in: {…}}}}}"},
		"wide":           {wide, "{a: string, b: string, c: string, d: string, e: string, f: string, g: string, h: string, i: string, j: string, k: string, l: string, m: string, n: string, o: string, p: string, q: string, r: string, s: string, t: string, …}"},
		"token as a key": {map[string]any{"opal-7Q-opal-7Q-opal-7Q-opal-7Q-opal-7Q-opal-7Q": 1}, "{…: number}"},
		"nested":         {nested, "[[[[[[string, …], …], …], …], …], …]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := jq.Shape(test.value)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got, "opal") {
				t.Errorf("a value is in it: %s", got)
			}
		})
	}
}

// TestFirstLeavesTheAnswerAlone makes sure that expressions which change what
// they see do not change it for the next one.
func TestFirstLeavesTheAnswerAlone(t *testing.T) {
	t.Parallel()
	value := answer()
	for _, text := range []string{".token = 1", "del(.data)", ".data[0] |= {}", "to_entries", "map_values(.)?", "tojson"} {
		if _, err := jq.First(t.Context(), text, jq.Input{Value: value}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if diff := cmp.Diff(answer(), value); diff != "" {
		t.Error(diff)
	}
}
