package protocol

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// What an agent tells a worker by its environment.
const (
	EnvWorker = "MUSTER_WORKER" // that it is one: the number of the socket's descriptor
	EnvCPUs   = "MUSTER_CPUS"   // how many tasks of one CPU run at once on its node
)

// What a driver's program learns by its environment, from `muster run` or the agent that has started it.
const (
	EnvAddr     = "MUSTER_ADDR"     // the cluster: a context, or the path of an identity
	EnvJob      = "MUSTER_JOB"      // the job's name
	EnvBinaries = "MUSTER_BINARIES" // OS/ARCH=PATH, or OS/ARCH=@SIZE.HASH of a blob that the head has; separated as paths are
	EnvFiles    = "MUSTER_FILES"    // NAME=PATH, the same
	EnvTakeOver = "MUSTER_TAKEOVER" // not empty: take the job from a driver that seems to live
)

// BinaryList is what [EnvBinaries] has of executables that the head has.
func BinaryList(list []Binary) string {
	entries := make([]string, 0, len(list))
	for _, b := range list {
		entries = append(entries, fmt.Sprintf("%s/%s=@%d.%s", b.OS, b.Arch, b.Size, b.Hash))
	}
	return strings.Join(entries, string(filepath.ListSeparator))
}

// ReadBinary reads what stands behind the = of such an entry; ok is false if it is a path.
func ReadBinary(text string) (hash string, size int64, ok bool) {
	text, ok = strings.CutPrefix(text, "@")
	number, hash, dot := strings.Cut(text, ".")
	size, err := strconv.ParseInt(number, 10, 64)
	return hash, size, ok && dot && err == nil && size >= 0 && len(hash) == 64
}

// FileList is what [EnvFiles] has of files that lie in the working folder.
func FileList(list []File) string {
	entries := make([]string, 0, len(list))
	for _, f := range list {
		entries = append(entries, f.Path+"="+filepath.FromSlash(f.Path))
	}
	return strings.Join(entries, string(filepath.ListSeparator))
}
