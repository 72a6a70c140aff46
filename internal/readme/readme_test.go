package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const page = "# x\n\n```sh\necho one\ncd /\npwd\n```\n\n```console\n$ false\n```\n\n```\nfalse\n```\n\n" +
	"````sh\necho '```'\n````\n\n```sh\nif true; then\n  echo two\nfi\n```\n"

func TestBlocks(t *testing.T) {
	got, err := blocks(strings.ReplaceAll(page, "\n", "\r\n"))
	want := []block{{4, "echo one\ncd /\npwd\n"}, {18, "echo '```'\n"}, {22, "if true; then\n  echo two\nfi\n"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := blocks("```sh\necho"); err == nil {
		t.Error("a block without an end was accepted")
	}
}

func write(t *testing.T, text string) string {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(write(t, page), &out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"+ echo one", "one", "/", "```", "two"} {
		if !strings.Contains("\n"+out.String(), "\n"+line+"\n") {
			t.Errorf("the output has no line %q:\n%s", line, &out)
		}
	}
}

func TestRunFails(t *testing.T) {
	for text, want := range map[string]string{
		"```sh\nfalse\n```\n\n```sh\necho later\n```":    "page.md:2: the last command shown failed: exit status 1",
		"text\n\n```sh\nfalse | cat\necho later\n```":    "page.md:4: the last command shown failed",
		"```sh\necho $nothing_of_this_name\n```":         "page.md:2",
		"```sh\nno-command-of-this-name\n```":            "exit status 127",
		"```console\ntrue\n```":                          "no block is marked sh",
		"```sh\nread -r answer\necho $answer later\n```": "page.md:2",
	} {
		var out bytes.Buffer
		err := run(write(t, text), &out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
		if strings.Contains(out.String(), "\nlater") {
			t.Errorf("%q: a command ran after the failed one", text)
		}
	}
}
