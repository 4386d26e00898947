package console

import (
	"fmt"
	"strings"
	"time"
)

// The units of spans, in seconds. A year is the mean one of the calendar
// (365.2425 days).
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
	year   = 31556952
)

// Until says in words how far t is from now, in one unit and rounded towards
// now: "in 3 h", "in 90 min", "59 d ago", "just now". A larger unit is taken
// from two of it on, so that little is lost.
func Until(now, t time.Time) string {
	return direction(now, t, func(seconds int64) string {
		for _, u := range units() {
			if seconds >= 2*u.seconds || u.seconds == 1 {
				return fmt.Sprintf("%d %s", seconds/u.seconds, u.name)
			}
		}
		return ""
	})
}

// UntilFine is Until in two units where there are two: "in 3 h 12 min".
func UntilFine(now, t time.Time) string {
	return direction(now, t, func(seconds int64) string {
		var parts []string
		for _, u := range units() {
			n := seconds / u.seconds
			if n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			} else if len(parts) > 0 {
				break // "1 d 5 s" would say more than it should
			}
			if seconds %= u.seconds; len(parts) == 2 {
				break
			}
		}
		return strings.Join(parts, " ")
	})
}

// Absolute writes a point in time for a person, in its own time zone:
// "1 Mar 2026 14:02 CET".
func Absolute(t time.Time) string { return t.Format("2 Jan 2006 15:04 MST") }

type unit struct {
	seconds int64
	name    string
}

func units() []unit {
	return []unit{{year, "y"}, {day, "d"}, {hour, "h"}, {minute, "min"}, {1, "s"}}
}

// direction puts "in" or "ago" to a span. It counts in seconds: a
// time.Duration ends at 292 years.
func direction(now, t time.Time, words func(seconds int64) string) string {
	future := t.After(now)
	if !future {
		now, t = t, now
	}
	seconds := t.Unix() - now.Unix()
	if t.Nanosecond() < now.Nanosecond() {
		seconds--
	}
	switch {
	case seconds <= 0:
		return "just now"
	case future:
		return "in " + words(seconds)
	default:
		return words(seconds) + " ago"
	}
}
