package join

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Contexts are a user's ways to reach clusters, by name: files in a folder, one of them the current one.
type Contexts struct {
	Dir string // a folder of identities; beside it, the file "current"
}

// UserContexts are those of the user who runs the process: MUSTER_CONFIG, or muster in the user's folder for
// configuration ($XDG_CONFIG_HOME or ~/.config on Linux).
func UserContexts() (Contexts, error) {
	dir := os.Getenv("MUSTER_CONFIG")
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return Contexts{}, fmt.Errorf("find the folder of contexts; set MUSTER_CONFIG: %w", err)
		}
		dir = filepath.Join(config, "muster")
	}
	return Contexts{Dir: filepath.Join(dir, "contexts")}, nil
}

// contextName is compiled when it is needed: each worker of a program would do so at its start, for nothing.
var contextName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })

func (c Contexts) path(name string) (string, error) {
	if !contextName().MatchString(name) {
		return "", fmt.Errorf("context %q: a name has letters, digits, dots, dashes and underscores, and begins with one of the first two",
			name)
	}
	return filepath.Join(c.Dir, name+".json"), nil
}

func (c Contexts) currentPath() string { return filepath.Join(filepath.Dir(c.Dir), "current") }

// Save keeps an identity under a name, in place of what had it. It becomes the current one if there is none.
func (c Contexts) Save(name string, id Identity) error {
	path, err := c.path(name)
	if err != nil {
		return err
	}
	if err := id.Save(path); err != nil {
		return err
	}
	if current, err := c.Current(); err != nil || current != "" {
		return err
	}
	return c.Use(name)
}

// Load reads a context; "" is the current one.
func (c Contexts) Load(name string) (Identity, error) {
	if name == "" {
		var err error
		if name, err = c.Current(); err != nil {
			return Identity{}, err
		}
		if name == "" {
			return Identity{}, errors.New("there is no current context: start a cluster with muster up, or choose one with muster context use")
		}
	}
	path, err := c.path(name)
	if err != nil {
		return Identity{}, err
	}
	id, err := Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return id, noContext(name)
	}
	return id, err
}

// noContext is the error for a name that no context has; it is fs.ErrNotExist.
type noContext string

func (e noContext) Error() string {
	return fmt.Sprintf("there is no context %q; muster context ls lists those that are there", string(e))
}

func (e noContext) Is(target error) bool { return target == fs.ErrNotExist }

// Current is the name of the current context, "" if there is none.
func (c Contexts) Current() (string, error) {
	data, err := os.ReadFile(c.currentPath())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the current context: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// Use makes a context the current one.
func (c Contexts) Use(name string) error {
	if name == "" {
		return errors.New("use which context? muster context ls lists them")
	}
	if _, err := c.Load(name); err != nil {
		return err
	}
	if current, err := c.Current(); err == nil && current == name {
		return nil
	}
	if err := writePrivate(c.currentPath(), []byte(name+"\n")); err != nil {
		return fmt.Errorf("use context %q: %w", name, err)
	}
	return nil
}

// List is the names of all contexts, sorted.
func (c Contexts) List() ([]string, error) {
	entries, err := os.ReadDir(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list contexts: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && contextName().MatchString(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Remove forgets a context. If it was the current one, there is none afterwards.
func (c Contexts) Remove(name string) error {
	path, err := c.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove context %q: %w", name, err)
	}
	current, err := c.Current()
	if err == nil && current == name {
		err = os.Remove(c.currentPath())
	}
	return err
}
