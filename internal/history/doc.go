// Package history keeps what was on a cluster in an SQLite file, and answers questions about it.
//
// It runs in a process of its own that the head starts for a moment: when there is something to take in, or to ask. So the
// head carries none of SQLite's memory, and neither a damaged file nor a full disk can disturb it. What the head notes
// down in between lies in files of lines beside the database, protocol.HistoryLine each.
package history

// Files of the folder.
const (
	database = "history.db"
	broken   = "history.broken.db" // one that couldn't be read, moved aside; the last one is kept
	full     = "full-*.jsonl"      // lines that are to be taken in, in the order of the names
)
