package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
)

func (a *app) storeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "store",
		Short:   "Move sessions from one store to another",
		Long:    "Work with the stores: the keyring of the desktop, and files encrypted with age.",
		Example: "  authctl store move --from keyring --to file",
	}
	cmd.AddCommand(a.storeMoveCommand())
	return exitCodes(group(cmd))
}

func (a *app) storeMoveCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "move --from STORE --to STORE",
		Short: "Move all sessions from one store to another",
		Long: `Move all sessions from one store to another. Each is read back from its new
place before the old one is deleted; one that cannot be moved stays where it is
and does not keep the others. The new store is remembered for later logins.`,
		Example: `  authctl store move --from keyring --to file
  authctl store move --from file --to keyring`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.moveSessions(cmd.Context(), from, to) },
	}
	stores := []string{store.Keyring, store.File}
	for name, value := range map[string]*string{"from": &from, "to": &to} {
		cmd.Flags().Var(&choice{value: value, of: stores}, name, "the store "+map[string]string{"from": "that is emptied", "to": "that is filled"}[name])
		a.complete(cmd, name, stores)
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic("cli: store move has no flag --" + name)
		}
	}
	return exitCodes(cmd, 5, 8)
}

func (a *app) moveSessions(ctx context.Context, from, to string) error {
	if from == to {
		return fault.New(fault.Usage, "name two stores", "--from and --to are the same store")
	}
	if err := a.settings.load(); err != nil {
		return err
	}
	source, err := a.openStore(from)
	if err != nil {
		return err
	}
	target, err := a.openStore(to)
	if err != nil {
		return err
	}
	entries, err := a.sessions()
	failures, moved := []error{err}, 0
	for _, entry := range entries {
		if entry.Store != from {
			continue
		}
		if err := store.Move(ctx, entry.Key, source, target); err != nil {
			failures = append(failures, fault.Wrap(err, "move the session of %s, account %s", entry.Profile, entry.Account))
			continue
		}
		moved++
	}
	a.done(fmt.Sprintf("moved %s from %s to %s", count(moved, "session"), from, to))
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return a.settings.remember(map[string]string{setStore: to})
}
