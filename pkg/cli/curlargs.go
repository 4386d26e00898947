package cli

import (
	"net/url"
	"strings"

	"github.com/authctl/authctl/pkg/fault"
)

// The options of curl that can be used beside a credential, with their short
// forms: those that take a value and those that do not. What could send it
// elsewhere (location, next, config, resolve, connect-to, unix-socket), to
// anybody (insecure), or to a file (trace, libcurl, stderr) is not among them,
// nor is what curl may learn later.
const (
	curlTakes = `A,user-agent C,continue-at D,dump-header E,cert F,form H,header T,upload-file U,proxy-user X,request
		Y,speed-limit b,cookie c,cookie-jar d,data e,referer m,max-time o,output r,range w,write-out x,proxy y,speed-time z,time-cond
		cacert capath cert-type ciphers connect-timeout create-file-mode crlfile curves data-ascii data-binary data-raw
		data-urlencode etag-compare etag-save expect100-timeout form-string happy-eyeballs-timeout-ms interface json
		keepalive-time key key-type limit-rate max-filesize output-dir pass pinnedpubkey preproxy proxy-cacert proxy-header
		rate request-target retry retry-delay retry-max-time socks4 socks4a socks5 socks5-hostname tls-max tls13-ciphers
		url url-query`
	curlPlain = `#,progress-bar 0,http1.0 4,ipv4 6,ipv6 G,get I,head J,remote-header-name N,no-buffer O,remote-name R,remote-time
		S,show-error Z,parallel a,append f,fail g,globoff i,include j,junk-session-cookies p,proxytunnel q,disable s,silent
		v,verbose buffer clobber compressed create-dirs fail-early fail-with-body form-escape http1.1 http2 http3 keepalive
		parallel-immediate path-as-is progress-meter raw remote-name-all remove-on-error retry-all-errors retry-connrefused
		sessionid styled-output tcp-fastopen tcp-nodelay tlsv1.2 tlsv1.3 tr-encoding xattr`
)

// curlLanguage knows the options, by their long names.
type curlLanguage struct {
	takes map[string]bool
	short map[rune]string
}

func newCurlLanguage() curlLanguage {
	l := curlLanguage{takes: map[string]bool{}, short: map[rune]string{}}
	for list, takes := range map[string]bool{curlTakes: true, curlPlain: false} {
		for _, word := range strings.Fields(list) {
			short, long, both := strings.Cut(word, ",")
			if !both {
				long = short
			} else {
				l.short[[]rune(short)[0]] = long
			}
			l.takes[long] = takes
		}
	}
	return l
}

// curlCommand is a command line of curl that was understood as a whole.
type curlCommand struct {
	language curlLanguage
	args     []string
	urls     []string
	options  map[string]bool // the long names that were used
	consumes bool            // it reads what cannot be read twice
	place    func(string) (string, error)
}

