package gallery_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/session"
	"github.com/authctl/authctl/pkg/token"
)

// do does what a step says and returns what came of it, one fact a line.
func (s *stage) do(ctx context.Context, verb string, options map[string]string) ([]string, error) {
	m, t := s.manager, s.target
	wish, err := s.wish(options)
	if err != nil {
		return nil, err
	}
	switch verb {
	case "wait":
		pause, err := time.ParseDuration(options["--for"])
		s.wait(pause)
		return nil, err
	case "login":
		_, save := options["--save-credentials"]
		_, err := m.Login(ctx, t, session.LoginOptions{Via: options["--via"], SaveCredentials: save})
		if err != nil {
			return nil, err
		}
		if via := options["--via"]; via != "" {
			s.played["other_logins."+via] = true
		} else {
			s.played["login"] = true
		}
		return s.session(ctx)
	case "token":
		return s.token(ctx, session.TokenOptions{})
	case "refresh", "keepalive":
		before, err := s.stored(ctx)
		if err != nil {
			return nil, err
		}
		if before.Renewable != verb {
			return nil, fmt.Errorf("the session is renewed by %q", before.Renewable)
		}
		facts, err := s.token(ctx, session.TokenOptions{Force: true})
		s.played[verb] = s.played[verb] || err == nil
		return facts, err
	case "whoami":
		name, err := m.Whoami(ctx, t)
		return s.done("whoami", err, strings.TrimSpace("good "+name))
	case "cancel":
		cancelled, err := m.Cancel(ctx, t)
		if cancelled.AlreadyOver {
			return []string{"already over"}, err
		}
		return s.done("cancel", err, "cancelled")
	case "create":
		created, err := m.CreateToken(ctx, t, wish)
		return s.done("tokens.create", err, "token "+created.Secret.Reveal(), listed(created))
	case "rotate":
		created, err := m.RotateToken(ctx, t, options["--id"], wish)
		return s.done("tokens.rotate", err, "token "+created.Secret.Reveal(), listed(created))
	case "revoke":
		return s.done("tokens.revoke", m.RevokeToken(ctx, t, options["--id"], options["--name"]), "revoked")
	case "list":
		list, err := m.ListTokens(ctx, t)
		var facts []string
		for _, one := range list {
			facts = append(facts, listed(one))
		}
		return s.done("tokens.list", err, facts...)
	}
	return nil, fmt.Errorf("%s is no step", verb)
}

func (s *stage) wait(pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(pause)
}

// done notes which call of the profile has worked.
func (s *stage) done(phase string, err error, facts ...string) ([]string, error) {
	if err == nil {
		s.played[phase] = true
	}
	return facts, err
}

// wish reads --name, --expires-in and --scope.
func (s *stage) wish(options map[string]string) (session.Wish, error) {
	wish := session.Wish{Name: options["--name"]}
	if lifetime := options["--expires-in"]; lifetime != "" {
		length, err := time.ParseDuration(lifetime)
		if err != nil {
			return session.Wish{}, err
		}
		wish.ExpiresAt = s.clock().Add(length)
	}
	if scopes := options["--scope"]; scopes != "" {
		wish.Scopes = strings.Split(scopes, ",")
	}
	return wish, nil
}

// listed is a long-lived token in one line.
func listed(one session.LongLived) string {
	var parts []string
	for _, fact := range []struct{ name, value string }{
		{"id", one.ID}, {"name", one.Name}, {"created", moment(one.CreatedAt)}, {"expires", moment(one.ExpiresAt)},
	} {
		if fact.value != "" {
			parts = append(parts, fact.name+" "+fact.value)
		}
	}
	return strings.Join(parts, ", ")
}

func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.RFC3339)
}

// token asks for a live token.
func (s *stage) token(ctx context.Context, o session.TokenOptions) ([]string, error) {
	live, err := s.manager.Token(ctx, s.target, o)
	if err != nil {
		return nil, err
	}
	facts, err := s.session(ctx)
	if live.Warning != nil {
		facts = append(facts, "warning: "+live.Warning.Error())
	}
	return facts, err
}

// session tells everything of the session that is kept.
func (s *stage) session(ctx context.Context) ([]string, error) {
	kept, err := s.stored(ctx)
	if err != nil {
		return nil, err
	}
	carrier, err := s.manager.Carry(ctx, s.target, kept)
	if err != nil {
		return nil, err
	}
	facts := []string{"token " + kept.AccessToken.Reveal()}
	for _, field := range carrier.Headers {
		facts = append(facts, "sent "+field.Name+": "+field.Value)
	}
	for _, field := range carrier.Query {
		facts = append(facts, "sent ?"+field.Name+"="+field.Value)
	}
	facts = append(facts, strings.TrimSpace("expires "+moment(kept.At))+" ("+string(kept.Source)+")")
	if !kept.RefreshToken.IsZero() {
		facts = append(facts, "refresh_token "+kept.RefreshToken.Reveal())
	}
	if len(kept.Saved) > 0 {
		saved, err := json.Marshal(kept.Saved)
		if err != nil {
			return nil, err
		}
		facts = append(facts, "saved "+string(saved))
	}
	if kept.Renewable != "" {
		facts = append(facts, "renewed by "+kept.Renewable)
	}
	return facts, nil
}

func (s *stage) stored(ctx context.Context) (token.Session, error) {
	key, err := s.target.Key()
	if err != nil {
		return token.Session{}, err
	}
	return s.manager.Store.Session(ctx, key)
}

// kind names what sort of failure an error is.
func kind(err error) string {
	names := map[fault.Kind]string{
		fault.LoginNeeded: "login needed", fault.Refused: "refused", fault.RateLimited: "too many requests",
		fault.BadAnswer: "unusable", fault.Usage: "usage", fault.Profile: "profile",
	}
	return cmp.Or(names[fault.KindOf(err)], "error")
}
