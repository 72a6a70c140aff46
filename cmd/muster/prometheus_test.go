//go:build linux

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Prometheus reads a cluster's metrics by deploy/prometheus, and each expression of the dashboard in deploy/grafana gives a
// series; promtool finds nothing to say against either.
func TestPrometheus(t *testing.T) {
	for _, tool := range []string{"prometheus", "promtool"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs prometheus and promtool in the PATH: Debian's package prometheus has both")
		}
	}
	p := newEmptyPlace(t)
	p.cleanUp(p.state("state"))
	out := p.want(0, "Prometheus reads", "up", "--addr=127.0.0.1:0", "--metrics=127.0.0.1:0")
	found := regexp.MustCompile(`(?s)the cluster (\w+) is up.*https://(127\.0\.0\.1:\d+)/metrics`).FindStringSubmatch(out)
	if found == nil {
		t.Fatal(out)
	}
	p.want(1, "king", "token", "new", "--role=king") // so that a request was refused
	config := p.prometheusConfig(found[1], found[2])
	if out, err := exec.Command("promtool", "check", "config", config).CombinedOutput(); err != nil {
		t.Errorf("promtool: %s", out)
	}
	api := p.startPrometheus(config)
	for _, expr := range dashboardExpressions(t) {
		awaitSeries(t, api, expr)
	}
	get := p.scraper(found[1], found[2])
	var nodes []struct{ Labels map[string]string }
	if err := json.Unmarshal(get("/nodes"), &nodes); err != nil || len(nodes) != 1 {
		t.Fatal(nodes, err)
	}
	for _, path := range []string{"/metrics", nodes[0].Labels["__metrics_path__"]} {
		check := exec.Command("promtool", "check", "metrics")
		check.Stdin = bytes.NewReader(get(path))
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("promtool of %s: %v\n%s", path, err, out)
		}
	}
}

// scraper reads what the head serves to Prometheus.
func (p *place) scraper(cluster, addr string) func(path string) []byte {
	p.t.Helper()
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(p.state("state"), "head", "metrics", name))
		if err != nil {
			p.t.Fatal(err)
		}
		return data
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read("ca.pem"))
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "head." + cluster + ".muster.internal"}, DisableKeepAlives: true,
	}
	token := "Bearer " + strings.TrimSpace(string(read("token")))
	return func(path string) []byte {
		p.t.Helper()
		req, err := http.NewRequest(http.MethodGet, "https://"+addr+path, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		req.Header.Set("Authorization", token)
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			p.t.Fatal(path, resp.Status, err)
		}
		return data
	}
}

// prometheusConfig is the file in deploy, for this cluster, and with a look each second.
func (p *place) prometheusConfig(cluster, addr string) string {
	p.t.Helper()
	data, err := os.ReadFile("../../deploy/prometheus/prometheus.yml")
	if err != nil {
		p.t.Fatal(err)
	}
	text := strings.NewReplacer("HEAD:9464", addr, "CLUSTER", cluster,
		"/etc/prometheus/muster", filepath.Join(p.state("state"), "head", "metrics"), "scrape_configs:\n",
		"global: {scrape_interval: 1s}\nscrape_configs:\n").Replace(string(data))
	p.write("prometheus.yml", text)
	return filepath.Join(p.dir, "prometheus.yml")
}

// startPrometheus starts it until the test ends, and gives its address once it answers.
func (p *place) startPrometheus(config string) (api string) {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close() // it is to listen there
	log, err := os.Create(filepath.Join(p.dir, "prometheus.log"))
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command("prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(p.dir, "data"),
		"--web.listen-address="+addr, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if said, _ := os.ReadFile(log.Name()); p.t.Failed() {
			p.t.Logf("prometheus: %s", said)
		}
		_ = log.Close()
	})
	return "http://" + addr
}

func dashboardExpressions(t *testing.T) (list []string) {
	t.Helper()
	data, err := os.ReadFile("../../deploy/grafana/muster.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			list = append(list, strings.ReplaceAll(target.Expr, "$__rate_interval", "10s")) // which Grafana puts in
		}
	}
	if len(list) == 0 {
		t.Fatal("the dashboard has no expressions")
	}
	return list
}

// awaitSeries waits until an expression gives a series.
func awaitSeries(t *testing.T, api, expr string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(watchdog); ; <-tick.C {
		n, err := series(api, expr)
		switch {
		case err == nil && n > 0:
			return
		case time.Now().After(end):
			t.Fatalf("%s gives %d series: %v", expr, n, err)
		}
	}
}

// series is how many series an expression gives. The error is also that Prometheus doesn't answer yet.
func series(api, expr string) (int, error) {
	resp, err := http.Get(api + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []any }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Error != "" {
		return 0, fmt.Errorf("prometheus: %s", answer.Error)
	}
	return len(answer.Data.Result), nil
}
