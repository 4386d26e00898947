// Package storetest holds what tests of stores share: one contract suite for
// every store, vaults in memory, and a real gnome-keyring that is private to a
// test.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/token"
)

// Place is what the contract suite needs of a store. It may hold items of
// other tests already.
type Place struct {
	// Open returns a new Store over the place, with the same folders each time.
	Open func(t *testing.T) *store.Store
	// Vault is the vault under those stores, as they use it.
	Vault store.Vault
}

// Run runs the contract of every store on a place.
func Run(t *testing.T, p Place) {
	tests := []struct {
		name string
		run  func(*testing.T, Place)
	}{
		{"Absent", testAbsent},
		{"SaveAndLoad", testSaveAndLoad},
		{"AccessOnly", testAccessOnly},
		{"Overwrite", testOverwrite},
		{"Delete", testDelete},
		{"Large", testLarge},
		{"AwkwardText", testAwkwardText},
		{"Neighbours", testNeighbours},
		{"ManyKeysAtOnce", testManyKeys},
		{"OneKeyAtOnce", testOneKey},
		{"Index", testIndex},
		{"Cancelled", testCancelled},
		{"Threat01_AnotherLogin", testSwapped},
		{"Damaged", testDamaged},
		{"HalfDeleted", testHalfDeleted},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, p)
			clean(t, p)
		})
	}
}

// clean deletes the sessions of a test: a keyring gets slower with its size.
func clean(t *testing.T, p Place) {
	t.Helper()
	s := p.Open(t)
	entries, err := s.List()
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Profile, t.Name()) {
			continue
		}
		if err := s.Delete(t.Context(), e.Key); err != nil {
			t.Errorf("Delete of %q: %v", e.Account, err)
		}
		wantNoItem(t, p, e.ID())
		wantNoItem(t, p, e.ID()+".more")
	}
}

// Session returns a session with a value in every field. Its profile is named
// after the test, so that tests can share a store.
func Session(t testing.TB, account string) token.Session {
	t.Helper()
	exact := int64(1)<<53 + 1 // no float64; a small number where an int has 32 bits
	obtained := time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC)
	return token.Session{
		Access: token.Access{
			Info: token.Info{
				Key: token.Key{
					Origin: "https://api.example.com:443", Profile: t.Name(), Environment: "sandbox", Account: account,
				},
				Expiry:     token.Expiry{At: obtained.Add(time.Hour), Source: token.FromExpiresIn},
				ObtainedAt: obtained, Via: "password", User: "user@example.com",
				LongLived: true, TokenID: "id-1", Renewable: "refresh",
			},
			AccessToken: token.NewSecret("access-of-" + account),
		},
		RefreshToken:  token.NewSecret("refresh-of-" + account),
		RefreshExpiry: token.Expiry{At: obtained.Add(24 * time.Hour), Source: token.FromLifetime},
		Saved: map[string]any{
			"tenant": "t-1", "number": int(exact), "share": 0.25, "none": nil,
			"nested": map[string]any{"list": []any{true, "x", 1}},
		},
		Credentials: map[string]token.Secret{
			"username": token.NewSecret("user@example.com"),
			"password": token.NewSecret("not UTF-8: \xff\xfe \" \\ \n"),
		},
	}
}

func testAbsent(t *testing.T, p Place) {
	s, key := p.Open(t), Session(t, "nobody").Key
	_, err := s.Access(t.Context(), key)
	wantAbsent(t, "Access", err)
	_, err = s.Session(t.Context(), key)
	wantAbsent(t, "Session", err)
	wantAbsent(t, "Delete", s.Delete(t.Context(), key))
}

func testSaveAndLoad(t *testing.T, p Place) {
	want := Session(t, "a")
	save(t, p.Open(t), want)
	wantSession(t, p, want)
}

func testAccessOnly(t *testing.T, p Place) {
	want := token.Session{Access: Session(t, "a").Access}
	want.Expiry = token.Expiry{Source: token.FromNothing}
	save(t, p.Open(t), want)
	wantSession(t, p, want)
	wantNoItem(t, p, want.ID()+".more")
}

