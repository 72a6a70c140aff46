package head

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/metrics"
	"github.com/musterrun/muster/protocol"
)

// scraper reads metrics as Prometheus does, by the files that the head has written for it.
type scraper struct {
	t      *testing.T
	at     string
	client *http.Client
	token  string
}

func (c *cluster) scraper() *scraper {
	c.t.Helper()
	dir := filepath.Join(c.cfg.StateDir, "head", "metrics")
	token, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		c.t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		c.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) || strings.Contains(string(ca), "PRIVATE") {
		c.t.Fatalf("ca.pem is no certificate alone")
	}
	config := &tls.Config{RootCAs: roots, ServerName: join.HeadName(c.Cluster()), MinVersion: tls.VersionTLS13}
	transport := &http.Transport{TLSClientConfig: config}
	c.t.Cleanup(transport.CloseIdleConnections)
	return &scraper{c.t, "https://" + c.MetricsAddr(), &http.Client{Transport: transport, Timeout: watchdog}, strings.TrimSpace(string(token))}
}

func (s *scraper) get(path, token string, want int) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.at+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != want {
		s.t.Errorf("%s: %s %v %s, want %d", path, answer.Status, err, data, want)
	}
	return string(data)
}

func TestMetricsOfHead(t *testing.T) {
	c := start(t, Config{Metrics: "127.0.0.1:0", Version: "v9", Ages: shortAges})
	ann := c.join(join.RoleUser, "ann")
	_, job := c.open(ann, "")
	for _, done := range []uint64{3, 10, 10} {
		job.ask(protocol.OpRenewJob, protocol.RenewJob{Job: job.id.Name, Epoch: 1, Done: done, Failed: 1, Waiting: 7, Running: 2}, nil)
	}
	ann.refused(protocol.CodeForbidden, protocol.OpNewToken, nil)
	ann.refused(protocol.CodeUnknown, "made.up", nil)
	node := c.join(join.RoleAgent, "")
	node.ask(protocol.OpReportNode, protocol.NodeInfo{Name: "one", CPUs: 4, FreeCPU: 1, Memory: 1 << 30, Resident: 1 << 20, Workers: 2}, nil)
	s := c.scraper()
	text := s.get("/metrics", s.token, http.StatusOK)
	for _, want := range []string{
		`muster_info{version="v9"} 1`, `muster_nodes{state="alive"} 1`, "muster_cpus 4", "muster_cpus_used 3", "muster_workers 2",
		`muster_jobs{state="running"} 1`, "muster_tasks_queued 7", "muster_tasks_running 2", `muster_tasks_total{outcome="done"} 10`,
		`muster_tasks_total{outcome="failed"} 1`, `muster_request_seconds_count{operation="job.renew"} 3`,
		`muster_request_seconds_count{operation="unknown"} 1`, `muster_requests_refused_total{code="forbidden"} 1`,
		`muster_events_total{kind="job.opened"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s isn't in\n%s", want, text)
		}
	}
	for _, d := range metrics.Head {
		if !strings.Contains(text, "# TYPE "+d.Name+" "+string(d.Type)+"\n") {
			t.Errorf("%s isn't in\n%s", d.Name, text)
		}
	}
}

func TestMetricsNeedTheToken(t *testing.T) {
	c := start(t, Config{Metrics: "127.0.0.1:0"})
	s := c.scraper()
	for _, path := range []string{"/metrics", "/nodes", "/nodes/n1/metrics", "/"} {
		for _, token := range []string{"", "x", s.token[1:], s.token + "x"} {
			if got := s.get(path, token, http.StatusUnauthorized); strings.Contains(got, s.token) || strings.Contains(got, "muster_") {
				t.Errorf("%s: %s", path, got)
			}
		}
	}
	for _, name := range []string{"token", "ca.pem"} {
		info, err := os.Stat(filepath.Join(c.cfg.StateDir, "head", "metrics", name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	c.Stop()
	again := start(t, Config{Metrics: "127.0.0.1:0", StateDir: c.cfg.StateDir})
	if other := again.scraper(); other.token != s.token {
		t.Error("a head that is started again has another token")
	}
	if silent := start(t, Config{}); silent.MetricsAddr() != "" {
		t.Errorf("it listens at %s, unasked", silent.MetricsAddr())
	}
}

// A node's metrics come by way of the head, and Prometheus learns from it which nodes there are.
func TestMetricsOfNodes(t *testing.T) {
	ages := protocol.Ages{Renew: 100 * time.Millisecond, Dead: time.Hour, Ask: 200 * time.Millisecond}
	c := start(t, Config{Metrics: "127.0.0.1:0", Ages: ages})
	s := c.scraper()
	ann, node := c.join(join.RoleUser, "ann"), c.join(join.RoleAgent, "")
	node.ask(protocol.OpReportNode, protocol.NodeInfo{Name: "one"}, nil)
	path := "/nodes/" + node.id.Name + "/metrics"
	var targets []target
	if err := json.Unmarshal([]byte(s.get("/nodes", s.token, http.StatusOK)), &targets); err != nil || len(targets) != 1 ||
		"https://"+targets[0].Targets[0] != s.at || targets[0].Labels["__metrics_path__"] != path || targets[0].Labels["node"] != "one" {
		t.Errorf("%v, %+v", err, targets)
	}
	if got := s.get(path, s.token, http.StatusBadGateway); !strings.Contains(got, "doesn't answer") {
		t.Error(got)
	}
	asked := node.hear(protocol.NodeSubject(node.id.Name, "metrics"))
	c.serving(func() { _ = (<-asked).Respond([]byte(`{"body":"a 1\n"}`)) })
	if got := s.get(path, s.token, http.StatusOK); got != "a 1\n" {
		t.Errorf("got %q", got)
	}
	for _, nobody := range []string{ann.id.Name, "n1", ">", "x.stop"} {
		s.get("/nodes/"+nobody+"/metrics", s.token, http.StatusNotFound)
	}
}

// serving does something beside the test, and waits for it at its end.
func (c *cluster) serving(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	c.t.Cleanup(func() { <-done })
}
