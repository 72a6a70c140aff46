package cache

import "time"

// Policy is what a user decides for one function. The zero Policy works.
type Policy struct {
	// Version is a version of the function that its author declares, and part of every key. Defaults to "": the code's
	// fingerprint alone tells versions apart.
	Version string

	// MaxAge is how old a result may be. An older one is a miss: it is computed again and replaced. An age is the
	// difference between this machine's clock now and the storing machine's clock then; a result from more than a minute
	// ahead is too old as well, since one of the clocks was wrong. Defaults to 0: no limit.
	MaxAge time.Duration

	// Compress says which results are compressed. Defaults to CompressAuto.
	Compress Compression
}

// Compression says which results are compressed, by zstd.
type Compression uint8

// Each value after CompressNever is a level. A compressed value is never mapped.
const (
	// CompressAuto compresses an encoded value of 32 KiB or more if a sample of it shrinks to half or less. For rows of
	// text that shrink to a quarter, storing takes 5 ms a MiB more, and a hit 0.8 ms a MiB more from memory; from a disk
	// that reads less than 1 GB/s it takes less. Raw values are not compressed.
	CompressAuto Compression = iota
	CompressNever
	CompressFast    // every value, at zstd's fastest level
	CompressDefault // every value, at zstd's default level
	CompressBest    // every value, as small as it gets: storing takes 10 times as long, a hit 3 times
)

// clocksDiffer is how far the clocks of machines that share a store may be apart.
const clocksDiffer = time.Minute

// expired reports whether an entry that was created at the given time is too old for the policy.
func (p Policy) expired(created, now time.Time) bool {
	age := now.Sub(created)
	return p.MaxAge > 0 && (age > p.MaxAge || age < -clocksDiffer)
}
