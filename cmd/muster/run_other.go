//go:build !linux

package main

import "syscall"

// endsWithParent is nothing here: a program whose muster run is killed goes on.
func endsWithParent() *syscall.SysProcAttr { return nil }
