// Package journal keeps the outcomes of a job's tasks in a file, so that the job can pick up where it stopped. Its nouns
// are Key, which names a call; Record, one outcome; Journal, the file of a job that is open; and Job, what is known of
// one from outside.
//
// # The file
//
// A journal begins with eight bytes, the magic and the version. Records follow, each in a frame:
//
//	u32 length of the meta part | u64 length of the data | u32 CRC of these lengths and the meta part | u32 CRC of the data
//	meta | data
//
// Numbers are little-endian, CRCs are CRC-32C. Records are only ever appended, by one process, which holds a lock that
// the kernel releases when it dies. What a killed process left half written is cut when the job is opened again; data
// that doesn't match its CRC is never handed out.
//
// # What survives
//
// A record is in the file as soon as a write has taken it, which the kernel then keeps whatever becomes of the process:
// writes follow a record within milliseconds. The file is synced once a second and on Close, so a power cut may lose the
// last second.
//
// # What it costs
//
// About 0.2 us and 42 bytes a record beside its data; a million records are read in about half a second when the job is
// opened, and take some 60 MB while it is.
package journal
