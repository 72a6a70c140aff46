package pages

import (
	"bytes"
	"slices"
	"strconv"
)

// mapping is a part of a process's addresses, of a file.
type mapping struct {
	from, to uintptr
	file     string
}

// unchanged finds, in what Linux says in /proc/self/smaps (proc_pid_smaps(5)), the mappings of programs and libraries, which
// are files of which some may be executed, whose pages are all the file's own: those that can't be written, and of which the
// process has no copy that was changed, in memory or swapped out, as a debugger's breakpoint or a relocation makes one. Other
// files are a user's, who may unmap them at any time.
func unchanged(smaps []byte) (found []mapping) {
	var now mapping
	programs := map[string]bool{}
	clean := 0 // of the two kinds of copies, those of which there are none
	for line := range bytes.Lines(smaps) {
		f := bytes.Fields(line)
		switch {
		case len(f) < 2:
		case !bytes.HasSuffix(f[0], []byte(":")):
			now, clean = ofFile(f), 0
			if len(f[1]) == 4 && f[1][2] == 'x' {
				programs[now.file] = true
			}
		case string(f[0]) == "Anonymous:" || string(f[0]) == "Swap:":
			if string(f[1]) != "0" {
				continue
			}
			if clean++; clean == 2 && now.to > 0 {
				found = append(found, now)
			}
		}
	}
	return slices.DeleteFunc(found, func(m mapping) bool { return !programs[m.file] })
}

// ofFile reads the first line of a mapping: addresses, permissions, offset, device, inode and path. The result is empty
// unless it is a private one of a file and can't be written.
func ofFile(f [][]byte) mapping {
	if len(f) < 6 || len(f[1]) != 4 || f[1][1] != '-' || f[1][3] != 'p' || f[5][0] != '/' {
		return mapping{}
	}
	from, to, _ := bytes.Cut(f[0], []byte("-"))
	a, err := strconv.ParseUint(string(from), 16, strconv.IntSize)
	if err != nil {
		return mapping{}
	}
	b, err := strconv.ParseUint(string(to), 16, strconv.IntSize)
	if err != nil {
		return mapping{}
	}
	return mapping{uintptr(a), uintptr(b), string(bytes.Join(f[3:], []byte(" ")))}
}
