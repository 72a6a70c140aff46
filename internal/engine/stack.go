package engine

import "strings"

const inEngine = "github.com/musterrun/muster/internal/engine."

// trimStack leaves the user's frames of a goroutine's stack: not those by which the engine called the function, nor, in
// a panic's, those by which the runtime and the engine came to look at it.
func trimStack(stack string) string {
	head, frames := framesOf(stack)
	for i, f := range frames {
		if strings.HasPrefix(f, inEngine+"runAttempt(") {
			frames = frames[:i]
			break
		}
	}
	for len(frames) > 0 && own(frames[len(frames)-1]) {
		frames = frames[:len(frames)-1]
	}
	if len(frames) > 0 && strings.HasPrefix(frames[0], "runtime/debug.Stack(") {
		frames = afterPanic(frames)
	}
	return strings.TrimSpace(head + strings.Join(frames, ""))
}

// framesOf takes a stack apart: the line about the goroutine, and two lines a frame.
func framesOf(stack string) (head string, frames []string) {
	lines := strings.SplitAfter(strings.TrimSpace(stack)+"\n", "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		frames = append(frames, lines[i]+lines[i+1])
	}
	return lines[0], frames
}

// own reports whether a frame is muster's way to a function.
func own(frame string) bool {
	return strings.HasPrefix(frame, inEngine) && !strings.Contains(frame, "_test.go:")
}

// afterPanic are the frames from the one that panicked on: those of the runtime follow the last call of panic, such as
// sigpanic for a nil pointer.
func afterPanic(frames []string) []string {
	for i, f := range frames {
		if !strings.HasPrefix(f, "panic(") {
			continue
		}
		for i++; i < len(frames) && strings.HasPrefix(frames[i], "runtime."); i++ {
		}
		return frames[i:]
	}
	return frames
}
