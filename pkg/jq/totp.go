package jq

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// TOTP returns the one-time code at a point in time (RFC 6238). secret is in
// base32, as people copy it, or the otpauth:// address in a QR code. No error
// repeats a part of it.
func TOTP(secret string, at time.Time) (code string, err error) {
	options := totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
	if strings.Contains(secret, ":") {
		if secret, err = readAddress(secret, &options); err != nil {
			return "", err
		}
	}
	secret = strings.TrimRight(strings.Join(strings.FieldsFunc(secret, isGap), ""), "=")
	if secret == "" || at.Unix() < 0 {
		return "", failf("totp needs a secret and a time after 1970")
	}
	code, err = totp.GenerateCodeCustom(secret, at, options)
	if err != nil {
		return "", failf("the secret of totp is not base32")
	}
	return code, nil
}

// isGap says whether people write a character between groups of letters.
func isGap(r rune) bool { return r == ' ' || r == '-' || r == '\t' || r == '\r' || r == '\n' }

// readAddress reads otpauth://totp/LABEL?secret=…&digits=…&period=…&algorithm=….
// What it does not know is refused: a code made another way would be wrong.
func readAddress(text string, options *totp.ValidateOpts) (secret string, err error) {
	address, err := url.Parse(strings.TrimSpace(text))
	if err != nil || address.Scheme != "otpauth" || address.Host != "totp" {
		return "", failf("the secret of totp is neither base32 nor an otpauth://totp/ address")
	}
	values, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return "", failf("the otpauth:// address is damaged")
	}
	if text := values.Get("digits"); text != "" {
		digits, err := strconv.Atoi(text)
		if err != nil || digits < 6 || digits > 8 {
			return "", failf("the otpauth:// address must name 6 to 8 digits")
		}
		options.Digits = otp.Digits(digits)
	}
	if text := values.Get("period"); text != "" {
		period, err := strconv.ParseUint(text, 10, 16)
		if err != nil || period == 0 {
			return "", failf("the otpauth:// address names no period in seconds")
		}
		options.Period = uint(period)
	}
	switch strings.ToUpper(values.Get("algorithm")) {
	case "", "SHA1":
	case "SHA256":
		options.Algorithm = otp.AlgorithmSHA256
	case "SHA512":
		options.Algorithm = otp.AlgorithmSHA512
	default:
		return "", failf("the otpauth:// address must name SHA1, SHA256 or SHA512")
	}
	return values.Get("secret"), nil
}
