package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// given is what of a machine its agent was last started with, as the flags have it. It stands in the state folder.
type given struct {
	CPUs      float64  `json:"cpus,omitempty"`
	GPUs      float64  `json:"gpus,omitempty"`
	Memory    string   `json:"memory,omitempty"`
	Resources []string `json:"resources,omitempty"`
	Labels    []string `json:"labels,omitempty"`

	AllowUsers bool           `json:"allow_users,omitempty"`
	WorkerUser string         `json:"worker_user,omitempty"`
	Drain      *time.Duration `json:"drain,omitempty"` // nil in a file of an earlier version
}

func givenFile(state daemon.Folder) string {
	return filepath.Join(string(state), serviceAgent, "given.json")
}

// recall sets the flags that aren't on the command line to what they were the last time.
func (f *agentFlags) recall(cmd *cobra.Command, state daemon.Folder) error {
	last, found, err := readGiven(state)
	if err != nil || !found {
		return err
	}
	for name, set := range f.setters(&last) {
		if !cmd.Flags().Changed(name) {
			set()
		}
	}
	return nil
}

func readGiven(state daemon.Folder) (last given, found bool, err error) {
	data, err := os.ReadFile(givenFile(state))
	if isGone(err) {
		return last, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &last)
	}
	if err != nil {
		err = fmt.Errorf("find what this machine gave before; to begin anew, remove %s: %w", givenFile(state), err)
	}
	return last, err == nil, err
}

// differs reports whether a flag isn't what the agent was last started with.
func (f *agentFlags) differs(name string, last *given) bool {
	was := *f
	was.setters(last)[name]()
	return !reflect.DeepEqual(was, *f)
}

// setters set flags to what they were, by name.
func (f *agentFlags) setters(last *given) map[string]func() {
	return map[string]func(){
		"cpus":     func() { f.cpus = last.CPUs },
		"gpus":     func() { f.gpus = last.GPUs },
		"memory":   func() { f.memory = last.Memory },
		"resource": func() { f.resources = last.Resources },
		"label":    func() { f.labels = last.Labels },

		"allow-users": func() { f.allowUsers = last.AllowUsers },
		"worker-user": func() { f.workerUser = last.WorkerUser },
		"drain":       func() { f.drain = *cmp.Or(last.Drain, &f.drain) },
	}
}

// remember keeps the flags for the next time.
func (f *agentFlags) remember(state daemon.Folder) error {
	data, err := json.Marshal(given{
		CPUs: f.cpus, GPUs: f.gpus, Memory: f.memory, Resources: f.resources, Labels: f.labels,
		AllowUsers: f.allowUsers, WorkerUser: f.workerUser, Drain: &f.drain,
	})
	if err != nil {
		return err
	}
	name := givenFile(state)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("keep what this machine gives: %w", err)
	}
	err = os.WriteFile(name+".new", append(data, '\n'), 0o600)
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep what this machine gives: %w", err), os.Remove(name+".new"))
	}
	return nil
}
