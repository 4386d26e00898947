package session

import (
	"strings"
	"time"

	"github.com/authctl/authctl/pkg/jq"
)

// oneTimeCode is the code of the moment (RFC 6238) for a TOTP secret. What is a
// code already is taken as it is: a person may give that instead.
func oneTimeCode(given string, now time.Time) (string, error) {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	if len(given) >= 6 && len(given) <= 8 && strings.TrimFunc(given, isDigit) == "" {
		return given, nil
	}
	return jq.TOTP(given, now)
}
