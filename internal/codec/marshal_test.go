package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that the test needs no files of the machine's

	"github.com/fxamacker/cbor/v2"
)

// point has its own CBOR, on pointer receivers.
type point struct{ x, y int }

func (p *point) MarshalCBOR() ([]byte, error) { return cbor.Marshal([]int{p.x, p.y}) }

func (p *point) UnmarshalCBOR(data []byte) error {
	var xy [2]int
	err := cbor.Unmarshal(data, &xy)
	p.x, p.y = xy[0], xy[1]
	return err
}

// grade is a number that is written as text.
type grade int

func (g grade) MarshalText() ([]byte, error) {
	if g < 0 {
		return nil, errors.New("no such grade")
	}
	return []byte{'A' + byte(g)}, nil
}

func (g *grade) UnmarshalText(text []byte) error {
	if len(text) != 1 {
		return errors.New("no grade")
	}
	*g = grade(text[0] - 'A')
	return nil
}

// sealed writes bytes of its own; both fields would be lost otherwise.
type sealed struct {
	secret string
	broken bool
}

func (s sealed) MarshalBinary() ([]byte, error) {
	if s.broken {
		return nil, errors.New("sealed is broken")
	}
	return []byte(s.secret), nil
}

func (s *sealed) UnmarshalBinary(data []byte) error {
	s.secret = string(data)
	return nil
}

// garbage claims to write CBOR.
type garbage struct{ item []byte }

func (g garbage) MarshalCBOR() ([]byte, error) {
	if g.item == nil {
		return nil, errors.New("nothing to write")
	}
	return g.item, nil
}

func (*garbage) UnmarshalCBOR([]byte) error { return errors.New("never") }

// half can write itself, but not read.
type half struct{ N int }

func (half) MarshalBinary() ([]byte, error) { return nil, errors.New("not to be called") }

func TestTypesWithTheirOwnMarshalling(t *testing.T) {
	same(t, point{}, point{1, -2})
	same(t, nil, &point{3, 4})
	same(t, map[string]point{"a": {1, 2}, "b": {}})
	same(t, grade(2))
	same(t, nil, []grade{}, []grade{0, 1})
	same(t, [2]grade{3, 4})
	same(t, map[grade]int{1: 1, 0: 2})
	same(t, sealed{}, sealed{secret: "x"})
	same(t, []sealed{{secret: "a"}, {}})
	same(t, netip.MustParseAddr("fe80::1%eth0"), netip.Addr{})
	same(t, map[netip.Addr]string{netip.MustParseAddr("10.0.0.1"): "a"})
	same(t, net.IPv4(1, 2, 3, 4))
	same(t, url.URL{Scheme: "https", Host: "example.com", Path: "/a"})
	same(t, nil, &url.URL{Path: "x"})
	same(t, json.RawMessage(`{"a":1}`), nil, json.RawMessage{})
	same(t, cbor.RawMessage{0x83, 1, 2, 3})
	same(t, half{3})
}

func TestFormsOfTheirOwnMarshalling(t *testing.T) {
	for _, c := range []struct {
		got  []byte
		want any
	}{
		{encode(t, point{1, 2}), []int{1, 2}},
		{encode(t, grade(2)), "C"},
		{encode(t, []grade{2}), []string{"C"}},
		{encode(t, sealed{secret: "x"}), []byte("x")},
		{encode(t, json.RawMessage("1")), []byte("1")},
	} {
		if want, _ := cbor.Marshal(c.want); !bytes.Equal(c.got, want) {
			t.Errorf("% x, want % x", c.got, want)
		}
	}
}

func TestBigInt(t *testing.T) {
	huge := new(big.Int).Lsh(big.NewInt(1), 1000)
	for _, n := range []*big.Int{big.NewInt(0), big.NewInt(-1), big.NewInt(1 << 60), huge, new(big.Int).Neg(huge)} {
		if got := roundTrip(t, n); got.Cmp(n) != 0 {
			t.Errorf("%v became %v", n, got)
		}
	}
	same(t, (*big.Int)(nil))
	if got := encode(t, *big.NewInt(7)); !bytes.Equal(got, []byte{7}) {
		t.Errorf("7 is % x", got)
	}
	numbers := map[string]big.Int{"a": *huge, "b": *new(big.Int).Add(huge, big.NewInt(1))}
	if got := roundTrip(t, numbers)["a"]; got.Cmp(huge) != 0 {
		t.Error("the numbers of a map share memory")
	}
}

