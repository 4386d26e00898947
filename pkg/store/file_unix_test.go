//go:build unix

package store_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/store"
	"github.com/authctl/authctl/pkg/store/storetest"
	"github.com/authctl/authctl/pkg/token"
)

func open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// saved returns a file store with one session, and the file of that.
func saved(t *testing.T) (o store.Options, session token.Session, path string) {
	t.Helper()
	o, session = fileOptions(t), storetest.Session(t, "a")
	if err := open(t, o).Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	return o, session, filepath.Join(o.DataDir, session.ID()+".age")
}

// wantRefused checks that a session cannot be read, and that nobody is told
// that there is none.
func wantRefused(t *testing.T, what string, o store.Options, key token.Key, cause string) {
	t.Helper()
	_, err := open(t, o).Access(t.Context(), key)
	if fault.KindOf(err) != fault.Store || errors.Is(err, token.ErrNoSession) || !strings.Contains(fmt.Sprint(err), cause) {
		t.Errorf("%s: %v, want fault.Store with %q", what, err, cause)
	}
}

// TestThreat08_FilesOfOthers spoils, one after the other, what must be safe for
// the file to be: the data file, the identity, and their folders.
func TestThreat08_FilesOfOthers(t *testing.T) {
	t.Parallel()
	for _, which := range []string{"data", "identity"} {
		for what, spoil := range map[string]struct {
			do    func(path string) error
			cause string
		}{
			"others may read":  {func(p string) error { return os.Chmod(p, 0o644) }, "permissions 0644"},
			"group may write":  {func(p string) error { return os.Chmod(p, 0o620) }, "permissions 0620"},
			"link":             {linked, "symbolic link"},
			"pipe":             {piped, "not a regular file"},
			"folder":           {foldered, "not a regular file"},
			"open folder":      {func(p string) error { return os.Chmod(filepath.Dir(p), 0o777) }, "others can change it"},
			"another user's":   {func(p string) error { return os.Chown(p, 65534, -1) }, "belongs to another user"},
			"another's folder": {func(p string) error { return os.Chown(filepath.Dir(p), 65534, -1) }, "belongs to another user"},
		} {
			o, session, path := saved(t)
			if which == "identity" {
				path = o.Identity.Path
			}
			if err := spoil.do(path); errors.Is(err, fs.ErrPermission) {
				continue // only root can give files away
			} else if err != nil {
				t.Fatal(err)
			}
			wantRefused(t, which+", "+what, o, session.Key, spoil.cause)
		}
	}
}

func linked(path string) error {
	return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path))
}
func piped(path string) error    { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }
func foldered(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }

