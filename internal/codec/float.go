package codec

import (
	"encoding/binary"
	"errors"
	"math"
)

// halfNaN is the one NaN that is ever written for a float that stands alone (RFC 8949, section 4.2.2).
const halfNaN = 0x7e00

// appendFloat writes the shortest of the three float forms that keeps the value, as core deterministic encoding
// requires; -0 keeps its sign and every NaN becomes the same one.
func appendFloat(dst []byte, f float64) []byte {
	if f != f {
		return binary.BigEndian.AppendUint16(append(dst, headHalf), halfNaN)
	}
	single := float32(f)
	if float64(single) != f {
		return binary.BigEndian.AppendUint64(append(dst, headDouble), math.Float64bits(f))
	}
	if half, ok := toHalf(single); ok {
		return binary.BigEndian.AppendUint16(append(dst, headHalf), half)
	}
	return binary.BigEndian.AppendUint32(append(dst, headSingle), math.Float32bits(single))
}

// readFloat accepts the three float forms, and an integer that a float64 holds exactly: writers in languages with
// one kind of number send 1.0 as 1.
func readFloat(data []byte) (float64, []byte, error) {
	if len(data) == 0 {
		return 0, nil, errShort
	}
	major, n, rest, err := readHead(data)
	if err != nil {
		return 0, nil, err
	}
	switch {
	case data[0] == headHalf:
		return fromHalf(uint16(n)), rest, nil
	case data[0] == headSingle:
		return float64(math.Float32frombits(uint32(n))), rest, nil
	case data[0] == headDouble:
		return math.Float64frombits(n), rest, nil
	case major == majorUint && n <= 1<<53:
		return float64(n), rest, nil
	case major == majorNegInt && n < 1<<53:
		return -1 - float64(n), rest, nil
	case major == majorUint || major == majorNegInt:
		return 0, nil, errors.New("found an integer that no float holds exactly")
	}
	return 0, nil, mismatch(data, "a float")
}

// toHalf converts to IEEE 754 binary16 if that loses nothing. f is not NaN.
func toHalf(f float32) (half uint16, exact bool) {
	bits := math.Float32bits(f)
	sign, exponent, fraction := uint16(bits>>16&0x8000), int(bits>>23&0xff)-127, bits&0x7f_ffff
	switch {
	case bits<<1 == 0:
		return sign, true
	case exponent == 128:
		return sign | 0x7c00, true
	case exponent >= -14 && exponent <= 15:
		return sign | uint16(exponent+15)<<10 | uint16(fraction>>13), fraction&0x1fff == 0
	case exponent >= -24 && exponent < -14:
		whole, shift := fraction|0x80_0000, uint(-1-exponent)
		return sign | uint16(whole>>shift), whole&(1<<shift-1) == 0
	}
	return 0, false
}

func fromHalf(half uint16) float64 {
	exponent, fraction := int(half>>10&0x1f), float64(half&0x3ff)
	var f float64
	switch {
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		f = math.Inf(1)
	case exponent == 0:
		f = math.Ldexp(fraction, -24)
	default:
		f = math.Ldexp(fraction+1024, exponent-25)
	}
	if half&0x8000 != 0 {
		f = -f
	}
	return f
}
