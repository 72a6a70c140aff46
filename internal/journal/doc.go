// Package journal keeps the outcomes of a job's tasks in a file, so that the job can pick up where it stopped. Its nouns
// are Key, which names a call; Record, one outcome; Journal, the file of a job that is open; and Job, what is known of
// one from outside.
//
// # The file
//
// A journal begins with its head, of sixteen bytes:
//
//	magic and version, 8 bytes | u32 salt, a random number | u32 CRC of these
//
// Records follow, each in a frame:
//
//	u32 length of the meta part | u64 length of the data | u32 CRC of these lengths and the meta part | u32 CRC of the data
//	meta | data
//
// Numbers are little-endian, CRCs are CRC-32C; that of a frame's head begins with the salt, so that a copy of another
// journal within the data isn't mistaken for records. Records are only ever appended, by one process, which holds a lock
// that the kernel releases when it dies. Kinds of records that a later version adds are passed over by this one.
//
// # What is damaged
//
// Data that doesn't match its CRC is never handed out: data of up to 64 KiB is checked when the job is opened, longer data
// when it is read. A frame whose head is damaged doesn't say where it ends: the next one is looked for, so that a damaged
// byte costs one record, and what can't be read stays in the file. Only what is behind the last whole frame is cut, when
// the job is opened, since the next run's records go there: a record that a killed process had half written, as a rule.
// A file whose head is damaged or of another version is refused, and left as it is.
//
// # What survives
//
// A record is in the file as soon as a write has taken it, which the kernel then keeps whatever becomes of the process:
// writes follow a record within milliseconds if the disk keeps up, and of a goroutine's records those in the file are
// always the first ones. The file is synced once a second and on Close, so a power cut may lose the last second.
//
// A write or sync that fails, as on a full disk, ends the recording, and is reported once. What was written before it is
// found by the next run.
//
// The lock is advisory: on a file system that has none, as some network file systems, two processes may damage each
// other's records, but still none gets a wrong one.
//
// # What it costs
//
// About 0.1 us and 40 bytes a record beside its data; those of a range are 19 bytes or more longer. A million records are
// read in 0.6 s when the job is opened, and take some 70 MB while it is. Looking for the next frame behind a
// damaged one reads 0.8 GB/s. Mix takes 0.2 us for short parts, and reads long ones at 2 GB/s or more.
package journal
