package token

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// day is 24 hours: lifetimes of tokens know no daylight saving.
const day = 24 * time.Hour

// longest is the longest lifetime that is taken.
const longest = 100 * 365 * day

// ParseLifetime reads a length of time as vendors' pages write them: a whole
// number and a unit, s m h d or w, or several of them from large to small, such
// as "90s", "15m", "10h", "60d", "1w", "1h30m". It must be more than nothing
// and at most 100 years.
func ParseLifetime(text string) (time.Duration, error) {
	const form = "write a number and a unit, such as 90s, 15m, 10h, 30d or 1w"
	units := []struct {
		letter byte
		length time.Duration
	}{{'w', 7 * day}, {'d', day}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}
	var total time.Duration
	rest := text
	for _, unit := range units {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		if digits == "" || len(rest) == len(digits) || rest[len(digits)] != unit.letter {
			continue
		}
		rest = rest[len(digits)+1:]
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > int64(longest/unit.length) {
			return 0, fmt.Errorf("%q is too long: at most 100 years", text)
		}
		total = min(total+time.Duration(n)*unit.length, longest+1) // does not overflow
	}
	switch {
	case rest != "" || text == "":
		return 0, fmt.Errorf("%q is no length of time: %s", text, form)
	case total <= 0:
		return 0, fmt.Errorf("%q is no time at all: %s", text, form)
	case total > longest:
		return 0, fmt.Errorf("%q is too long: at most 100 years", text)
	}
	return total, nil
}
