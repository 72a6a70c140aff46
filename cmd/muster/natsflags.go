package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/musterrun/muster/cluster/head"
)

// natsFlags say which NATS servers a head uses instead of one of its own.
type natsFlags struct {
	urls              []string
	ca                string
	signingKey, login string
	singleTenant      bool
}

func (f *natsFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.urls, "nats", nil,
		"NATS servers with JetStream to use instead of one of the head's own, tls://HOST:PORT of each (docs/nats.md)")
	cmd.Flags().StringVar(&f.ca, "nats-ca", "", "file of who vouches for their certificates, PEM (default: the system's authorities)")
	cmd.Flags().StringVar(&f.signingKey, "signing-key", "",
		"file with the seed of the NATS account's key; or with that of a signing key and the account's public key")
	cmd.Flags().StringVar(&f.login, "nats-login", "", "instead: a .creds file, or one with USER:PASSWORD, that all of the cluster use")
	cmd.Flags().BoolVar(&f.singleTenant, "single-tenant", false, "with --nats-login: all who join may do everything")
}

// args is the flags again, with paths that mean the same in another folder.
func (f *natsFlags) args() []string {
	var args []string
	for _, u := range f.urls {
		args = append(args, "--nats="+u)
	}
	for name, path := range map[string]string{"nats-ca": f.ca, "signing-key": f.signingKey, "nats-login": f.login} {
		if abs, err := filepath.Abs(path); path != "" && err == nil {
			args = append(args, "--"+name+"="+abs)
		}
	}
	if f.singleTenant {
		args = append(args, "--single-tenant")
	}
	return args
}

// config reads the files. It is nil without the flags.
func (f *natsFlags) config() (*head.External, error) {
	if len(f.urls) == 0 {
		if len(f.args()) > 0 {
			return nil, usageError{errors.New("--nats-ca, --signing-key, --nats-login and --single-tenant are for --nats URL")}
		}
		return nil, nil //nolint:nilnil // the head's own server
	}
	e := &head.External{URLs: f.urls, SingleTenant: f.singleTenant}
	for _, file := range []struct {
		path   string
		to     *string
		secret bool
	}{{f.ca, &e.CA, false}, {f.signingKey, &e.Key, true}, {f.login, &e.Login, true}} {
		if file.path == "" {
			continue
		}
		text, err := readSecret(file.path, file.secret)
		if err != nil {
			return nil, err
		}
		*file.to = text
	}
	return e, nil
}

// readSecret reads a file, which if it is secret others than its owner mustn't be able to read.
func readSecret(path string, secret bool) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("set up NATS: %w", err)
	}
	if mode := info.Mode().Perm(); secret && mode&0o077 != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("set up NATS: others may read %s (mode %#o), which holds a secret: run chmod 600 %s, and replace it if they did",
			path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("set up NATS: %w", err)
	}
	return string(text), nil
}
