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

// Limits of what is plausible in an answer; beyond them nothing is stored.
const (
	maxToken    = 512 << 10                  // bytes
	maxLifetime = 100 * 365 * 24 * time.Hour // of a token
)

// readings are the values that answers have given.
type readings struct {
	token, refreshToken token.Secret
	expiresIn           time.Duration // 0: not said
	expiresAt           time.Time     // zero: not said
}

// readingExprs say where a reading is; empty ones are not read.
type readingExprs struct {
	token, refreshToken, expiresIn, expiresAt profile.Expr
}

// read takes readings from the last answer.
func (m *Manager) read(ctx context.Context, res *result, into *readings, exprs readingExprs) error {
	a, values := res.answer, res.offered
	if !exprs.token.IsZero() {
		secret, err := readSecret(ctx, a, "token", exprs.token, values)
		if err != nil {
			return err
		}
		m.Learn(secret)
		into.token = secret
	}
	if value, err := a.Read(ctx, exprs.refreshToken, values); err == nil && value != nil && value != "" {
		secret, err := asSecret("refresh_token", value)
		if err != nil {
			return err
		}
		m.Learn(secret)
		into.refreshToken = secret
		values["refresh_token"] = secret.Reveal()
	}
	if value, err := a.Read(ctx, exprs.expiresIn, values); err == nil && value != nil {
		if into.expiresIn, err = asSeconds("expires_in", value); err != nil {
			return err
		}
	}
	if value, err := a.Read(ctx, exprs.expiresAt, values); err == nil && value != nil {
		if into.expiresAt, err = asTime("expires_at", value); err != nil {
			return err
		}
	}
	return nil
}

// readSecret reads a token that must be there. The error lists the shape of
// the answer and none of its contents.
func readSecret(ctx context.Context, a *call.Answer, name string, expr profile.Expr, values call.Values) (token.Secret, error) {
	value, err := a.Read(ctx, expr, values)
	if ctx.Err() != nil {
		return token.Secret{}, ctx.Err()
	}
	if err != nil || value == nil || value == "" {
		return token.Secret{}, fault.New(fault.BadAnswer, "compare "+name+": in the profile with the answer",
			"%s: %s finds nothing; %s", name, expr.Text, a.Describe())
	}
	return asSecret(name, value)
}

// asSecret refuses what cannot be a token: another type, nothing, blanks at an
// end, control characters, bytes that are no UTF-8, more than half a megabyte
// (threat 11).
func asSecret(name string, value any) (token.Secret, error) {
	text, isText := value.(string)
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

// expiry is the earliest of what the JWT, the answer and the profile say, by
// the local clock: points in time that the server named are moved by the
// difference of the clocks.
func (m *Manager) expiry(t Target, res *result) (token.Expiry, error) {
	now, offset := res.answer.ReceivedAt, res.answer.ClockOffset()
	best := token.Expiry{Source: token.FromNothing}
	consider := func(at time.Time, source token.ExpirySource) {
		if best.At.IsZero() || at.Before(best.At) {
			best = token.Expiry{At: at.UTC().Truncate(time.Second), Source: source}
		}
	}
	if lifetime := t.Profile.Lifetime; lifetime.Never {
		best.Source = token.FromLifetime
	} else if lifetime.Duration > 0 {
		consider(now.Add(lifetime.Duration), token.FromLifetime)
	}
	if res.read.expiresIn > 0 {
		consider(now.Add(res.read.expiresIn), token.FromExpiresIn)
	}
	if !res.read.expiresAt.IsZero() {
		consider(res.read.expiresAt.Add(-offset), token.FromExpiresAt)
	}
	if at, ok := jwt.Expiry(res.read.token.Reveal()); ok {
		consider(at.Add(-offset), token.FromJWT)
	}
	if offset != 0 {
		m.Note("this machine's clock is %s; the server's clock was used", clockText(offset))
	}
	if !best.Live(now, 0) {
		return best, fault.New(fault.BadAnswer, "compare the clocks: authctl doctor --online "+t.Profile.Name,
			"the token that came is over already, since %s (%s)", best.At.Format(time.RFC3339), best.Source)
	}
	return best, nil
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
