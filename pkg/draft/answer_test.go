package draft_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/authctl/authctl/pkg/draft"
)

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

// Answers as APIs give them, and where the token is in each.
func TestLook(t *testing.T) {
	t.Parallel()
	const why = "A guess from the sample answer: check it."
	tests := map[string]struct {
		answer string
		want   draft.Readings
		send   draft.Send
	}{
		"RFC 6749": {
			`{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA"}`,
			draft.Readings{Token: ".access_token", RefreshToken: ".refresh_token", ExpiresIn: ".expires_in", Why: why}, draft.Send{},
		},
		"nested":      {`{"success":true,"data":{"token":"` + jwt + `","user":{"id":7}}}`, draft.Readings{Token: ".data.token", Why: why}, draft.Send{}},
		"in a list":   {`[{"jwt":"` + jwt + `"}]`, draft.Readings{Token: ".[0].jwt", Why: why}, draft.Send{}},
		"odd name":    {`{"result":{"session-token":"abcdef0123456789abcd"}}`, draft.Readings{Token: `.result["session-token"]`, Why: why}, draft.Send{}},
		"odd first":   {`{"auth-token":"abcdef0123456789abcd"}`, draft.Readings{Token: `.["auth-token"]`, Why: why}, draft.Send{}},
		"JWT wins":    {`{"token":"x1","idToken":"` + jwt + `"}`, draft.Readings{Token: ".idToken", Why: why}, draft.Send{}},
		"csrf is no":  {`{"csrf_token":"abcdef0123456789abcd","session_id":"ab12"}`, draft.Readings{Token: ".session_id", Why: why}, draft.Send{}},
		"object":      {`{"token":{"id":"abc","value":"def"}}`, draft.Readings{Token: ".token.value", Why: why}, draft.Send{}},
		"epoch":       {`{"token":"abc","expires":1900000000}`, draft.Readings{Token: ".token", ExpiresAt: ".expires", Why: why}, draft.Send{}},
		"epoch in ms": {`{"token":"abc","expiresAt":1900000000000}`, draft.Readings{Token: ".token", ExpiresAt: ".expiresAt / 1000", Why: why}, draft.Send{}},
		"date":        {`{"token":"abc","expirationDate":"2027-01-02T03:04:05Z"}`, draft.Readings{Token: ".token", ExpiresAt: ".expirationDate", Why: why}, draft.Send{}},
		"refresh end": {`{"token":"abc","refreshTokenExpiresIn":86400}`, draft.Readings{Token: ".token", Why: why}, draft.Send{}},
		"refresh node": {
			`{"access":{"token":"abc","expires_in":60},"refresh":{"token":"def","expires_in":600}}`,
			draft.Readings{Token: ".access.token", RefreshToken: ".refresh.token", ExpiresIn: ".access.expires_in", Why: why}, draft.Send{},
		},
		"placeholder": {`{"token": <token>, "ttl": 60}`, draft.Readings{Token: ".token", ExpiresIn: ".ttl", Why: why}, draft.Send{}},
		"header": {
			"HTTP/1.1 201 Created\r\nX-Auth-Token: abc\r\n\r\n{\"user\":\"ada\"}", draft.Readings{Token: `header("X-Auth-Token")`, Why: why},
			draft.Send{Header: "X-Auth-Token: {{token}}", Guess: "A guess: the answer hands the token out in this header."},
		},
		"bearer in a header": {"HTTP/1.1 200 OK\nAuthorization: Bearer abc\n\n", draft.Readings{Token: `header("Authorization") | ltrimstr("Bearer ")`, Why: why}, draft.Send{}},
		"cookie": {
			"HTTP/1.1 200 OK\nSet-Cookie: lang=en\nSet-Cookie: JSESSIONID=abc; Path=/\n\n", draft.Readings{Token: `cookie("JSESSIONID")`, Why: why},
			draft.Send{Header: "Cookie: JSESSIONID={{token}}", Guess: "A guess: the answer sets the token as this cookie."},
		},
		"text":      {"abcdef0123456789", draft.Readings{Token: ".", Why: why}, draft.Send{}},
		"JSON text": {`"abcdef0123456789"`, draft.Readings{Token: ".", Why: why}, draft.Send{}},
		"nothing":   {`{"ok":true}`, draft.Readings{}, draft.Send{}},
		"a page":    {"<html><body>Log in</body></html>", draft.Readings{}, draft.Send{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := draft.FromCurl(`curl https://api.acme.test/login -d user=x -d password=y`)
			if err != nil {
				t.Fatal(err)
			}
			found := d.Look(draft.ParseAnswer(test.answer), false)
			if diff := cmp.Diff(test.want, d.Readings); diff != "" || found != (test.want.Token != "") {
				t.Errorf("found %v\n%s", found, diff)
			}
			if diff := cmp.Diff(test.send, d.Send); diff != "" {
				t.Error(diff)
			}
			d.Name = "acme"
			d.Expect()
			valid(t, d.Text())
		})
	}
}
