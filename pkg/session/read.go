package session

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/jwt"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// Limits of what is plausible in an answer; what is beyond them is not stored.
const (
	maxToken    = 512 << 10                  // bytes
	maxLifetime = 100 * 365 * 24 * time.Hour // of a token
)

// readings are the values that answers have given.
type readings struct {
	token, refreshToken token.Secret
	expiresIn           time.Time    // when expires_in is over, by the local clock; zero: not said
	expiresAt           time.Time    // by the server's clock; zero: not said
	cookieEnd           time.Time    // of the cookie that is the token; zero: not said
	limit               token.Expiry // of a token that stays the same
}

// read takes readings from the last answer. A token that is not there is
// noted: a later call may give it.
func (r *run) read(ctx context.Context, res *result, exprs profile.Readings) error {
	a, into := res.answer, &res.read
	secret, err := r.secret(ctx, a, "token", exprs.Token)
	if err != nil {
		return err
	}
	switch {
	case !secret.IsZero():
		into.token, r.values["token"], res.absent = secret, secret.Reveal(), nil
		into.cookieEnd = a.CookieEnd(secret.Reveal())
	case !exprs.Token.IsZero():
		res.absent = fault.New(fault.BadAnswer, "compare token: in the profile with the answer", "token: %s finds nothing; %s", exprs.Token.Text, a.Describe())
	}
	secret, err = r.secret(ctx, a, "refresh_token", exprs.RefreshToken)
	if err != nil {
		return err
	}
	if !secret.IsZero() {
		into.refreshToken, r.values["refresh_token"] = secret, secret.Reveal()
	}
	if value, err := a.Read(ctx, exprs.ExpiresIn, r.values); err == nil && value != nil {
		seconds, err := asSeconds("expires_in", value)
		if r.manager.leftOut(err); err == nil {
			into.expiresIn = a.ReceivedAt.Add(seconds)
		}
	}
	if value, err := a.Read(ctx, exprs.ExpiresAt, r.values); err == nil && value != nil {
		into.expiresAt, err = asTime("expires_at", value)
		r.manager.leftOut(err)
	}
	return ctx.Err()
}

// leftOut tells of an end that cannot be meant, such as 0 or -1 for "never". The
// token that came with it is good, and after a rotation it is the only one.
func (m *Manager) leftOut(err error) {
	if err != nil {
		m.Note("%v; it is left out", err)
	}
}

// secret reads a token; zero if there is none.
func (r *run) secret(ctx context.Context, a *call.Answer, name string, expr profile.Expr) (token.Secret, error) {
	value, err := a.Read(ctx, expr, r.values)
	if ctx.Err() != nil {
		return token.Secret{}, ctx.Err()
	}
	if err != nil || value == nil || value == "" {
		return token.Secret{}, nil
	}
	secret, err := asSecret(name, value)
	if err == nil {
		r.manager.Learn(secret)
	}
	return secret, err
}

// noToken says why no token was found. It lists the shape of the answer and
// none of its contents; where names the place for token:.
func (res *result) noToken(where string) error {
	switch {
	case res.absent != nil:
		return res.absent
	case res.answer == nil:
		return fault.New(fault.Profile, "write token: in the call", "no call was made that gives a token")
	}
	return fault.New(fault.BadAnswer, "write token: in "+where, "no token came: %s", res.answer.Describe())
}

// asSecret refuses what cannot be a token: another type, nothing, blanks at an
// end, control characters, bytes that are no UTF-8, more than half a megabyte
// (threat 11).
func asSecret(name string, value any) (token.Secret, error) {
	text, isText := value.(string)
	text = strings.TrimRight(text, "\r\n") // the end of a body of text
	if number, isNumber := value.(json.Number); isNumber {
		text, isText = number.String(), true
	}
	control := func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
	switch {
	case !isText:
		return token.Secret{}, fault.New(fault.BadAnswer, "", "%s: what was found is not text", name)
	case strings.TrimSpace(text) != text || text == "":
		return token.Secret{}, fault.New(fault.BadAnswer, "", "%s: what was found is empty or has blanks around it", name)
	case strings.ContainsFunc(text, control):
		return token.Secret{}, fault.New(fault.BadAnswer, "", "%s: what was found holds control characters", name)
	case len(text) > maxToken:
		return token.Secret{}, fault.New(fault.BadAnswer, "", "%s: %d bytes are too many for a token", name, len(text))
	}
	return token.NewSecret(text), nil
}

// number reads a number, or a string that holds one.
func number(value any) (float64, bool) {
	switch v := value.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}

