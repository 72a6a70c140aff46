// Command changelog checks the changelog's fragments and writes CHANGELOG.md from them. changelog/README.md has the
// fragments' format and the commands.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	check := flag.Bool("check", false, "check the fragments, and that CHANGELOG.md is up to date; write nothing")
	version := flag.String("version", "", "release the unreleased fragments as this `version`, such as 0.1.0")
	flag.Parse()
	if err := run(".", *check, *version, time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run works on the repository at root.
func run(root string, check bool, version string, now time.Time) error {
	dir, file := filepath.Join(root, "changelog"), filepath.Join(root, "CHANGELOG.md")
	if check && version != "" {
		return errors.New("changelog: -check writes nothing, so it can't make a version")
	}
	text, err := render(dir)
	if err != nil {
		return err
	}
	if check {
		return compare(file, text)
	}
	if version != "" {
		if err := makeRelease(dir, version, now); err != nil {
			return err
		}
		if text, err = render(dir); err != nil {
			return err
		}
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

func compare(file, want string) error {
	got, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if string(got) != want {
		return errors.New("CHANGELOG.md doesn't match the fragments: run go run ./internal/changelog")
	}
	return nil
}

// makeRelease gives the unreleased folder the version's name.
func makeRelease(dir, version string, now time.Time) error {
	r, err := parseRelease(version + "_" + now.Format(time.DateOnly))
	if err != nil {
		return fmt.Errorf("version %q: it must be three numbers, such as 0.1.0", version)
	}
	releases, err := readReleases(dir)
	if err != nil {
		return err
	}
	for _, old := range releases {
		if old.number == r.number {
			return fmt.Errorf("version %s: it is released already, in changelog/%s", version, old.folder)
		}
	}
	fragments, err := readFolder(filepath.Join(dir, unreleased))
	if err != nil {
		return err
	}
	if len(fragments) == 0 {
		return fmt.Errorf("version %s: changelog/unreleased has no fragments", version)
	}
	return os.Rename(filepath.Join(dir, unreleased), filepath.Join(dir, r.folder))
}
