package cache

import "strings"

// tempOf is the file that the owner of a claim writes. An open file can't be renamed, and a locked one can't be
// written through another handle, so it isn't the locked file.
func tempOf(claimPath string) string { return strings.TrimSuffix(claimPath, partSuffix) + tempSuffix }

// tempIsClaim says that renaming the temporary file takes the claim's file away.
const tempIsClaim = false

// removeLocked: an open file can't be removed, so it is unlocked first; if another process opens it in between, it
// stays.
const removeLocked = false
