package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/sim"
)

// Exit codes of authctl that the demo brings about.
const (
	exitLoginNeeded = 3
	exitRefused     = 4
	exitStore       = 5
)

// chapters plays the demo from the beginning to the end.
func (s *show) chapters(ctx context.Context) error {
	s.tell("Five simulated token APIs answer at %s. The profiles are those of profiles.example.yaml, with nothing changed but the base URLs. Everything below is the real program; only tokens are shortened.", s.stage.URL)
	for i, chapter := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"Is there a keyring to keep sessions in?", s.chooseStore},
		{"Log in; each password comes on standard input", s.logIn},
		{"What is there, and what is in a token", s.look},
		{"Use a token", s.use},
		{"Renew a token with the refresh call", s.refresh},
		{"Cancel a token: the server refuses it from then on", s.cancel},
		{"Long-lived tokens, for servers and CI", s.longLived},
		{"What a script sees when a session is over, or a password is wrong", s.goWrong},
		{"Log out of everything", s.logOut},
	} {
		s.title(fmt.Sprintf("%d. %s", i+1, chapter.title))
		if err := errors.Join(chapter.play(ctx), ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// chooseStore takes the keyring if it works, else the encrypted files.
func (s *show) chooseStore(ctx context.Context) error {
	// With the terminal of its own it would wait for a person to unlock.
	o, err := s.run(ctx, authctl("doctor", "--store", "keyring").printing().exit(exitDone, exitStore))
	if err != nil {
		return err
	}
	if o.code == exitDone {
		s.store = "keyring"
		s.print("\n")
		s.tell("This machine has a keyring: it is used, and left as it was.")
		return nil
	}
	s.store = "file"
	s.print("\n")
	s.tell("There is no keyring here that works, so the sessions go into encrypted files. Nothing is ever kept in plain text.")
	return s.do(ctx, authctl("doctor", "--create-identity"))
}

// login is a login with the right password.
func (s *show) login(profile string, more ...string) step {
	user, password := s.stage.Sim.Credentials(profile)
	args := append([]string{"login", profile, "--username", user, "--password-stdin"}, more...)
	return authctl(args...).with(password + "\n")
}

func (s *show) logIn(ctx context.Context) error {
	s.logins = true
	first := s.login(sim.Logware)
	if s.store == "file" {
		first = s.login(sim.Logware, "--store", "file") // authctl remembers it
	}
	return s.do(ctx, first,
		s.login(sim.Zumrails), s.login(sim.Analogue), s.login(sim.DatarheiCore), s.login(sim.HautAI),
		authctl("login", sim.DatarheiCore, "--via", "auth0", "--input", "auth0_token=@-", "--account", "auth0").
			with(s.stage.Sim.Auth0Token()+"\n"),
	)
}

func (s *show) look(ctx context.Context) error {
	decode := step{pipe: [][]word{words("authctl", "token", sim.HautAI), words("authctl", "decode")}}
	return s.do(ctx, authctl("status"), decode)
}

func (s *show) use(ctx context.Context) error {
	o, err := s.run(ctx, authctl("token", sim.Zumrails).printing())
	if err != nil {
		return err
	}
	if !slices.Contains(s.stage.Sim.Tokens(), strings.TrimSuffix(o.out, "\n")) {
		return errors.New("authctl token: what it printed is not the token and a line break")
	}
	if err := s.call(ctx, sim.Zumrails, "/api/whoami"); err != nil {
		return err
	}
	return s.call(ctx, sim.Analogue, "/api/whoami") // another word than Bearer
}

func (s *show) refresh(ctx context.Context) error {
	before, err := s.quiet(ctx, "token", sim.DatarheiCore, "--account", "default")
	if err != nil {
		return err
	}
	if err := s.do(ctx, authctl("refresh", sim.DatarheiCore)); err != nil {
		return err
	}
	after, err := s.quiet(ctx, "token", sim.DatarheiCore, "--account", "default")
	if err == nil && before == after {
		err = errors.New("authctl refresh: the token is still the old one")
	}
	if err != nil {
		return err
	}
	return s.call(ctx, sim.DatarheiCore, "/api/v3/process")
}

func (s *show) cancel(ctx context.Context) error {
	header, err := s.quiet(ctx, "token", sim.Zumrails, "--output", "header")
	if err != nil {
		return err
	}
	s.prompt([]string{"header=$(authctl", "token", sim.Zumrails, "--output", "header)"})
	old := caller{path: sim.Zumrails + "/api/whoami", header: word{`"$header"`, header}, want: http.StatusUnauthorized}
	if err := s.do(ctx, authctl("cancel", sim.Zumrails)); err != nil {
		return err
	}
	if err := s.get(ctx, old); err != nil {
		return err
	}
	return s.do(ctx, authctl("token", sim.Zumrails).printing().exit(exitLoginNeeded))
}

func (s *show) longLived(ctx context.Context) error {
	return s.do(ctx,
		authctl("token", "create", sim.HautAI, "--name", "ci", "--expires-in", "30d").printing(),
		authctl("token", "list", sim.HautAI),
		authctl("token", "revoke", sim.HautAI, "ci", "--yes"),
		authctl("token", "list", sim.HautAI),
	)
}

// shortLife is how long a token lasts that is to be seen expired. JWTs count
// whole seconds.
const shortLife = 2 * time.Second

func (s *show) goWrong(ctx context.Context) error {
	if err := s.stage.Sim.SetLifetime(sim.Logware, shortLife); err != nil {
		return err
	}
	s.print("\n")
	s.tell("The server is told to give tokens that last for two seconds.")
	if err := s.do(ctx, s.login(sim.Logware)); err != nil {
		return err
	}
	s.print("\n")
	s.tell("Two seconds later:")
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(shortLife):
	}
	return s.do(ctx,
		authctl("token", sim.Logware).printing().exit(exitLoginNeeded),
		s.login(sim.Zumrails).with("not the password\n").exit(exitRefused),
	)
}

func (s *show) logOut(ctx context.Context) error {
	if err := s.do(ctx, authctl("logout", "--all")); err != nil {
		return err
	}
	s.logins = false
	return s.do(ctx, authctl("status"))
}

// farewell says what to type next.
func (s *show) farewell(environ []string) {
	s.title("Every command ended as it should. Next, your own API:")
	for _, row := range [][2]string{
		{profileFile(environ), "your profile; see profiles.example.yaml"},
		{s.program + " profile validate", "finds mistakes, with line and column"},
		{s.program + " login NAME --dry-run", "shows the request and sends nothing"},
		{s.program + " login NAME", "logs in"},
	} {
		s.print(s.stream.Paint(console.Bold, row[0]) + strings.Repeat(" ", max(1, 34-len(row[0]))) + row[1] + "\n")
	}
}

// profileFile is where authctl looks for profiles.
func profileFile(environ []string) string {
	if runtime.GOOS == "windows" {
		return `%AppData%\authctl\profiles.yaml`
	}
	for _, pair := range environ {
		if folder, ok := strings.CutPrefix(pair, "XDG_CONFIG_HOME="); ok && filepath.IsAbs(folder) {
			return filepath.Join(folder, "authctl", "profiles.yaml")
		}
	}
	return "~/.config/authctl/profiles.yaml"
}
