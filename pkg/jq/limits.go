package jq

import (
	"context"
	"runtime/metrics"
	"time"
)

const (
	// timeLimit bounds the time that one expression may take.
	timeLimit = time.Second
	// heapLimit bounds by how much the heap may grow meanwhile. It is the whole
	// program's: in a program that fills memory otherwise, a slow expression can
	// fail through no fault of its own.
	heapLimit = 256 << 20
	// heapTick is how often the heap is looked at; most expressions are done
	// long before the first time.
	heapTick = 5 * time.Millisecond
	// maxText is the longest expression, in bytes.
	maxText = 16 << 10
	// maxString is the longest text that an expression may make, in bytes.
	maxString = 4 << 20
	// maxWeight bounds what one value may hold: one for each part and each byte
	// of text. No answer weighs as much, because it is longer than its weight.
	maxWeight = 8 << 20
)

// limited returns a context that ends when the time is over or the heap has
// grown too much; its cause says which.
func limited(ctx context.Context) (limited context.Context, stop func()) {
	timed, stopTimer := context.WithTimeout(ctx, timeLimit)
	watched, cancel := context.WithCancelCause(timed)
	go watchHeap(watched, heapSize()+heapLimit, cancel)
	return watched, func() {
		cancel(nil)
		stopTimer()
	}
}

func watchHeap(ctx context.Context, most uint64, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(heapTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if heapSize() > most {
				cancel(failf("the expression takes too much memory"))
				return
			}
		}
	}
}

// heapSize returns the bytes of all objects, dead ones that have not been swept
// included. It stops nothing, unlike runtime.ReadMemStats.
func heapSize() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
