//go:build unix

package agent

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/musterrun/muster/cluster/worker"
	"github.com/musterrun/muster/object"
	"github.com/musterrun/muster/protocol"
)

// functions are what the worker of these tests can run.
var functions = []string{
	"echo", "wait", "crash", "big", "want", "deaf", "garbage", "foreign", "stubborn", "child", "speak", "read", "await", "gpus",
	"whoami", "link", "hog", "queued", "unasked",
}

// testHost runs tasks as a program's session would, without a session.
type testHost struct {
	link *worker.Link
	conn interface{ Write(b []byte) (int, error) }

	mu      sync.Mutex
	welcome *protocol.Welcome
	running map[protocol.Attempt]*protocol.Task
}

func beWorker(fd int) {
	if os.Getenv("START") == "fails" {
		fmt.Println("usage: this program does something else")
		os.Exit(2)
	}
	conn, err := worker.Socket(fd)
	if err != nil {
		panic(err)
	}
	w := worker.New(worker.Config{Socket: conn, Functions: functions})
	h := &testHost{link: w.Link(), conn: conn, running: map[protocol.Attempt]*protocol.Task{}}
	if err := w.Run(context.Background(), h); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func (h *testHost) Welcome(w *protocol.Welcome) { h.welcome = w }

func (h *testHost) Tasks(b *protocol.Batch) {
	for _, t := range b.Tasks { // the list is used again
		h.run(&t)
	}
}

func attemptOf(t *protocol.Task) protocol.Attempt { return protocol.Attempt{Task: t.ID, N: t.Attempt} }

func (h *testHost) run(t *protocol.Task) {
	switch name := h.welcome.Functions[t.Func]; name {
	case "echo":
		h.succeed(t, protocol.Value{Form: protocol.Inline, Data: t.Arg})
	case "wait", "stubborn":
		h.mu.Lock()
		h.running[attemptOf(t)] = t
		h.mu.Unlock()
		h.link.Log(attemptOf(t), "it waits in process "+strconv.Itoa(os.Getpid()))
	case "queued": // it lies behind others
	case "unasked":
		h.link.Send(protocol.GiveBack{Attempt: attemptOf(t), Reason: protocol.NotStarted})
		h.succeed(t, protocol.Value{Form: protocol.Inline})
	case "crash":
		fmt.Println("about to crash")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "big":
		h.big(t)
	case "read":
		h.read(t)
	case "want":
		h.mu.Lock()
		h.running[attemptOf(t)] = t
		h.mu.Unlock()
		h.link.Send(protocol.Want{By: attemptOf(t), Ref: protocol.KeyRef(t.Key), Waits: true}, protocol.Block{By: attemptOf(t), Waits: true})
	case "gpus":
		h.succeed(t, protocol.Value{Form: protocol.Inline, Data: []byte(os.Getenv(visibleGPUs))})
	case "await":
		go h.await(t)
	case "deaf":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "garbage":
		_, _ = h.conn.Write([]byte{3, 0, 0, 0, byte(protocol.FrameOutcomes), 77, 77})
	case "foreign":
		h.succeed(&protocol.Task{ID: t.ID + 1, Attempt: 1}, protocol.Value{Form: protocol.Inline})
	case "child":
		cmd := exec.Command("sleep", "1000")
		cmd.Stdout = os.Stdout
		_ = cmd.Start()
		h.succeed(t, protocol.Value{Form: protocol.Inline, Data: []byte(strconv.Itoa(cmd.Process.Pid))})
	case "whoami":
		h.succeed(t, protocol.Value{Form: protocol.Inline, Data: []byte(whoami())})
	case "hog":
		h.hog(t)
	case "link":
		h.succeed(t, link(string(t.Arg)))
	case "speak":
		dir, _ := os.Getwd()
		fmt.Println("dir", dir)
		for _, e := range os.Environ() {
			fmt.Println("env", e)
		}
		h.succeed(t, protocol.Value{Form: protocol.Inline})
	}
}

// whoami is as whom a worker runs, where its home is, and which folders of the agent's it can list.
func whoami() string {
	groups, _ := os.Getgroups()
	_, own := os.ReadDir(".")
	_, jobs := os.ReadDir("..")
	return fmt.Sprint(os.Getuid(), " ", os.Getgid(), " ", groups, " ", os.Getenv("HOME"), " ", own == nil, " ", jobs == nil)
}

// link is a result that lies in a file which the worker says it has written, and that is a link to another.
func link(to string) protocol.Value {
	data, id := []byte("secret"), object.ID([]byte("secret"))
	_ = os.Mkdir("objects", 0o700)
	if err := os.Symlink(to, filepath.Join("objects", id)); err != nil {
		return protocol.TextFailure(err.Error())
	}
	return protocol.Value{Form: protocol.Object, ID: id, Size: int64(len(data))}
}

func (h *testHost) succeed(t *protocol.Task, v protocol.Value) {
	h.link.Outcome(&protocol.Outcome{ID: t.ID, Attempt: t.Attempt, Key: t.Key, Status: protocol.Succeeded, Value: v})
}

// big returns a value of as many bytes as the argument says, as an object.
func (h *testHost) big(t *protocol.Task) {
	n, _ := strconv.Atoi(string(t.Arg))
	dir, err := object.Open("objects")
	if err != nil {
		panic(err)
	}
	id, err := dir.Put(bytes.Repeat([]byte("b"), n))
	if err != nil {
		panic(err)
	}
	h.succeed(t, protocol.Value{Form: protocol.Object, ID: id, Size: int64(n)})
}

// hog takes as many bytes of memory as the argument says, and gives how many pages it has touched.
func (h *testHost) hog(t *protocol.Task) {
	n, _ := strconv.Atoi(string(t.Arg))
	data, pages := make([]byte, n), 0
	for i := 0; i < n; i += os.Getpagesize() {
		data[i] = 1
		pages += int(data[i])
	}
	h.succeed(t, protocol.Value{Form: protocol.Inline, Data: []byte(strconv.Itoa(pages))})
	runtime.KeepAlive(data)
}

// await returns once there is a file of the argument's name.
func (h *testHost) await(t *protocol.Task) {
	h.link.Log(attemptOf(t), "it awaits in process "+strconv.Itoa(os.Getpid()))
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := os.Stat(string(t.Arg)); err == nil {
			break
		}
	}
	h.succeed(t, protocol.Value{Form: protocol.Inline, Data: t.Arg})
}

