//go:build linux

package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/protocol"
)

// eventful is a program of which not all goes well.
const eventful = `package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/musterrun/muster"
)

var Square = muster.Func("square", func(_ context.Context, n int) (int, error) { return n * n, nil })

var Odd = muster.Func("odd", func(_ context.Context, n int) (int, error) {
	if n%2 == 0 {
		return 0, fmt.Errorf("%d is even", n)
	}
	return n, nil
})

var Fails = muster.Func("fails", func(context.Context, int) (int, error) { return 0, errors.New("as it must") }, muster.Retries(1))

var Dies = muster.Func("dies", func(ctx context.Context, n int) (int, error) {
	if muster.Info(ctx).Attempt == 1 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return n, nil
})

func main() {
	muster.Main(func(ctx context.Context) error {
		list := func(yield func(int) bool) {
			for i := range 10 {
				if !yield(i) {
					return
				}
			}
		}
		for range Square.Map(ctx, list) {
		}
		for range Odd.Unordered(ctx, list) {
		}
		_, err := Dies.Call(ctx, 1)
		_, fails := Fails.Call(ctx, 1)
		return errors.Join(err, fails)
	})
}
`

// What a program did can be looked up when it is over, and Prometheus reads what the cluster counts.
func TestHistory(t *testing.T) {
	t.Parallel()
	p := newPlace(t, eventful)
	p.cleanUp(p.state("state"))
	p.want(0, "Prometheus reads its metrics at", short("up", "--metrics=127.0.0.1:0")...)
	p.want(1, "as it must", "run", "--job=eventful", ".")
	jobs := read[protocol.History](p, "history", "--json").Jobs
	if len(jobs) != 1 || jobs[0].Name != "eventful" || jobs[0].State != protocol.JobFailed || jobs[0].Ended.IsZero() || jobs[0].Failed != 6 {
		t.Errorf("jobs: %+v", jobs)
	}
	done := map[string]uint64{}
	for _, c := range read[protocol.History](p, "history", "tasks", "--json", "--job=eventful").Tasks {
		done[c.Func] = c.Done
	}
	if done["square"] != 10 || done["odd"] != 5 || done["dies"] != 1 || done["fails"] != 0 {
		t.Errorf("tasks: %v", done)
	}
	p.attempts()
	p.functions()
	p.want(0, "alive", "history", "nodes")
	p.want(0, "nothing is recorded of that time", "history", "--since=0s")
	p.want(2, "write 30m, 12h, 7d", "history", "--since=yesterday")
	p.want(2, `invalid argument "all"`, "history", "all")
	p.metrics()
}

func (p *place) attempts() {
	p.t.Helper()
	ends := map[string]int{}
	for _, a := range read[protocol.History](p, "history", "attempts", "--json").Attempts {
		ends[a.Func+" "+string(a.End)]++
		if a.Error == "" || a.Func != "odd" && (a.Task == 0 || a.Node == "") || (a.Func == "odd") != (a.Item >= 0) {
			p.t.Errorf("%+v", a)
		}
	}
	if ends["odd failed"] != 5 || ends["fails retried"] != 1 || ends["fails failed"] != 1 || ends["dies lost"] != 1 || len(ends) != 4 {
		p.t.Errorf("attempts: %v", ends)
	}
	p.want(0, "as it must", "history", "attempts", "--since=1h")
}

// functions waits for the node's report, which comes now and then.
func (p *place) functions() {
	p.t.Helper()
	deadline := time.Now().Add(watchdog)
	for {
		uses := map[string]protocol.FunctionUse{}
		for _, u := range read[protocol.History](p, "history", "functions", "--json").Functions {
			uses[u.Func] = u
		}
		if f, d := uses["fails"], uses["dies"]; f.Failed == 2 && d.Lost == 1 && d.Succeeded == 1 && f.Memory > 0 && uses["square"].Succeeded > 0 {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("functions: %+v", uses)
		}
	}
}

// metrics reads them as Prometheus does.
func (p *place) metrics() {
	p.t.Helper()
	up := read[upJSON](p, "up", "--json")
	files := filepath.Join(p.state("state"), "head", "metrics")
	ca, err := os.ReadFile(filepath.Join(files, "ca.pem"))
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(files, "token"))
	if err != nil {
		p.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: roots, ServerName: "head." + up.Cluster + ".muster.internal", MinVersion: tls.VersionTLS13,
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: watchdog}
	for path, want := range map[string]string{
		"/metrics":                            `muster_nodes{state="alive"} 1`,
		"/nodes/" + up.Node.Node + "/metrics": "muster_node_worker_deaths_total 1",
		"/nodes":                              "/nodes/" + up.Node.Node + "/metrics",
	} {
		r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "https://"+up.Head.About[aboutMetrics]+path, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		answer, err := client.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			p.t.Errorf("%s: %s, %v\n%s", path, answer.Status, err, text)
		}
	}
}
