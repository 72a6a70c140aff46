package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// print shows the figures beside the budgets, and what others took on the project's machine of two cores.
func (b *benchRun) print(w io.Writer) error {
	fmt.Fprintf(w, "%d cores, %s; a head, %d agents and a driver on this machine, median of %s\n\n",
		b.Cores, b.Go, len(b.folders), plural(b.Size.Rounds, "round"))
	p50, p99, tasks, items := b.Bare.cells()
	rows := [][]string{
		{"WHAT", "MUSTER", "BARE NATS", "BUDGET", "OTHERS"},
		{"call, round trip, p50", micros(b.CallP50), p50, "200 us", "Ray 1,300, Parsl 1,450, ipyparallel 3,000, Dask 10,600 us"},
		{"call, round trip, p99", micros(b.CallP99), p99, "", ""},
		{"no-op tasks, results recorded", thousands(b.Tasks) + " /s", tasks, "500,000 /s",
			"Ray 2,340, Parsl 1,280, Dask 650, ipyparallel 550 /s"},
		{"items of a Map", thousands(b.Items) + " /s", items, "10,000,000 /s", "joblib 444,000 /s"},
		{"sum of a tree of 1,024 leaves", millis(b.Tree), "", "15 ms", "Ray 970, Parsl 1,770, Dask 3,250 ms"},
		{"start to first result", millis(b.Start), "", "100 ms", "Dask 660, Ray 3,700, Parsl 6,000, ipyparallel 6,600 ms"},
		{"idle: head and agent", percent(b.Idle), "", "1 % of a core", ""},
		{"resident: head", b.resident(serviceHead), "", "60 MB", "all processes: Ray 2,800, ipyparallel 850, Dask 460 MB"},
		{"resident: agent", b.resident(serviceAgent), "", "35 MB", ""},
		{"resident: worker", b.resident("worker"), "", "30 MB", ""},
		{"resident: driver", b.resident("driver"), "", "", ""},
	}
	if err := table(w, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `
resident sizes after %s tasks, with pages of muster's executable, which processes have in common: a worker of a smaller
program has fewer. Others as measured on the project's machine of two cores
`, thousands(float64(b.Size.Tasks)))
	return err
}

func micros(d time.Duration) string { return fmt.Sprintf("%d us", d.Microseconds()) }

func millis(d time.Duration) string { return fmt.Sprintf("%.3g ms", float64(d)/1e6) }

func megabytes(n int64) string {
	if n == 0 {
		return "-" // the system doesn't tell
	}
	return fmt.Sprintf("%d MB", n/1e6)
}

// resident is how large a process of a role is.
func (b *benchRun) resident(role string) string {
	if b.Own[role] == 0 {
		return megabytes(b.Resident[role])
	}
	return fmt.Sprintf("%s, %d its own", megabytes(b.Resident[role]), b.Own[role]/1e6)
}

func percent(share float64) string {
	if share == 0 {
		return "-" // the system doesn't tell
	}
	return fmt.Sprintf("%.2f %%", 100*share)
}

// thousands is a whole number with commas.
func thousands(x float64) string {
	s := strconv.FormatFloat(x, 'f', 0, 64)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
