package main

import (
	"time"

	"github.com/musterrun/muster/internal/journal"
)

// jobJSON is a job as programs read it.
type jobJSON struct {
	Name      string      `json:"name"`
	Running   bool        `json:"running"`
	Size      int64       `json:"size"`
	Used      time.Time   `json:"used"`
	Damaged   int         `json:"damaged"`
	Functions []countJSON `json:"functions"`
	Runs      []runJSON   `json:"runs"`
}

type countJSON struct {
	Func   string `json:"func"`
	Done   int    `json:"done"`
	Failed int    `json:"failed"`
}

type runJSON struct {
	Epoch   int       `json:"epoch"`
	Started time.Time `json:"started"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Program []string  `json:"program"`
}

func jobForJSON(j journal.Job) jobJSON {
	out := jobJSON{
		Name: j.Name, Running: j.Open, Size: j.Size, Used: j.Used, Damaged: j.Damaged,
		Functions: make([]countJSON, len(j.Counts)), Runs: make([]runJSON, len(j.Runs)),
	}
	for i, c := range j.Counts {
		out.Functions[i] = countJSON(c)
	}
	for i, r := range j.Runs {
		out.Runs[i] = runJSON(r)
	}
	return out
}