func TestMarshallingErrorsNameTheirPlace(t *testing.T) {
	type all struct {
		S []sealed
		G map[grade]grade
		C []*garbage
		B big.Int
	}
	for want, v := range map[string]all{
		"encode all.S[1]: sealed is broken":                             {S: []sealed{{}, {broken: true}}},
		`encode all.G[-1]: no such grade`:                               {G: map[grade]grade{-1: 0}},
		`encode all.G[0]: no such grade`:                                {G: map[grade]grade{0: -1}},
		"encode all.C[0]: nothing to write":                             {C: []*garbage{{}}},
		"encode all.C[0]: its MarshalCBOR gave no CBOR: unexpected EOF": {C: []*garbage{{[]byte{0x81}}}},
	} {
		_, err := planOf[all](t).Append(nil, &v, nil)
		if err == nil || err.Error() != want {
			t.Errorf(" got %v\nwant %s", err, want)
		}
	}
	alike := map[grade]int{0: 0, 256: 0}
	_, err := planOf[map[grade]int](t).Append(nil, &alike, nil)
	if err == nil || !strings.HasSuffix(err.Error(), ": another key is encoded alike") {
		t.Error(err)
	}
	refuses[all](t, unhex(t, "a4 61 42 00 61 43 81 81 00"), "decode all.C[0]: never")
	refuses[all](t, unhex(t, "a4 61 42 00 61 43 81 81 9f"), "decode all.C[0]: unexpected EOF")
	refuses[all](t, unhex(t, "a4 61 42 00 61 43 80 61 47 a1 60 60"), "decode all.G[key 0]: no grade")
	refuses[all](t, unhex(t, "a4 61 42 00 61 43 80 61 47 a1 00 00"), "decode all.G[key 0]: found an integer, want a string")
}

// A method that comes from an embedded field would drop the other fields.
func TestPromotedMarshalling(t *testing.T) {
	type event struct {
		time.Time
		Name string
	}
	type only struct{ netip.Addr }
	type link struct{ *url.URL }
	type links struct {
		*url.URL
		N int
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	same(t, event{at, "start"})
	same(t, only{netip.MustParseAddr("10.0.0.1")})
	same(t, link{}, link{&url.URL{Path: "x"}})
	same(t, links{}, links{&url.URL{Path: "x"}, 2})
	if got := encode(t, only{netip.MustParseAddr("10.0.0.1")}); len(got) != 5 {
		t.Errorf("a struct that is nothing but an address is % x", got)
	}
}

func TestTimes(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []time.Time{
		{}, time.Now(), time.Now().UTC(), time.Unix(0, 123456789), time.Date(2026, 7, 1, 0, 0, 0, 1, zone),
		time.Time{}.In(zone), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("x", -23*3600-59*60)),
	} {
		out := roundTrip(t, in)
		_, before := in.Zone()
		name, after := out.Zone()
		if !out.Equal(in) || after != before-before%60 || name != "" && name != "UTC" {
			t.Errorf("%v became %v", in, out)
		}
	}
	if got := roundTrip(t, time.Time{}); !reflect.DeepEqual(got, time.Time{}) || !got.IsZero() {
		t.Error("the zero time became", got)
	}
	for _, year := range []int{-1, 10_000} {
		v := []time.Time{time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)}
		if _, err := planOf[[]time.Time](t).Append(nil, &v, nil); err == nil || !strings.HasPrefix(err.Error(), "encode []Time[0]: ") {
			t.Errorf("year %d: %v", year, err)
		}
	}
	type at struct{ At time.Time }
	refuses[at](t, encode(t, map[string]cbor.RawMessage{"At": {0xc0, 0x61, 'x'}}),
		`decode at.At: parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`)
}
