//go:build race

package head

// raceDetector says that the tests are built with it.
const raceDetector = true
