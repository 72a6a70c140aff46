package yardstick

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// The processes' roles.
const (
	roleServer = "server"
	roleAgent  = "agent"
	roleWorker = "worker"
	roleDriver = "driver"
)

// Command makes the command by which a process of a role is started: one that calls Run with that.
type Command func(ctx context.Context, role string) *exec.Cmd

// Run is what a process of a role does, until in ends. It speaks with who started it by in and out.
func Run(ctx context.Context, role string, command Command, in io.Reader, out io.Writer) error {
	hear, say := json.NewDecoder(in), json.NewEncoder(out).Encode
	if role != roleServer { // each of the others does one thing after the other: more threads would only be woken
		runtime.GOMAXPROCS(1)
	}
	switch role {
	case roleWorker:
		return work()
	case roleServer:
		var dir string
		if err := hear.Decode(&dir); err != nil {
			return err
		}
		return serve(ctx, dir, in, say)
	case roleAgent, roleDriver:
		var p place
		if err := hear.Decode(&p); err != nil {
			return err
		}
		if role == roleDriver {
			return drive(ctx, p, hear, say)
		}
		worker := command(ctx, roleWorker)
		worker.Stderr = os.Stderr
		return represent(ctx, p, worker, in, say)
	}
	return fmt.Errorf("there is no role %q in a yardstick", role)
}

// drive is the driver: it makes each round that is asked for.
func drive(ctx context.Context, p place, hear *json.Decoder, say func(any) error) error {
	d, err := newDriver(ctx, p)
	if err != nil {
		return err
	}
	defer d.conn.Close()
	if err := say(struct{}{}); err != nil {
		return err
	}
	for {
		var r request
		if err := hear.Decode(&r); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		result, err := d.measure(ctx, r)
		if err == nil {
			err = say(result)
		}
		if err != nil {
			return err
		}
	}
}

// Yardstick is the processes. Its methods are for one goroutine.
type Yardstick struct {
	server, agent, driver *process
}

// Start starts the processes; the server keeps its stream in dir. They end when ctx does, by Stop, or with this process.
func Start(ctx context.Context, command Command, dir string) (*Yardstick, error) {
	y := &Yardstick{}
	var p place
	var err error
	if y.server, err = startProcess(command(ctx, roleServer), dir, &p); err == nil {
		y.agent, err = startProcess(command(ctx, roleAgent), p, nil)
	}
	if err == nil {
		y.driver, err = startProcess(command(ctx, roleDriver), p, nil)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a bare NATS: %w", err), y.Stop())
	}
	return y, nil
}

// Measure sends n records of a kind through the processes.
func (y *Yardstick) Measure(kind Kind, n int) (Result, error) {
	var out Result
	err := y.driver.ask(request{kind, n}, &out)
	if err != nil {
		err = fmt.Errorf("a bare NATS: %w", err)
	}
	return out, err
}

// Stop ends the processes and waits for them.
func (y *Yardstick) Stop() (err error) {
	for _, p := range []*process{y.driver, y.agent, y.server} {
		err = errors.Join(err, p.stop())
	}
	return err
}

// process is one of them.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	say    *json.Encoder
	hear   *json.Decoder
	stderr bytes.Buffer
	ended  bool
}

// startProcess starts one, tells it what it needs, and waits for its answer.
func startProcess(cmd *exec.Cmd, tell, answer any) (*process, error) {
	p := &process{cmd: cmd}
	cmd.Stderr, cmd.WaitDelay = &p.stderr, patience
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.in, p.say, p.hear = in, json.NewEncoder(in), json.NewDecoder(out)
	if answer == nil {
		answer = &struct{}{}
	}
	return p, p.ask(tell, answer)
}

// ask tells the process something and waits for its answer. One that doesn't answer ends, and has said why.
func (p *process) ask(tell, answer any) error {
	err := p.say.Encode(tell)
	if err == nil {
		err = p.hear.Decode(answer)
	}
	if err == nil {
		return nil
	}
	if ended := p.stop(); ended != nil {
		return ended
	}
	return err
}

// stop lets the process end, and waits for it.
func (p *process) stop() error {
	if p == nil || p.ended {
		return nil
	}
	p.ended = true
	_ = p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the %s: %w: %s", p.cmd.Args[len(p.cmd.Args)-1], err, strings.TrimSpace(p.stderr.String()))
	}
	return nil
}
