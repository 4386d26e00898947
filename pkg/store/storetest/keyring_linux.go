package storetest

import (
	"errors"
	"slices"

	"github.com/godbus/dbus/v5"
)

// Keyring is a real gnome-keyring on a bus of its own. Its data is kept over
// Stop, Lock and Restart.
type Keyring struct {
	*bus
	service *process // nil while it is stopped
}

const keyringPassword = "pw"

// LaunchKeyring starts a private, unlocked gnome-keyring on a private bus; the
// caller closes it. It is for TestMain and for programs; tests call
// StartKeyring. It is ErrNoPrograms where the programs are not installed.
func LaunchKeyring() (*Keyring, error) {
	b, err := launchBus("gnome-keyring-daemon")
	if err != nil {
		return nil, err
	}
	k := &Keyring{bus: b}
	if err := k.Restart(); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// Stop stops the keyring's daemon; the bus goes on.
func (k *Keyring) Stop() error {
	if k.service == nil {
		return nil
	}
	err := k.service.end()
	k.service = nil
	return errors.Join(err, k.poll("the keyring's daemon is still on the bus", func() (bool, error) {
		owned, err := k.owned()
		return !owned, err
	}))
}

// Lock stops the daemon and starts it again with a locked collection.
func (k *Keyring) Lock() error { return k.restart(false) }

// Restart stops the daemon, if it runs, and starts it again, unlocked.
func (k *Keyring) Restart() error { return k.restart(true) }

// Close ends all processes and removes the data.
func (k *Keyring) Close() error {
	var err error
	if k.service != nil {
		err = k.service.end()
		k.service = nil
	}
	return errors.Join(err, k.close())
}

// Items returns the names of all items of authctl, sorted.
func (k *Keyring) Items() ([]string, error) {
	var items []dbus.ObjectPath
	err := k.conn.Object(secretService, loginPath).Call(collectionInterface+".SearchItems", 0, map[string]string{"service": "authctl"}).Store(&items)
	var names []string
	for _, item := range items {
		attributes, err := k.conn.Object(secretService, item).GetProperty(itemInterface + ".Attributes")
		if err != nil {
			return nil, err
		}
		if all, ok := attributes.Value().(map[string]string); ok {
			names = append(names, all["username"])
		}
	}
	slices.Sort(names)
	return names, err
}

// Add puts items of authctl into the keyring, by name, as go-keyring does.
func (k *Keyring) Add(items map[string][]byte) error {
	var none dbus.Variant
	secret := struct {
		Session           dbus.ObjectPath
		Parameters, Value []byte
		ContentType       string
	}{ContentType: "text/plain; charset=utf8"}
	open := k.conn.Object(secretService, servicePath).Call(serviceInterface+".OpenSession", 0, "plain", dbus.MakeVariant(""))
	if err := open.Store(&none, &secret.Session); err != nil {
		return err
	}
	for name, value := range items {
		secret.Value = value
		properties := map[string]dbus.Variant{
			itemInterface + ".Label":      dbus.MakeVariant(name),
			itemInterface + ".Attributes": dbus.MakeVariant(map[string]string{"service": "authctl", "username": name}),
		}
		if err := k.conn.Object(secretService, loginPath).Call(collectionInterface+".CreateItem", 0, properties, secret, true).Err; err != nil {
			return err
		}
	}
	return nil
}

func (k *Keyring) restart(unlocked bool) error {
	if err := k.Stop(); err != nil {
		return err
	}
	args, input := []string{"--foreground", "--components=secrets"}, ""
	if unlocked {
		args, input = append(args, "--unlock"), keyringPassword
	}
	var err error
	if k.service, err = k.start(input, "gnome-keyring-daemon", args...); err != nil {
		return err
	}
	return k.poll("the keyring does not get ready", func() (bool, error) {
		// A daemon that is not there yet must not be asked: that would be an error.
		if owned, err := k.owned(); err != nil || !owned {
			return false, err
		}
		locked, err := k.conn.Object(secretService, loginPath).GetProperty(collectionInterface + ".Locked")
		return err == nil && locked.Value() == !unlocked, nil
	})
}
