package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

// surveyed makes four sessions in a file store and damages three of them: one
// has lost its entry, one its items, one its access item.
func surveyed(t *testing.T) (s *store.Store, o store.Options, whole, unlisted, stale, lone token.Session) {
	t.Helper()
	o = fileOptions(t)
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	sessions := map[string]token.Session{}
	for _, account := range []string{"whole", "unlisted", "stale", "lone"} {
		sessions[account] = storetest.Session(t, account)
		if err := s.Save(t.Context(), sessions[account]); err != nil {
			t.Fatal(err)
		}
	}
	unlisted, stale, lone = sessions["unlisted"], sessions["stale"], sessions["lone"]
	entries, err := filepath.Glob(filepath.Join(o.StateDir, "index", "*", unlisted.ID()+"*"))
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	vault := store.FileVault(o)
	err = errors.Join(os.Remove(entries[0]), vault.Delete(t.Context(), lone.ID()),
		vault.Delete(t.Context(), stale.ID()), vault.Delete(t.Context(), stale.ID()+".more"))
	if err != nil {
		t.Fatal(err)
	}
	return s, o, sessions["whole"], unlisted, stale, lone
}

func wantSurvey(t *testing.T, s *store.Store, want store.Survey) store.Survey {
	t.Helper()
	got, err := s.Survey(t.Context())
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(store.Survey{}), cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("Survey: %v (-want +got):\n%s", err, diff)
	}
	return got
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	s, _, _, unlisted, stale, lone := surveyed(t)
	found := wantSurvey(t, s, store.Survey{
		Sessions: 2, Unlisted: []token.Key{unlisted.Key}, Stale: []token.Key{stale.Key}, Leftover: []string{lone.ID() + ".more"},
	})
	if err := s.Mend(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	found = wantSurvey(t, s, store.Survey{Sessions: 2, Leftover: []string{lone.ID() + ".more"}})
	if entries, err := s.List(); err != nil || len(entries) != 3 {
		t.Errorf("%d entries, %v; want whole, unlisted, and the trace of a secret", len(entries), err)
	}
	if err := s.DeleteLeftover(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	found = wantSurvey(t, s, store.Survey{Sessions: 2, Stale: []token.Key{lone.Key}})
	if err := s.Mend(t.Context(), found); err != nil || !wantSurvey(t, s, store.Survey{Sessions: 2}).Whole() {
		t.Errorf("at last: %v", err)
	}
}

// TestLeftoverOfALoginThatGoesOn: between the survey and the answer of a person
// the login may have come to its end.
func TestLeftoverOfALoginThatGoesOn(t *testing.T) {
	t.Parallel()
	s, _, _, _, _, lone := surveyed(t)
	found, err := s.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Save(t.Context(), lone), s.DeleteLeftover(t.Context(), found)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Session(t.Context(), lone.Key); err != nil || !got.RefreshToken.Equal(lone.RefreshToken) {
		t.Errorf("the session that was saved meanwhile is lost: %v", err)
	}
}

// TestSurveyOfAnotherIdentity: what cannot be decrypted is not offered for
// deletion, because it may be good with another key.
func TestSurveyOfAnotherIdentity(t *testing.T) {
	t.Parallel()
	_, o, whole, unlisted, stale, lone := surveyed(t)
	o.Identity = fileOptions(t).Identity
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	found := wantSurvey(t, s, store.Survey{
		Sessions: 2, Unreadable: []string{unlisted.ID()}, Stale: []token.Key{stale.Key}, Leftover: []string{lone.ID() + ".more"},
	})
	if err := s.Mend(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	entries, err := s.List()
	if err != nil || len(entries) != 2 || entries[1].Key != whole.Key {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestSurveyWithoutAList(t *testing.T) {
	t.Parallel()
	memory := &storetest.Memory{}
	s := store.New(memory, options(t, store.Keyring))
	good, gone := storetest.Session(t, "good"), storetest.Session(t, "gone")
	err := errors.Join(s.Save(t.Context(), good), s.Save(t.Context(), gone),
		memory.Delete(t.Context(), gone.ID()), memory.Delete(t.Context(), gone.ID()+".more"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Survey(t.Context())
	if !errors.Is(err, store.ErrCannotList) || len(found.Stale) != 1 || found.Stale[0] != gone.Key {
		t.Errorf("%+v, %v", found, err)
	}
	if err := s.Mend(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	if entries, err := s.List(); err != nil || len(entries) != 1 || entries[0].Key != good.Key {
		t.Errorf("%v, %v", entries, err)
	}
}
