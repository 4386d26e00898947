//go:build !windows && !darwin

package store

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
	ss "github.com/zalando/go-keyring/secret_service"

	"github.com/authctl/authctl/pkg/fault"
)

// splitKeyring says whether items of the keyring have a size limit.
const splitKeyring = false

// Names of the Secret Service API, draft 0.2, and of D-Bus.
const (
	secretService   = "org.freedesktop.secrets"
	secretPath      = "/org/freedesktop/secrets"
	loginCollection = dbus.ObjectPath(secretPath + "/collection/login")
	noCollection    = dbus.ObjectPath("/")
	propCollections = "org.freedesktop.Secret.Service.Collections"
	propLocked      = "org.freedesktop.Secret.Collection.Locked"
	propAttributes  = "org.freedesktop.Secret.Item.Attributes"
	callReadAlias   = "org.freedesktop.Secret.Service.ReadAlias"
	busVariable     = "DBUS_SESSION_BUS_ADDRESS"
)

// sessionBus finds the bus of the user's session without starting one.
type sessionBus struct {
	getenv func(string) string
	run    string // the folder that holds the users' runtime folders
}

// runtimeFolders is where systemd makes a folder for each user (pam_systemd(8)).
const runtimeFolders = "/run/user"

func systemKeyring(getenv func(string) string) (ready, absent func() error) {
	return sessionBus{getenv: getenv, run: runtimeFolders}.ready, confirmAbsent
}

// ready says why the keyring must not be called, if so. Else it writes the
// address into the environment of the process: godbus looks there, does not
// know XDG_RUNTIME_DIR, and where it finds no address it starts a bus and a
// keyring daemon, which stay behind with a copy of our environment.
func (b sessionBus) ready() error {
	address, err := b.address()
	if err != nil {
		return err
	}
	if err := os.Setenv(busVariable, address); err != nil {
		return fault.New(fault.Store, hintOtherStore, "the address of the session bus is no text: %w", err)
	}
	return nil
}

// address returns that of the session bus (D-Bus Specification, "Server
// Addresses"). Only sockets are taken: items cross the bus unencrypted.
func (b sessionBus) address() (string, error) {
	if address := b.getenv(busVariable); address != "" && !strings.HasPrefix(address, "autolaunch:") {
		for one := range strings.SplitSeq(address, ";") {
			if !strings.HasPrefix(one, "unix:") {
				return "", fault.New(fault.Store, hintOtherStore, "%s is not the address of a socket", busVariable)
			}
		}
		return address, nil
	}
	folders := []string{filepath.Join(b.run, strconv.Itoa(os.Getuid()))}
	if own := b.getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(own) {
		folders = append([]string{own}, folders...)
	}
	for _, folder := range folders {
		socket := filepath.Join(folder, "bus")
		if info, err := os.Stat(socket); err == nil && info.Mode().Type() == os.ModeSocket {
			return "unix:path=" + dbus.EscapeBusAddressValue(socket), nil
		}
	}
	return "", fault.New(fault.Store, hintOtherStore, "no keyring: there is no session bus")
}

// keyringFolder returns the folder of the bus that leads to the keyring, if it
// is this user's alone: that of the login session is.
func keyringFolder(getenv func(string) string) string {
	address, err := sessionBus{getenv: getenv, run: runtimeFolders}.address()
	if err != nil {
		return "" // told by the first call to the keyring
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(address, "unix:"), ";")
	for pair := range strings.SplitSeq(first, ",") {
		escaped, isPath := strings.CutPrefix(pair, "path=")
		socket, err := url.PathUnescape(escaped)
		if !isPath || err != nil || !filepath.IsAbs(socket) {
			continue
		}
		if folder := filepath.Dir(socket); isOwn(folder) {
			return folder
		}
	}
	return ""
}

// isOwn says whether a folder belongs to this user, and nobody else may look
// into it.
func isOwn(folder string) bool {
	info, err := os.Stat(folder)
	return err == nil && info.IsDir() && owner(info) == os.Geteuid() && info.Mode().Perm() == 0o700
}

// Prepare begins to connect to the keyring and returns at once, so that the
// connection is made while the caller finds out which session is meant. It
// changes nothing; whatever fails is told by the first call to the store.
func Prepare(getenv func(string) string) {
	if ready, _ := systemKeyring(getenv); ready() == nil {
		go func() { _, _ = dbus.SessionBus() }() // kept by godbus for all who ask
	}
}