func asSeconds(name string, value any) (time.Duration, error) {
	seconds, ok := number(value)
	if !ok || seconds <= 0 || seconds > maxLifetime.Seconds() {
		return 0, fault.New(fault.BadAnswer, "", "%s: what was found is no plausible number of seconds", name)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// asTime reads a point in time: RFC 3339, a few layouts without a zone (taken
// for UTC), or seconds or milliseconds since 1970.
func asTime(name string, value any) (time.Time, error) {
	if text, isText := value.(string); isText {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.RFC1123, time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), nil
			}
		}
	}
	const milliseconds = 1e11 // as seconds, the year 5138
	seconds, ok := number(value)
	if ok && seconds > milliseconds {
		seconds /= 1000
	}
	if !ok || seconds <= 0 || seconds > milliseconds {
		return time.Time{}, fault.New(fault.BadAnswer, "", "%s: what was found is no point in time", name)
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)).UTC(), nil
}

// isNever says whether an end is 0 or -1, which many APIs write for "never".
func isNever(value any) bool {
	n, ok := number(value)
	return ok && (n == 0 || n == -1)
}

// expiry is the earliest of what the JWT, the answer, its cookie and the profile
// say, by the local clock: points in time that the server named are moved by the
// difference of the clocks. limit is the same without idle_timeout.
func (m *Manager) expiry(t Target, res *result) (limit, expiry token.Expiry, err error) {
	now, offset := res.answer.ReceivedAt, res.answer.ClockOffset()
	best := token.Expiry{Source: token.FromNothing}
	consider := func(at time.Time, source token.ExpirySource) {
		if !at.IsZero() && (best.At.IsZero() || at.Before(best.At)) {
			best = token.Expiry{At: at.UTC().Truncate(time.Second), Source: source}
		}
	}
	lifetime, idle := t.Profile.Lifetime, t.Profile.IdleTimeout.Duration
	stays := res.read.limit != (token.Expiry{})
	switch {
	case stays:
		best = res.read.limit
	case lifetime.Never:
		best.Source = token.FromLifetime
	case lifetime.Duration > 0:
		consider(now.Add(lifetime.Duration), token.FromLifetime)
	}
	if at, ok := jwt.Expiry(res.read.token.Reveal()); ok {
		consider(byOurClock(at, offset), token.FromJWT)
	}
	if !stays {
		consider(res.read.cookieEnd, token.FromCookie)
	}
	if len(t.Profile.Keepalive) > 0 && idle == 0 {
		limit = best // what the answer says is what keepalive prolongs
	}
	consider(res.read.expiresIn, token.FromExpiresIn)
	if !res.read.expiresAt.IsZero() {
		consider(byOurClock(res.read.expiresAt, offset), token.FromExpiresAt)
	}
	if len(t.Profile.Keepalive) > 0 && idle > 0 {
		limit = best
	}
	if idle > 0 {
		consider(now.Add(idle), token.FromIdle)
	}
	if offset != 0 {
		m.Note("this machine's clock is %s; the server's clock was used", clockText(offset))
	}
	if !best.Live(now, 0) {
		return limit, best, fault.New(fault.BadAnswer, "compare the clocks: authctl doctor --online "+t.Profile.Name,
			"the token that came is over already, since %s (%s)", best.At.Format(time.RFC3339), best.Source)
	}
	return limit, best, nil
}

// notBefore is when a token that is not valid yet will be; else it is zero. It is
// kept all the same: nobody can have another one.
func notBefore(res *result) time.Time {
	at, ok := jwt.NotBefore(res.read.token.Reveal())
	// Less than the difference of the clocks that is not seen is no wait.
	if at = byOurClock(at, res.answer.ClockOffset()); !ok || at.Sub(res.answer.ReceivedAt) < 5*time.Second {
		return time.Time{}
	}
	return at
}

// byOurClock is a point in time that a server named whose clock is ahead of ours
// by offset, and at most the last one that can be stored: RFC 3339 has four
// digits for the year.
func byOurClock(at time.Time, offset time.Duration) time.Time {
	at = at.Add(-offset).UTC()
	if last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC); at.After(last) {
		return last
	}
	return at
}

func clockText(offset time.Duration) string {
	text := offset.Abs().Round(time.Minute).String()
	if offset.Abs() < 10*time.Minute {
		text = offset.Abs().Round(time.Second).String()
	}
	if offset > 0 {
		return text + " behind the server's"
	}
	return text + " ahead of the server's"
}
