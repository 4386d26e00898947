package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/authctl/authctl/pkg/console"
	"github.com/authctl/authctl/pkg/fault"
	"github.com/authctl/authctl/pkg/profile"
	"github.com/authctl/authctl/pkg/session"
)

// maxRepeat is the largest body, in bytes, that the proxy keeps to send it again.
const maxRepeat = 64 << 10

func (a *app) proxyCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "proxy [PROFILE]",
		Short: "Serve an API on this machine, with the token added",
		Long: `Listen on a loopback address and pass requests on to the profile's API, with the
credential of the session. The client never sees the token, and what it sends as
one is taken away: for tools that cannot set a header, and for agents that must
not know it. The first line of the output is the address to use. It holds a
secret of this run, so that other users of the machine cannot use it.

Uploads, downloads, event streams and WebSockets pass through. A token that ends
is renewed once for all requests. Ctrl-C ends the proxy.`,
		Example: `  authctl proxy zumrails
  authctl proxy logware --listen 127.0.0.1:8081
  authctl proxy haut-ai --listen unix:/run/user/1000/haut-ai.sock`,
		Args:              oneProfile(),
		ValidArgsFunction: a.completeProfiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.proxy(cmd.Context(), args, listen) },
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "loopback `address` and port (0: a free one), or unix:PATH")
	return exitCodes(cmd, 1, 3, 4, 5, 6, 7, 8)
}

func (a *app) proxy(ctx context.Context, args []string, listen string) error {
	s, m, err := a.withSession(ctx, args, "proxy", nil)
	if err != nil {
		return err
	}
	source := m.NewSource(s.Target)
	pass, err := source.Pass(ctx) // whoever is not logged in is told now
	if err != nil {
		return err
	}
	base, err := m.Calls.Pooled(s.Profile)
	if err != nil {
		return err
	}
	base.DisableCompression = true // answers pass as they are
	listener, host, err := listenHere(ctx, listen)
	if err != nil {
		return fault.New(fault.Usage, "", "--listen %s: %w", listen, err)
	}
	secret := "/" + rand.Text()
	server := &http.Server{
		Handler:           a.gateway(pass.API, secret, &session.Transport{Source: source, Base: base}),
		ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	if _, err := io.WriteString(a.out.Raw(), "http://"+host+secret+"\n"); err != nil {
		return errors.Join(err, listener.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // Serve tells
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listenHere listens where other machines do not come: on a loopback address, or
// on a socket for this user alone. host is what stands in the URL.
func listenHere(ctx context.Context, where string) (l net.Listener, host string, err error) {
	var config net.ListenConfig
	if path, isUnix := strings.CutPrefix(where, "unix:"); isUnix {
		if l, err = config.Listen(ctx, "unix", path); err != nil {
			return nil, "", err
		}
		return l, "localhost", os.Chmod(path, 0o600)
	}
	name, _, err := net.SplitHostPort(where)
	if err != nil {
		return nil, "", err
	}
	if ip := net.ParseIP(name); ip == nil || !ip.IsLoopback() {
		return nil, "", errors.New("not a loopback address, such as 127.0.0.1 or [::1]")
	}
	if l, err = config.Listen(ctx, "tcp", where); err != nil {
		return nil, "", err
	}
	return l, l.Addr().String(), nil
}

// gateway passes on what comes with the secret.
func (a *app) gateway(api *url.URL, secret string, transport http.RoundTripper) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(api)
			for _, name := range []string{"Authorization", "Referer", "Cookie"} { // the Referer holds the secret
				r.Out.Header.Del(name)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Set-Cookie") // a session is a credential too
			sendBack(r, api, secret)
			return nil
		},
		ErrorHandler: a.gatewayFailed,
	}
	inner := http.StripPrefix(secret, proxy)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if subtle.ConstantTimeCompare([]byte("/"+start), []byte(secret)) != 1 || !profile.IsLoopback(strings.Trim(host, "[]")) {
			http.Error(w, "authctl: not the address that authctl proxy has printed", http.StatusForbidden)
			return
		}
		if err := keepBody(r); err != nil {
			http.Error(w, "authctl: the body could not be read", http.StatusBadRequest)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// keepBody makes a small body one that can be sent again.
func keepBody(r *http.Request) error {
	if r.ContentLength <= 0 || r.ContentLength > maxRepeat {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, err = r.GetBody()
	return err
}

// sendBack lets a redirect within the API lead through the proxy again.
func sendBack(r *http.Response, api *url.URL, secret string) {
	to, err := r.Location()
	if err != nil || to.Scheme != api.Scheme || to.Host != api.Host {
		return
	}
	if rest, inside := strings.CutPrefix(to.EscapedPath(), strings.TrimSuffix(api.EscapedPath(), "/")+"/"); inside {
		back := secret + "/" + rest
		if to.RawQuery != "" {
			back += "?" + to.RawQuery
		}
		r.Header.Set("Location", back)
	}
}

// gatewayFailed tells the client and the person what went wrong.
func (a *app) gatewayFailed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody listens any more
	}
	a.warn(err)
	http.Error(w, "authctl: "+console.Sanitize(err.Error()), http.StatusBadGateway)
}