// TestThreat08_WriteFollowsNoLink: a link in the place of the file is replaced.
func TestThreat08_WriteFollowsNoLink(t *testing.T) {
	t.Parallel()
	o, session, path := saved(t)
	victim := filepath.Join(t.TempDir(), "victim")
	if err := errors.Join(os.WriteFile(victim, []byte("mine"), 0o600), os.Remove(path), os.Symlink(victim, path)); err != nil {
		t.Fatal(err)
	}
	session.AccessToken = token.NewSecret("new")
	if err := open(t, o).Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(victim); err != nil || string(data) != "mine" {
		t.Errorf("the link's target was written: %q, %v", data, err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v; want a regular file with 0600", info.Mode(), err)
	}
	if err := os.Chmod(o.DataDir, 0o777); err != nil {
		t.Fatal(err)
	}
	session.AccessToken = token.NewSecret("newer")
	if err := open(t, o).Save(t.Context(), session); fault.KindOf(err) != fault.Store {
		t.Errorf("Save into a folder that all may write: %v", err)
	}
}

// TestThreat08_LockFolder: who can write the folder can hold a renewal up.
func TestThreat08_LockFolder(t *testing.T) {
	t.Parallel()
	s := open(t, options(t, store.File))
	if err := errors.Join(os.MkdirAll(store.LockFolder(s), 0o700), os.Chmod(store.LockFolder(s), 0o777)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock(t.Context(), childKey); fault.KindOf(err) != fault.Store {
		t.Errorf("lock in a folder that all may write: %v", err)
	}
}

// TestModes checks everything that a Save, a lock and an identity leave behind.
func TestModes(t *testing.T) {
	t.Parallel()
	o, session, _ := saved(t)
	release, err := open(t, o).Lock(t.Context(), session.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = release() }()
	for _, root := range []string{o.StateDir, o.DataDir, filepath.Dir(o.Identity.Path)} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; err == nil && info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestNoPlainTextInFiles(t *testing.T) {
	t.Parallel()
	o, session, _ := saved(t)
	files, err := filepath.Glob(filepath.Join(o.DataDir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v; want two files", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || bytes.Contains(data, []byte("-of-a")) || bytes.Contains(data, []byte(session.Profile)) {
			t.Errorf("%s: %v, or plain text in it", file, err)
		}
	}
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func([]byte) []byte{
		"empty":       func([]byte) []byte { return nil },
		"cut off":     func(b []byte) []byte { return b[:len(b)-1] },
		"half":        func(b []byte) []byte { return b[:len(b)/2] },
		"header only": func(b []byte) []byte { return b[:40] },
		"one bit":     func(b []byte) []byte { b[len(b)-5] ^= 1; return b },
		"plain":       func([]byte) []byte { return []byte(`{"v":1}`) },
	} {
		o, session, path := saved(t)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, spoil(data), 0o600); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, what, o, session.Key, "damaged")
		if err := open(t, o).Save(t.Context(), session); err != nil {
			t.Errorf("%s: logging in again: %v", what, err)
		}
	}
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	o, session, _ := saved(t)
	key := session.Key
	text, err := os.ReadFile(o.Identity.Path)
	if err != nil {
		t.Fatal(err)
	}
	withText := o
	withText.Identity = store.Identity{Text: token.NewSecret(string(text))}
	withPath := o
	withPath.Identity = store.Identity{Text: token.NewSecret(o.Identity.Path)}
	for what, o := range map[string]store.Options{"text": withText, "path in the variable": withPath} {
		if _, err := open(t, o).Access(t.Context(), key); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	other := fileOptions(t)
	wrong, none, missing := o, o, o
	wrong.Identity, none.Identity = other.Identity, store.Identity{}
	missing.Identity.Path = filepath.Join(t.TempDir(), "none")
	wantRefused(t, "another identity", wrong, key, "cannot be decrypted with this identity")
	wantRefused(t, "no identity", none, key, "has no identity")
	wantRefused(t, "no file", missing, key, "is not there")
	_, err = open(t, missing).Access(t.Context(), key)
	if fault.HintOf(err) != "authctl doctor --create-identity" {
		t.Errorf("hint %q", fault.HintOf(err))
	}
	// Who has lost the identity can log in again, and log out.
	if err := open(t, wrong).Save(t.Context(), session); err != nil {
		t.Errorf("Save with another identity: %v", err)
	}
	if err := open(t, none).Delete(t.Context(), key); err != nil {
		t.Errorf("Delete without an identity: %v", err)
	}
}

// TestThreat07_NoKeyInAnError: a mistyped identity is a key all the same.
func TestThreat07_NoKeyInAnError(t *testing.T) {
	t.Parallel()
	o, session, _ := saved(t)
	for _, text := range []string{
		"AGE-SECRET-KEY-1SECRET", "age-secret-key-1secret", " AGE-SECRET-KEY-1SECRET", "SECRET",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET", "# comment\nSECRET",
	} {
		bad := o
		bad.Identity = store.Identity{Text: token.NewSecret(text)}
		wantRefused(t, "bad identity", bad, session.Key, "")
		_, err := open(t, bad).Access(t.Context(), session.Key)
		if strings.Contains(strings.ToUpper(err.Error()+fault.HintOf(err)), "1SECRET") || strings.Contains(err.Error(), "SECRET\"") {
			t.Errorf("the key is in %v", err)
		}
		if text != "SECRET" && strings.Contains(err.Error(), "is not there") {
			t.Errorf("a key was looked for as a file: %v", err)
		}
	}
}

func TestSSHKeys(t *testing.T) {
	t.Parallel()
	_, ed, edErr := ed25519.GenerateKey(rand.Reader)
	rsaKey, rsaErr := rsa.GenerateKey(rand.Reader, 2048)
	ec, ecErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(edErr, rsaErr, ecErr); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name       string
		key        any
		passphrase string
		cause      string
	}{
		{"ed25519", ed, "", ""},
		{"rsa", rsaKey, "", ""},
		{"passphrase", ed, "pw", "SSH key with a passphrase"},
		{"ecdsa", ec, "", "no SSH key of type ed25519 or rsa"},
	} {
		o := options(t, store.File)
		o.Identity.Path = sshKeyFile(t, test.key, test.passphrase)
		session := storetest.Session(t, test.name)
		err := open(t, o).Save(t.Context(), session)
		if test.cause != "" {
			if fault.KindOf(err) != fault.Store || !strings.Contains(fmt.Sprint(err), test.cause) {
				t.Errorf("%s: %v, want %q", test.name, err, test.cause)
			}
			continue
		}
		got, accessErr := open(t, o).Access(t.Context(), session.Key)
		if err := errors.Join(err, accessErr); err != nil || !got.AccessToken.Equal(session.AccessToken) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// sshKeyFile writes a private key as ssh-keygen does.
func sshKeyFile(t *testing.T, key any, passphrase string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "id")
	if err := errors.Join(os.Chmod(filepath.Dir(path), 0o700), os.WriteFile(path, pem.EncodeToMemory(block), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCreateIdentity(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "authctl", "identity")
	recipient, err := store.CreateIdentity(path)
	if err != nil || !strings.HasPrefix(recipient, "age1") {
		t.Fatalf("%q, %v", recipient, err)
	}
	before, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(before, []byte(recipient)) {
		t.Fatalf("%v, or the recipient is not in the file", err)
	}
	if _, err := store.CreateIdentity(path); fault.KindOf(err) != fault.Store {
		t.Errorf("a second identity: %v, want a refusal", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the identity was overwritten (%v)", err)
	}
	dangling := filepath.Join(filepath.Dir(path), "link")
	target := filepath.Join(filepath.Dir(path), "target")
	if err := os.Symlink(target, dangling); err != nil {
		t.Fatal(err)
	}
	if _, err := store.CreateIdentity(dangling); err == nil {
		t.Error("an identity was written through a link")
	}
}

// TestKilledWriterLeavesNothing: a temporary file of a killed writer goes with
// the session.
func TestKilledWriterLeavesNothing(t *testing.T) {
	t.Parallel()
	o, session, path := saved(t)
	left := filepath.Join(o.DataDir, "."+filepath.Base(path)+"12345")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, o).Delete(t.Context(), session.Key); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(o.DataDir); err != nil || len(files) != 0 {
		t.Errorf("left: %v, %v", files, err)
	}
}
