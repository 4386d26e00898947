package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/token"
)

// version is that of the records and of the index entries. A program that
// meets a higher one must not guess.
const version = 1

// moreSuffix follows the name of the access item in that of the details item.
const moreSuffix = ".more"

// accessRecord is the small item: what "authctl token" needs.
type accessRecord struct {
	Version int `json:"v"`
	token.Info
	AccessToken text `json:"access_token"`
	// Details says whether the session has a details item. If not, one that is
	// there is left over from an older login and does not belong to it.
	Details bool `json:"details"`
}

// detailsRecord is the item that only a renewal needs. It carries the key, so
// that a refresh token is never sent to another origin.
type detailsRecord struct {
	Version int `json:"v"`
	token.Key
	RefreshToken  text            `json:"refresh_token,omitempty"`
	RefreshExpiry token.Expiry    `json:"refresh_expiry"`
	Limit         token.Expiry    `json:"limit,omitzero"`
	Reach         token.Reach     `json:"reach,omitempty"`
	Saved         map[string]any  `json:"saved,omitempty"`
	Credentials   map[string]text `json:"credentials,omitempty"`
	RefusedAt     time.Time       `json:"refused_at,omitzero"`
	RetryAt       time.Time       `json:"retry_at,omitzero"`
}

// text is a string that survives JSON whatever its bytes are: a password typed
// on a terminal that is not set to UTF-8 must come back as it was, because a
// wrong one sent again and again locks an account.
type text string

type rawText struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON implements json.Marshaler.
func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(rawText{[]byte(t)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("{")) {
		var raw rawText
		err := strict(data, &raw)
		*t = text(raw.Base64)
		return err
	}
	return json.Unmarshal(data, (*string)(t))
}

// encodeAccess returns the small item of a session.
func encodeAccess(a token.Access, details bool) ([]byte, error) {
	return encode(accessRecord{
		Version: version, Info: a.Info, AccessToken: text(a.AccessToken.Reveal()), Details: details,
	})
}

// encodeDetails returns the details item of a session, or nil if it has none.
// Equal details give equal bytes.
func encodeDetails(s token.Session) ([]byte, error) {
	if !hasDetails(s) {
		return nil, nil
	}
	credentials := make(map[string]text, len(s.Credentials))
	for name, secret := range s.Credentials {
		credentials[name] = text(secret.Reveal())
	}
	return encode(detailsRecord{
		Version: version, Key: s.Key, RefreshToken: text(s.RefreshToken.Reveal()),
		RefreshExpiry: s.RefreshExpiry, Limit: s.Limit, Reach: s.Reach, Saved: s.Saved, Credentials: credentials,
		RefusedAt: s.RefusedAt, RetryAt: s.RetryAt,
	})
}

// hasDetails says whether a session is more than its access token.
func hasDetails(s token.Session) bool {
	return !s.RefreshToken.IsZero() || s.Limit != (token.Expiry{}) || len(s.Reach) > 0 || len(s.Saved) > 0 || len(s.Credentials) > 0 || !s.RefusedAt.IsZero() || !s.RetryAt.IsZero()
}

// encode hides the message of the encoder, which may quote a value.
func encode(record any) ([]byte, error) {
	data, err := json.Marshal(record)
	if err != nil {
		return nil, fault.New(fault.Other, "", "the session cannot be written as JSON")
	}
	return data, nil
}

// decodeAccess reads the small item that was stored under key.
func decodeAccess(data []byte, key token.Key) (token.Access, bool, error) {
	var r accessRecord
	if err := decode(data, &r, &r.Version); err != nil {
		return token.Access{}, false, err
	}
	if r.Key != key || r.AccessToken == "" {
		return token.Access{}, false, damaged(hintLoginAgain, "the session is damaged: it belongs to another login")
	}
	return token.Access{Info: r.Info, AccessToken: token.NewSecret(string(r.AccessToken))}, r.Details, nil
}

// decodeDetails puts the details item that was stored under s.Key into s.
func decodeDetails(data []byte, s *token.Session) error {
	var r detailsRecord
	if err := decode(data, &r, &r.Version); err != nil {
		return err
	}
	if r.Key != s.Key {
		return damaged(hintLoginAgain, "the session is damaged: its details belong to another login")
	}
	s.RefusedAt, s.RetryAt, s.Limit, s.Reach = r.RefusedAt, r.RetryAt, r.Limit, r.Reach
	s.RefreshToken, s.RefreshExpiry = token.NewSecret(string(r.RefreshToken)), r.RefreshExpiry
	if r.Saved != nil {
		s.Saved = numbers(r.Saved).(map[string]any)
	}
	if len(r.Credentials) > 0 {
		s.Credentials = make(map[string]token.Secret, len(r.Credentials))
		for name, secret := range r.Credentials {
			s.Credentials[name] = token.NewSecret(string(secret))
		}
	}
	return nil
}

// decode reads a record strictly; read points to its version. A newer record
// may have fields that this program does not know, and is not called damaged.
func decode(data []byte, record any, read *int) error {
	if err := strict(data, record); err == nil && *read == version {
		return nil
	}
	var head struct {
		Version int `json:"v"`
	}
	if json.Unmarshal(data, &head) == nil && head.Version > version {
		return damaged("use the newer authctl, or "+hintLoginAgain, "the session was written by a newer authctl")
	}
	return damaged(hintLoginAgain, "the session is damaged: it is no record of authctl")
}

// strict decodes one JSON value without unknown fields and with nothing behind
// it. Numbers keep their digits.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// numbers turns the numbers in a decoded value into the types that gojq reads
// and yields: int, *big.Int where that is too small, float64 for the others.
func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		return number(v.String())
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for _, name := range slices.Collect(maps.Keys(v)) {
			v[name] = numbers(v[name])
		}
	}
	return value
}

func number(digits string) any {
	if n, err := strconv.Atoi(digits); err == nil {
		return n
	}
	if n, ok := new(big.Int).SetString(digits, 10); ok {
		return n
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return json.Number(digits)
	}
	return f
}
