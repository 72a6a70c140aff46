package pages

import (
	"slices"
	"testing"
)

const smaps = `00400000-00401000 r-xp 00000000 fd:00 12 /bin/a b
Rss:                   4 kB
Anonymous:             0 kB
Swap:                  0 kB
SwapPss:               0 kB
VmFlags: rd ex mr mw me
00401000-00402000 r--p 00001000 fd:00 12 /bin/a b
Anonymous:             4 kB
Swap:                  0 kB
00402000-00403000 rw-p 00002000 fd:00 12 /bin/a b
Anonymous:             0 kB
Swap:                  0 kB
00403000-00404000 r--p 00003000 fd:00 12 /bin/a b
Anonymous:             0 kB
Swap:                  4 kB
00404000-00405000 r--p 00004000 fd:00 12 /bin/a b
Anonymous:             0 kB
00405000-00406000 r-xs 00002000 fd:00 13 /shared
Anonymous:             0 kB
Swap:                  0 kB
00406000-00407000 r--p 00000000 00:00 0 
Anonymous:             0 kB
Swap:                  0 kB
00407000-00408000 r--p 00000000 fd:00 15 /data
Anonymous:             0 kB
Swap:                  0 kB
7ffd0000-7ffd1000 r-xp 00000000 00:00 0 [vdso]
Anonymous:             0 kB
Swap:                  0 kB
x-7ffe0000 r-xp 00000000 fd:00 12 /no/address
Anonymous:             0 kB
Swap:                  0 kB
7fff0000-7fff8000 r--p 00000000 fd:00 14 /lib/c
Anonymous:             0 kB
Swap:                  0 kB
7fff8000-7fff9000 r-xp 00008000 fd:00 14 /lib/c
Anonymous:             4 kB
Swap:                  0 kB
`

// Of programs and libraries, what was changed stays, in memory or swapped out, and so does all else.
func TestUnchanged(t *testing.T) {
	want := []mapping{{0x400000, 0x401000, "fd:00 12 /bin/a b"}, {0x7fff0000, 0x7fff8000, "fd:00 14 /lib/c"}}
	if got := unchanged([]byte(smaps)); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := unchanged([]byte("\nAnonymous:\n")); len(got) > 0 {
		t.Errorf("of no mappings it found %+v", got)
	}
}
