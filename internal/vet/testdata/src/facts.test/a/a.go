package a // want package:`0 tasks, 0 writes`

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
)

var (
	N     int
	M     = map[string]int{}
	Count atomic.Int64
	Mu    sync.Mutex
	Env   = os.Getenv("ENV") // want Env:`state of os.Getenv`
	Zone  = time.UTC
)

func Read() int  { return N + len(M) } // want Read:`reads facts.test/a.M, reads facts.test/a.N`
func Write()     { N = 1; M["a"]++ }   // want Write:`reads facts.test/a.M, writes facts.test/a.M, writes facts.test/a.N`
func Lock()      { Mu.Lock(); defer Mu.Unlock() }
func Local() int { N := 1; N++; return N }

func Tick() int64 { // want Tick:`reads facts.test/a.Count, writes facts.test/a.Count`
	Count.Store(1)
	return Count.Load()
}

func Address(f func(*int)) { f(&N) } // want Address:`reads facts.test/a.N`

type T struct{ n int }

func (t *T) Set(n int)  { t.n = n }  // want Set:`mutates 1`
func (t *T) Both(n int) { t.Set(n) } // want Both:`mutates 1`
func (t T) Copy(n int)  { t.n = n }

func Fill(n int, p *int, s []int) { *p = n; s[0] = n; n = 2 } // want Fill:`mutates 1100`

func Generic[E any](m map[string]E, e E) { m["x"] = e; N++ } // want Generic:`reads facts.test/a.N, writes facts.test/a.N, mutates 10`

func Mode() string  { return os.Getenv("MODE") } // want Mode:`reaches os.Getenv, state of os.Getenv`
func Now() int64    { return helper() }          // want Now:`reaches time.Now, state of time.Now`
func helper() int64 { return time.Now().Unix() }
func Wait()         { time.Sleep(time.Until(time.Time{})) }

func Recursive(n int) int { // want Recursive:`reads facts.test/a.N`
	if n == 0 {
		return N
	}
	return mutual(n)
}

func mutual(n int) int { return Recursive(n - 1) }
