// Command direct reads one item of the keyring with the least that this takes
// in Go: no command line, no profile, no list of sessions. It is what authbench
// compares "authctl token" with.
package main

import (
	"fmt"
	"os"

	"github.com/godbus/dbus/v5"
)

func main() {
	if err := read(os.Args[1], os.Args[2]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "direct:", err)
		os.Exit(1)
	}
}

// secret is what the Secret Service hands out.
type secret struct {
	Session           dbus.ObjectPath
	Parameters, Value []byte
	ContentType       string
}

// read prints the item in three calls, two of them at once.
func read(service, username string) error {
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		return err
	}
	object := func(path dbus.ObjectPath) dbus.BusObject { return conn.Object("org.freedesktop.secrets", path) }
	opening := object("/org/freedesktop/secrets").Go("org.freedesktop.Secret.Service.OpenSession", 0, nil, "plain", dbus.MakeVariant(""))
	searching := object("/org/freedesktop/secrets/collection/login").Go("org.freedesktop.Secret.Collection.SearchItems", 0, nil,
		map[string]string{"service": service, "username": username})
	var none dbus.Variant
	var session dbus.ObjectPath
	if err := (<-opening.Done).Store(&none, &session); err != nil {
		return err
	}
	var items []dbus.ObjectPath
	if err := (<-searching.Done).Store(&items); err != nil {
		return err
	}
	if len(items) != 1 {
		return fmt.Errorf("%d items", len(items))
	}
	var found secret
	if err := object(items[0]).Call("org.freedesktop.Secret.Item.GetSecret", 0, session).Store(&found); err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(found.Value, '\n'))
	return err
}
