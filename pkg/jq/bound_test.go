package jq_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"

	"github.com/authctl/authctl/pkg/jq"
)

// The bounds change nothing of what jq says: each expression gives what gojq
// gives by itself.
func TestBoundsChangeNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		// operators, and the order in which they work
		"[(1, 2) * (3, 4)]", "[(5, 6) - (1, 2)]", "[(1, 2) + (3, 4)]", "1 - 2 - 3 * 4 / 5 % 3", `"ab" * 3`, `3 * "ab"`, `"ab" * 0`, `"ab" * -1`,
		"[1, 2, 3] - [2]", "{a: {b: 1}} * {a: {c: 2}}", "-(.n)", "-.n + 1", `"a,b" / ","`, "1 as $x | 2 as $y | [$x * $y, $x - $y]",
		".a.b = 5", ".a.b |= . + 1", ".n += 1", ".n -= 1", ".n *= 2", ".n /= 2", ".n %= 2", ".z //= 7", ".list[] *= 2", ".list -= [2]", ".list |= map(. + 1)",
		"(.a, .n) = 1", ".n = (1, 2)", ".n += (1, 2)", "[.n *= (1, 2)] | length", ".list[1:] = [9]", ".list[0:1] |= [7, 8]", "(.list[] | select(. > 1)) |= empty", ".new[3] = 1",
		// paths
		"[paths]", "[path(..)]", "path(.a.b)", "path(.a // .n)", "path(first(.list[]))", "path(.list | last)", "path(.list[-1])", "path(getpath([\"a\", \"b\"]))", "path(.list | nth(1))",
		"[path(.list[] | select(. > 1))]", "path(if .a then .a else .n end)", "del(.a.b)", "del(.list[] | select(. == 2))", "del(.. | select(. == 1))",
		"to_entries", "with_entries(.value |= tostring)", "pick(.a.b)", "pick(.list[1])", "delpaths([[\"a\"], [\"n\"]])", "setpath([\"a\", \"c\"]; 1)", "getpath([\"a\", \"b\"])",
		"[tostream]", "fromstream(tostream)", "[limit(2; .list[])]", "walk(if type == \"number\" then . + 1 end)", "map_values(tostring)", "path(.a | recurse)", "[leaf_paths]?",
		"path(.[\"a\"])", "path(.list[(0, 1)])", "[path(.list[1:], .list[:1])]", ".list[[2]]", `.list | .[[2, 3]]`, "[paths(type == \"number\")]",
		// functions and scopes
		"def f(x): x * 2; f(.n)", "def f($x; g): $x + g; f(1; .n)", "def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 5 | fac", "def f: def g: 3; g; f", "def map(f): 7; map(.)",
		"def tojson: 1; tojson", "(def tojson: 1; tojson), tojson", "def f(tostring): tostring; f(3)", "reduce .list[] as $i (0; . + $i)", "[foreach .list[] as [$a] (0; 1; .)]?",
		"[foreach .list[] as $x (0; . + $x; [$x, .])]", "label $out | 1, break $out, 2", "try error(\"x\") catch .", "[.[]?]", ". as {a: {$b}} | $b", ". as [$x] ?// {n: $x} | $x", `. as {"a": {"b": $q}} | $q`,
		". as {(\"n\", \"a\"): $v} | $v", "[range(5)]", "[range(0; 10; 3)]", "until(true; .)", "[while(false; .)]", "[repeat(1; 2)]?", "limit(3; repeat(1))", "first(range(10))", "isempty(empty)", "[splits(\", *\")]?",
		`{a: 1, "b": 2, ("c"): 3, n, "x\(1)": 4}`, `{(.list[] | tostring): 1}`, `"\(.n) and \(.list)"`, `@base64 "x\(.s)"`, `@json "v: \(.a)"`, `.s | @uri, @html, @sh, @csv?`, "[.list | @csv, @tsv]", ".s | @base64 | @base64d",
		".list | add, length, min, max, sort, unique, reverse", ".list | join(\",\")", "[.list, .list] | transpose", ".list | index(2), rindex(2), indices(2)", ".s | index(\"b\")", ".list | contains([1])", "[1] | inside([1, 2])",
		".list | combinations?", "[[1, 2], [3]] | [combinations]", ".list | group_by(. % 2)", ".list | flatten", ".list | any(. > 2), all(. > 2)", "[.list[] as $x | $x]", "$__loc__?", "input_line_number?",
		".s | test(\"b\"), test(\"B\"; \"i\"), test([\"B\", \"i\"])", "[.s | match(\"[a-c]\"; \"g\").string]", ".s | capture(\"(?<x>b)\")", "[.s | scan(\"[a-c]\")]", "[.s | scan(\"(a)(b)\"; \"g\")]", ".s | sub(\"b\"; \"X\"), gsub(\"[a-c]\"; \"<\\(.)>\")?",
		".s | gsub(\"(?<l>[a-c])\"; \"<\\(.l)>\")", ".s | sub(\"B\"; \"X\"; \"i\"), gsub(\"B\"; \"X\"; \"i\")", ".s | split(\"b\"), split(\"B\"; \"i\")", "[.s | splits(\"b\"), splits(\"B\"; \"i\")]", ".s | ascii_downcase, ascii_upcase, explode, ltrimstr(\"a\")", "\"12\" | tonumber", ".n | tostring, tojson",
		"0 | todate", "0 | gmtime | mktime", "0 | strftime(\"%Y-%m-%d\")", "\"2024-01-02T03:04:05Z\" | fromdate, (strptime(\"%Y-%m-%dT%H:%M:%SZ\") | mktime)", "0 | strflocaltime(\"%j\")",
		"env, $ENV", "builtins | length > 100", "[.[]] | length", "..", "[..] | length", ".list as [$a, $b] | {$a, $b}", "if .n > 1 then \"big\" elif .n == 1 then \"one\" else \"small\" end",
		"INDEX(.list[]; .)", "IN(.n; .list[])", "[.list | JOIN({}; tostring)]", "getpath([\"x\", \"y\"])", "ltrimstr(1)", "@text", "[limit(0; 1)]", "tojson | fromjson", "significand?", "splits(\"a\")?", "ascii?", "abs?", "toarray?", "trim?",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			value := map[string]any{"a": map[string]any{"b": 1}, "n": 3, "s": "abc", "list": []any{1, 2, 3}}
			query, err := gojq.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := query.Run(value).Next()
			wantErr, _ := want.(error)
			if wantErr != nil {
				want = nil
			}
			got, err := jq.First(t.Context(), text, jq.Input{Value: value})
			if diff := cmp.Diff(want, got); diff != "" || (err != nil) != (wantErr != nil) {
				t.Errorf("%v, %v\n%s", err, wantErr, diff)
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	type result struct {
		Error  string
		Offset int
	}
	for text, want := range map[string]result{
		"1 + _multiply(2; 3)":            {"_multiply is not allowed", 4},
		"_tobase64":                      {"_tobase64 is not allowed", 0},
		"__clock":                        {"__clock is not allowed", 0},
		"def now: 1; now":                {"now cannot be defined anew", 4},
		"1 | def f(tonumber): 1; f(1)":   {"tonumber cannot be defined anew", 10},
		"def __fits($a; $b): .; 1":       {"__fits cannot be defined anew", 4},
		"def join($x): .; 1":             {"join cannot be defined anew", 4},
		`"a" | modulemeta`:               {"modulemeta is not allowed", 6},
		"def join: 1; join":              {},
		"def f(now): 1; f(1)":            {"now cannot be defined anew", 6},
		"input":                          {"input(s)/0 is not allowed", 0},
		".x | .y |foo | .foo.foo":        {"function not defined: foo/0", 9},
		"def foo(x): x; foo(1), foo":     {"function not defined: foo/0", 23},
		"(. as $x | $x) + $x":            {"variable not defined: $x", 17},
		`"$x \("$x" + $x)"`:              {"variable not defined: $x", 13},
		`{token: 1} | {token, x: token}`: {"function not defined: token/0", 24},
		"label $a | break $b":            {"label not defined: $b", 17},
		`.a | @foo`:                      {"@foo is not a format", 5},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var got result
			var syntax *jq.SyntaxError
			if err := jq.Check(text, nil); errors.As(err, &syntax) {
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

func TestThreat10_LongExpression(t *testing.T) {
	t.Parallel()
	if err := jq.Check("."+strings.Repeat(" ", 16<<10), nil); err == nil || err.Error() != "the expression is too long" {
		t.Errorf("got %v", err)
	}
}