// quickGet reads an item of the unlocked login collection with the three calls
// that this takes, two of them at once; go-keyring's Get makes eight, one after
// the other, half of the time of "authctl token". Whatever is not a plain
// success (locked, absent, another collection) is left to Get.
func quickGet(service, user string) (value string, found bool) {
	svc, err := ss.NewSecretService()
	if err != nil {
		return "", false
	}
	session := make(chan dbus.BusObject, 1)
	go func() {
		defer close(session)
		if opened, err := svc.OpenSession(); err == nil {
			session <- opened
		}
	}()
	// The attributes are those that go-keyring's Set gives an item.
	items, err := svc.SearchItems(svc.Object(secretService, loginCollection), map[string]string{"service": service, "username": user})
	opened, ok := <-session
	if err != nil || !ok || len(items) == 0 {
		return "", false
	}
	secret, err := svc.GetSecret(items[0], opened.Path())
	if err != nil {
		return "", false
	}
	return string(secret.Value), true
}

// listItems returns the user names of all items of a service. Those of a locked
// collection may be incomplete, so it is unlocked first.
func listItems(service string) ([]string, error) {
	path, err := collection()
	if err != nil || path == noCollection {
		return nil, err
	}
	svc, err := ss.NewSecretService()
	if err != nil {
		return nil, err
	}
	if err := svc.Unlock(path); err != nil {
		return nil, err
	}
	items, err := svc.SearchItems(svc.Object(secretService, path), map[string]string{"service": service})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, item := range items {
		property, err := svc.Object(secretService, item).GetProperty(propAttributes)
		if err != nil {
			return nil, err
		}
		var attributes map[string]string
		if err := property.Store(&attributes); err != nil {
			return nil, err
		}
		names = append(names, attributes["username"])
	}
	return names, nil
}

// confirmAbsent returns an error unless the collection that go-keyring looks
// into is unlocked, or there is none at all.
func confirmAbsent() error {
	path, err := collection()
	if err != nil || path == noCollection {
		return err
	}
	conn, err := dbus.SessionBus()
	if err != nil {
		return err
	}
	property, err := conn.Object(secretService, path).GetProperty(propLocked)
	if err != nil {
		return err
	}
	if isLocked, ok := property.Value().(bool); !ok || isLocked {
		return locked()
	}
	return nil
}

// collection returns the path of the collection that go-keyring takes: login,
// else the default one, else noCollection.
func collection() (dbus.ObjectPath, error) {
	conn, err := dbus.SessionBus() // the connection that go-keyring has as well
	if err != nil {
		return "", err
	}
	service := conn.Object(secretService, secretPath)
	property, err := service.GetProperty(propCollections)
	if err != nil {
		return "", err
	}
	var paths []dbus.ObjectPath
	if err := property.Store(&paths); err != nil {
		return "", err
	}
	if slices.Contains(paths, loginCollection) {
		return loginCollection, nil
	}
	path := noCollection
	err = service.Call(callReadAlias, 0, "default").Store(&path)
	return path, err
}

// explainSystem explains an error of the bus or of go-keyring's own. A D-Bus
// error is told by its name; its message is the service's and stays out.
func explainSystem(err error) error {
	var busError dbus.Error
	var network *net.OpError
	switch {
	case errors.As(err, &busError):
		return explainBus(busError.Name)
	case errors.As(err, &network):
		return fault.New(fault.Store, hintOtherStore, "the session bus cannot be reached: %w", network.Err)
	case errors.Is(err, dbus.ErrClosed):
		return fault.New(fault.Store, hintTryAgain, "the session bus hung up")
	case strings.HasPrefix(err.Error(), "failed to unlock correct collection"): // go-keyring's text
		if path, err := collection(); err == nil && path == noCollection {
			return fault.New(fault.Store, hintOtherStore, "the keyring is not set up: it has no collection to keep items in")
		}
		return locked()
	default:
		return fault.New(fault.Store, hintOtherStore, "the keyring failed: %w", err)
	}
}

func explainBus(name string) error {
	const noService = "start a keyring service such as gnome-keyring, or " + hintOtherStore
	switch name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return fault.New(fault.Store, noService, "no keyring service is running")
	case "org.freedesktop.Secret.Error.IsLocked":
		return locked()
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout":
		return fault.New(fault.Store, hintOtherStore, "the keyring does not answer")
	case "org.freedesktop.Secret.Error.NoSuchObject", "org.freedesktop.DBus.Error.UnknownObject",
		"org.freedesktop.DBus.Error.UnknownMethod":
		return fault.New(fault.Store, hintOtherStore, "the keyring has no place to keep items in (%s)", name)
	default:
		return fault.New(fault.Store, hintOtherStore, "the keyring failed (%s)", name)
	}
}
