package journal

// Kinds of a Code: how the code of a function is known to be the same as in another run.
const (
	ByFingerprint = "fingerprint" // a hash of its source and of all that it reaches
	ByVersion     = "version"     // declared in the program
	ByBuild       = "build"       // the executable is the same
)
