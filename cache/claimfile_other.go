//go:build !windows

package cache

// tempOf is the file that the owner of a claim writes: the locked file itself, which is renamed to the entry. The
// lock goes with the file, so who waits for it finds that the name is gone.
func tempOf(claimPath string) string { return claimPath }

// tempIsClaim says that renaming the temporary file takes the claim's file away.
const tempIsClaim = true

// removeLocked: a file can be removed while it is open, so no other process gets hold of a name that is about to go.
const removeLocked = true
