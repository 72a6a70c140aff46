package cache

import "golang.org/x/sys/windows"

// diskSize is the size in bytes of the disk that dir is on.
func diskSize(dir string) (int64, error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free, total, allFree uint64
	err = windows.GetDiskFreeSpaceEx(path, &free, &total, &allFree)
	return int64(total), err
}