func testOverwrite(t *testing.T, p Place) {
	first := Session(t, "a")
	save(t, p.Open(t), first)
	second := first
	second.AccessToken, second.RefreshToken = token.NewSecret("access-2"), token.NewSecret("refresh-2")
	save(t, p.Open(t), second)
	wantSession(t, p, second)
	second.Credentials = nil
	save(t, p.Open(t), second)
	wantSession(t, p, second)
	bare := token.Session{Access: second.Access}
	save(t, p.Open(t), bare)
	wantSession(t, p, bare)
	wantNoItem(t, p, bare.ID()+".more")
}

func testDelete(t *testing.T, p Place) {
	session, other := Session(t, "a"), Session(t, "b")
	save(t, p.Open(t), session)
	save(t, p.Open(t), other)
	if err := p.Open(t).Delete(t.Context(), session.Key); err != nil {
		t.Fatal(err)
	}
	_, err := p.Open(t).Access(t.Context(), session.Key)
	wantAbsent(t, "Access", err)
	wantAbsent(t, "second Delete", p.Open(t).Delete(t.Context(), session.Key))
	wantNoItem(t, p, session.ID())
	wantNoItem(t, p, session.ID()+".more")
	wantEntries(t, p, other)
	wantSession(t, p, other)
}

func testLarge(t *testing.T, p Place) {
	session := Session(t, "a")
	small := session
	for i, size := range []int{2200, 2400, 64 << 10, 5000} {
		session.AccessToken = token.NewSecret(strings.Repeat(string(rune('a'+i)), size))
		session.RefreshToken = token.NewSecret(strings.Repeat(string(rune('A'+i)), size))
		save(t, p.Open(t), session)
		wantSession(t, p, session)
	}
	save(t, p.Open(t), small)
	wantSession(t, p, small)
	save(t, p.Open(t), session)
	if err := p.Open(t).Delete(t.Context(), session.Key); err != nil {
		t.Fatal(err)
	}
	wantNoItem(t, p, session.ID())
	wantNoItem(t, p, session.ID()+".more")
}

func testAwkwardText(t *testing.T, p Place) {
	accounts := []string{
		`quote"s'and\back\slashes`, "line\nbreak\r\n", "colon:semi;$(x)`y`", "tab\tnul\x00", " blank ", "",
		"日本語 ünï 😀", "\u202ebidi\u200b", "../../etc/passwd", strings.Repeat("long", 500),
	}
	for _, account := range accounts {
		session := Session(t, account)
		session.User = account
		save(t, p.Open(t), session)
	}
	for _, account := range accounts {
		session := Session(t, account)
		session.User = account
		wantSession(t, p, session)
	}
	bad := Session(t, "not UTF-8 \xff")
	if err := p.Open(t).Save(t.Context(), bad); fault.KindOf(err) != fault.Usage {
		t.Errorf("an account that is not UTF-8: %v, want a refusal", err)
	}
}

func testNeighbours(t *testing.T, p Place) {
	base := Session(t, "a")
	sessions := []token.Session{base, base, base, base, base, base}
	sessions[1].Origin = "https://api.example.com:8443"
	sessions[2].Origin = "http://api.example.com:443"
	sessions[3].Profile += "2"
	sessions[4].Environment = ""
	sessions[5].Account = "A"
	for i := range sessions {
		sessions[i].AccessToken = token.NewSecret(fmt.Sprintf("access-%d", i))
		save(t, p.Open(t), sessions[i])
	}
	for _, session := range sessions {
		wantSession(t, p, session)
	}
	if err := p.Open(t).Delete(t.Context(), base.Key); err != nil {
		t.Fatal(err)
	}
	for _, session := range sessions[1:] {
		wantSession(t, p, session)
	}
}

