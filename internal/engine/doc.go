// Package engine runs the tasks of a session in this process: it owns a [coordinator.Machine], serialises the events
// that go into it, and carries out its actions on goroutines.
//
// One mutex per session guards the machine, the table of tasks and the scopes. Everything that may take long or calls
// the user's code (functions, joins, wake-ups, listeners, contexts' cancel functions) happens outside it.
package engine
