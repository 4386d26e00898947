package cli

import (
	"context"
	"io"
	"os"
)

// patiently runs read, which may wait for ever (a pipe that nobody writes to),
// until it ends or the person gives up. A read that is given up is left behind;
// the program is about to end.
func patiently[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		data T
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := read()
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		var nothing T
		return nothing, ctx.Err()
	}
}

// readSome reads at most one byte more than limit, so that the caller sees what
// is too long.
func readSome(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit+1))
}

// readFile reads a file likewise; opening a pipe can wait as well.
func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readSome(file, limit)
}
