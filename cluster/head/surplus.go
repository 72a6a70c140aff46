package head

// surplus picks what is to go of what is kept of several owners, so that no more than so many are left: each time the first
// of the owner who has the most. So nobody's many push out another's few. Owners are in the order in which theirs would go;
// the answer is places in it.
func surplus(owners []string, most int) (gone []int) {
	kept := map[string][]int{}
	for i, owner := range owners {
		kept[owner] = append(kept[owner], i)
	}
	for n := len(owners); n > max(most, 0); n-- {
		worst := ""
		for owner, has := range kept {
			switch more := len(has) - len(kept[worst]); {
			case more > 0, more == 0 && has[0] < kept[worst][0]:
				worst = owner
			}
		}
		gone = append(gone, kept[worst][0])
		kept[worst] = kept[worst][1:]
		if len(kept[worst]) == 0 {
			delete(kept, worst)
		}
	}
	return gone
}
