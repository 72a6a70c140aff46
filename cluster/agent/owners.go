package agent

import (
	"errors"
	"fmt"

	"github.com/musterrun/muster/protocol"
)

// owners decides whose jobs an agent serves, and under which system accounts.
type owners struct {
	node     string
	user     string   // whose node it is
	all      bool     // everybody's jobs, as the agent's own account
	switches bool     // the agent may start processes under other accounts
	fallback *account // for who has no account; nil for none
	find     func(name string) (*account, error)
}

// errNoAccount is in the error about a name that no system account has.
var errNoAccount = errors.New("there is no such account")

// owners is what the configuration says of them.
func (c *Config) owners() (owners, error) {
	o := owners{node: c.Node, user: c.User, all: c.AllowUsers, switches: canSwitch(), find: findAccount}
	if c.WorkerUser == "" {
		return o, nil
	}
	if !o.switches {
		return o, fmt.Errorf("run workers as %s: the agent must be root on Linux to start processes under another account", c.WorkerUser)
	}
	var err error
	if o.fallback, err = o.find(c.WorkerUser); err != nil {
		return o, fmt.Errorf("run workers as %s: make the account, or name another one: %w", c.WorkerUser, err)
	}
	return o, nil
}

// users is what the node says about whom it serves.
func (o *owners) users() string {
	switch {
	case o.switches && o.fallback != nil, !o.switches && o.all:
		return protocol.UsersAll
	case o.switches:
		return protocol.UsersAccounts
	}
	return o.user
}

// account is under which account the jobs of a user run, nil for the agent's own. An error says why they don't.
//
// A name that is root's isn't an account for anybody else than the agent's own user: whoever may be called root in a
// cluster isn't root on its nodes for that.
func (o *owners) account(owner string) (*account, error) {
	switch {
	case owner == o.user:
		return o.fallback, nil
	case !o.switches && o.all:
		return nil, nil //nolint:nilnil // the agent's own
	case !o.switches:
		return nil, errors.New((&protocol.NodeInfo{Users: o.user}).Refuse(owner))
	}
	a, err := o.find(owner)
	switch {
	case errors.Is(err, errNoAccount) && o.fallback != nil:
		return o.fallback, nil
	case errors.Is(err, errNoAccount):
		return nil, fmt.Errorf("it has no account %s: make one, or start its agent with --worker-user NAME for those who have none", owner)
	case err != nil:
		return nil, fmt.Errorf("whether it has an account %s isn't known: %w", owner, err)
	case a.uid == 0:
		return nil, fmt.Errorf("its account %s is the administrator's, as which only the jobs of user %s run", owner, o.user)
	}
	return a, nil
}

// admit decides under which account a job runs, before anything of it is started. The mutex is held.
func (a *Agent) admit(j *job, acc *account, refusal error) {
	j.account, j.refusal = acc, ""
	if refusal == nil {
		return
	}
	j.refusal = refusal.Error()
	j.log.Warn("the job isn't served: "+j.refusal, "owner", j.info.Owner)
	for at, w := range j.waiting { // nothing was offered: its driver does what it likes
		a.giveBackWaiting(j, at, w, protocol.NotStarted, "node "+a.cfg.Node+" doesn't serve the job: "+j.refusal)
	}
}

// accountOf is owners.account, for accounts that can reach what a worker needs.
func (a *Agent) accountOf(owner string) (*account, error) {
	acc, err := a.owners.account(owner)
	if err == nil {
		err = acc.do(func() error { return a.folder.reachable() })
	}
	if err != nil && acc != nil {
		err = fmt.Errorf("its account %s can't enter the agent's folder %s: give the agent one that everybody may pass through, "+
			"such as --state /var/lib/muster: %w", acc.name, a.folder.path, err)
	}
	return acc, err
}