// read returns the length of its argument, which is an object.
func (h *testHost) read(t *protocol.Task) {
	dir, err := object.Open("objects")
	if err != nil {
		panic(err)
	}
	data, err := dir.Get(t.Deps[0].Value.ID)
	if err != nil {
		panic(err)
	}
	h.succeed(t, protocol.Value{Form: protocol.Inline, Data: []byte(strconv.Itoa(len(data)))})
}

func (h *testHost) Down(d *protocol.Down) {
	for _, it := range d.Items {
		switch it := it.(type) {
		case protocol.Stop:
			h.stop(it.Attempt)
		case protocol.TakeBack:
			h.mu.Lock()
			if h.running[it.Attempt] == nil {
				h.link.Send(protocol.GiveBack{Attempt: it.Attempt, Reason: protocol.NotStarted})
			}
			h.mu.Unlock()
		case protocol.Settle:
			h.mu.Lock()
			t := h.running[it.By]
			h.mu.Unlock()
			if t != nil {
				h.link.Send(protocol.Block{By: it.By})
				h.succeed(t, it.Value)
			}
		}
	}
}

func (h *testHost) stop(at protocol.Attempt) {
	h.mu.Lock()
	t := h.running[at]
	delete(h.running, at)
	h.mu.Unlock()
	if t == nil || h.welcome.Functions[t.Func] == "stubborn" {
		return
	}
	h.link.Outcome(&protocol.Outcome{
		ID: t.ID, Attempt: t.Attempt, Key: t.Key, Status: protocol.Canceled, Value: protocol.TextFailure("canceled"),
	})
}

func funcOf(name string) uint32 { return uint32(slices.Index(functions, name)) }
