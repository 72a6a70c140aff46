package head

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"crypto/tls"

	"github.com/nats-io/nkeys"

	"github.com/musterrun/muster/cluster/join"
	"github.com/musterrun/muster/protocol"
)

const (
	maxJoinBody   = 64 << 10
	joinTime      = 10 * time.Second
	maxJoining    = 64 // requests at once
	failureWindow = time.Minute
	maxFailures   = 20 // of an address in a window
	maxFailing    = 10_000
)

// endpoint is where one joins, and has a JWT renewed: HTTPS, since who joins has no identity yet.
type endpoint struct {
	head     *Head
	server   *http.Server
	listener net.Listener
	failures failures
	slots    chan struct{}
	serving  sync.WaitGroup
}

func startEndpoint(ctx context.Context, h *Head, earlier string) (*endpoint, error) {
	host, port, err := listenAt(h.cfg.JoinAddr, earlier)
	if err != nil {
		return nil, err
	}
	at := net.JoinHostPort(host, strconv.Itoa(port))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("listen for those who join, at %s: stop what listens there, or choose another address: %w",
			at, err)
	}
	e := &endpoint{head: h, listener: listener, slots: make(chan struct{}, maxJoining)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+join.JoinPath, func(w http.ResponseWriter, r *http.Request) { handle(e, w, r, e.join) })
	mux.HandleFunc("POST "+join.RenewPath, func(w http.ResponseWriter, r *http.Request) { handle(e, w, r, e.renew) })
	e.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: joinTime, ReadTimeout: joinTime, WriteTimeout: joinTime, IdleTimeout: joinTime,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	e.serving.Go(func() {
		err := e.server.Serve(tls.NewListener(listener, h.authority.tlsConfig()))
		if !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("nobody can join any more", "error", err)
		}
	})
	return e, nil
}

func (e *endpoint) addr() string { return e.listener.Addr().String() }

func (e *endpoint) stop() {
	_ = e.server.Close() // requests are short, and may be repeated
	e.serving.Wait()
}

// handle reads a request and writes the answer. Who fails too often isn't heard for a while.
func handle[In any](e *endpoint, w http.ResponseWriter, r *http.Request, do func(*In) (join.JoinAnswer, error)) {
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	answer, status := join.JoinAnswer{}, http.StatusOK
	var err error
	select {
	case e.slots <- struct{}{}:
		if e.failures.many(from, time.Now()) {
			err = refuse(protocol.CodeForbidden, "too many failures from %s: wait a minute", from)
		} else {
			answer, err = serve(w, r, do)
		}
		<-e.slots
	default:
		err = refuse(protocol.CodeFull, "too many join at once: try again in a moment")
	}
	if err != nil {
		refusal := asRefusal(err)
		if refusal.Code != protocol.CodeInternal && refusal.Code != protocol.CodeFull {
			e.failures.add(from, time.Now())
		}
		e.head.log.Warn("refused a request to join or renew", "from", from, "path", r.URL.Path, "why", refusal.Text)
		answer, status = join.JoinAnswer{Refusal: refusal}, http.StatusForbidden
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		e.head.log.Debug("answer a request to join", "from", from, "error", err)
	}
}

func serve[In any](w http.ResponseWriter, r *http.Request, do func(*In) (join.JoinAnswer, error)) (join.JoinAnswer, error) {
	in := new(In)
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJoinBody)).Decode(in); err != nil {
		return join.JoinAnswer{}, refuse(protocol.CodeMalformed, "the request makes no sense: %v", err)
	}
	return do(in)
}

// mayJoin refuses who can't join, whatever the token.
func (h *Head) mayJoin(in *join.JoinRequest) error {
	asks := protocol.Side{Name: "this muster", Major: in.Major, Minor: in.Minor}
	if err := protocol.CheckVersion(asks, protocol.Own("the head")); err != nil {
		return err
	}
	if !nkeys.IsValidPublicUserKey(in.PublicKey) || h.whose(in.PublicKey) != "" {
		return refuse(protocol.CodeMalformed, "joining needs a new user key")
	}
	return nil
}

// join gives an identity for a token.
func (e *endpoint) join(in *join.JoinRequest) (join.JoinAnswer, error) {
	h := e.head
	if err := h.mayJoin(in); err != nil {
		return join.JoinAnswer{}, err
	}
	t, err := h.tokens.use(in.ID, in.Secret)
	if err != nil {
		return join.JoinAnswer{}, err
	}
	k := protocol.IdentityInfo{Name: t.User, Role: t.Role, PublicKey: in.PublicKey, Host: short(in.Host)}
	if t.Role == join.RoleAgent {
		k.Name, k.User = newID("n"), or(t.User, firstAdmin)
	}
	return h.joined(in, k, "with token "+t.ID)
}

// joined enrolls who has joined in some way.
func (h *Head) joined(in *join.JoinRequest, k protocol.IdentityInfo, how string) (join.JoinAnswer, error) {
	token, err := h.enroll(k)
	if err != nil {
		return join.JoinAnswer{}, err
	}
	h.event("identity.joined", "", "", fmt.Sprintf("%s %s joined from %s (%s/%s) %s",
		k.Role, k.Name, short(in.Host), short(in.OS), short(in.Arch), how))
	return h.welcome(k, token), nil
}

// renew gives a new JWT to who has the key.
func (e *endpoint) renew(in *join.RenewRequest) (join.JoinAnswer, error) {
	h := e.head
	signature, err := base64.StdEncoding.DecodeString(in.Signature)
	if err != nil {
		return join.JoinAnswer{}, refuse(protocol.CodeMalformed, "the signature isn't base64")
	}
	key, err := nkeys.FromPublicKey(in.PublicKey)
	if err != nil || key.Verify(join.RenewText(h.settings.Cluster, in.PublicKey), signature) != nil {
		return join.JoinAnswer{}, refuse(protocol.CodeForbidden, "the request isn't signed by the key that it is for")
	}
	token, k, err := h.renew(in.PublicKey)
	if err != nil {
		return join.JoinAnswer{}, err
	}
	return h.welcome(k, token), nil
}

func (h *Head) welcome(k protocol.IdentityInfo, token string) join.JoinAnswer {
	return join.JoinAnswer{
		Cluster: h.settings.Cluster, Name: k.Name, Role: k.Role, User: k.User, JWT: token, CA: h.authority.pem(),
		URLs: h.URLs(), Servers: h.cfg.NATS.servers(), Join: h.joinAddresses(), Ages: h.cfg.Ages,
	}
}

// failures counts refusals by address, for a minute.
type failures struct {
	mu    sync.Mutex
	since time.Time
	count map[string]int
}

func (f *failures) many(from string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.since) > failureWindow || len(f.count) > maxFailing {
		f.since, f.count = now, map[string]int{}
	}
	return f.count[from] >= maxFailures
}

func (f *failures) add(from string, now time.Time) {
	f.many(from, now) // begins a new window if it is time
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count[from]++
}
