package protocol

import "encoding/binary"

// MaxFrame is the longest frame between agent and worker: its kind and its body.
const MaxFrame = 8 << 20

// FrameKind says what a frame holds.
type FrameKind byte

// Kinds of frames. Those below 64 come from the worker. A reader passes over those it doesn't know.
const (
	FrameHello    FrameKind = iota + 1 // a Hello, the first
	FrameOutcomes                      // Outcomes without epoch and node: the agent stamps them
	FrameItems                         // an Up without epoch and node: Call, Want, Cancel, Block
	FrameLog                           // a Log
	FramePong
	FrameWelcome FrameKind = iota + 59 // a Welcome, the answer to Hello
	FrameTasks                         // a Batch without epoch: tasks to run now
	FrameDown                          // a Down without epoch: Settle, Stop
	FramePing
	FrameQuit // end now
)

// AppendFrame appends a frame around what fill appends: its length, its kind, its body. The caller keeps what it sends
// below MaxFrame; a reader ends the connection at a longer one.
func AppendFrame(dst []byte, kind FrameKind, fill func([]byte) []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(kind))
	if fill != nil {
		dst = fill(dst)
	}
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}
