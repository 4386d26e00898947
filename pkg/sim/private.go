package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// privateTokens are Haut.AI's long-lived tokens.
type privateTokens struct {
	last int // id of the newest; large, so that a client that prints floats is found out
	list []privateToken
}

// privateToken is one of them, with what is not shown.
type privateToken struct {
	shownToken
	owner string
	jti   string
}

// shownToken is an entry of the list.
type shownToken struct {
	ID             int       `json:"id"`
	Name           string    `json:"name"`
	ExpirationTime time.Time `json:"expiration_time"`
}

// createdToken is the answer to a creation: data is the token, shown once.
type createdToken struct {
	shownToken
	Data string `json:"data"`
}

// hautCreate makes a private token. The page: there is no default expiration.
func hautCreate(c *call) (answer, error) {
	found, err := c.hautAuthorized()
	if err != nil {
		return answer{}, err
	}
	object, err := c.object()
	if err != nil {
		return answer{}, err
	}
	name, expires, err := c.privateFields(object)
	if err != nil {
		return answer{}, err
	}
	jti := newUUID()
	data := c.issueUntil(found.user, expires, jwt.MapClaims{"token_type": "private", "jti": jti})
	shown := shownToken{Name: name, ExpirationTime: expires}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	p := &c.api.private
	p.last++
	shown.ID = p.last
	p.list = append(p.list, privateToken{shownToken: shown, owner: found.user, jti: jti})
	return jsonAnswer(http.StatusCreated, createdToken{shownToken: shown, Data: data}), nil
}

// privateFields reads the body of a creation. Expiration counts whole seconds,
// as the token does.
func (c *call) privateFields(object map[string]any) (name string, expires time.Time, err error) {
	wrong := fieldErrors(object, "name", "expiration_time")
	if len(wrong["expiration_time"]) == 0 {
		expires, err = time.Parse(time.RFC3339, object["expiration_time"].(string)) // fieldErrors saw to it
		expires = expires.UTC().Truncate(time.Second)
		switch {
		case err != nil:
			wrong["expiration_time"] = []string{"Datetime has wrong format. Use RFC 3339."}
		case !expires.After(c.now):
			wrong["expiration_time"] = []string{"Expiration time must be in the future."}
		}
	}
	if len(wrong) > 0 {
		return "", time.Time{}, invalid(wrong)
	}
	return object["name"].(string), expires, nil
}

// hautRevoke takes a private token out of the list and refuses it from then on.
func hautRevoke(c *call) (answer, error) {
	found, err := c.hautAuthorized()
	if err != nil {
		return answer{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	p := &c.api.private
	i := slices.IndexFunc(p.list, func(t privateToken) bool {
		return strconv.Itoa(t.ID) == c.id && t.owner == found.user
	})
	if i < 0 {
		return answer{}, refuse(http.StatusNotFound, "Not found.")
	}
	c.api.revoked[p.list[i].jti] = true
	p.list = slices.Delete(p.list, i, i+1)
	return answer{status: http.StatusNoContent}, nil
}

// tokenPage is a page of the list.
type tokenPage struct {
	Count    int          `json:"count"`
	Next     *string      `json:"next"`
	Previous *string      `json:"previous"`
	Results  []shownToken `json:"results"`
}

// hautList shows the private tokens of the user, page by page.
func hautList(c *call) (answer, error) {
	found, err := c.hautAuthorized()
	if err != nil {
		return answer{}, err
	}
	q, err := parseListQuery(c.r.URL.RawQuery)
	if err != nil {
		return answer{}, err
	}
	all := c.privateOf(found.user, q)
	first := (q.page - 1) * q.size
	if q.page > 1 && first >= len(all) {
		return answer{}, refuse(http.StatusNotFound, "Invalid page.")
	}
	end := min(first+q.size, len(all))
	page := tokenPage{Count: len(all), Results: all[first:end]}
	if end < len(all) {
		page.Next = c.pageURL(q.page + 1)
	}
	if q.page > 1 {
		page.Previous = c.pageURL(q.page - 1)
	}
	return jsonAnswer(http.StatusOK, page), nil
}

// privateOf returns what a user's list shows, chosen and in order.
func (c *call) privateOf(user string, q listQuery) []shownToken {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	found := []shownToken{}
	for _, t := range c.api.private.list {
		if t.owner == user && strings.Contains(t.Name, q.contains) {
			found = append(found, t.shownToken)
		}
	}
	slices.SortStableFunc(found, q.compare) // ties stay in the order of creation
	return found
}

// pageURL is the absolute URL of another page of the same list. As in Django
// REST framework the first page has no parameter.
func (c *call) pageURL(page int) *string {
	query := c.r.URL.Query()
	query.Del("page")
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	u := url.URL{Scheme: "http", Host: c.r.Host, Path: "/" + c.api.name + c.path, RawQuery: query.Encode()}
	if c.r.TLS != nil {
		u.Scheme = "https"
	}
	text := u.String()
	return &text
}

// listQuery is what a list can be asked for.
type listQuery struct {
	page, size int
	contains   string // the name contains it
	compare    func(a, b shownToken) int
}

// maxPage keeps page numbers far from overflow.
const maxPage = 1_000_000

// parseListQuery reads page, page_size (10, at most 100), q and ordering.
func parseListQuery(raw string) (listQuery, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return listQuery{}, refuse(http.StatusBadRequest, "The query cannot be read.")
	}
	wrong := map[string][]string{}
	q := listQuery{page: 1, size: 10, contains: values.Get("q"), compare: orderings()[""]}
	for name, given := range values {
		if message := q.set(name, given); message != "" {
			wrong[name] = []string{message}
		}
	}
	if len(wrong) > 0 {
		return listQuery{}, invalid(wrong)
	}
	q.size = min(q.size, 100)
	return q, nil
}

// set reads one parameter and returns what is wrong with it.
func (q *listQuery) set(name string, given []string) (message string) {
	if len(given) != 1 {
		return "This parameter is given more than once."
	}
	switch name {
	case "q":
		return ""
	case "page":
		return setNumber(&q.page, given[0])
	case "page_size":
		return setNumber(&q.size, given[0])
	case "ordering":
		compare, known := orderings()[given[0]]
		if !known || given[0] == "" {
			return fmt.Sprintf("%q is not a valid choice.", given[0])
		}
		q.compare = compare
		return ""
	default:
		return "Unknown parameter."
	}
}

// setNumber reads a number of pages or of entries.
func setNumber(n *int, text string) (message string) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > maxPage {
		return "A valid positive integer is required."
	}
	*n = number
	return ""
}

// orderings are the comparisons by the name of their parameter; "" is the order
// of creation.
func orderings() map[string]func(a, b shownToken) int {
	byName := func(a, b shownToken) int { return cmp.Compare(a.Name, b.Name) }
	byTime := func(a, b shownToken) int { return a.ExpirationTime.Compare(b.ExpirationTime) }
	return map[string]func(a, b shownToken) int{
		"":                 func(a, b shownToken) int { return cmp.Compare(a.ID, b.ID) },
		"name":             byName,
		"-name":            func(a, b shownToken) int { return byName(b, a) },
		"expiration_time":  byTime,
		"-expiration_time": func(a, b shownToken) int { return byTime(b, a) },
	}
}
