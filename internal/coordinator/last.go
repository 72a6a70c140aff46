package coordinator

// Last is the number and the attempts of a task that is live, or that the event whose Actions are being carried out has
// ended; zeros for any other.
func (m *Machine) Last(id ID) (number uint64, attempt int) {
	i := id.index()
	if i == 0 || i >= m.table.next {
		return 0, 0
	}
	r := m.table.at(i)
	if r.gen != id.gen() {
		return 0, 0
	}
	return r.num, int(r.attempt)
}