func testManyKeys(t *testing.T, p Place) {
	s := p.Open(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			session := Session(t, fmt.Sprintf("account-%d", i))
			if err := s.Save(t.Context(), session); err != nil {
				t.Error(err)
			}
			wantSession(t, p, session)
			if i%2 == 0 {
				if err := s.Delete(t.Context(), session.Key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if entries, err := s.Find(t.Name(), "sandbox", "https://api.example.com:443"); err != nil || len(entries) != 10 {
		t.Errorf("%d entries, %v; want 10", len(entries), err)
	}
}

// testOneKey lets many callers count up under the lock while others read
// without it: no count is lost, and nobody sees half a session.
func testOneKey(t *testing.T, p Place) {
	session := Session(t, "a")
	session.Saved = map[string]any{"count": 0}
	session.AccessToken = token.NewSecret(strings.Repeat("x", 6000)) // in pieces where items are small
	save(t, p.Open(t), session)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			s := p.Open(t)
			if _, err := s.Access(t.Context(), session.Key); err != nil {
				t.Errorf("read beside a writer: %v", err)
			}
			if err := countUp(t.Context(), s, session.Key); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := p.Open(t).Session(t.Context(), session.Key)
	if err != nil || got.Saved["count"] != 20 {
		t.Errorf("count is %v, %v; want 20", got.Saved["count"], err)
	}
}

func countUp(ctx context.Context, s *store.Store, key token.Key) (err error) {
	release, err := s.Lock(ctx, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release(), release()) }()
	session, err := s.Session(ctx, key)
	if err != nil {
		return err
	}
	count := session.Saved["count"].(int) + 1
	session.Saved["count"] = count
	session.AccessToken = token.NewSecret(strings.Repeat(string(rune('a'+count)), 6000))
	return s.Save(ctx, session)
}

func testIndex(t *testing.T, p Place) {
	sessions := []token.Session{Session(t, "a"), Session(t, "b"), Session(t, "c")}
	sessions[1].RefreshToken, sessions[1].Saved, sessions[1].Credentials = token.Secret{}, nil, nil
	sessions[2].Environment = "production"
	for _, session := range sessions {
		save(t, p.Open(t), session)
	}
	wantEntries(t, p, sessions[:2]...)
	all, err := p.Open(t).List()
	if err != nil {
		t.Fatal(err)
	}
	var here []store.Entry
	for _, e := range all {
		if e.Profile == t.Name() {
			here = append(here, e)
		}
	}
	name := p.Open(t).Name()
	want := []store.Entry{entry(sessions[2], name, true), entry(sessions[0], name, true), entry(sessions[1], name, false)}
	if diff := cmp.Diff(want, here); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if none, err := p.Open(t).Find(t.Name(), "sandbox", "https://evil.example:443"); err != nil || len(none) != 0 {
		t.Errorf("Find for another origin: %v, %v", none, err)
	}
}

func testCancelled(t *testing.T, p Place) {
	session := Session(t, "a")
	save(t, p.Open(t), session)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := p.Open(t)
	_, accessErr := s.Access(ctx, session.Key)
	_, sessionErr := s.Session(ctx, session.Key)
	_, lockErr := s.Lock(ctx, session.Key)
	changed := session
	changed.AccessToken = token.NewSecret("changed")
	for name, err := range map[string]error{
		"Access": accessErr, "Session": sessionErr, "Lock": lockErr,
		"Save": s.Save(ctx, changed), "Delete": s.Delete(ctx, session.Key),
	} {
		if fault.KindOf(err) != fault.Interrupted {
			t.Errorf("%s after a cancel: %v, kind %v", name, err, fault.KindOf(err))
		}
	}
	wantSession(t, p, session)
}

// testSwapped puts items of one login where those of another belong.
func testSwapped(t *testing.T, p Place) {
	mine, other := Session(t, "a"), Session(t, "a")
	other.Origin = "https://evil.example:443"
	save(t, p.Open(t), mine)
	for _, suffix := range []string{".more", ""} {
		save(t, p.Open(t), other)
		item, err := p.Vault.Get(t.Context(), mine.ID()+suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Vault.Set(t.Context(), other.ID()+suffix, item); err != nil {
			t.Fatal(err)
		}
		_, err = p.Open(t).Session(t.Context(), other.Key)
		wantDamaged(t, "Session", err)
	}
	_, err := p.Open(t).Access(t.Context(), other.Key)
	wantDamaged(t, "Access", err)
	save(t, p.Open(t), other) // logging in again mends it
	wantSession(t, p, other)
}

func testDamaged(t *testing.T, p Place) {
	session := Session(t, "a")
	save(t, p.Open(t), session)
	good, err := p.Vault.Get(t.Context(), session.ID())
	if err != nil {
		t.Fatal(err)
	}
	for name, item := range map[string]string{
		"empty object": "{}", "cut off": string(good[:len(good)-1]), "two values": string(good) + "{}",
		"no JSON": "eyJhbGciOiJub25lIn0", "unknown field": `{"x":1,` + string(good[1:]),
		"newer": strings.Replace(string(good), `"v":1`, `"v":2`, 1), "no token": strings.Replace(string(good), "access-of-a", "", 1),
	} {
		if err := p.Vault.Set(t.Context(), session.ID(), []byte(item)); err != nil {
			t.Fatal(err)
		}
		_, err := p.Open(t).Access(t.Context(), session.Key)
		wantDamaged(t, name, err)
		if strings.Contains(fmt.Sprint(err), "access-of") {
			t.Errorf("%s: the error holds the token: %v", name, err)
		}
	}
	save(t, p.Open(t), session)
	if err := p.Vault.Delete(t.Context(), session.ID()+".more"); err != nil {
		t.Fatal(err)
	}
	_, err = p.Open(t).Session(t.Context(), session.Key)
	wantDamaged(t, "details missing", err)
	save(t, p.Open(t), session)
	wantSession(t, p, session)
}

// testHalfDeleted leaves a refresh token without its access token, as a killed
// logout does: a second logout must find and delete it.
func testHalfDeleted(t *testing.T, p Place) {
	session := Session(t, "a")
	save(t, p.Open(t), session)
	if err := p.Vault.Delete(t.Context(), session.ID()); err != nil {
		t.Fatal(err)
	}
	if err := p.Open(t).Repair(t.Context(), session.Key); err != nil {
		t.Fatal(err)
	}
	wantEntries(t, p, session) // still listed: it is the only trace
	if err := p.Open(t).Delete(t.Context(), session.Key); err != nil {
		t.Fatal(err)
	}
	wantNoItem(t, p, session.ID()+".more")
	wantEntries(t, p)
}

func save(t *testing.T, s *store.Store, session token.Session) {
	t.Helper()
	if err := s.Save(t.Context(), session); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

// wantSession compares everything that a new Store finds.
func wantSession(t *testing.T, p Place, want token.Session) {
	t.Helper()
	got, err := p.Open(t).Session(t.Context(), want.Key)
	if err != nil {
		t.Errorf("Session of %q: %v", want.Account, err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Session of %q (-want +got):\n%s", want.Account, diff)
	}
	access, err := p.Open(t).Access(t.Context(), want.Key)
	if diff := cmp.Diff(want.Access, access); err != nil || diff != "" {
		t.Errorf("Access of %q: %v (-want +got):\n%s", want.Account, err, diff)
	}
}

// wantEntries compares what Find says of the accounts in the sandbox.
func wantEntries(t *testing.T, p Place, sessions ...token.Session) {
	t.Helper()
	s := p.Open(t)
	got, err := s.Find(t.Name(), "sandbox", "https://api.example.com:443")
	var want []store.Entry
	for _, session := range sessions {
		one := entry(session, s.Name(), !session.RefreshToken.IsZero())
		want = append(want, one)
		if got, err := s.Entries(session.Key); err != nil || !cmp.Equal([]store.Entry{one}, got) {
			t.Errorf("Entries of %q: %v %+v", session.Account, err, got)
		}
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Find: %v (-want +got):\n%s", err, diff)
	}
}

func entry(session token.Session, name string, details bool) store.Entry {
	return store.Entry{Info: session.Info, Store: name, Details: details, RefreshExpiry: session.RefreshExpiry}
}

func wantAbsent(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, token.ErrNoSession) || fault.KindOf(err) != fault.LoginNeeded {
		t.Errorf("%s: %v, want ErrNoSession", what, err)
	}
}

func wantDamaged(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrDamaged) || errors.Is(err, token.ErrNoSession) ||
		fault.KindOf(err) != fault.Store || !strings.Contains(fault.HintOf(err), "log in again") {
		t.Errorf("%s: %v, hint %q; want damaged, log in again", what, err, fault.HintOf(err))
	}
}

func wantNoItem(t *testing.T, p Place, name string) {
	t.Helper()
	if _, err := p.Vault.Get(t.Context(), name); !errors.Is(err, store.ErrNoItem) {
		t.Errorf("item %s: %v, want none", name, err)
	}
}
