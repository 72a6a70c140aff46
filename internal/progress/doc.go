// Package progress shows how far a program is: for each function how many tasks are done, run, wait and have failed,
// how fast they go and how long the rest will take.
//
// [Display.Observe] only counts, so that events cost next to nothing; a goroutine of the display's own draws some times
// a second. What is drawn is decided by pure functions of the counts.
package progress
