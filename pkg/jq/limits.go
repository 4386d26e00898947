package jq

import (
	"context"
	"runtime"
	"time"
)

const (
	// timeLimit bounds the time that one expression may take.
	timeLimit = time.Second
	// heapLimit bounds by how much the heap may grow meanwhile. It is the whole
	// program's: in a program that fills memory otherwise, a slow expression can
	// fail through no fault of its own.
	heapLimit = 256 << 20
	// heapTick is how often the heap is looked at.
	heapTick = 5 * time.Millisecond
	// maxText is the longest expression, in bytes.
	maxText = 16 << 10
	// maxString is the longest text that an expression may make, in bytes.
	maxString = 4 << 20
	// maxWeight bounds what one value may hold, in bytes of JSON. It is as much
	// as the longest answer that is taken.
	maxWeight = 8 << 20
)

// limited returns a context that ends when the time is over or the heap has
// grown too much; its cause says which.
func limited(ctx context.Context) (limited context.Context, stop func()) {
	timed, stopTimer := context.WithTimeout(ctx, timeLimit)
	watched, cancel := context.WithCancelCause(timed)
	go watchHeap(watched, heapLimit, cancel)
	return watched, func() {
		cancel(nil)
		stopTimer()
	}
}

// watchHeap cancels when the heap has grown too much since the first tick, which
// most expressions do not live to see: what grew before is little.
func watchHeap(ctx context.Context, limit uint64, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(heapTick)
	defer ticker.Stop()
	for most := uint64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		switch {
		case most == 0:
			most = now.HeapAlloc + limit
		case now.HeapAlloc > most:
			cancel(failf("the expression takes too much memory"))
			return
		}
	}
}
