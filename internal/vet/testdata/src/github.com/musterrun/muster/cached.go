package muster

import "github.com/musterrun/muster/cache"

func Cached(policy ...cache.Policy) Option { return Option{} }
