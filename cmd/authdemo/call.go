package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// caller makes a GET request with the header that authctl prints.
type caller struct {
	path   string // of the API's base URL
	header word
	want   int // status
}

// call asks an API with the session of a profile.
func (s *show) call(ctx context.Context, profile, path string) error {
	header, err := s.quiet(ctx, "token", profile, "--output", "header")
	if err != nil {
		return err
	}
	typed := `"$(authctl token ` + profile + ` --output header)"`
	return s.get(ctx, caller{path: profile + path, header: word{typed, header}, want: http.StatusOK})
}

// get makes a request: with curl, or with Go's client where there is no curl.
func (s *show) get(ctx context.Context, c caller) error {
	status, err := 0, error(nil)
	if s.curl == "" {
		status, err = s.getByGo(ctx, c)
	} else {
		status, err = s.getByCurl(ctx, c)
	}
	if err == nil && status != c.want {
		err = fmt.Errorf("GET %s: status %d, expected %d", c.path, status, c.want)
	}
	return err
}

// getByCurl is what a person would do.
func (s *show) getByCurl(ctx context.Context, c caller) (int, error) {
	url := s.stage.URL + "/" + c.path
	line := []word{{"curl", s.curl}, {"-sS", "-sS"}, {"-H", "-H"}, c.header, {"-w", "-w"}, {`' [%{http_code}]\n'`, ` [%{http_code}]\n`}, {url, url}}
	o, err := s.run(ctx, step{pipe: [][]word{line}}.printing())
	if err != nil {
		return 0, err
	}
	status := 0
	if _, err := fmt.Sscanf(o.out[strings.LastIndex(o.out, " [")+1:], "[%d]", &status); err != nil {
		return 0, fmt.Errorf("curl printed no status: %w", err)
	}
	return status, nil
}

// getByGo sends the header with Go's client, and says so.
func (s *show) getByGo(ctx context.Context, c caller) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.stage.URL+"/"+c.path, nil)
	if err != nil {
		return 0, err
	}
	name, value, _ := strings.Cut(c.header.used, ": ")
	request.Header.Set(name, value)
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(request) // no proxy
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	s.print("\n")
	s.tell("GET %s with the header %s, by Go's HTTP client (there is no curl here):", request.URL, s.mask(c.header.typed))
	s.print(fmt.Sprintf("%s [%d]\n", strings.TrimSpace(string(body)), response.StatusCode))
	return response.StatusCode, err
}
