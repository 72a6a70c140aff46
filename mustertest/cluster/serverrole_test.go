package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	roleServer = "nats"
	reloaded   = "reloaded"
)

func init() { roles[roleServer] = (*stage).server }

// server is a NATS server by a configuration file, as the nats-server command is.
func (s *stage) server(log *slog.Logger) error {
	o, err := server.ProcessConfigFile(s.Dir)
	if err != nil {
		return err
	}
	o.NoSigs = true
	ns, err := server.NewServer(o)
	if err != nil {
		return err
	}
	ns.SetLoggerV2(serverLog{log}, false, false, false)
	ns.Start()
	defer ns.WaitForShutdown()
	defer ns.Shutdown()
	if !ns.ReadyForConnections(startFor) {
		return errors.New("the server isn't ready")
	}
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	fmt.Println(ready)
	for end := closed(os.Stdin); ; {
		select {
		case <-end:
			return nil
		case <-reload:
			if err := ns.Reload(); err != nil {
				return err
			}
			fmt.Println(reloaded)
		}
	}
}

// serverLog leaves out what servers tell each other.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) {
	if !strings.Contains(format, "oute") { // they try again and again
		l.log.Info(fmt.Sprintf(format, v...))
	}
}
func (l serverLog) Warnf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any) {
	if !strings.Contains(format, "trying to connect to route") {
		l.log.Error(fmt.Sprintf(format, v...))
	}
}
func (l serverLog) Fatalf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(string, ...any)          {}
func (l serverLog) Tracef(string, ...any)          {}
