package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/authctl/authctl/pkg/call"
	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/draft"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
)

// maxDocument is the largest document that a profile is made from, in bytes.
const maxDocument = 32 << 20

// source reads what a flag names: @file, or - for standard input.
func (a *adding) source(ctx context.Context, flag, value string) (string, error) {
	file, isFile := strings.CutPrefix(value, "@")
	if !isFile && value != "-" {
		return "", fault.New(fault.Usage, "write --"+flag+" @"+quoted(value), "--%s takes @file, or - for standard input", flag)
	}
	return a.document(ctx, flag, file)
}

// document reads a file, or standard input for "-".
func (a *adding) document(ctx context.Context, flag, file string) (string, error) {
	data, err := patiently(ctx, func() ([]byte, error) {
		if file == "-" {
			return readSome(a.env.Stdin, maxDocument)
		}
		return readFile(file, maxDocument)
	})
	switch {
	case err != nil:
		return "", fault.New(fault.Usage, "", "--%s: %w", flag, err)
	case len(data) > maxDocument:
		return "", fault.New(fault.Usage, "", "--%s: it is larger than %d MiB", flag, maxDocument>>20)
	}
	return string(data), nil
}

func (a *adding) fromCurl(ctx context.Context) (*draft.Draft, error) {
	text := a.addOptions.curl
	typed := text != "-" && !strings.HasPrefix(text, "@")
	if !typed {
		var err error
		if text, err = a.source(ctx, "curl", text); err != nil {
			return nil, err
		}
	}
	d, err := draft.FromCurl(text)
	if err != nil {
		return nil, err
	}
	if typed && len(d.Secrets) > 0 {
		a.say("values on the command line stay in the shell's history and are seen by others on this machine; --curl - reads the command from standard input")
	}
	return d, nil
}

func (a *adding) fromOpenAPI(ctx context.Context) (*draft.Draft, error) {
	text, from := "", ""
	var err error
	if strings.Contains(a.openapi, "://") {
		from = a.openapi
		text, err = a.fetch(ctx, from)
	} else {
		text, err = a.document(ctx, "openapi", a.openapi)
	}
	if err != nil {
		return nil, err
	}
	api, err := draft.ParseOpenAPI(text, from)
	if err != nil {
		return nil, err
	}
	login, among := api.Choose(a.path)
	if login == nil && a.path != "" {
		if login = api.At(a.path); login == nil {
			return nil, fault.New(fault.Usage, profile.DidYouMean(a.path, loginPaths(among)), "the document has no path %q that is posted to", a.path)
		}
	}
	if login == nil && len(among) > 0 {
		if login, err = a.choose(ctx, among); err != nil {
			return nil, err
		}
	}
	return api.Draft(login, a.baseURL)
}

func loginPaths(logins []draft.Login) []string {
	var list []string
	for _, l := range logins {
		if !slices.Contains(list, l.Path) {
			list = append(list, l.Path)
		}
	}
	return list
}

// choose asks which of several logins is meant.
func (a *adding) choose(ctx context.Context, among []draft.Login) (*draft.Login, error) {
	if a.tty == nil {
		return nil, fault.New(fault.Usage, "name one with --path", "the document describes several logins: %s", strings.Join(loginPaths(among), ", "))
	}
	for i, l := range among {
		// The prompt follows; where nobody reads standard error there is none.
		_, _ = fmt.Fprintln(a.err, console.Sanitize(fmt.Sprintf("  %d  %s  %s", i+1, l, l.Summary)))
	}
	reply, err := a.tty.Prompt(ctx, fmt.Sprintf("Which is the login? (1 to %d)", len(among)))
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(strings.TrimSpace(reply))
	if err != nil || number < 1 || number > len(among) {
		return nil, fault.New(fault.Usage, "type its number, or name it with --path", "no login has this number")
	}
	return &among[number-1], nil
}

// fetch gets a document. Nothing secret goes along; it decides where secrets
// will go, so it comes over https or from this machine.
func (a *adding) fetch(ctx context.Context, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !profile.IsLoopback(u.Hostname())) {
		return "", fault.New(fault.Usage, "write https://host/path, or save the document to a file", "--openapi: a document is fetched over https only")
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fault.New(fault.Usage, "", "--openapi: not a URL")
	}
	request.Header.Set("User-Agent", "authctl/"+a.env.Version)
	request.Header.Set("Accept", "application/json, application/yaml, */*;q=0.5")
	response, err := call.NewHTTP(a.env.Getenv).Do(request)
	if err != nil {
		return "", fault.New(fault.Unreachable, "save the document to a file, and name that", "fetch the OpenAPI document from %s: no answer came", u.Host)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return "", fault.New(fault.BadAnswer, "name that address if it is the right one", "%s sends on to %s", u.Host, response.Header.Get("Location"))
	case response.StatusCode != http.StatusOK:
		return "", fault.New(fault.BadAnswer, "check the address, or save the document to a file", "%s answered with status %d", u.Host, response.StatusCode)
	}
	data, err := readSome(response.Body, maxDocument)
	if err != nil || len(data) > maxDocument {
		return "", fault.New(fault.BadAnswer, "save the document to a file, and name that", "the OpenAPI document did not come whole")
	}
	return string(data), nil
}

// fromQuestions asks for what a simple login is made of. Enter takes what
// stands in brackets.
func (a *adding) fromQuestions(ctx context.Context) (*draft.Draft, error) {
	r := draft.Replies{BaseURL: a.baseURL}
	for _, q := range []struct {
		into            *string
		label, fallback string
	}{
		{&r.BaseURL, "Base URL, such as https://api.example.com", ""},
		{&r.Login, "Login request, such as POST /login", "POST /login"},
		{&r.Body, "What is sent: json, form or basic", "json"},
		{&r.User, "Field for the user name", "username"},
		{&r.Password, "Field for the password", "password"},
		{&r.Token, "Where the token is in the answer, such as .access_token (Enter if you do not know)", ""},
	} {
		unused := r.Body == "basic" && (q.into == &r.User || q.into == &r.Password)
		if *q.into != "" || unused {
			continue
		}
		label := q.label
		if q.fallback != "" {
			label += " [" + q.fallback + "]"
		}
		reply, err := a.tty.Prompt(ctx, label)
		if err != nil {
			return nil, err
		}
		*q.into = cmp.Or(strings.TrimSpace(reply), q.fallback)
	}
	if r.BaseURL == "" {
		return nil, fault.New(fault.Usage, "type https:// and the host of the API", "a profile needs a base URL")
	}
	return draft.FromReplies(r)
}
