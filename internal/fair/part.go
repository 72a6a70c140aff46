package fair

// Part is how much of what is free of a resource one of several jobs is offered first, if each of them may want some: as
// much as brings it to its part, by the weights, of that and of what they have. It is a multiple of a piece, at least one,
// and at most what is free. Used has the one resource.
//
// Who is asked first would get all otherwise, and keep it for as long as its tasks run.
func Part(free, piece int64, jobs []Job, i int) int64 {
	sum := free
	users := make(map[string]float64, 4) // the weights of the jobs of each
	all := 0.0                           // those of the users
	for k := range jobs {
		j := &jobs[k]
		sum += j.Used[0]
		if users[j.User] == 0 {
			all += weight(j.UserWeight)
		}
		users[j.User] += weight(j.Weight)
	}
	j := &jobs[i]
	part := float64(sum) * weight(j.UserWeight) / all * weight(j.Weight) / users[j.User]
	pieces := (int64(part) - j.Used[0]) / piece
	return min(free, max(pieces, 1)*piece)
}
