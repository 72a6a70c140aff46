package protocol

import (
	"encoding/json"
	"time"
)

// A submission is a driver that the cluster runs: the head says on which node, and again after it was lost.
const (
	OpSubmit     = "driver.submit" // Submit → Submission; users
	OpTakeDriver = "driver.take"   // TakeDriver → DriverTaken; the node that was asked to start it
	OpEndDriver  = "driver.end"    // DriverEnd → nothing; that node, again until it is answered
)

// What the head asks of nodes about drivers, each a DriverID. There is no answer: what isn't heeded is asked again.
const (
	NodeDrive    = "drive"     // take that driver, and start it
	NodeEndDrive = "drive.end" // end it, if it runs
)

// MaxTail is how many bytes of what a driver has written last are kept with its submission.
const MaxTail = 8 << 10

// DriverIdentity is the file in a driver's folder by which it reaches the cluster: none that is shipped has its name.
const DriverIdentity = ".muster.json"

// Submit asks for a driver in the cluster. The blobs are there already.
type Submit struct {
	Major    int      `json:"major"` // of the protocol
	Minor    int      `json:"minor"`
	Name     string   `json:"name"`    // of the submission, and of its job
	Program  string   `json:"program"` // for people
	Binaries []Binary `json:"binaries"`
	Args     []string `json:"args,omitempty"`
	Env      []string `json:"env,omitempty"`    // what the driver gets beside a clean environment, NAME=value
	Files    []File   `json:"files,omitempty"`  // put into its folder
	Labels   []Label  `json:"labels,omitempty"` // which the node must have
}

// DriverState says where a submission stands.
type DriverState string

// The states of a submission.
const (
	DriverWaiting  DriverState = "waiting"  // for a node, or before it is started again
	DriverStarting DriverState = "starting" // a node was asked to take it
	DriverRunning  DriverState = "running"
	DriverDone     DriverState = "done"      // its exit code was 0
	DriverFailed   DriverState = "failed"    // it was another, or it was lost too often
	DriverCanceled DriverState = "cancelled" // by its owner or an admin
)

// Live reports whether the driver runs, or will.
func (s DriverState) Live() bool {
	return s == DriverWaiting || s == DriverStarting || s == DriverRunning
}

// Submission is what people see of one.
type Submission struct {
	ID       string      `json:"id"`
	Name     string      `json:"name"`
	Owner    string      `json:"owner"`
	Program  string      `json:"program"`
	Args     []string    `json:"args,omitempty"`
	State    DriverState `json:"state"`
	At       time.Time   `json:"at"` // when it was submitted
	Ended    time.Time   `json:"ended,omitzero"`
	Attempt  int         `json:"attempt"`          // how often it was started, or was to be
	Node     string      `json:"node,omitempty"`   // of the last attempt
	After    time.Time   `json:"after,omitzero"`   // waiting: it isn't started before
	Reason   string      `json:"reason,omitempty"` // why it waits, was started again, or has ended; a line
	ExitCode int         `json:"exit_code"`        // once it has ended; -1 if it has none
	Tail     string      `json:"tail,omitempty"`   // what its last attempt that ended wrote last
}

// DriverID names an attempt of a submission.
type DriverID struct {
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
}

// TakeDriver says that a node starts a driver. To ask again changes nothing.
type TakeDriver struct {
	DriverID
	Life      time.Time `json:"life"`       // when the node's agent was started, as in its report
	PublicKey string    `json:"public_key"` // of the driver's identity, whose seed stays on the node
}

// DriverTaken is what a node needs to start a driver.
type DriverTaken struct {
	Submit
	Owner    string          `json:"owner"`
	Identity json.RawMessage `json:"identity"`        // a join.JoinAnswer: called as the submission's ID, it acts for its owner
	Again    bool            `json:"again,omitempty"` // an attempt before was lost, and may live where nobody hears of it
}

// DriverEnd says how an attempt has ended.
type DriverEnd struct {
	DriverID
	Code   int    `json:"code"`             // its exit code; -1 if it has none
	Left   bool   `json:"left,omitempty"`   // the node stops, and has ended it for that
	Unmet  bool   `json:"unmet,omitempty"`  // it wasn't started
	Cut    bool   `json:"cut,omitempty"`    // the node's connection to the head was away meanwhile
	Reason string `json:"reason,omitempty"` // a line
	Tail   string `json:"tail,omitempty"`   // what it wrote last
}
