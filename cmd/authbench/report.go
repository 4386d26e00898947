package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// quantile returns the value below which a part of the sorted values lies,
// between two neighbours in proportion.
func quantile(sorted []float64, part float64) float64 {
	at := part * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// spread is the median and the quartiles of some values.
type spread struct{ lower, median, upper float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	return spread{quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)}
}

// milliseconds turns durations into numbers.
func milliseconds(times []time.Duration) []float64 {
	var list []float64
	for _, t := range times {
		list = append(list, float64(t)/float64(time.Millisecond))
	}
	return list
}

// ratios divides each time by the time of the same round in another list.
func ratios(times, by []time.Duration) []float64 {
	var list []float64
	for i, t := range times {
		list = append(list, float64(t)/float64(by[i]))
	}
	return list
}

// preface stands over the tables.
const preface = `Wall time in milliseconds. In each table the rows are run in turn, round by
round. Q1 and Q3 are quartiles; ratio is the median of each round's ratio to the
first row of the table.
`

// report is the table of a group.
func report(g group, times [][]time.Duration) string {
	var b strings.Builder
	title := fmt.Sprintf("%s (rounds: %d)", g.title, len(times[0]))
	fmt.Fprintf(&b, "\n%-40s %8s %8s %8s %6s\n", title, "Q1", "median", "Q3", "ratio")
	for i, c := range g.contestants {
		ms := spreadOf(milliseconds(times[i]))
		note := ""
		if c.target > 0 {
			note = fmt.Sprintf("  target: at most %.2f", c.target)
		}
		fmt.Fprintf(&b, "  %-38s %8.2f %8.2f %8.2f %6.2f%s\n", c.name, ms.lower, ms.median, ms.upper, spreadOf(ratios(times[i], times[0])).median, note)
	}
	return b.String()
}
