package protocol

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"
)

// What was said of users and quotas when there were limits of CPUs alone means the same now, and is said in the same fields.
func TestSharesOfBefore(t *testing.T) {
	for text, want := range map[string]any{
		`{"name":"bob","weight":2,"cpus":8,"jobs":3}`: &UserShare{Name: "bob", Weight: 2, Limits: Limits{CPUs: 8}, Jobs: 3},
		`{"weight":2,"cpus":1.5}`:                     &JobShare{Weight: 2, Limits: Limits{CPUs: 1.5}},
		`{"cpus":0,"limit":8,"why":"it is"}`:          &Quota{Limit: 8, Why: "it is"},
		`{"cpus":-1}`:                                 &Quota{CPUs: -1},
	} {
		got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
		if err := json.Unmarshal([]byte(text), got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
		var before, now map[string]any
		said, _ := json.Marshal(want)
		if json.Unmarshal([]byte(text), &before) != nil || json.Unmarshal(said, &now) != nil || !reflect.DeepEqual(before, now) {
			t.Errorf("%s is said as %s", text, said)
		}
	}
}

func TestQuotaByName(t *testing.T) {
	seat := QuotaOf{N: 3, Limit: 4, Why: "seats"}
	for _, c := range []struct {
		q    Quota
		want map[string]QuotaOf
	}{
		{Quota{CPUs: -1}, map[string]QuotaOf{}},
		{Quota{CPUs: 0, Limit: 2, Why: "cpus"}, map[string]QuotaOf{NameCPU: {0, 2 * oneCPU, "cpus"}}},
		{Quota{CPUs: -1, Others: map[string]QuotaOf{"seat": seat, NameCPU: seat}}, map[string]QuotaOf{"seat": seat}},
	} {
		if got := c.q.ByName(); !maps.Equal(got, c.want) {
			t.Errorf("%+v has %v", c.q, got)
		}
	}
	a, b := Quota{Others: map[string]QuotaOf{"seat": seat}}, Quota{}
	if a.Equal(&b) || !a.Equal(&a) {
		t.Error("quotas are equal that aren't, or the other way round")
	}
}

func TestAmountText(t *testing.T) {
	for want, got := range map[string]string{
		"1.5 CPUs":            AmountText(NameCPU, 15_000),
		"1 CPU":               AmountText(NameCPU, 10_000),
		"1 GPU":               AmountText(NameGPU, 10_000),
		"1 byte of memory":    AmountText(NameMemory, 1),
		"2 GPUs":              AmountText(NameGPU, 20_000),
		"64 GiB of memory":    AmountText(NameMemory, 64<<30),
		"1.5 MiB of memory":   AmountText(NameMemory, 3<<19),
		"100 bytes of memory": AmountText(NameMemory, 100),
		"3 of licence":        AmountText("licence", 30_000),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
