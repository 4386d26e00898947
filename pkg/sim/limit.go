package sim

import (
	"slices"
	"time"
)

// Limit is how many calls one address may make. The zero value is no limit.
type Limit struct {
	Calls  int           // how many calls are answered …
	Window time.Duration // … in any stretch of this length
	Block  time.Duration // how long the address is refused everything after one more
}

// limiter counts the calls of each address.
type limiter struct {
	limit    Limit
	only     string // the one method and path that counts; empty: every call
	visitors map[string]*visitor
}

// visitor is what is known of one address.
type visitor struct {
	calls   []time.Time // in the order they came
	blocked time.Time   // until then
}

// count notes a call and returns how long the address is still blocked, or 0.
// Calls while it is blocked neither count nor make it longer.
func (l *limiter) count(address, what string, now time.Time) time.Duration {
	if l.limit.Calls == 0 {
		return 0
	}
	v := l.visitor(address)
	if now.Before(v.blocked) {
		return v.blocked.Sub(now)
	}
	if l.only != "" && l.only != what {
		return 0
	}
	old := now.Add(-l.limit.Window)
	v.calls = slices.DeleteFunc(v.calls, func(t time.Time) bool { return !t.After(old) })
	if len(v.calls) < l.limit.Calls {
		v.calls = append(v.calls, now)
		return 0
	}
	v.calls, v.blocked = nil, now.Add(l.limit.Block)
	return l.limit.Block
}

// visitor returns what is known of an address.
func (l *limiter) visitor(address string) *visitor {
	if l.visitors == nil {
		l.visitors = map[string]*visitor{}
	}
	if l.visitors[address] == nil {
		l.visitors[address] = &visitor{}
	}
	return l.visitors[address]
}
