package protocol

// Hello is what a worker says first.
type Hello struct {
	Major, Minor int
	PID          int
	Functions    []string // the names of the functions it can run
}

// Append appends the body of the frame to dst.
func (h *Hello) Append(dst []byte) []byte {
	dst = append(dst, byte(h.Major), byte(h.Minor))
	return appendTexts(appendNumber(dst, int64(h.PID)), h.Functions)
}

// ReadHello decodes the body. What a later minor version adds is passed over; of a major version that isn't understood
// only the version is read, and the error is a *VersionError.
func ReadHello(body []byte) (h Hello, err error) {
	c := cursor{data: body}
	h.Major, h.Minor = int(c.byte("the major version")), int(c.byte("the minor version"))
	if err := c.version(Side{"the program", h.Major, h.Minor}, "the agent"); err != nil {
		return h, err
	}
	h.PID = c.integer("the process")
	h.Functions = c.texts("the names of the functions")
	c.skip()
	return h, c.end("a hello")
}

// Welcome is the agent's answer: whom the worker works for.
type Welcome struct {
	Major, Minor int
	Job, Node    string
	Functions    []string // the job's: Task.Func counts them
}

// Append appends the body of the frame to dst.
func (w *Welcome) Append(dst []byte) []byte {
	dst = append(dst, byte(w.Major), byte(w.Minor))
	dst = appendText(appendText(dst, w.Job), w.Node)
	return appendTexts(dst, w.Functions)
}

// ReadWelcome decodes the body. It treats versions as ReadHello does.
func ReadWelcome(body []byte) (w Welcome, err error) {
	c := cursor{data: body}
	w.Major, w.Minor = int(c.byte("the major version")), int(c.byte("the minor version"))
	if err := c.version(Side{"the agent", w.Major, w.Minor}, "this program"); err != nil {
		return w, err
	}
	w.Job, w.Node = c.text("the job"), c.text("the node")
	w.Functions = c.texts("the names of the functions")
	c.skip()
	return w, c.end("a welcome")
}

// version checks what was read, before anything that another major version may lay out differently.
func (c *cursor) version(peer Side, self string) error {
	if c.err == nil {
		return CheckVersion(peer, Own(self))
	}
	return c.end("a version")
}

// Log is a line that a task has written.
type Log struct {
	Attempt
	Text string
}

// Append appends the body of the frame to dst.
func (l *Log) Append(dst []byte) []byte { return appendText(l.Attempt.append(dst), l.Text) }

// ReadLog decodes the body. What a later minor version adds is passed over.
func ReadLog(body []byte) (l Log, err error) {
	c := cursor{data: body}
	l.Attempt = c.attempt()
	l.Text = c.text("the text of a task")
	c.skip()
	return l, c.end("a log")
}
