package session

import (
	"context"
	"net/http"
	"time"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// margin leaves a request time to arrive before its token is over.
const margin = time.Minute

// Source gives many goroutines the pass of one session: it is read from the
// store once and renewed once when it ends, together with every other program
// that uses the session.
type Source struct {
	manager *Manager
	target  Target
	turn    chan struct{} // full while somebody reads or renews
	pass    Pass
}

// NewSource returns a source of passes; nothing is read yet.
func (m *Manager) NewSource(t Target) *Source {
	return &Source{manager: m, target: t, turn: make(chan struct{}, 1)}
}

// Pass returns the pass of the moment, renewed if its token is about to end.
func (s *Source) Pass(ctx context.Context) (Pass, error) { return s.without(ctx, token.Secret{}) }

// without returns a pass with another token than the one that was refused.
func (s *Source) without(ctx context.Context, refused token.Secret) (Pass, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return Pass{}, ctx.Err()
	}
	if s.good(refused) {
		return s.pass, nil
	}
	pass, err := s.manager.Pass(ctx, s.target, TokenOptions{MinTTL: margin, Refused: refused})
	if err != nil {
		return Pass{}, err
	}
	if pass.Warning != nil {
		s.manager.Note("%v", pass.Warning)
	}
	s.pass = pass
	return pass, nil
}

// good says whether the pass that is at hand will do. One that was renewed just
// now lasts as long as the API gives, be that less than the margin.
func (s *Source) good(refused token.Secret) bool {
	p, now := s.pass, s.manager.Now()
	if p.AccessToken.IsZero() || p.AccessToken.Equal(refused) {
		return false
	}
	return p.Live(now, min(margin, p.At.Sub(p.ObtainedAt)/4))
}

// Transport is an http.RoundTripper that puts the credential of a session on
// requests to its API. A request to another origin is an error, so that a
// redirect takes no token along. When the server says that the token is over, it
// is renewed, and the request is sent once more if that is possible: if it has
// no body, or one with GetBody.
type Transport struct {
	Source *Source
	Base   http.RoundTripper // nil: http.DefaultTransport
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, pass, err := t.send(r, token.Secret{})
	if err != nil || pass.Renewable == "" || !repeatable(r) {
		return response, err
	}
	over, err := call.Expired(r.Context(), t.Source.target.Profile, r.URL, response)
	if err == nil && !over {
		return response, nil
	}
	// The connection is of use again only if the rest is read; it is not worth a wait.
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	if r.GetBody != nil {
		again := r.Clone(r.Context())
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
		r = again
	}
	response, _, err = t.send(r, pass.AccessToken)
	return response, err
}

func repeatable(r *http.Request) bool {
	return r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
}

// send sends a request with a token other than the one that was refused. It
// closes the body on every path, as a RoundTripper must.
func (t *Transport) send(r *http.Request, refused token.Secret) (*http.Response, Pass, error) {
	pass, err := t.Source.without(r.Context(), refused)
	if err == nil {
		err = pass.Admits(r.URL)
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, Pass{}, fault.Wrap(err, "authctl: %s", t.Source.target)
	}
	carried := r.Clone(r.Context())
	if carried.Header == nil {
		carried.Header = http.Header{}
	}
	carried.Host = "" // the host that was looked at, and no other name
	pass.Set(carried)
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	response, err := base.RoundTrip(carried)
	return response, pass, err
}
