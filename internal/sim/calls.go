package sim

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/musterrun/muster/internal/coordinator"
	"github.com/musterrun/muster/protocol"
)

const grace = 10 * time.Second

// up takes what a node says of its attempts (internal/engine/upitems.go).
func (s *session) up(on *agent, it protocol.Item) {
	switch it := it.(type) {
	case protocol.GiveBack:
		if !s.d.s.errs(losesGiveBack) {
			s.gaveBack(on, &it)
		}
	case protocol.Held:
		s.upHeld(on, it)
	case protocol.Started:
		s.upStarted(on, it.Attempt)
	case protocol.Call:
		s.upCall(on, &it)
	case protocol.Want:
		s.upWant(on, &it)
	case protocol.Block:
		s.upBlock(on, &it)
	}
}

// upHeld notes what a node runs for an earlier driver.
func (s *session) upHeld(on *agent, h protocol.Held) {
	t := taskOf(h.Key)
	s.known[t] = !h.Gone && !s.gave[t] && s.useless[t] != on
	if !h.Gone {
		if s.d.s.has(forgetsHeld) {
			return
		}
		if s.useless[t] == on {
			return // a failure of it has come already: as a rule nothing else would
		}
		s.held[t] = on
		if s.gave[t] {
			s.d.s.truth.excuseTask(s.d.job, t, "not known in time")
		}
		return
	}
	delete(s.held, t)
	if at := s.adopted[t]; at != nil {
		delete(s.adopted, t)
		if !at.over {
			s.takeBack(at, false)
		}
	}
}

// upStarted has it recorded that an attempt begins that must not begin twice.
func (s *session) upStarted(on *agent, a protocol.Attempt) {
	switch at := s.runOn(on, a); {
	case at == nil:
		s.d.tell(on, protocol.Stop{Attempt: a, Grace: grace})
	case !at.started:
		at.started = true
		s.d.deciding = append(s.d.deciding, at)
		s.d.decide()
	}
}

// begins lets an attempt begin: that it does is recorded.
func (s *session) begins(at *attempt) {
	if at.over || s.begun[at.inst.task] {
		s.d.tell(at.on, protocol.Stop{Attempt: at.wire(), Grace: grace})
		if !at.over {
			at.inst.maybe = true
			s.arrive(at, canceled, 0)
		}
		return
	}
	s.d.tell(at.on, protocol.Begin{Attempt: at.wire()})
}

// upCall makes a call of an attempt, once. It is that of the program's task whose number stands in its argument.
func (s *session) upCall(on *agent, k *protocol.Call) {
	at := s.runOn(on, k.By)
	t := int32(binary.LittleEndian.Uint32(k.Arg))
	if at == nil || at.calls[t] != nil {
		return
	}
	if at.calls == nil {
		at.calls, at.asked = map[int32]*call{}, map[int32]bool{}
		at.scope = s.brain.m.OpenScope()
	}
	if at.calls[t] = s.submit(t, at); at.inst.vain {
		s.excuseCall(at.calls[t])
	}
}

// upWant answers with the value of a call once it has ended.
func (s *session) upWant(on *agent, w *protocol.Want) {
	at := s.runOn(on, w.By)
	if at == nil {
		return
	}
	t := int32(binary.LittleEndian.Uint32([]byte(w.Ref)))
	c := at.calls[t]
	if c == nil || at.asked[t] {
		return
	}
	at.asked[t] = true
	if c.over {
		s.deliver(at, c)
		return
	}
	c.wanted = append(c.wanted, at)
	if at.waits {
		s.brain.m.Block(at.inst.id, c.id)
		s.carryOut()
	}
}

// deliver sends a value to the attempt that has asked for it.
func (s *session) deliver(at *attempt, c *call) {
	if at.over {
		return
	}
	data := binary.LittleEndian.AppendUint32(nil, c.exec)
	s.d.tell(at.on, protocol.Settle{By: at.wire(), Ref: refOf(c.task), Value: protocol.Value{Form: protocol.Inline, Data: data}})
}

// upBlock notes that an attempt waits, or goes on.
func (s *session) upBlock(on *agent, b *protocol.Block) {
	at := s.runOn(on, b.By)
	if at == nil || at.waits == b.Waits {
		return
	}
	at.waits = b.Waits
	s.brain.begin()
	if b.Waits {
		s.quota.given[0] -= at.cpu
		var ids []coordinator.ID
		for _, t := range slices.Sorted(maps.Keys(at.asked)) {
			if c := at.calls[t]; !c.over {
				ids = append(ids, c.id)
			}
		}
		s.brain.m.Block(at.inst.id, append(ids, 0)...)
	} else {
		s.quota.given[0] += at.cpu
		s.brain.m.Unblock(at.inst.id)
	}
	s.brain.end()
	s.carryOut()
	s.news()
}

func refOf(task int32) protocol.RefID {
	return protocol.RefID(binary.LittleEndian.AppendUint32(nil, uint32(task)))
}
