package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
)

// testThousandSessions: however many sessions there are, status does not ask
// the keyring, and token asks it three times.
func testThousandSessions(t *testing.T, program string) {
	const many = 1000
	service := storetest.StartService(t)
	s := newScene(t, program, store.Keyring, service.Env())
	s.wantLogin("core")
	others := store.New(&storetest.Memory{}, store.Options{Name: store.Keyring, StateDir: s.state("")})
	session := storetest.Session(t, "")
	for i := range many - 1 {
		session.Profile, session.Account = fmt.Sprintf("profile-%d", i%100), fmt.Sprint(i)
		if err := others.Save(t.Context(), session); err != nil {
			t.Fatal(err)
		}
	}
	service.SetManners(storetest.Manners{})
	o := s.want(0, "status")
	if lines := strings.Count(o.stdout, "\n"); lines != many+1 || service.Calls() != 0 || o.took > 5*time.Second {
		t.Errorf("status: %d lines, %d calls to the keyring, %s", lines, service.Calls(), o.took)
	}
	token := s.want(0, "token", "core")
	if service.Calls() != 3 {
		t.Errorf("token: %d calls to the keyring, want 3", service.Calls())
	}
	t.Logf("%d sessions: status %s, token %s", many, o.took.Round(time.Millisecond), token.took.Round(time.Millisecond))
}
