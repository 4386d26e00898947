package call

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/token"
)

// Jar keeps the cookies of one list of calls (RFC 6265), each for the origin
// that it came from or was sent to. Paths are not looked at: a login is one
// conversation.
type Jar struct {
	cookies map[token.Origin][]*http.Cookie
}

// NewJar returns an empty jar.
func NewJar() *Jar { return &Jar{cookies: map[token.Origin][]*http.Cookie{}} }

// addTo sends the cookies of the request's origin along; one that the request
// sets itself wins, and is kept.
func (j *Jar) addTo(r *Request) {
	origin, err := token.OriginOf(r.URL)
	if j == nil || err != nil {
		return
	}
	own := r.Header.Get("Cookie")
	if parsed, err := http.ParseCookie(own); err == nil {
		for _, cookie := range parsed {
			j.put(origin, cookie)
		}
	} else if own != "" {
		return // the profile's own way of writing it
	}
	var parts []string
	for _, cookie := range j.cookies[origin] {
		parts = append(parts, cookie.Name+"="+cookie.Value)
	}
	if len(parts) > 0 {
		r.Header.Set("Cookie", strings.Join(parts, "; "))
	}
}

// put keeps a cookie in place of the one of the same name.
func (j *Jar) put(origin token.Origin, cookie *http.Cookie) {
	list := j.cookies[origin]
	if i := slices.IndexFunc(list, func(old *http.Cookie) bool { return old.Name == cookie.Name }); i >= 0 {
		list[i] = cookie
		return
	}
	j.cookies[origin] = append(list, cookie)
}

// takeCookies keeps the cookies that the answer sets; afterwards the answer
// knows all of its origin.
func (a *Answer) takeCookies(j *Jar) {
	origin, err := token.OriginOf(a.URL)
	if err != nil {
		return
	}
	if j == nil {
		j = NewJar()
	}
	set := (&http.Response{Header: a.Header}).Cookies()
	for _, cookie := range set {
		j.put(origin, cookie)
	}
	j.cookies[origin] = slices.DeleteFunc(j.cookies[origin], func(cookie *http.Cookie) bool { return a.removes(cookie) })
	a.cookies = slices.Clone(j.cookies[origin])
}

// removes says whether a cookie is one that the server takes back.
func (a *Answer) removes(cookie *http.Cookie) bool {
	return cookie.MaxAge < 0 || cookie.MaxAge == 0 && !cookie.Expires.IsZero() && !cookie.Expires.After(a.serverTime())
}

// serverTime is the server's clock when the answer came.
func (a *Answer) serverTime() time.Time { return a.ReceivedAt.Add(a.ClockOffset()) }

// CookieEnd is when the earliest of the cookies that text holds is over, by the
// local clock; zero if none says. text is a token: the value of a cookie or
// "name=value" pairs.
func (a *Answer) CookieEnd(text string) time.Time {
	var end time.Time
	for _, cookie := range a.cookies {
		at := cookie.Expires.Add(-a.ClockOffset())
		switch {
		case cookie.Value == "" || text != cookie.Value && !strings.Contains("; "+text+";", "; "+cookie.Name+"="+cookie.Value+";"):
			continue
		case cookie.MaxAge > 0: // it wins (RFC 6265 §5.3)
			at = a.ReceivedAt.Add(time.Duration(cookie.MaxAge) * time.Second)
		case cookie.Expires.IsZero():
			continue
		}
		if end.IsZero() || at.Before(end) {
			end = at
		}
	}
	return end
}
