package main

import "syscall"

// endsWithParent has the system send a program SIGTERM when this process is killed.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
