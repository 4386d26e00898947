package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

const hintIdentity = "authctl doctor --create-identity"

// Identity says where the key of the file store comes from.
type Identity struct {
	// Text is the value of AUTHCTL_AGE_IDENTITY: either the text of an age
	// identity (AGE-SECRET-KEY-1…) or of an SSH private key, or the path of a
	// file that holds one. It comes first.
	Text token.Secret
	// Path is a file that holds an age identity or an SSH private key.
	Path string
}

// keyPair is what one identity file gives: all identities in it decrypt, the
// first one encrypts.
type keyPair struct {
	identities []age.Identity
	recipient  age.Recipient
}

// load reads the identity. Its errors never quote Text: a mistyped key is a
// key all the same.
func (i Identity) load() (*keyPair, error) {
	text := i.Text.Reveal()
	switch {
	case isKeyText(text):
		return parseIdentity([]byte(text), "AUTHCTL_AGE_IDENTITY")
	case text != "":
		return readIdentity(text, "the file that AUTHCTL_AGE_IDENTITY names")
	case i.Path != "":
		return readIdentity(i.Path, i.Path)
	default:
		return nil, fault.New(fault.Store, hintIdentity, "the file store has no identity to encrypt to")
	}
}

// isKeyText tells the text of a key from the path of a file, generously: what
// is taken for a path would be opened.
func isKeyText(text string) bool {
	upper := strings.ToUpper(text)
	return strings.Contains(upper, "AGE-SECRET-KEY") || strings.Contains(upper, "PRIVATE KEY") ||
		strings.ContainsAny(text, "\r\n")
}

// readIdentity reads the file at path; name is what errors call it.
func readIdentity(path, name string) (*keyPair, error) {
	data, err := readPrivate(path, othersRead)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.Store, hintIdentity, "%s is not there: no identity to encrypt to", name)
	case err != nil && name != path && fault.HintOf(err) == "":
		return nil, fault.New(fault.Store, "", "%s is not safe to read", name)
	case err != nil:
		return nil, fault.Wrap(err, "identity of the file store")
	}
	return parseIdentity(data, name)
}

func parseIdentity(data []byte, name string) (*keyPair, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return parseSSH(data, name)
	}
	identities, err := age.ParseIdentities(bytes.NewReader(data))
	if err != nil { // the message of age may quote the line
		return nil, fault.New(fault.Store, hintIdentity, "%s holds no age identity and no SSH private key", name)
	}
	switch first := identities[0].(type) {
	case *age.X25519Identity:
		return &keyPair{identities, first.Recipient()}, nil
	case *age.HybridIdentity:
		return &keyPair{identities, first.Recipient()}, nil
	default:
		return nil, fault.New(fault.Store, hintIdentity, "%s holds an identity of a kind that authctl does not know", name)
	}
}

func parseSSH(data []byte, name string) (*keyPair, error) {
	identity, err := agessh.ParseIdentity(data)
	var passphrase *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &passphrase):
		return nil, fault.New(fault.Store, hintIdentity, "%s is an SSH key with a passphrase, which authctl does not ask for", name)
	case err != nil:
		return nil, fault.New(fault.Store, hintIdentity, "%s is no SSH key of type ed25519 or rsa", name)
	}
	pair := &keyPair{identities: []age.Identity{identity}}
	switch identity := identity.(type) {
	case *agessh.Ed25519Identity:
		pair.recipient = identity.Recipient()
	case *agessh.RSAIdentity:
		pair.recipient = identity.Recipient()
	}
	if _, err := pair.encrypt(nil); err != nil { // an RSA key that is too short shows only here
		return nil, fault.New(fault.Store, hintIdentity, "%s is an SSH key that cannot encrypt: %w", name, err)
	}
	return pair, nil
}

func (p *keyPair) encrypt(value []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, p.recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(value); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (p *keyPair) decrypt(data []byte) ([]byte, error) {
	var noMatch *age.NoIdentityMatchError
	r, err := age.Decrypt(bytes.NewReader(data), p.identities...)
	if errors.As(err, &noMatch) {
		return nil, damaged("set AUTHCTL_AGE_IDENTITY to the identity that was used, or "+hintLoginAgain,
			"the session cannot be decrypted with this identity")
	}
	if err == nil {
		data, err = io.ReadAll(r)
	}
	if err != nil {
		return nil, damaged(hintLoginAgain, "the session is damaged: its file does not decrypt")
	}
	return data, nil
}

// CreateIdentity writes a new age identity to a file with permissions 0600, in
// a folder that it makes if need be, and returns the recipient (age1…), which
// is no secret. It never overwrites: what was encrypted to the old identity
// would be lost.
func CreateIdentity(path string) (recipient string, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fault.New(fault.Store, "", "no identity: %w", err)
	}
	folder := filepath.Dir(path)
	if err := makeFolder(folder); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|flagNoLink, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fault.New(fault.Store, "authctl doctor", "%s is there already and is not overwritten", path)
	}
	if err != nil {
		return "", fault.New(fault.Store, "", "%w", err)
	}
	recipient = identity.Recipient().String()
	_, err = fmt.Fprintf(f, "# identity of authctl's file store\n# public key: %s\n%s\n", recipient, identity)
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(folder)); err != nil {
		// Half an identity must not stay: it would never be overwritten.
		return "", fault.New(fault.Store, "", "%w", errors.Join(err, os.Remove(path)))
	}
	return recipient, nil
}
