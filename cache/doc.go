// Package cache keeps results of functions in a folder, for any number of processes at once.
package cache
