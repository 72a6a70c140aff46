package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cmd/muster/internal/daemon"
)

// addState adds the flag for the folder of what runs on the machine.
func addState(cmd *cobra.Command) *string {
	return cmd.Flags().String("state", "",
		"the folder of the head and the agent of this machine (default: MUSTER_STATE, else muster in the user's folder for state)")
}

// stateFolder is the folder that the flag names.
func stateFolder(flag string) (daemon.Folder, error) {
	f := daemon.Folder(flag)
	var err error
	if flag == "" {
		if f, err = daemon.Default(); err != nil {
			return "", err
		}
	}
	abs, err := filepath.Abs(string(f))
	if err != nil {
		return "", fmt.Errorf("the state folder %s: %w", f, err)
	}
	return daemon.Folder(abs), nil
}

// makeStateFolder makes it, if it isn't there. Root's lets others pass, who can't list it: workers run under other
// accounts, in folders of their own.
func makeStateFolder(flag string) (daemon.Folder, error) {
	f, err := stateFolder(flag)
	if err != nil {
		return "", err
	}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	info, err := os.Stat(string(f))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.MkdirAll(string(f), mode)
	case err == nil && !info.IsDir():
		return "", fmt.Errorf("the state folder %s is a file: give another one by --state or MUSTER_STATE", f)
	}
	if err != nil {
		return "", fmt.Errorf("make the state folder: %w", err)
	}
	return f, nil
}
