package token

import "strings"

// Reach are the origins that a session's secrets may be sent to. An entry is an
// origin, or one whose host begins with "*.": every host below that name. A
// session keeps what its profile said when it was made, so that a profile which
// is changed later cannot widen it (threat 1).
type Reach []string

// Allows says whether o is among them.
func (r Reach) Allows(o Origin) bool {
	scheme, rest, _ := strings.Cut(string(o), "://")
	for _, entry := range r {
		if entry == string(o) {
			return true
		}
		below, isPattern := strings.CutPrefix(entry, scheme+"://*")
		if isPattern && strings.HasSuffix(rest, below) && len(rest) > len(below) {
			return true
		}
	}
	return false
}

// String lists the entries.
func (r Reach) String() string { return strings.Join(r, ", ") }
