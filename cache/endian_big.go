//go:build !(386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64 || wasm)

package cache

// littleEndian says that a number's bytes stand in memory as they do in a file.
const littleEndian = false
