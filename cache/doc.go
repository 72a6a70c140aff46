// Package cache keeps results of functions in a folder, for any number of goroutines and processes at once. Its nouns
// are Store, the folder; Key, which names an entry; Call, what Do needs to find or compute a value; Value, a result as
// bytes; Policy, what a user decides for a function; and Notice, what went wrong without any call failing for it.
//
//	s, err := cache.Open("", cache.Options{})
//	v, hit, err := s.Do(ctx, cache.Call{Key: info.Key(), Info: info, Compute: compute})
//
// # Costs
//
// With 100 bytes of value, on a busy machine where making, writing and renaming a file takes 26 us in memory and 44 us
// on an ext4 disk:
//
//   - a hit: 7 us, among 100,000 entries 8 us, three allocations; no lock is taken and no folder read
//   - a miss: 48 us beside computing in memory, 67 us on the disk; a new process pays some 100 us more, once
//   - a key: 0.3 us; a hash: 4 GB/s from 64 KiB on, with AVX2
//   - an encoded value: a hit reads and hashes it, 2 GB/s; a compressed one 0.7 GB/s
//   - a mapped one, of 1 GiB as of 1 MiB: 30 us; the first time in a process up to 20 ms, for verifying it
//   - Open: three folders are made if need be; nothing is read. Close: a file is written if anything was stored
//
// # Guarantees
//
// A value is never wrong or partial. An entry is written to a temporary file and renamed; its header has a checksum
// that is verified at each hit, and its payload another. What fails is moved to the folder quarantine, reported as
// event.CacheCorrupt, and is a miss. For the payload:
//
//   - of an entry that isn't mapped, the checksum is verified at each hit, too
//   - of a mapped one, when a process first uses it: up to 32 MiB before the value is handed out; a larger one in the
//     background, so that damage done to the disk later than the entry was written may be handed out before it is
//     reported. The length is verified at each hit. Verify reads everything
//
// A result that can't be stored, for whatever reason, is returned all the same and reported as event.CacheFailed.
//
// One call computes a key, in all processes together; the others wait without using the CPU worth mentioning, and see
// the entry at most 0.1 s late. Do says what becomes of a failure. The exception is a folder whose files can't be
// locked: there processes may compute the same, which is reported.
//
// Not promised: that an entry stays. It may be evicted, or lost in a power cut.
//
//   - SIGKILL, or a crash of the process: no entry is lost or damaged. The kernel drops the locks, so a waiter takes
//     over. Temporary files are removed when a process next stores something, or computes the same key.
//   - Power cut: only mapped entries are synced, before they are renamed. Others that were written in the last half
//     minute or so may be gone or damaged; that is seen at the next hit, and they are computed again.
//   - Disk full: no partial file stays. Evicting makes no room beyond the limit.
//   - Other programs: who truncates a file while it is mapped ends the processes that read it by SIGBUS. Removing
//     files or the whole folder at any time is safe.
//   - NFS and the like: locks need a server that supports them; else they are reported as failing, or, on some, do
//     nothing, and processes of different machines compute the same. Entries stay right, since they are renamed and
//     verified. Where a server is slow to show a rename, a key may be computed twice.
//   - Windows: hits are copies, never mapped. A file that is being read can't be replaced or removed: replacing it is
//     reported as failing, evicting it waits for the next time.
//
// # Eviction
//
// Stores count what they write, and share the count in a file. One that finds the folder over its limit looks at all
// files, in the background, and removes those not used for longest until it is at 90 %. Use is noted to the hour, as
// the file's modification time, so copying a cache needs cp -p. One process evicts at a time. A file that is open or
// mapped stays with who has it.
//
// # Mapped values
//
// A raw value of MapFrom bytes or more that isn't compressed is mapped by a hit: privately, readable and writable.
// Processes share the pages that nobody has written to; a write is seen by nobody else, not even by the next hit. A
// mapping stays until the process ends, evicted or not, since nothing tells when a slice of it is no longer used. So
// a process has 16,384 of them at most, on 32-bit machines of 512 MiB together; further hits are copies.
//
// # Format
//
// The folder v1 below the store's has entries/ab/cdef... for the key abcdef... A file is a header and a payload, all
// numbers little-endian:
//
//	  0   8  "\x89mcache\n"
//	  8   4  1, the format's number
//	 12   4  flags: 1 the payload is a zstd frame, 2 the value is raw, 4 the payload is to be mapped
//	 16   4  length of the meta data
//	 20   4  where the payload begins: after the header, or at 64 KiB if it is to be mapped
//	 24   8  length of the payload, which ends the file
//	 32   8  length of the value
//	 40   8  when it was stored, in nanoseconds since 1970
//	 48  32  the key
//	 80  32  BLAKE3 of the payload
//	112      the Info, as package internal/codec encodes it, and zeros up to a multiple of 8
//	     32  BLAKE3 of all that precedes
package cache
