package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of the Secret Service API, draft 0.2.
const (
	servicePath         = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath           = servicePath + "/collection/login"
	sessionPath         = servicePath + "/session/1"
	promptPath          = servicePath + "/prompt/"
	noPath              = dbus.ObjectPath("/")
	serviceInterface    = "org.freedesktop.Secret.Service"
	collectionInterface = "org.freedesktop.Secret.Collection"
	itemInterface       = "org.freedesktop.Secret.Item"
	sessionInterface    = "org.freedesktop.Secret.Session"
	promptInterface     = "org.freedesktop.Secret.Prompt"
	propertyInterface   = "org.freedesktop.DBus.Properties"
)

// Prompt is what becomes of a dialog that an operation demands.
type Prompt int

// The fates of a dialog.
const (
	NoPrompt  Prompt = iota // none is needed
	Unmindful               // it is shown and never answered
	Dismissed               // it is closed, and nothing was done
	Malformed               // its end is told in a signal of wrong types
)

// Manners say how a Service behaves. The zero value is a good service.
type Manners struct {
	Silent     bool          // it never answers
	Delay      time.Duration // it takes that long for each answer …
	Slow       string        // … or only for this method, such as "CreateItem"
	Locked     bool          // the collection is locked
	Unlock     Prompt        // what unlocking demands
	Create     Prompt        // what writing demands
	Delete     Prompt        // what deleting demands
	WrongTypes bool          // answers have types that the API does not know
	Vanish     bool          // an item that is written is gone at once
	// Before, if not nil, is asked before each call is carried out, with its
	// number since SetManners; a call that it does not allow is neither carried
	// out nor answered.
	Before func(n int, method string) bool
}

// Service is a fake Secret Service on a bus of its own. It behaves as it is
// told to.
type Service struct {
	*bus
	conn   *dbus.Conn
	closed chan struct{}

	mu      sync.Mutex
	manners Manners
	items   map[dbus.ObjectPath]item
	prompts map[dbus.ObjectPath]Prompt
	last    int // number of the last item or prompt
	calls   int
}

type item struct {
	attributes map[string]string
	secret     []byte
}

// secret is the structure Secret of the API.
type secret struct {
	Session    dbus.ObjectPath
	Parameters []byte
	Value      []byte
	Type       string
}

// StartService starts a fake Secret Service that behaves, and stops it at the
// end of the test. Without dbus-daemon the test is skipped, as with
// StartKeyring.
func StartService(tb testing.TB) *Service {
	tb.Helper()
	b, err := launchBus()
	Require(tb, err)
	s := &Service{
		bus: b, closed: make(chan struct{}), items: map[dbus.ObjectPath]item{}, prompts: map[dbus.ObjectPath]Prompt{},
	}
	tb.Cleanup(func() {
		if err := s.close(); err != nil {
			tb.Error(err)
		}
	})
	if s.conn, err = dbus.Connect(b.address(), dbus.WithHandler(object{s, ""})); err != nil {
		tb.Fatal(err)
	}
	if _, err := s.conn.RequestName(secretService, dbus.NameFlagDoNotQueue); err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s *Service) close() error {
	close(s.closed)
	var err error
	if s.conn != nil {
		err = s.conn.Close()
	}
	return errors.Join(err, s.bus.close())
}

// SetManners changes how the service behaves, and counts calls from 0 again.
func (s *Service) SetManners(m Manners) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manners, s.calls = m, 0
}

// Calls returns how many calls came since SetManners.
func (s *Service) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Items returns the names of all items, sorted.
func (s *Service) Items() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, i := range s.items {
		names = append(names, i.attributes["username"])
	}
	slices.Sort(names)
	return names, nil
}

// object, with a method's name once that is known, hands every call on the
// connection to the service, whatever its path and its arguments are.
type object struct {
	*Service
	method string
}

// LookupObject implements dbus.Handler.
func (o object) LookupObject(dbus.ObjectPath) (dbus.ServerObject, bool) { return o, true }

// LookupInterface implements dbus.ServerObject.
func (o object) LookupInterface(name string) (dbus.Interface, bool) {
	return object{o.Service, name}, true
}

// LookupMethod implements dbus.Interface.
func (o object) LookupMethod(name string) (dbus.Method, bool) {
	return object{o.Service, o.method + "." + name}, true
}

// DecodeArguments implements dbus.ArgumentDecoder.
func (o object) DecodeArguments(_ *dbus.Conn, _ string, message *dbus.Message, body []any) ([]any, error) {
	path, _ := message.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	return append([]any{path}, body...), nil
}

// NumArguments implements dbus.Method, as do the next three; nothing asks them.
func (o object) NumArguments() int     { return 0 }
func (o object) NumReturns() int       { return 0 }
func (o object) ArgumentValue(int) any { return nil }
func (o object) ReturnValue(int) any   { return nil }

