// Package cache has what the stub's Cached takes.
package cache

type Policy struct{ Version string }
