package token

import (
	"fmt"
	"regexp"
	"strconv"
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
	m := lifetimePattern().FindStringSubmatch(text)
	if m == nil || text == "" {
		return 0, fmt.Errorf("%q is no length of time: %s", text, form)
	}
	var total time.Duration
	for i, unit := range []time.Duration{7 * day, day, time.Hour, time.Minute, time.Second} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil || n > int64(longest/unit) {
			return 0, fmt.Errorf("%q is too long: at most 100 years", text)
		}
		total = min(total+time.Duration(n)*unit, longest+1) // does not overflow
	}
	if total <= 0 {
		return 0, fmt.Errorf("%q is no time at all: %s", text, form)
	}
	if total > longest {
		return 0, fmt.Errorf("%q is too long: at most 100 years", text)
	}
	return total, nil
}

// lifetimePattern is compiled when needed: it is not on the hot path, and a
// package variable would be compiled at every start.
func lifetimePattern() *regexp.Regexp {
	return regexp.MustCompile(`^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$`)
}
