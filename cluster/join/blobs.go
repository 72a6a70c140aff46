package join

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/zeebo/blake3"

	"github.com/musterrun/muster/protocol"
)

const (
	blobPart   = 1 << 20 // bytes in a message
	blobWindow = 8       // messages that are on their way at once
	blobTries  = 4       // for a part, and for a blob
)

// HashBlob is the name of a blob with these bytes.
func HashBlob(data []byte) string {
	sum := blake3.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// HasBlob reports whether the head has all of a blob.
func (c Control) HasBlob(ctx context.Context, hash string) (bool, error) {
	var info protocol.BlobInfo
	err := c.Ask(ctx, protocol.OpHasBlob, protocol.BlobID{Hash: hash}, &info)
	return info.Complete, err
}

// PutBlob gives a blob to the head, unless it has it. It goes on where an earlier call stopped. The head checks the hash.
func (c Control) PutBlob(ctx context.Context, hash string, size int64, from io.ReaderAt) error {
	info := protocol.BlobInfo{}
	for range blobTries {
		var err error
		if info, err = c.putPart(ctx, hash, size, info.Have, from); err != nil {
			return fmt.Errorf("put blob %.12s: %w", hash, err)
		}
		if info.Complete {
			return nil
		}
		if info, err = c.putRest(ctx, hash, size, info.Have, from); err != nil {
			return fmt.Errorf("put blob %.12s: %w", hash, err)
		}
		if info.Complete {
			return nil
		}
	}
	return fmt.Errorf("put blob %.12s: the head keeps losing parts of it; look at its log", hash)
}

// putRest sends the parts from offset on, several at a time.
func (c Control) putRest(ctx context.Context, hash string, size, offset int64, from io.ReaderAt) (protocol.BlobInfo, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	offsets := make(chan int64)
	var wg sync.WaitGroup
	for range blobWindow {
		wg.Go(func() {
			for at := range offsets {
				if _, err := c.putPart(ctx, hash, size, at, from); err != nil {
					cancel(err)
				}
			}
		})
	}
	for at := offset; at < size && ctx.Err() == nil; at += blobPart {
		select {
		case offsets <- at:
		case <-ctx.Done():
		}
	}
	close(offsets)
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return protocol.BlobInfo{}, err
	}
	var info protocol.BlobInfo
	return info, c.Ask(ctx, protocol.OpHasBlob, protocol.BlobID{Hash: hash}, &info)
}

func (c Control) putPart(ctx context.Context, hash string, size, offset int64, from io.ReaderAt) (protocol.BlobInfo, error) {
	var info protocol.BlobInfo
	head, err := json.Marshal(protocol.PutBlob{Hash: hash, Size: size, Offset: offset})
	if err != nil {
		return info, err
	}
	part := make([]byte, len(head)+1, len(head)+1+blobPart)
	part[copy(part, head)] = '\n'
	n := min(blobPart, size-offset)
	part = part[:len(head)+1+int(n)]
	if _, err := from.ReadAt(part[len(head)+1:], offset); err != nil && (!errors.Is(err, io.EOF) || n > 0 && offset+n < size) {
		return info, fmt.Errorf("read it: %w", err)
	}
	answer, err := c.again(ctx, protocol.OpPutBlob, part)
	if err != nil {
		return info, err
	}
	return info, decodeReply(protocol.OpPutBlob, answer, &info)
}

// again requests something that may be repeated.
func (c Control) again(ctx context.Context, op string, body []byte) (answer []byte, err error) {
	for range blobTries {
		if answer, err = c.request(ctx, op, body); err == nil || ctx.Err() != nil {
			return answer, err
		}
	}
	return nil, err
}

// part is one of a blob on its way here.
type part struct {
	info protocol.BlobInfo
	data []byte
	err  error
}

// GetBlob writes a blob to w and checks its hash. What has been written before an error isn't to be used. That the head
// doesn't have it is a *protocol.Refusal with CodeUnknown.
func (c Control) GetBlob(ctx context.Context, hash string, w io.Writer) error {
	first := c.getPart(ctx, hash, 0)
	if first.err != nil {
		return fmt.Errorf("get blob %.12s: %w", hash, first.err)
	}
	sum := blake3.New()
	w = io.MultiWriter(w, sum)
	if _, err := w.Write(first.data); err != nil {
		return fmt.Errorf("get blob %.12s: %w", hash, err)
	}
	if err := c.getRest(ctx, hash, int64(len(first.data)), first.info.Size, w); err != nil {
		return fmt.Errorf("get blob %.12s: %w", hash, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != hash {
		return fmt.Errorf("get blob %.12s: its bytes have the hash %.12s: it was damaged on the head or on its way", hash, got)
	}
	return nil
}

// getRest asks for several parts at once, and writes them in order.
func (c Control) getRest(ctx context.Context, hash string, offset, size int64, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	parts := make(chan chan part, blobWindow)
	wg.Go(func() {
		defer close(parts)
		for at := offset; at < size; at += blobPart {
			one := make(chan part, 1)
			select {
			case parts <- one:
			case <-ctx.Done():
				return
			}
			wg.Go(func() { one <- c.getPart(ctx, hash, at) })
		}
	})
	for one := range parts {
		p := <-one
		if p.err != nil {
			return p.err
		}
		if _, err := w.Write(p.data); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c Control) getPart(ctx context.Context, hash string, offset int64) part {
	body, err := json.Marshal(protocol.GetBlob{Hash: hash, Offset: offset, Most: blobPart})
	if err != nil {
		return part{err: err}
	}
	answer, err := c.again(ctx, protocol.OpGetBlob, body)
	if err != nil {
		return part{err: err}
	}
	head, data, _ := bytes.Cut(answer, []byte{'\n'})
	p := part{data: data}
	if p.err = decodeReply(protocol.OpGetBlob, head, &p.info); p.err != nil {
		return p
	}
	if want := min(blobPart, p.info.Size-offset); int64(len(data)) != want {
		p.err = fmt.Errorf("the head gave %d bytes at %d of %d; are the versions the same?", len(data), offset, p.info.Size)
	}
	return p
}