// parseCurl reads arguments as curl does. place turns what stands for a URL into
// one, or refuses it.
func parseCurl(args []string, place func(string) (string, error)) (*curlCommand, error) {
	c := &curlCommand{language: newCurlLanguage(), options: map[string]bool{}, place: place}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		var needs string // the option that the next argument belongs to
		var err error
		switch {
		case arg == "--":
			err = c.addURLs(args[i:])
			i = len(args)
		case strings.HasPrefix(arg, "--"):
			needs, err = c.long(arg)
		case strings.HasPrefix(arg, "-") && arg != "-":
			needs, err = c.cluster(arg)
		default:
			err = c.addURLs(args[i : i+1])
		}
		if err == nil && needs != "" {
			if i++; i == len(args) {
				return nil, fault.New(fault.Usage, "", "curl --%s needs a value", needs)
			}
			err = c.value(needs, args[i], "")
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *curlCommand) addURLs(words []string) error {
	for _, word := range words {
		if word != "--" {
			placed, err := c.place(word)
			if err != nil {
				return err
			}
			c.urls, word = append(c.urls, placed), placed
		}
		c.args = append(c.args, word)
	}
	return nil
}

// known notes the use of an option.
func (c *curlCommand) known(name, written string) error {
	if _, ok := c.language.takes[name]; !ok {
		return fault.New(fault.Usage, "authctl token --output curl | curl -K - takes every option, and guards nothing",
			"curl %s is not used beside a token: it is unknown here, or could send it elsewhere or to a file", written)
	}
	c.options[name] = true
	return nil
}

func (c *curlCommand) long(arg string) (needs string, err error) {
	name := strings.TrimPrefix(arg, "--")
	if positive, negated := strings.CutPrefix(name, "no-"); negated && !c.language.takes[positive] {
		name = positive
	}
	if err := c.known(name, arg); err != nil {
		return "", err
	}
	if c.language.takes[name] {
		if name != "url" {
			c.args = append(c.args, arg)
		}
		return name, nil
	}
	c.args = append(c.args, arg)
	return "", nil
}

// cluster reads short options that stand together; the last may bring its value.
func (c *curlCommand) cluster(arg string) (needs string, err error) {
	for i, letter := range arg {
		if i == 0 {
			continue
		}
		name := c.language.short[letter]
		if err := c.known(name, "-"+string(letter)); err != nil {
			return "", err
		}
		if !c.language.takes[name] {
			continue
		}
		if rest := arg[i+len(string(letter)):]; rest != "" {
			return "", c.value(name, rest, strings.TrimSuffix(arg, rest))
		}
		c.args = append(c.args, arg)
		return name, nil
	}
	c.args = append(c.args, arg)
	return "", nil
}

// value takes the value of an option; before is what stands before it in the
// same argument.
func (c *curlCommand) value(name, value, before string) error {
	if name == "url" {
		return c.addURLs([]string{value})
	}
	header, _, _ := strings.Cut(value, ":")
	if name == "header" && (strings.EqualFold(strings.TrimSpace(header), "host") || strings.HasPrefix(value, "@")) {
		return fault.New(fault.Usage, "write the headers themselves, and no Host", "curl --header %s could name another host", value)
	}
	fromStdin := value == "-" || value == "." || strings.Contains(value, "@-") || strings.Contains(value, "<-")
	c.consumes = c.consumes || fromStdin && name != "output" && name != "dump-header"
	c.args = append(c.args, before+value)
	return nil
}

// repeatable says whether the command can be run once more, and what it writes
// to standard output be held back until then.
func (c *curlCommand) repeatable() bool {
	return len(c.urls) == 1 && !strings.ContainsAny(c.urls[0], "{[") && !c.consumes &&
		!c.options["dump-header"] && !c.options["continue-at"] && !c.options["append"]
}

// plainBody says whether standard output is the body of the answer alone.
func (c *curlCommand) plainBody() bool {
	for _, option := range []string{"include", "head", "output", "remote-name", "remote-name-all", "write-out"} {
		if c.options[option] {
			return false
		}
	}
	return true
}

// placeURL puts a path after the API's address, and lets pass a URL that admits
// takes. What stands before the path must be plain: curl and authctl could read
// anything else differently (threat 3).
func placeURL(api *url.URL, admits func(*url.URL) error) func(string) (string, error) {
	return func(word string) (string, error) {
		if strings.HasPrefix(word, "/") {
			return strings.TrimSuffix(api.String(), "/") + word, nil
		}
		scheme, rest, found := strings.Cut(word, "://")
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		plain := func(r rune) bool {
			return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._:[]", r)
		}
		origin, err := url.Parse(scheme + "://" + rest[:end])
		if !found || err != nil || strings.ContainsFunc(rest[:end], func(r rune) bool { return !plain(r) }) {
			return "", fault.New(fault.Usage, "write /path, or https://host/path", "%s is neither a path nor a plain URL", word)
		}
		return word, admits(origin)
	}
}
