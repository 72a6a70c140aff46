package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/musterrun/muster/protocol"
)

// Whose jobs an agent serves, and under which accounts.
func TestOwners(t *testing.T) {
	ann, worker := &account{name: "ann", uid: 1001}, &account{name: "worker", uid: 999}
	accounts := map[string]*account{"ann": ann, "root": {name: "root"}}
	find := func(name string) (*account, error) {
		switch a, ok := accounts[name]; {
		case ok:
			return a, nil
		case name == "broken":
			return nil, errors.New("the table is damaged")
		}
		return nil, errNoAccount
	}
	own := (*account)(nil)
	for name, c := range map[string]struct {
		owners
		says string
		want map[string]any // the account, or words of the refusal
	}{
		"a user's": {owners{user: "admin"}, "admin", map[string]any{
			"admin": own, "ann": "jobs of user admin alone; its agent's flag --allow-users", "root": "--allow-users",
		}},
		"a user's, for all": {owners{user: "admin", all: true}, protocol.UsersAll, map[string]any{
			"admin": own, "ann": own, "root": own,
		}},
		"root's": {owners{user: "admin", switches: true}, protocol.UsersAccounts, map[string]any{
			"admin": own, "ann": ann, "bob": "no account bob", "root": "administrator's", "broken": "isn't known: the table is damaged",
		}},
		"root's, for all": {owners{user: "ann", switches: true, all: true}, protocol.UsersAccounts, map[string]any{
			"ann": own, "bob": "--worker-user", "root": "administrator's",
		}},
		"root's, with an account for the others": {owners{user: "admin", switches: true, fallback: worker}, protocol.UsersAll, map[string]any{
			"admin": worker, "ann": ann, "bob": worker, "root": "administrator's", "broken": "isn't known",
		}},
	} {
		c.find = find
		if says := c.users(); says != c.says {
			t.Errorf("%s: it says that it serves %q, want %q", name, says, c.says)
		}
		for owner, want := range c.want {
			got, err := c.account(owner)
			words, refused := want.(string)
			switch {
			case refused && (err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n")):
				t.Errorf("%s: %s gets %v, want a line with %q", name, owner, err, words)
			case !refused && (err != nil || got != want.(*account)):
				t.Errorf("%s: %s gets %s, %v", name, owner, fmt.Sprint(got), err)
			}
		}
	}
}

// An account for workers needs an agent that may switch to it.
func TestWorkerUser(t *testing.T) {
	c := Config{Node: "n1", User: "admin", WorkerUser: "there-is-none"}
	_, err := c.owners()
	if err == nil || !strings.Contains(err.Error(), "run workers as there-is-none") {
		t.Errorf("%v", err)
	}
}
