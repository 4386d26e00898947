package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
)

// repairOptions are the flags of doctor that change something.
type repairOptions struct {
	repair bool
	yes    bool
}

func (o *repairOptions) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.repair, "repair", false, "mend the list of sessions, and offer to delete what belongs to none")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "with --repair: delete it without asking")
}

// checkSessions compares the list of sessions with each store in use, and mends
// what does not fit if it is told to. A session that is not listed is no
// failure: another state folder may list it.
func (a *app) checkSessions(ctx context.Context, o repairOptions) []checkup {
	var checks []checkup
	for _, name := range a.storesInUse() {
		check := "sessions in " + name
		found, err := a.surveyStore(ctx, name, o)
		switch {
		case errors.Is(err, store.ErrCannotList) && found.Entries() == 0:
			checks = append(checks, passed(check, "no stale entry; this system's keyring cannot be searched for more"))
		case err != nil && !errors.Is(err, store.ErrCannotList):
			checks = append(checks, failed(check, err))
		case found.Entries()+len(found.Leftover) > 0:
			checks = append(checks, failed(check, fault.New(fault.Store, "authctl doctor --repair", "%s", describe(found))))
		default:
			checks = append(checks, passed(check, "%s", describe(found)))
		}
	}
	return checks
}

// storesInUse are the store for new sessions and those that the list names.
func (a *app) storesInUse() []string {
	names := []string{a.storeName("")}
	if names[0] == store.None {
		names = nil
	}
	entries, err := a.sessions()
	if err != nil {
		return names // told by the check of the store
	}
	for _, entry := range entries {
		if !slices.Contains(names, entry.Store) {
			names = append(names, entry.Store)
		}
	}
	return names
}

// surveyStore returns what is wrong in a store, after the repair if there was one.
func (a *app) surveyStore(ctx context.Context, name string, o repairOptions) (store.Survey, error) {
	st, err := a.openStore(name)
	if err != nil {
		return store.Survey{}, err
	}
	found, err := st.Survey(ctx)
	if err != nil && !errors.Is(err, store.ErrCannotList) || found.Whole() || !o.repair {
		return found, err
	}
	if err := a.deleteLeftover(ctx, st, found, o.yes); err != nil {
		return found, err
	}
	// What is deleted leaves entries behind, so look again before they are mended.
	if found, err = st.Survey(ctx); err != nil && !errors.Is(err, store.ErrCannotList) {
		return found, err
	}
	if err := st.Mend(ctx, found); err != nil {
		return found, err
	}
	return st.Survey(ctx)
}

// deleteLeftover asks whether secrets of no session are to be deleted.
func (a *app) deleteLeftover(ctx context.Context, st *store.Store, found store.Survey, yes bool) error {
	if len(found.Leftover) == 0 {
		return nil
	}
	what := count(len(found.Leftover), "secret") + " of no session in the store " + st.Name()
	if !yes {
		confirmed, err := a.confirm(ctx, "Delete "+what+"?", "--yes")
		if err != nil || !confirmed {
			return err
		}
	}
	if err := st.DeleteLeftover(ctx, found); err != nil {
		return err
	}
	a.done("deleted " + what)
	return nil
}

// describe puts what a survey found into words.
func describe(found store.Survey) string {
	parts := []string{count(found.Sessions, "session")}
	add := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(len(found.Unlisted), "of them not listed here", "of them not listed here")
	add(found.Entries(), "entry of the list has no session", "entries of the list have no session")
	add(len(found.Leftover), "secret belongs to no session", "secrets belong to no session")
	add(len(found.Unreadable), "cannot be read and is not listed", "cannot be read and are not listed")
	return strings.Join(parts, ", ")
}
