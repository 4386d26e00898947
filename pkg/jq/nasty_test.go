package jq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/jq"
)

// nasty are expressions that take a great deal of time or memory where nothing
// stops them, most of them in one step.
func nasty() []string {
	const twice = `reduce range(60) as $i (0; [., .])`
	return []string{
		// many steps
		"def f: f; f", "def f: f, f; last(f)", "def f: 1 + f; f", "until(false; .)", "last(range(1; infinite))", "[range(1e9)]",
		`last(repeat("x"))`, "[repeat(0)]", "[recurse(.)]", "[limit(1e8; repeat(.))]", "reduce range(1e9) as $i ([]; . + [$i])",
		`reduce range(1e9) as $i (""; . + "x")`, "[range(30) | [0, 1]] | [combinations]", "[range(1e6)] | map([range(1e6)])",
		"[[range(3000)][] as $a | [range(3000)][] as $b | $a + $b]", `reduce range(1e7) as $i ({}; .["\($i)"] = $i)`,
		"[range(300000)] | [paths]", `("x" * 4000000) | gsub("x"; "yy")`, `("x" * 10000) | [scan("x"; "")] | length | [range(. * 1e6)]`,
		// a text many times
		`"x" * 1e9`, `1e9 * "x"`, `"x" * infinite`, `("x" * 4e6) * 100`, `"x" | . *= 1e9`, `"x" | . * 4e6 | . + . + . + .`,
		`reduce range(60) as $i ("x"; . + .)`, `reduce range(60) as $i ("x"; "\(.)\(.)")`, `reduce range(60) as $i ("x"; [., .] | add)`,
		`reduce range(60) as $i ("x"; [., .] | join(""))`, `reduce range(60) as $i ("\""; tojson)`, `reduce range(60) as $i ("<"; @html)`,
		`reduce range(60) as $i ("%"; @uri)`, `reduce range(60) as $i ("x"; @base64)`, `reduce range(60) as $i ("x"; @text "\(.)\(.)")`,
		`reduce range(60) as $i ("x"; {a: ., b: .})`, `reduce range(60) as $i ("x"; . += .)`, `reduce range(60) as $i ("x"; gsub("x"; "xx"))`,
		`"x" * 4e6 | [., ., .] | tojson`, `[range(1e6) | 1] | join("x" * 1e6)`, `[range(1e5)] | join([range(1e5)] | tojson)`,
		`[limit(300; repeat("x" * 1e6))] | tojson`, `("x" * 4e6) / ""`, `("x" * 4e6) | split("")`, `("x" * 4e6) | explode | implode`,
		// far out
		".[5e8] = 1", "null | .[5e8] = 1", "null | .[1e8] |= 1", "null | .[1e8] += 1", "null | setpath([5e8]; 1)", "null | pick(.[1e8])",
		"fromstream([[1e8], 1], [[1e8]])", "null | delpaths([[5e8]])", "null | del(.[5e8])", "null | nth(1e8) = 1", "null | .[1e8:] = [1]",
		"null | getpath([1e8]) = 1", "null | (.[1e6][1e6], .[1e6]) = 1", "null | .[999999][999999][999999] = 1",
		"null | (def r($n): if $n == 0 then . else .[1e5] | r($n - 1) end; r(1e3)) = 1", "reduce range(0; 1e9; 1e6) as $i (null; .[$i] = 1)",
		"[range(1e4) | []] + [[range(1e4)]] | transpose", "null | [limit(50; repeat(.[1e6] = 1))]",
		// shared parts
		twice + " | tojson", twice + " | . == .", twice + ` | "\(.)"`, twice + " | walk(.)",
		"reduce range(60) as $i ({}; {a: ., b: .}) | tojson", "reduce range(60) as $i ({}; .a = . | .b = .) | tojson",
		"reduce range(60) as $i ([0]; [.[], .[]])", "reduce range(60) as $i ([0]; . + .)", "reduce range(60) as $i ([0]; .[0] = . | .[1] = .) | tojson",
		"def f: [., .]; " + strings.Repeat("f | ", 60) + "tojson", "reduce range(60) as $i ([0]; [.] + [.]) | flatten",
		"reduce range(60) as $i ([0]; .[length] = .) | tojson", "reduce range(60) as $i ([0]; to_entries) | tojson",
		"[0] | last(limit(60; repeat([., .]))) | tojson", "[limit(60; recurse([., .]))] | last | tojson", "reduce range(60) as $i ([0]; [.[]?, .]) | tojson",
		"reduce range(60) as $i ([0]; . as [$x] | [., $x, .]) | tojson", "foreach range(60) as $i ([0]; [., .]; tojson)",
		"[[0]] | until(length > 60; . + [[last, last]]) | tojson",
		// all with all
		"[range(2e5)] - [range(2e5; 4e5)]", "[range(2e5)] | . -= [range(2e5; 4e5)]", "[range(2e5) | 0] | indices([range(1e5) | 0] + [1])",
		"[range(2e5) | 0] | index([range(1e5) | 0] + [1])", "[range(2e5) | 0] | rindex([range(1e5) | 0] + [1])", "[range(2e5)] | contains([range(2e5; 4e5)])",
		"[range(2e5)] | inside([range(2e5; 4e5)])", "[range(2e5) | 0] | .[[range(1e5) | 0] + [1]]", "[range(2e5) | 0] | getpath([[range(1e5) | 0] + [1]])",
		"[range(2e5) | 0] | nth([range(1e5) | 0] + [1])", "[range(2e5) | 0] | . as $x | $x[[range(1e5) | 0] + [1]]",
		`("x" * 4e6) | indices("x" * 2e6 + "y")`,
		"[range(2e5)] as $a | $a | map(select(. as $x | $a | index($x) < 0))",
		// numbers
		"reduce range(60) as $i (10; . * .)", "reduce range(60) as $i (99999999999999999999; . * .)", `("9" * 4e6) | tonumber`,
		`("9" * 4e6) | fromjson + 1`, `("9" * 4e6) | fromjson | tojson`, "pow(10; 1e300)", ".n + 1", ".n < 1", "-.n", ".n | floor", "[.n, .n] | sort", ".n | tojson", ".n * .n",
		".n | tostring", "[range(100)] | .[$n]", ".e + 1", ".e * .e", ".e | tojson", ".e | floor", "[range(.e)]",
		// regular expressions
		`("x" * 4e6) | test("(x*)*y")`, `("x" * 1e5) | test("((x{0,30}){0,30}){0,30}y")`, `test("((((x{1,9}){1,9}){1,9}){1,9}){1,9}y")`,
		`("x" * 1e6) | [match(""; "g")]`, `("x" * 1e5) | [scan("")]`, `("x" * 1e4) | [match("` + strings.Repeat("()", 300) + `"; "g")]`,
		`("x" * 1e5) | gsub(""; "y")`, `("x" * 1e5) | [splits("")]`, `("x" * 4e6) | split("x*?"; null)`, `("x" * 1e6) | test(["(x|xx)*y", "g"])`,
		`("x" * 4e6) | capture("` + strings.Repeat("(x*)", 200) + `y")`,
		// ours
		`"x" | pbkdf2("sha512"; "y"; 1e7; 64)`, `"x" | pbkdf2("sha512"; "y"; 1e7; 1024)`, `"x" | pbkdf2("md5"; "y"; 1e5; 1e9)`, `("x" * 4e6) | utf16le | hex | base64`,
		`[limit(1e7; repeat(nonce))]`, `("x" * 4e6) as $k | last(limit(1e4; repeat("x" | hmac("sha512"; $k))))`,
		// dates
		`0 | strftime("%1000000000d")`, `0 | strftime("%c" * 1e6)`, `("1" * 4e6) | strptime("%s" * 1e5)`, "1e300 | todate", "[infinite, 1, 1, 1, 1, 1, 1, 1] | mktime",
	}
}

