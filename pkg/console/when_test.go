package console

import (
	"testing"
	"time"
)

func TestUntil(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)
	in := func(d time.Duration) time.Time { return now.Add(d) }
	const days = 24 * time.Hour
	for _, tt := range []struct {
		t          time.Time
		want, fine string
	}{
		{now, "just now", "just now"},
		{in(999 * time.Millisecond), "just now", "just now"},
		{in(-999 * time.Millisecond), "just now", "just now"},
		{in(time.Second), "in 1 s", "in 1 s"},
		{in(-1500 * time.Millisecond), "1 s ago", "1 s ago"},
		{in(90 * time.Second), "in 90 s", "in 1 min 30 s"},
		{in(12 * time.Minute), "in 12 min", "in 12 min"},
		{in(time.Hour), "in 60 min", "in 1 h"},
		{in(time.Hour + 5*time.Second), "in 60 min", "in 1 h"},
		{in(3*time.Hour + 12*time.Minute + 59*time.Second), "in 3 h", "in 3 h 12 min"},
		{in(-47 * time.Hour), "47 h ago", "1 d 23 h ago"},
		{in(60*days - time.Nanosecond), "in 59 d", "in 59 d 23 h"},
		{in(600 * days), "in 600 d", "in 1 y 234 d"},
		{in(-2 * 366 * days), "2 y ago", "2 y 1 d ago"},
		{time.Unix(0, 0), "56 y ago", "56 y 59 d ago"},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "in 7973 y", "in 7973 y 305 d"},
		{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), "2025 y ago", "2025 y 59 d ago"},
	} {
		if got := Until(now, tt.t); got != tt.want {
			t.Errorf("Until %v: got %q, want %q", tt.t, got, tt.want)
		}
		if got := UntilFine(now, tt.t); got != tt.fine {
			t.Errorf("UntilFine %v: got %q, want %q", tt.t, got, tt.fine)
		}
	}
}

func TestAbsolute(t *testing.T) {
	at := time.Date(2026, 3, 1, 14, 2, 5, 0, time.FixedZone("CET", 3600))
	if got := Absolute(at) + ", " + Absolute(at.UTC()); got != "1 Mar 2026 14:02 CET, 1 Mar 2026 13:02 UTC" {
		t.Errorf("got %q", got)
	}
}
