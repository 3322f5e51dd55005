package codec_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/codec"
)

var full = relay.Event{
	ID: "shop:事件\xff", Source: "shop", Payment: "order-1", Status: relay.Refunded, Final: true,
	Time: time.Date(2026, 11, 22, 8, 0, 0, 123456789, time.UTC), Amount: "0129.500", Currency: "CNY",
	Provider: "alipay", TransactionID: "2026", ProviderStatus: "TRADE_SUCCESS", RefundID: strings.Repeat("r", 300),
	Cumulative: true, NeedsRegistration: true,
}

var events = []relay.Event{
	full,
	{ID: "bare", Payment: "p", Status: relay.Paid, Time: time.Unix(0, 0).UTC()},
	{ID: "early", Payment: "p", Status: relay.Paid, Time: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)},
	{ID: "late", Payment: "p", Status: relay.Paid, Time: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)},
}

func TestRoundTrip(t *testing.T) {
	for v, i := reflect.ValueOf(full), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Fatalf("Event.%s is not tested", v.Type().Field(i).Name)
		}
	}
	for _, want := range events {
		for _, stamped := range []bool{false, true} {
			got, gotStamped, err := codec.Decode(codec.Append(nil, want, stamped))
			if err != nil || got != want || gotStamped != stamped {
				t.Errorf("%+v, stamped %v, error %v\nwant %+v, stamped %v", got, gotStamped, err, want, stamped)
			}
		}
	}
}

// TestOneMember has each member alone, so that none is read into another.
func TestOneMember(t *testing.T) {
	for i := range reflect.TypeFor[relay.Event]().NumField() {
		want := relay.Event{Time: full.Time}
		reflect.ValueOf(&want).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
		if got, stamped, err := codec.Decode(codec.Append(nil, want, false)); got != want || stamped || err != nil {
			t.Errorf("%+v, stamped %v, error %v\nwant %+v", got, stamped, err, want)
		}
	}
}

// TestStoredForm holds the form still: what is on disks must be read for ever.
func TestStoredForm(t *testing.T) {
	const form = "\x01\x01\x01e\x03\x01p\x04\x04paid\x0b\x02\x05\x0c\x0f"
	want := relay.Event{ID: "e", Payment: "p", Status: relay.Paid, Final: true, Time: time.Unix(1, 5).UTC()}
	if got := codec.Append([]byte("x"), want, true); string(got) != "x"+form {
		t.Errorf("Append = %q, want %q", got, "x"+form)
	}
	if got, stamped, err := codec.Decode([]byte(form)); got != want || !stamped || err != nil {
		t.Errorf("Decode = %+v, stamped %v, error %v", got, stamped, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := codec.Append(nil, full, false)
	for name, c := range map[string]struct{ data, says string }{
		"nothing":                          {"", "empty"},
		"another version":                  {"\x02" + string(whole[1:]), "version 2"},
		"an unknown member":                {string(whole) + "\x63", "member 99"},
		"no time":                          {"\x01\x01\x01e", "cut short"},
		"a second of too many nanoseconds": {"\x01\x0b\x02\x80\x94\xeb\xdc\x03", "cut short"},
		"a length over the end":            {"\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01e", "cut short"},
	} {
		e, stamped, err := codec.Decode([]byte(c.data))
		if err == nil || !strings.Contains(err.Error(), c.says) || e != (relay.Event{}) || stamped {
			t.Errorf("%s: %+v, error %v; want one with %q", name, e, err, c.says)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range events {
		f.Add(codec.Append(nil, e, true))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, stamped, err := codec.Decode(data)
		if err != nil {
			return
		}
		again, stampedAgain, err := codec.Decode(codec.Append(nil, e, stamped))
		if err != nil || again != e || stampedAgain != stamped {
			t.Fatalf("%+v reads back as %+v, error %v", e, again, err)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = codec.Append(buf[:0], full, false)
		if _, _, err := codec.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}
