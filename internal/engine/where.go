package engine

import (
	"fmt"
	"strings"

	"github.com/musterrun/muster/protocol"
)

// Where is a condition on a node's labels: all of its terms hold.
type Where []term

// term is name=value, name!=value, name (it has the label) or !name (it hasn't).
type term struct {
	name, value string
	not, has    bool // has: only whether the label is there
}

// ParseWhere reads terms that commas separate, such as "zone=a,gpu!=t4,!spot". The empty text is no condition.
func ParseWhere(text string) (w Where, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		var t term
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		switch {
		case ok:
			name, t.not = strings.CutSuffix(name, "!")
			t.value = strings.TrimSpace(value)
		default:
			name, t.not = strings.CutPrefix(name, "!")
			t.has = true
		}
		if t.name = strings.TrimSpace(name); t.name == "" || strings.ContainsAny(t.name+t.value, "!=") {
			return nil, fmt.Errorf("%q is none of name=value, name!=value, name and !name", strings.TrimSpace(part))
		}
		w = append(w, t)
	}
	return w, nil
}

// matches reports whether a node with these labels meets the condition. A label that isn't there differs from any value.
func (w Where) matches(labels []protocol.Label) bool {
	for _, t := range w {
		value, has := "", false
		for _, l := range labels {
			if l.Name == t.name {
				value, has = l.Value, true
			}
		}
		holds := has && (t.has || value == t.value)
		if holds == t.not {
			return false
		}
	}
	return true
}

// String is the condition as ParseWhere reads it.
func (w Where) String() string {
	var parts []string
	for _, t := range w {
		switch {
		case t.has && t.not:
			parts = append(parts, "!"+t.name)
		case t.has:
			parts = append(parts, t.name)
		case t.not:
			parts = append(parts, t.name+"!="+t.value)
		default:
			parts = append(parts, t.name+"="+t.value)
		}
	}
	return strings.Join(parts, ",")
}
