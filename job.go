package muster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/musterrun/muster/cache"
	"github.com/musterrun/muster/event"
	"github.com/musterrun/muster/fingerprint"
	"github.com/musterrun/muster/internal/engine"
	"github.com/musterrun/muster/internal/journal"
)

// keeper is what a session keeps on disk: a job's journal, and the cache.
type keeper struct {
	job  *journal.Journal
	name string
	lost atomic.Bool                 // records can't be written any more
	open atomic.Pointer[cache.Store] // once it was asked for
	note func(event.Event)
}

// keep opens what the configuration names. The cache itself is opened when a function first asks for it.
func (c Config) keep(ec *engine.Config) (*keeper, error) {
	k := &keeper{name: c.Job}
	var once sync.Once
	var failure error
	ec.Cache = func(report func(cache.Notice)) (*cache.Store, error) {
		once.Do(func() {
			var s *cache.Store
			s, failure = cache.Open(c.CacheDir, cache.Options{Limit: c.CacheLimit, Report: report})
			k.open.Store(s)
		})
		return k.open.Load(), failure
	}
	ec.Code, ec.Units, ec.ResumeFailures = codeOf, unitsOf, c.ResumeFailures
	if c.Job == "" {
		return k, nil
	}
	dir, err := jobsDir(c.CacheDir)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // without it the error for a second process is less exact
	run := journal.Run{Started: time.Now(), Host: host, PID: os.Getpid(), Program: os.Args}
	k.job, err = journal.Open(dir, c.Job, run, func(err error) {
		k.lost.Store(true)
		if note := k.note; note != nil {
			note(event.Event{Kind: event.Hint, Item: -1, Text: fmt.Sprintf("job %s: %v; the run goes on without", c.Job, err)})
		}
	})
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return nil, fmt.Errorf("muster: %w; Config.CacheDir names another folder for jobs", err)
	}
	if err != nil {
		return nil, fmt.Errorf("muster: %w", err)
	}
	ec.Journal = k.job
	return k, nil
}

// jobsDir is where the jobs lie: beside the cache.
func jobsDir(cacheDir string) (string, error) {
	if cacheDir == "" {
		var err error
		if cacheDir, err = cache.DefaultDir(); err != nil {
			return "", fmt.Errorf("muster: %w", err)
		}
	}
	return filepath.Join(cacheDir, "jobs"), nil
}

// close is called when nothing of the session runs any more, but functions that were given up.
func (k *keeper) close() error {
	var errs []error
	if k.job != nil {
		if err := k.job.Close(); err != nil && !k.lost.Load() { // else it was told
			errs = append(errs, fmt.Errorf("muster: close job %s: %w", k.name, err))
		}
	}
	if s := k.open.Load(); s != nil {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// codes remembers what codeOf found, by name and version.
var codes sync.Map

// codeOf says which code a function has: what its fingerprint or its declared version says, or else which executable
// this is.
func codeOf(sp *engine.Spec) engine.Code {
	key := sp.Name + "\x00" + sp.Opts.Version
	if c, ok := codes.Load(key); ok {
		return c.(engine.Code)
	}
	c := findCode(sp.Name, sp.Opts.Version)
	codes.Store(key, c)
	return c
}

func findCode(name, version string) engine.Code {
	fp, err := fingerprint.Of(name)
	c := engine.Code{Code: journal.Code{Func: name, Kind: journal.ByBuild, ID: fp.ID}, Fingerprint: fp.ID}
	switch {
	case err == nil && fp.Reason == nil:
		c.Kind = journal.ByFingerprint
		c.ID += version
	case version != "":
		c.Kind, c.ID = journal.ByVersion, version
	case err != nil: // nothing that another process has recorded may be used
		c.ID = fmt.Sprintf("process %d of %v", os.Getpid(), time.Now().UnixNano())
	}
	switch {
	case err != nil:
		c.Fingerprint, c.Warning = "", err
	case fp.Reason != nil:
		c.Warning = fp.Reason
	}
	return c
}

// unitsOf is what a function's fingerprint is made of, for who explains a miss; nil if that isn't known.
func unitsOf(name string) []byte {
	units := fingerprint.Units(name)
	if units == nil {
		return nil
	}
	data, err := json.Marshal(units)
	if err != nil {
		return nil
	}
	return data
}

// begin says on w that the job goes on where it stopped.
func (k *keeper) begin(w io.Writer) {
	if k.job == nil {
		return
	}
	o := k.job.Opened()
	if o.Damaged > 0 {
		fmt.Fprintf(w, "muster: job %s: %d damaged records are passed over\n", k.name, o.Damaged)
	}
	if o.Records > 0 {
		fmt.Fprintf(w, "muster: job %s: resuming, %d outcomes are recorded\n", k.name, o.Records)
	}
}

// end says how much of the job was recorded before, and with unfinished how to go on.
func (k *keeper) end(w io.Writer, asked, found int, unfinished bool) {
	if k.job == nil {
		return
	}
	if found > 0 {
		fmt.Fprintf(w, "muster: job %s: %d of %d calls were recorded before and didn't run again\n", k.name, found, asked)
	}
	if k.lost.Load() {
		fmt.Fprintf(w, "muster: job %s: not all that is done is recorded\n", k.name)
	}
	if unfinished {
		fmt.Fprintf(w, "muster: job %s: what is done is recorded; to go on: %s\n", k.name, resumeCommand(k.name, os.Args))
	}
}

// resumeCommand is how the program is started again.
func resumeCommand(job string, args []string) string {
	words := []string{"MUSTER_JOB=" + quote(job)}
	program := []string{quote(args[0])}
	if process.command != "" {
		program = []string{process.command}
	} else if info, ok := debug.ReadBuildInfo(); ok && strings.Contains(args[0], string(filepath.Separator)+"go-build") {
		if program = goRun(info); program == nil {
			program = []string{"go run ..."} // of files
		}
	}
	words = append(words, program...)
	for _, a := range args[1:] {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

// goRun is the command line by which a program was built and run whose executable is gone when it has ended; nil if it
// was made of files, which nobody tells.
func goRun(info *debug.BuildInfo) []string {
	if info.Path == "command-line-arguments" {
		return nil
	}
	words := []string{"go", "run"}
	for _, s := range info.Settings {
		if s.Key == "-tags" && s.Value != "" {
			words = append(words, "-tags", quote(s.Value))
		}
	}
	return append(words, info.Path)
}

// quote is a word as a POSIX shell takes it.
func quote(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_./=:,@%+", c)
	}) < 0
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