// Call implements dbus.Method.
func (o object) Call(args ...any) ([]any, error) {
	path, _ := args[0].(dbus.ObjectPath)
	method := o.method[strings.LastIndex(o.method, ".")+1:]
	m, n := o.count()
	if m.Silent || m.Before != nil && !m.Before(n, method) {
		<-o.closed
		return nil, errors.New("closed")
	}
	if m.Slow == "" || m.Slow == method {
		select {
		case <-time.After(m.Delay):
		case <-o.closed:
		}
	}
	answer, err := o.carryOut(path, args[1:], m)
	if m.WrongTypes && err == nil {
		return []any{int32(7), "odd", []int32{7}}[:max(1, len(answer))], nil
	}
	return answer, err
}

func (s *Service) count() (Manners, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	return s.manners, s.calls
}

// carryOut does what the API says of a method.
func (o object) carryOut(path dbus.ObjectPath, args []any, m Manners) ([]any, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch o.method {
	case serviceInterface + ".OpenSession":
		return []any{dbus.MakeVariant(""), sessionPath}, nil
	case sessionInterface + ".Close":
		return nil, nil
	case serviceInterface + ".ReadAlias":
		return []any{loginPath}, nil
	case serviceInterface + ".Unlock":
		return o.unlock(args, m)
	case propertyInterface + ".Get":
		return o.property(path, args, m)
	case collectionInterface + ".SearchItems":
		return []any{o.search(args)}, nil
	case collectionInterface + ".CreateItem":
		return o.create(args, m)
	case itemInterface + ".GetSecret":
		return o.secret(path, m)
	case itemInterface + ".Delete":
		return o.remove(path, m)
	case promptInterface + ".Prompt":
		return o.show(path)
	}
	return nil, dbus.MakeUnknownMethodError(o.method)
}

func (s *Service) unlock(args []any, m Manners) ([]any, error) {
	paths, ok := args[0].([]dbus.ObjectPath)
	if !ok {
		return nil, dbus.ErrMsgInvalidArg
	}
	if m.Locked {
		return []any{[]dbus.ObjectPath{}, s.prompt(m.Unlock)}, nil
	}
	return []any{paths, noPath}, nil
}

func (s *Service) property(path dbus.ObjectPath, args []any, m Manners) ([]any, error) {
	switch args[1] {
	case "Collections":
		return []any{dbus.MakeVariant([]dbus.ObjectPath{loginPath})}, nil
	case "Locked":
		return []any{dbus.MakeVariant(m.Locked)}, nil
	case "Attributes":
		return []any{dbus.MakeVariant(s.items[path].attributes)}, nil
	}
	return nil, dbus.ErrMsgInvalidArg
}

func (s *Service) search(args []any) []dbus.ObjectPath {
	wanted, _ := args[0].(map[string]string)
	found := []dbus.ObjectPath{}
	for _, path := range slices.Sorted(maps.Keys(s.items)) {
		has := true
		for name, value := range wanted {
			has = has && s.items[path].attributes[name] == value
		}
		if has {
			found = append(found, path)
		}
	}
	return found
}

// create replaces an item with the same attributes, as go-keyring asks.
func (s *Service) create(args []any, m Manners) ([]any, error) {
	var properties map[string]dbus.Variant
	var given secret
	var replace bool
	if err := dbus.Store(args, &properties, &given, &replace); err != nil || !replace {
		return nil, dbus.ErrMsgInvalidArg
	}
	attributes, _ := properties[itemInterface+".Attributes"].Value().(map[string]string)
	switch {
	case m.Locked:
		return nil, dbus.NewError("org.freedesktop.Secret.Error.IsLocked", nil)
	case m.Create != NoPrompt:
		return []any{noPath, s.prompt(m.Create)}, nil
	}
	for _, old := range s.search([]any{attributes}) {
		delete(s.items, old)
	}
	s.last++
	path := loginPath + dbus.ObjectPath(fmt.Sprintf("/%d", s.last))
	if !m.Vanish {
		s.items[path] = item{attributes, given.Value}
	}
	return []any{path, noPath}, nil
}

func (s *Service) secret(path dbus.ObjectPath, m Manners) ([]any, error) {
	found, ok := s.items[path]
	switch {
	case !ok:
		return nil, dbus.NewError("org.freedesktop.Secret.Error.NoSuchObject", nil)
	case m.Locked:
		return nil, dbus.NewError("org.freedesktop.Secret.Error.IsLocked", nil)
	}
	return []any{secret{sessionPath, []byte{}, found.secret, "text/plain"}}, nil
}

func (s *Service) remove(path dbus.ObjectPath, m Manners) ([]any, error) {
	if m.Delete != NoPrompt {
		return []any{s.prompt(m.Delete)}, nil
	}
	delete(s.items, path)
	return []any{noPath}, nil
}

// prompt makes a dialog; the client asks for it to be shown.
func (s *Service) prompt(p Prompt) dbus.ObjectPath {
	s.last++
	path := promptPath + dbus.ObjectPath(fmt.Sprint(s.last))
	s.prompts[path] = p
	return path
}

// show shows a dialog and, unless nobody answers it, ends it.
func (s *Service) show(path dbus.ObjectPath) ([]any, error) {
	end := []any{true, dbus.MakeVariant("")} // dismissed, and no result
	switch s.prompts[path] {
	case Unmindful:
		return nil, nil
	case Malformed:
		end = []any{"yes"}
	}
	return nil, s.conn.Emit(path, promptInterface+".Completed", end...)
}
