// Command direct reads one item of the keyring with the least that this takes
// in Go: no command line, no profile, no list of sessions. It is what authbench
// compares "authctl token" with.
//
//	direct SERVICE USERNAME [at-once]
package main

import (
	"fmt"
	"os"

	"github.com/godbus/dbus/v5"
)

func main() {
	if err := read(os.Args[1], os.Args[2], len(os.Args) > 3); err != nil {
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

// read prints the item. It takes three calls: one after the other, or the first
// two at once.
func read(service, username string, atOnce bool) error {
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		return err
	}
	object := func(path dbus.ObjectPath) dbus.BusObject { return conn.Object("org.freedesktop.secrets", path) }
	open := func() *dbus.Call {
		return object("/org/freedesktop/secrets").Go("org.freedesktop.Secret.Service.OpenSession", 0, nil, "plain", dbus.MakeVariant(""))
	}
	search := func() *dbus.Call {
		return object("/org/freedesktop/secrets/collection/login").Go("org.freedesktop.Secret.Collection.SearchItems", 0, nil,
			map[string]string{"service": service, "username": username})
	}
	opening := open()
	if !atOnce {
		opening = <-opening.Done
	}
	searching := search()
	if atOnce {
		opening = <-opening.Done
	}
	var none dbus.Variant
	var session dbus.ObjectPath
	if err := opening.Store(&none, &session); err != nil {
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
