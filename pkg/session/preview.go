package session

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/jq"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/token"
)

// Preview fills the requests of a login without sending any. Secrets show as
// "[redacted]"; inputs that were not given, computed values and what an earlier
// answer would give show as <name>.
func Preview(t Target, via string, given func(profile.Input) (string, bool)) ([]*call.Request, error) {
	if _, err := t.Key(); err != nil {
		return nil, err
	}
	calls, err := t.login(via)
	if err != nil {
		return nil, err
	}
	if err := t.Profile.Validate(); err != nil {
		return nil, err
	}
	r, err := sketch(t, calls, given)
	if err != nil {
		return nil, err
	}
	var requests []*call.Request
	for i := range calls {
		c := &calls[i]
		if !c.Sends() {
			continue
		}
		if c.Request.From != "" {
			r.values[c.Request.From] = r.base.String()
		}
		request, err := call.Build(r.spec(c))
		if err != nil {
			return nil, err
		}
		if from := c.Request.From; from != "" { // an answer tells the address
			path := strings.TrimPrefix(request.URL.EscapedPath(), r.base.EscapedPath())
			request.URL = &url.URL{Opaque: "<" + from + ">" + path, RawQuery: request.URL.RawQuery}
		}
		requests = append(requests, request)
		r.pretend(c)
	}
	return requests, nil
}

// sketch is a pass that sends nothing, with what stands for its values.
func sketch(t Target, calls profile.Calls, given func(profile.Input) (string, bool)) (*run, error) {
	var err error
	r := (&Manager{}).newRun(t, toLogin, calls, nil, nil)
	for _, in := range inputsOf(t.Profile, t.Base(), calls) {
		value, ok := given(in)
		switch {
		case in.Secret.Value && (ok || in.When.IsZero()):
			r.values[in.Name] = redacted()
		case ok:
			r.values[in.Name] = valueOf(in, value)
		case !in.Optional && in.When.IsZero():
			r.values[in.Name] = "<" + in.Name + ">"
		}
	}
	if r.base, err = t.Base().Fill(func(name string) (string, bool) {
		in, _ := t.Profile.Input(name)
		if value, ok := given(in); ok {
			return value, true
		}
		return name, true // an address that shows what belongs there
	}); err != nil {
		return nil, err
	}
	home, err := token.OriginOf(r.base)
	if err != nil {
		return nil, err
	}
	r.reach = append(profileReach(t.Profile), string(home))
	for _, name := range t.Profile.Computed.Names() {
		r.values[name] = "<" + name + ">"
	}
	return r, nil
}

// pretend makes known what the answer to a call would give.
func (r *run) pretend(c *profile.Call) {
	for _, name := range c.Save.Names() {
		r.values[name] = "<" + name + ">"
	}
	if !c.Token.IsZero() {
		r.values["token"] = redacted()
	}
	if !c.RefreshToken.IsZero() {
		r.values["refresh_token"] = redacted()
	}
}

func redacted() string { return token.NewSecret("").String() }

// Exchange is one call as it was made, without secrets in it.
type Exchange struct {
	Request *call.Request // secrets show as "[redacted]", what answers gave as <name>
	Status  int           // 0: no answer came
	Shape   string        // keys and types of the answer, with a mark at what each expression reads
	Missed  []jq.Mark     // expressions that find nothing
	Took    time.Duration
}

// watch tells of a call that was made.
func (r *run) watch(ctx context.Context, s call.Spec, answer *call.Answer) {
	shown := call.Values{}
	for name, value := range s.Values {
		_, isInput := r.target.Profile.Input(name)
		switch {
		case name == s.Call.Request.From || !r.isSecret(name):
			shown[name] = value
		case isInput || name == "token" || name == "refresh_token":
			shown[name] = redacted()
		default:
			shown[name] = "<" + name + ">"
		}
	}
	e := Exchange{}
	s.Values, s.Jar = shown, nil
	e.Request, _ = call.Build(s) // it was built once already
	if answer != nil {
		e.Status, e.Took = answer.Status, answer.Took
		e.Shape, e.Missed = answer.Marked(ctx, r.marks(s.Call), r.values)
	}
	r.manager.Watch(e)
}

// marks are the expressions that are asked of an answer to the call.
func (r *run) marks(c *profile.Call) []jq.Mark {
	var marks []jq.Mark
	own := map[string]bool{}
	exprs := c.Exprs()
	for _, entry := range exprs {
		own[entry.Name] = !entry.Value.IsZero()
	}
	for _, entry := range r.target.Profile.Readings.Exprs() {
		if r.purpose != toUse && c == &r.calls[len(r.calls)-1] && !own[entry.Name] {
			exprs = append(exprs, entry)
		}
	}
	for _, entry := range exprs {
		condition := entry.Name == "when" || entry.Name == "until" || entry.Name == "success" || entry.Name == "error"
		if !entry.Value.IsZero() && !condition {
			marks = append(marks, jq.Mark{Name: entry.Name, Expr: entry.Value.Text})
		}
	}
	return marks
}
