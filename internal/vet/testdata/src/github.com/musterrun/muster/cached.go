package muster

import "github.com/musterrun/muster/cache"

func Cached(p cache.Policy) Option { return Option{} }
