package head

import (
	"net"
	"os"
	"slices"
)

// URLs are what others are told to connect to.
func (h *Head) URLs() []string {
	if h.cfg.NATS != nil {
		return h.cfg.NATS.URLs
	}
	var out []string
	_, port, _ := net.SplitHostPort(h.settings.Addr)
	for _, a := range h.advertised() {
		if _, _, err := net.SplitHostPort(a); err != nil {
			a = net.JoinHostPort(a, port)
		}
		out = append(out, "tls://"+a)
	}
	return out
}

func (h *Head) joinAddresses() []string {
	var out []string
	_, port, _ := net.SplitHostPort(h.settings.Join)
	for _, host := range h.hosts() {
		out = append(out, net.JoinHostPort(host, port))
	}
	return out
}

// hosts are the names and addresses by which the head is reached.
func (h *Head) hosts() []string {
	var out []string
	for _, a := range h.advertised() {
		if host, _, err := net.SplitHostPort(a); err == nil {
			a = host
		}
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// advertised is as configured, or else where it listens, or else if that is everywhere, all addresses of the machine.
func (h *Head) advertised() []string {
	if len(h.cfg.Advertise) > 0 {
		return h.cfg.Advertise
	}
	listens := h.cfg.Addr
	if h.cfg.NATS != nil {
		listens = h.cfg.JoinAddr
	}
	host, _, _ := net.SplitHostPort(listens)
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return []string{host}
	}
	var out []string
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, n.IP.String())
		}
	}
	if name, err := os.Hostname(); err == nil {
		out = append(out, name)
	}
	if len(out) == 0 {
		return []string{"127.0.0.1"}
	}
	return out
}
