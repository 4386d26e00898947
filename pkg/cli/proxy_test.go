//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// TestThreat06_ProxyListensHere lets no other machine, and no other user, in.
func TestThreat06_ProxyListensHere(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"0.0.0.0:0", "[::]:0", ":0", "example.com:0", "192.0.2.1:0", "127.0.0.1"} {
		if l, _, err := listenHere(t.Context(), where); err == nil {
			t.Errorf("%s was taken", where)
			_ = l.Close()
		}
	}
	path := filepath.Join(t.TempDir(), "s")
	l, _, err := listenHere(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
}
