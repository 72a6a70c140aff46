package cache

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	compressFrom = 32 << 10 // files take whole blocks, so smaller values gain little
	sampleLen    = 16 << 10
)

func newEncoder(level zstd.EncoderLevel) func() *zstd.Encoder {
	return sync.OnceValue(func() *zstd.Encoder {
		// The entry's own checksum covers the frame. The options are constant, so there is no error.
		e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(false))
		return e
	})
}

// The encoders and the decoder are made when they are first needed; they hold memory, but no goroutines.
var (
	fastest = newEncoder(zstd.SpeedFastest)
	middle  = newEncoder(zstd.SpeedDefault)
	best    = newEncoder(zstd.SpeedBestCompression)

	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, _ := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(1<<62))
		return d
	})
)

// compress returns v's data compressed, or ok = false if it is better stored as it is.
func compress(v Value, how Compression) (data []byte, ok bool) {
	var encoder func() *zstd.Encoder
	switch how {
	case CompressAuto:
		if v.Raw || !pays(v.Data) {
			return nil, false
		}
		encoder = fastest
	case CompressFast:
		encoder = fastest
	case CompressDefault:
		encoder = middle
	case CompressBest:
		encoder = best
	default:
		return nil, false
	}
	data = encoder().EncodeAll(v.Data, make([]byte, 0, len(v.Data)/2))
	return data, len(data) < len(v.Data)
}

// pays compresses a sample from the middle, since the beginning of a value is often unlike the rest.
func pays(data []byte) bool {
	if len(data) < compressFrom {
		return false
	}
	start := (len(data) - sampleLen) / 2
	sample := data[start : start+sampleLen]
	return len(fastest().EncodeAll(sample, make([]byte, 0, sampleLen))) <= sampleLen/2
}

// decompress gives the value, whose length is known.
func decompress(data []byte, length int) ([]byte, error) {
	value, err := decoder().DecodeAll(data, make([]byte, 0, length))
	if err != nil {
		return nil, fmt.Errorf("its compressed payload: %w", err)
	}
	if len(value) != length {
		return nil, fmt.Errorf("its compressed payload holds %d bytes, want %d", len(value), length)
	}
	return value, nil
}
