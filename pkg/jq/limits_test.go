package jq

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// What grows by many small steps is stopped by the watch.
func TestThreat10_MemoryIsWatched(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	go watchHeap(ctx, 64<<20, cancel)
	var grown [][]byte
	for ctx.Err() == nil && len(grown) < 1000 {
		grown = append(grown, make([]byte, 1<<20))
		time.Sleep(time.Millisecond)
	}
	cancel(nil)
	if cause := context.Cause(ctx); cause == nil || cause.Error() != "the expression takes too much memory" {
		t.Errorf("got %v after %d MiB", cause, len(grown))
	}
	runtime.KeepAlive(grown)
}

// TestThreat10_StepsAreBounded has one expression for each guard and for each
// place where a value is made; what it comes to without would be too large.
func TestThreat10_StepsAreBounded(t *testing.T) {
	t.Parallel()
	const (
		zeros  = "[range(20000) | 0]"
		others = "[range(20000) | 0] + [1]"
		long   = `("x" * 4000000)`
		quotes = `("\"" * 4000000)`
	)
	for _, text := range []string{
		// places
		"reduce range(30) as $i (0; [., .]) | length", "reduce range(30) as $i (0; {a: ., b: .}) | length",
		`reduce range(30) as $i ("x"; "\(.)\(.)") | length`, "[" + quotes + "] | @json | length", long + " + " + long + " | length",
		quotes + " | tojson | length", quotes + " | [.] | (def tojson: .; 1) as $x | tojson | length",
		zeros + " | .[" + others + "]", zeros + " as $z | $z[" + others + "]",
		// operators
		`"x" * 5000000`, `5000000 * "x"`, zeros + " - " + zeros, "null | .[2000000] = 1", "null | .[2000000] |= 1", "null | .[2000000] += 1", "null | .[2000000] -= 1", "null | .[2000000] *= 1",
		"null | .[2000000] /= 1", "null | .[2000000] %= 1", "null | .[2000000] //= 1", "null | .[1000000][1000000] = 1", `"x" | . *= 5000000`, zeros + " | . -= " + zeros,
		// functions
		"null | setpath([2000000]; 1)", "null | pick(.[2000000])", "fromstream([[2000000], 1], [[2000000]])", zeros + " | getpath([" + others + "])", zeros + " | nth(" + others + ")",
		"[range(2000) | []] + [[range(2000)]] | transpose", `[range(20000) | []] | join("x" * 1000)`, `"x" * 5000 | tonumber`,
		zeros + " | indices(" + others + ")", zeros + " | index(" + others + ")", zeros + " | rindex(" + others + ")", zeros + " | contains(" + others + ")", zeros + " | inside(" + others + ")",
		`0 | strftime("x" * 2000)`, `0 | strflocaltime("x" * 2000)`, `"x" | strptime("x" * 2000)`,
		long + ` | test("[a-z]+y")`, long + ` | test("[a-z]+y"; "i")`, long + ` | test(["[a-z]+y", "i"])`, long + ` | match("[a-z]+y")`, long + ` | match("[a-z]+y"; "i")`,
		long + ` | capture("[a-z]+y")`, long + ` | capture("[a-z]+y"; "i")`, long + ` | sub("[a-z]+y"; "")`, long + ` | sub("[a-z]+y"; ""; "i")`,
		`"x" * 20000 | match(""; "g")`, `"x" * 20000 | match(["", "g"])`, `"x" * 20000 | capture(""; "g")`, `"x" * 20000 | sub(""; ""; "g")`,
		`"x" * 20000 | scan("")`, `"x" * 20000 | scan(""; "i")`, `"x" * 20000 | split(""; "i")`, `"x" * 20000 | splits("")`, `"x" * 20000 | splits(""; "i")`, `"x" * 20000 | gsub(""; "")`, `"x" * 20000 | gsub(""; ""; "i")`,
		`"x" * 20000 | test("((x{0,9}){0,9}){0,9}y")`, "99999999999999999999 | until(false; . * .)",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			// No limit of time, so that a busy machine changes nothing.
			if value, err := run(t.Context(), text, Input{}); err == nil || err.Error() != "a value becomes too large" {
				t.Errorf("got %.50v, %v", value, err)
			}
		})
	}
}