// TestThreat10_ExpressionsEnd runs what never ends or only grows. It is not
// parallel: it measures.
func TestThreat10_ExpressionsEnd(t *testing.T) {
	const mostMemory = 512 << 20
	in := jq.Input{
		Value: map[string]any{"n": json.Number(strings.Repeat("9", 4000)), "e": json.Number("1e999999999"), "x": "x"},
		Vars:  map[string]any{"n": json.Number("1" + strings.Repeat("0", 4000))},
	}
	for _, text := range nasty() {
		t.Run(text, func(t *testing.T) {
			debug.FreeOSMemory()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			peak := watchPeak(t)
			start := time.Now()
			value, err := jq.First(ctx, text, in)
			took, most := time.Since(start), peak()
			var failed *jq.EvalError
			if err != nil && !errors.As(err, &failed) {
				t.Errorf("%T: %v", err, err)
			}
			if took > slower*1500*time.Millisecond || most > mostMemory {
				t.Errorf("it took %s and %d MiB: %.50v, %v", took, most>>20, fmt.Sprint(value), err)
			}
			if testing.Verbose() {
				t.Logf("%s, %d MiB, %v, %.60s", took.Round(time.Millisecond), most>>20, err, fmt.Sprint(value))
			}
		})
	}
}

// A number that is too long to calculate with is refused where it is read.
func TestThreat10_LongNumbers(t *testing.T) {
	t.Parallel()
	long := json.Number(strings.Repeat("9", 1<<20))
	for _, in := range []jq.Input{{Value: map[string]any{"n": []any{long}}}, {Vars: map[string]any{"n": long}}, {Value: strings.Repeat("x", 5<<20)}} {
		if _, err := jq.First(t.Context(), "1, $n", in); err == nil || err.Error() != "the answer is too large, or a text or number in it too long" {
			t.Errorf("got %v", err)
		}
	}
}

// watchPeak returns a function that ends the watch and tells by how much the
// heap had grown at most.
func watchPeak(t *testing.T) func() uint64 {
	t.Helper()
	heap := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	first, most := heap(), uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			most = max(most, heap())
			select {
			case <-stop:
				return
			default:
				time.Sleep(time.Millisecond)
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-done
		return most - min(first, most)
	}
}
