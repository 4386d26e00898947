package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
)

func (a *app) doctorCommand() *cobra.Command {
	var online, create bool
	var o repairOptions
	cmd := &cobra.Command{
		Use:   "doctor [PROFILE]",
		Short: "Check configuration, store, and on request clock and network",
		Long: `Check what authctl needs: the profiles, the settings, the store. With --online
the base URL of PROFILE (or of every profile) is asked, without any secret,
whether it can be reached and how its clock compares with this machine's.

The sessions in the stores are compared with the list that "authctl status"
shows. --repair lists those that are missing there, removes entries without a
session, and offers to delete what a killed command has left in a store.

--create-identity makes the key that the store "file" encrypts with.`,
		Example: `  authctl doctor
  authctl doctor zumrails --online
  authctl doctor --repair
  authctl doctor --create-identity`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if create {
				return a.createIdentity()
			}
			return a.doctor(cmd.Context(), args, online, o)
		},
	}
	cmd.Flags().BoolVar(&online, "online", false, "ask the base URLs whether they can be reached")
	cmd.Flags().BoolVar(&create, "create-identity", false, "make the key of the file store, if there is none")
	o.add(cmd)
	a.addOutput(cmd, outputTable, outputJSON)
	return exitCodes(cmd, 5, 6, 8)
}

// checkup is the result of one check.
type checkup struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
	err    error
}

func passed(name, format string, args ...any) checkup {
	return checkup{Name: name, OK: true, Detail: fmt.Sprintf(format, args...)}
}

func failed(name string, err error) checkup {
	return checkup{Name: name, Detail: err.Error(), Hint: fault.HintOf(err), err: err}
}

func (a *app) doctor(ctx context.Context, args []string, online bool, o repairOptions) error {
	checks := append(a.checkProfiles(args), a.checkSettings(), a.checkStore(ctx))
	if checks[len(checks)-1].OK { // a store that cannot be asked is told once
		checks = append(checks, a.checkSessions(ctx, o)...)
	}
	if online {
		checks = append(checks, a.checkOnline(ctx, args)...)
	}
	if a.output == outputJSON {
		if err := console.WriteJSON(a.out, checks); err != nil {
			return err
		}
	} else if err := a.printChecks(checks); err != nil {
		return err
	}
	for _, c := range checks {
		if !c.OK {
			return fault.Wrap(c.err, "%s", c.Name)
		}
	}
	return nil
}

func (a *app) printChecks(checks []checkup) error {
	table := console.NewTable("CHECK", "STATE", "RESULT")
	for _, c := range checks {
		state := console.Cell{Text: "ok", Role: console.Good}
		if !c.OK {
			state = console.Cell{Text: "bad", Role: console.Bad}
		}
		table.Row(console.Cell{Text: c.Name, Role: console.Key}, state, console.Cell{Text: c.Detail})
	}
	return table.Print(a.out)
}

func (a *app) checkProfiles(args []string) []checkup {
	catalog, err := a.catalog()
	if err != nil {
		return []checkup{failed("profiles", err)}
	}
	names := catalog.Names()
	if len(args) > 0 {
		names = args
	}
	var checks []checkup
	for _, err := range catalog.Broken() {
		checks = append(checks, failed("profiles", err))
	}
	for _, name := range names {
		_, problems, err := catalog.Check(name)
		if err == nil {
			err = problems.Err()
		}
		if err != nil {
			checks = append(checks, failed("profile "+name, err))
		}
	}
	if checks == nil {
		checks = append(checks, passed("profiles", "%s in %s", count(len(names), "profile"), count(catalog.Files(), "file")))
	}
	return checks
}

func (a *app) checkSettings() checkup {
	if err := a.settings.load(); err != nil {
		return failed("settings", err)
	}
	return passed("settings", "configuration in %s", a.settings.paths.Config)
}

// checkStore asks the store whether it can be used.
func (a *app) checkStore(ctx context.Context) checkup {
	name := a.storeName("")
	if name == store.None {
		return passed("store", "none: nothing is kept")
	}
	st, err := a.openStore(name)
	if err != nil {
		return failed("store", err)
	}
	if err := st.Check(ctx); err != nil {
		return failed("store", err)
	}
	return passed("store", "%s", name)
}

// checkOnline asks base URLs without a secret.
func (a *app) checkOnline(ctx context.Context, args []string) []checkup {
	catalog, err := a.catalog()
	if err != nil {
		return nil // told already
	}
	names := catalog.Names()
	if len(args) > 0 {
		names = args
	}
	client := a.manager(nil, nil).Calls
	var checks []checkup
	for _, name := range names {
		p, err := catalog.Profile(name)
		if err != nil {
			continue // told already
		}
		s := &selection{}
		s.Profile = p
		if s.Environment, err = a.chooseEnvironment(p); err != nil {
			checks = append(checks, failed("reach "+name, err))
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, a.timeout)
		checks = append(checks, reach(ctx, client, s)...)
		cancel()
	}
	return checks
}

func reach(ctx context.Context, client *call.Client, s *selection) []checkup {
	base := s.Base().URL
	if base == nil {
		return []checkup{passed("reach "+s.Profile.Name, "%s is not asked: the address depends on an input", s.Base())}
	}
	status, offset, err := client.Probe(ctx, s.Profile, base)
	if err != nil {
		return []checkup{failed("reach "+s.Profile.Name, err)}
	}
	checks := []checkup{passed("reach "+s.Profile.Name, "%s answers, status %d", base.Host, status)}
	if offset != 0 {
		clock := "behind"
		if offset < 0 {
			clock = "ahead of"
		}
		checks = append(checks, passed("clock "+s.Profile.Name, "this machine is %s %s the server; authctl allows for it", offset.Abs().Round(time.Second), clock))
	} else {
		checks = append(checks, passed("clock "+s.Profile.Name, "the same here and there"))
	}
	return checks
}

// createIdentity makes the key of the file store.
func (a *app) createIdentity() error {
	if err := a.settings.load(); err != nil {
		return err
	}
	path := a.identityPath()
	if path == "" {
		return fault.New(fault.Store, "set HOME or XDG_CONFIG_HOME", "there is no configuration folder")
	}
	recipient, err := store.CreateIdentity(path)
	if err != nil {
		return err
	}
	a.done("made " + path + " for " + recipient)
	a.say("whoever has this file can read the sessions of the file store: keep it, and keep it to yourself")
	return nil
}
