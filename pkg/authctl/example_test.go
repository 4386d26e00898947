package authctl_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/authctl/authctl/pkg/authctl"
	"github.com/authctl/authctl/pkg/fault"
)

// A client for an API that somebody is logged in to with "authctl login core".
func ExampleSession_Client() {
	m, err := newMachine(time.Hour) // a home with a login and a simulated API
	if err != nil {
		log.Fatal(err)
	}
	defer m.close()

	session, err := authctl.Config{Profile: "core", Getenv: m.getenv}.Open()
	if err != nil {
		log.Fatal(err)
	}
	answer, err := session.Client().Get(m.url + "/api/v3/process")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)

	// The token goes nowhere else.
	_, err = session.Client().Get("https://example.com/")
	fmt.Println(fault.KindOf(err) == fault.Usage)
	// Output:
	// 200 OK
	// true
}

// Libraries that take an oauth2.TokenSource carry the token by themselves.
func ExampleSession_TokenSource() {
	m, err := newMachine(time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	defer m.close()

	session, err := authctl.Config{Profile: "core", Getenv: m.getenv}.Open()
	if err != nil {
		log.Fatal(err)
	}
	client := oauth2.NewClient(context.Background(), session.TokenSource(context.Background()))
	answer, err := client.Get(m.url + "/api/v3/process")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	fmt.Println(answer.StatusCode, err)
	// Output: 200 <nil>
}

// The credential is put on top of a transport that the program has already.
func ExampleSession_Transport() {
	m, err := newMachine(time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	defer m.close()

	session, err := authctl.Config{Profile: "core", Getenv: m.getenv}.Open()
	if err != nil {
		log.Fatal(err)
	}
	transport, err := session.Transport(http.DefaultTransport)
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	answer, err := client.Get(m.url + "/api/v3/process")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.StatusCode)
	// Output: 200
}
