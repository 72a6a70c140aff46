package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/musterrun/muster"
	"github.com/musterrun/muster/cluster/agent"
	"github.com/musterrun/muster/cluster/head"
	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

// envRole has the stage of a process that Processes has started.
const envRole = "MUSTER_TEST_ROLE"

// The roles.
const (
	roleHead   = "head"
	roleAgent  = "agent"
	roleDriver = "driver"

	roleSubmitted = "submitted"
)

// stage says what a process is to be.
type stage struct {
	Role     string
	Dir      string // its state
	Name     string // the node's, or the program's
	Identity string // file: the head writes it, others read it
	Ages     protocol.Ages
	CPUs     float64
	Job      string
	Cache    string
	Args     []string
	NATS     *head.External // of a head that uses others than its own
}

// roles are further ones, for this package's own tests.
var roles = map[string]func(*stage, *slog.Logger) error{}

// ready is the line by which a process says that it runs.
const ready = "ready"

// play plays the role that the environment says, if it does, and gives the exit code.
func play() (code int, played bool) {
	data := os.Getenv(envRole)
	if data == "" {
		return 0, false
	}
	_ = os.Unsetenv(envRole) // what this process starts has its own role
	var s stage
	err := json.Unmarshal([]byte(data), &s)
	if err == nil {
		err = s.play()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

func (s *stage) play() error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("part", s.Name)
	switch s.Role {
	case roleHead:
		return s.head(log)
	case roleAgent:
		return s.agent(log)
	case roleDriver:
		return s.driver()
	case roleSubmitted:
		return s.program()
	}
	if play := roles[s.Role]; play != nil {
		return play(s, log)
	}
	return fmt.Errorf("there is no role %q", s.Role)
}

func (s *stage) head(log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	h, err := head.Start(ctx, head.Config{StateDir: s.Dir, Ages: s.Ages, Logger: log, NATS: s.NATS})
	if err != nil {
		return err
	}
	defer h.Stop()
	if err := h.Admin().Save(s.Identity); err != nil {
		return err
	}
	fmt.Println(ready)
	<-closed(os.Stdin)
	return nil
}

func (s *stage) agent(log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), startFor)
	defer cancel()
	id, err := join.Load(s.Identity)
	if err != nil {
		return err
	}
	conn, err := join.Connect(ctx, id, join.Options{Event: func(text string) { log.Info(text) }})
	if err != nil {
		return err
	}
	defer conn.Close()
	a, err := agent.Start(ctx, agent.Config{
		Conn: conn, Control: join.Control{Conn: conn, Who: id.Name}, Node: id.Name, Name: s.Name, StateDir: s.Dir,
		CPUs: s.CPUs, GPUs: -1, Ages: s.Ages, Logger: log,
	})
	if err != nil {
		return err
	}
	defer a.Stop()
	fmt.Println(ready)
	select {
	case <-closed(os.Stdin):
	case <-a.Done():
	}
	return nil
}

// driver runs a program for a test.
func (s *stage) driver() error {
	go func() {
		<-closed(os.Stdin)
		os.Exit(1) // the test has gone without stopping it
	}()
	return s.program()
}

// program runs a program as its own Main would. It comes back only if that went well. One that an agent has started takes
// all but its name from the environment.
func (s *stage) program() error {
	run := programs[s.Name]
	if run == nil {
		return fmt.Errorf("there is no driver %q: is it registered in package initialisation?", s.Name)
	}
	c := muster.Config{Addr: s.Identity, Job: s.Job, CacheDir: s.Cache, Grace: 5 * time.Second}
	c.Main(func(ctx context.Context) error { return run(ctx, s.Args) })
	return nil
}

// closed is closed at the end of a file: a process whose test has gone, however, doesn't outlive it.
func closed(f io.Reader) <-chan struct{} {
	end := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, f)
		close(end)
	}()
	return end
}

// programs are the drivers, by name.
var programs = map[string]func(ctx context.Context, args []string) error{}

// Program is a driver that tests run in a process of its own: see [Procs.Run].
type Program struct{ name string }

// Driver registers a driver, in package initialisation, as functions are. Run gets a session's context on the cluster,
// and the arguments of [Procs.Run]; what it prints on standard output is for [Driving.Next].
func Driver(name string, run func(ctx context.Context, args []string) error) *Program {
	if programs[name] != nil {
		panic(errors.New("cluster: two drivers are named " + name))
	}
	programs[name] = run
	return &Program{name}
}
