package fingerprint

import (
	"reflect"
	"strings"
	"testing"
)

func TestRecordSurvives(t *testing.T) {
	r := &Record{
		Packages: []Source{{"example.com/with space", "00"}, {"example.com/b", "11"}},
		Modules:  []Version{{"example.com/dep", "v1.0.0"}, {"example.com/old", "example.com/new@v2.0.0"}},
		Settings: map[string]string{"go": "go1.26 X:foo", "-tags": "a=b,c", "-race": ""},
		Units:    []Unit{{Key: "example.com/a.T[a b].M", Hash: [8]byte{1, 2, 255}}, {Key: "x"}, {Key: "y"}, {Key: "z"}},
		Functions: []Function{
			{Name: "plain", ID: strings.Repeat("0", 64), Packages: []int{0, 1}, Units: [][]int{{2}, nil, {0, 1, 3}}},
			{Name: "quotes \" ` \n ä", ID: strings.Repeat("1", 64), Open: true, Modules: []int{1}, Units: [][]int{{0}}},
			{Name: "guarded", ID: strings.Repeat("2", 64), Open: true, Guards: []int{1}, Units: [][]int{{0}}},
			{Name: "opaque", Opaque: "why"},
		},
	}
	text := r.String()
	if strings.Contains(text, "`") {
		t.Errorf("a backquote in\n%s", text)
	}
	got, err := parse(text)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, r)
	}
	if empty, err := parse(""); err != nil || len(empty.Functions) > 0 {
		t.Errorf("an empty record: %+v, %v", empty, err)
	}
}

func TestBrokenRecords(t *testing.T) {
	for _, line := range []string{
		"word", "unit key", "unit key zz", "unit key 00", "unit key 00112233445566778899", "func f", `func "f" 12 - - - -`,
		`func "f" ` + strings.Repeat("0", 64) + " 0 - - -",
		`func "f" ` + strings.Repeat("0", 64) + " - - 0 -", `func "f" ` + strings.Repeat("0", 64) + " - - - 1-0", "opaque f why",
		`func "f" ` + strings.Repeat("0", 64) + " - - - -1",
		`func "f" ` + strings.Repeat("0", 64) + " - 2 - 0",
	} {
		if r, err := parse("muster 1\n" + line); err == nil {
			t.Errorf("%q: got %+v", line, r)
		}
	}
	if _, err := parse("muster 0\n"); err == nil {
		t.Error("another version's record can be read")
	}
}

func TestRanges(t *testing.T) {
	for text, list := range map[string][]int{"-": nil, "0": {0}, "0-2": {0, 1, 2}, "1,3-4,9": {1, 3, 4, 9}} {
		if got := writeRanges(list); got != text {
			t.Errorf("%v: got %s, want %s", list, got, text)
		}
		if got, err := readRanges(text, 10); err != nil || !reflect.DeepEqual(got, list) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, list)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(record("f", nil))
	f.Add("muster 1\nunit a 0000000000000000\nopaque \"f\" why")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parse(text)
		if err != nil {
			return
		}
		for _, fn := range r.Functions {
			for _, level := range fn.Units {
				for _, i := range level {
					_ = r.Units[i] // a range that passed the check is one
				}
			}
		}
	})
}
