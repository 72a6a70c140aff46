package source

import (
	"bytes"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/zeebo/blake3"
)

// symbol finds the names of Go's that assembly mentions; a package's own have nothing before the dot.
// It is compiled when it is needed, since that takes a part of the start of each of muster's processes.
var symbol = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([\p{L}\p{N}_∕.%]*)·([\p{L}_][\p{L}\p{N}_]*)`)
})

// assembly hashes what a function without a body may be, and notes what that mentions.
func (v *walker) assembly(d *ast.FuncDecl) {
	v.u.asm = true
	if len(v.p.SFiles) == 0 {
		v.u.troubles.add(d.Pos(), d.Name.Name+" has no body here")
		return
	}
	for _, name := range slices.Concat(v.p.SFiles, v.p.HFiles) {
		text := v.hashFile(name)
		for _, m := range symbol().FindAllSubmatch(text, -1) {
			if bytes.ContainsRune(m[1], '∕') {
				v.u.troubles.add(d.Pos(), "assembly mentions another package: "+string(m[0]))
			}
			if len(m[1]) == 0 {
				v.useAndRun(v.p.types.Scope().Lookup(string(m[2])))
			}
		}
	}
}

func (v *walker) hashFile(name string) []byte {
	data, err := os.ReadFile(filepath.Join(v.p.Dir, filepath.FromSlash(name)))
	if err != nil {
		v.u.troubles.add(v.u.node.Pos(), fmt.Sprintf("%s can't be read: %v", name, err))
	}
	v.word(fmt.Sprintf("file:%s:%x", name, blake3.Sum256(data)))
	return data
}

// hashEmbedded hashes the files that the unit's go:embed patterns choose.
func (v *walker) hashEmbedded() {
	for _, pattern := range v.u.embeds {
		v.word("embed:" + pattern)
		for _, name := range embedded(pattern, v.p.EmbedFiles) {
			v.hashFile(name)
		}
	}
}
