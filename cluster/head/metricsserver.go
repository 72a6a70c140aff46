package head

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/internal/metrics"
)

const (
	scrapeTime = 10 * time.Second // Prometheus's own default
	maxScrapes = 32               // at once; more wait no longer than that
)

// metricsServer is where Prometheus reads: HTTPS by the cluster's authority, for who has the token. It serves the nodes'
// metrics too, which it asks the agents for: so no agent listens anywhere, and only the head has a certificate.
type metricsServer struct {
	head     *Head
	token    [sha256.Size]byte // its hash
	server   *http.Server
	listener net.Listener
	slots    chan struct{}
	serving  sync.WaitGroup
}

// startMetrics starts the server, if it was asked for.
func (h *Head) startMetrics(ctx context.Context) error {
	if h.cfg.Metrics == "" {
		return nil
	}
	token, err := h.metricsFiles()
	if err != nil {
		return fmt.Errorf("prepare the metrics: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.cfg.Metrics)
	if err != nil {
		return fmt.Errorf("listen for metrics at %s: stop what listens there, or choose another address: %w", h.cfg.Metrics, err)
	}
	s := &metricsServer{head: h, token: sha256.Sum256([]byte(token)), listener: listener, slots: make(chan struct{}, maxScrapes)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.ownMetrics)
	mux.HandleFunc("GET /nodes/{node}/metrics", s.nodeMetrics)
	mux.HandleFunc("GET /nodes", s.listNodes)
	s.server = &http.Server{
		Handler: s.guard(mux), ReadHeaderTimeout: scrapeTime, ReadTimeout: scrapeTime, WriteTimeout: scrapeTime, IdleTimeout: time.Minute,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return h.ctx },
	}
	s.serving.Go(func() {
		err := s.server.Serve(tls.NewListener(listener, h.authority.tlsConfig()))
		if !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("nobody can read the metrics any more", "error", err)
		}
	})
	h.metricsAt = s
	h.undo = append(h.undo, s.stop)
	return nil
}

func (s *metricsServer) stop() {
	_ = s.server.Close() // who reads does so again
	s.serving.Wait()
}

// MetricsAddr is where the metrics are, host:port; "" if nowhere.
func (h *Head) MetricsAddr() string {
	if h.metricsAt == nil {
		return ""
	}
	return h.metricsAt.listener.Addr().String()
}

// metricsFiles writes what Prometheus needs to read the metrics, and gives the token, which stays the same.
func (h *Head) metricsFiles() (token string, err error) {
	dir := h.folder.metrics()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := writeFile(filepath.Join(dir, "ca.pem"), []byte(h.authority.pem())); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "token")
	data, err := os.ReadFile(path)
	token = strings.TrimSpace(string(data))
	if err == nil && token != "" || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	token = rand.Text()
	return token, writeFile(path, []byte(token+"\n"))
}

// guard lets in who has the token, and not too many at once.
func (s *metricsServer) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if sum := sha256.Sum256([]byte(token)); !ok || subtle.ConstantTimeCompare(sum[:], s.token[:]) != 1 {
			s.head.log.Debug("refused to show the metrics", "from", r.RemoteAddr)
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the metrics need the token in "+filepath.Join("head", "metrics", "token")+" of the head's state folder",
				http.StatusUnauthorized)
			return
		}
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "too many read the metrics at once", http.StatusServiceUnavailable)
		}
	})
}

func (s *metricsServer) ownMetrics(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", metrics.ContentType)
	_, _ = w.Write(s.head.metrics(r.Context())) // who reads has gone
}

// nodeMetrics passes on what a node says.
func (s *metricsServer) nodeMetrics(w http.ResponseWriter, r *http.Request) {
	node := r.PathValue("node")
	if s.head.identities.role(node) != join.RoleAgent {
		http.Error(w, "there is no such node", http.StatusNotFound)
		return
	}
	data, err := s.head.askNode(r.Context(), node, "metrics", nil)
	var text string
	if err == nil {
		text, err = relayed[string]("node "+node, data)
	}
	if err != nil {
		http.Error(w, "node "+node+" doesn't answer: "+firstLine(err.Error()), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", metrics.ContentType)
	_, _ = w.Write([]byte(text)) // who reads has gone
}

// target is a node as Prometheus's http_sd_configs wants it: read by way of this server.
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

func (s *metricsServer) listNodes(w http.ResponseWriter, r *http.Request) {
	list := []target{}
	for _, n := range s.head.nodes.list(time.Now(), "") {
		if n.Alive {
			list = append(list, target{[]string{r.Host}, map[string]string{
				"__metrics_path__": "/nodes/" + n.Node + "/metrics", "instance": n.Node, "node": n.Name,
			}})
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list) // who reads has gone
}
