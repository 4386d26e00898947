package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/sim"
)

const rotatingBody = "username=ada&password=rotating-s3cr3t-6"

// form is a request with a form, in which T1, T2, … stand for issued tokens.
func form(path, body string) ask {
	return ask{Method: "POST", Path: path, Type: "application/x-www-form-urlencoded", Body: body}
}

// refresh sends the token of that name.
func (w *world) refresh(name string) got {
	return w.ask(form("/rotating/oauth/refresh", "refresh_token="+w.fill(name)))
}

func TestRotating(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	const spent = `{"error":"invalid_grant","error_description":"The refresh token was used before: all tokens of this login are cancelled"}`
	const noGood = `{"error":"invalid_grant","error_description":"The refresh token is no good: it is over, cancelled or was never one"}`
	cancelled := got{401, `{"error":"invalid_token","error_description":"Token was cancelled"}`}
	ada := got{200, `{"api":"rotating","username":"ada"}`}
	var given []got
	for _, name := range []string{"login", "another login", "T2", "T6", "T3", "T1", "T2", "T8", "T4"} {
		switch name {
		case "login", "another login":
			given = append(given, w.ask(form("/rotating/oauth/login", rotatingBody)))
		default:
			given = append(given, w.refresh(name))
		}
		if name == "T6" { // the newest pair works, and the older access tokens still do
			w.check([]step{{"first", whoami(sim.Rotating, "Bearer T1"), ada}, {"newest", whoami(sim.Rotating, "Bearer T7"), ada}})
		}
	}
	want := []got{
		{200, `{"access_token":"T1","refresh_token":"T2","expires_in":300}`},
		{200, `{"access_token":"T3","refresh_token":"T4","expires_in":300}`},
		{200, `{"access_token":"T5","refresh_token":"T6","expires_in":300}`},
		{200, `{"access_token":"T7","refresh_token":"T8","expires_in":300}`},
		{400, `{"error":"invalid_grant","error_description":"This is no refresh token"}`},
		{400, `{"error":"invalid_grant","error_description":"This is no refresh token"}`},
		{400, spent}, {400, noGood}, // the newest one, which is not to blame
		{200, `{"access_token":"T9","refresh_token":"T10","expires_in":300}`}, // the other login
	}
	if diff := cmp.Diff(want, given); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	w.check([]step{
		{"cancelled, first", whoami(sim.Rotating, "Bearer T1"), cancelled},
		{"cancelled, newest", whoami(sim.Rotating, "Bearer T7"), cancelled},
		{"the other login", whoami(sim.Rotating, "Bearer T9"), ada},
		{"a refresh token", whoami(sim.Rotating, "Bearer T10"), got{401, `{"error":"invalid_token","error_description":"This is no access token"}`}},
	})
	w.clock.Add(24 * time.Hour)
	if diff := cmp.Diff(got{400, noGood}, w.refresh("T10")); diff != "" {
		t.Errorf("over (-want +got):\n%s", diff)
	}
}

// TestRotatingTakesATokenOnce sends one refresh token many times at once.
func TestRotatingTakesATokenOnce(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	w.ask(form("/rotating/oauth/login", rotatingBody))
	statuses := make(chan int)
	const calls = 20
	for range calls {
		go func() { statuses <- w.refresh("T2").Status }()
	}
	taken := 0
	for range calls {
		if <-statuses == 200 {
			taken++
		}
	}
	if taken != 1 {
		t.Errorf("taken %d times", taken)
	}
}

// TestRotatingIsStrict sends what the API must not take.
func TestRotatingIsStrict(t *testing.T) {
	t.Parallel()
	w := start(t, sim.Options{})
	good := form("/rotating/oauth/login", rotatingBody)
	for name, change := range map[string]func(*ask){
		"method":         func(a *ask) { a.Method = "GET" },
		"slash":          func(a *ask) { a.Path += "/" },
		"JSON":           func(a *ask) { a.Type = "application/json" },
		"no type":        func(a *ask) { a.Type = " " },
		"charset":        func(a *ask) { a.Type += "; charset=latin1" },
		"query":          func(a *ask) { a.Path += "?username=ada" },
		"extra":          func(a *ask) { a.Body += "&scope=all" },
		"twice":          func(a *ask) { a.Body += "&username=ada" },
		"no password":    func(a *ask) { a.Body = "username=ada" },
		"blank":          func(a *ask) { a.Body = "username=ada&password=" },
		"nothing":        func(a *ask) { a.Body = "" },
		"not UTF-8":      func(a *ask) { a.Body = "username=ada&password=%ff" },
		"broken escape":  func(a *ask) { a.Body = "username=ada&password=%f" },
		"semicolon":      func(a *ask) { a.Body = strings.ReplaceAll(a.Body, "&", ";") },
		"large":          func(a *ask) { a.Body += strings.Repeat("x", 1<<20) },
		"wrong password": func(a *ask) { a.Body += "x" },
		"as a refresh":   func(a *ask) { a.Path = "/rotating/oauth/refresh" },
		"bad refresh":    func(a *ask) { a.Path, a.Body = "/rotating/oauth/refresh", "refresh_token=x" },
	} {
		a := good
		change(&a)
		if answer := w.ask(a); answer.Status < 400 || answer.Status >= 500 || !strings.Contains(answer.Body, `"error":"`) {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
	if tokens := w.sim.Tokens(); len(tokens) != 0 {
		t.Errorf("%d tokens were issued", len(tokens))
	}
}
