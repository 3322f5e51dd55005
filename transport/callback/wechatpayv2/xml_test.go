package wechatpayv2_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
)

// Nothing that a notice does not have is looked into, or it could mean another thing elsewhere.
func TestXMLIsFlatAndPlain(t *testing.T) {
	o := throwaway(t)
	e := paid.signed(o)
	good := e.xml("xml")
	one(t, o, post(good))
	one(t, o, post(`<?xml version="1.0" encoding="UTF-8"?>`+"\r\n"+good+"\n"))
	one(t, o, post(strings.Replace(good, ">order-1<", "><![CDATA[order]]>-<![CDATA[1]]><", 1)))
	one(t, o, post(strings.Replace(good, "order-1", "order&#45;1", 1)))
	in := func(s string) string { return strings.Replace(good, "<out_trade_no>", s+"<out_trade_no>", 1) }
	for what, body := range map[string]string{
		"nothing":                  "",
		"text":                     "return_code=SUCCESS",
		"JSON":                     `{"xml":{}}`,
		"half":                     good[:len(good)/2],
		"not closed":               strings.TrimSuffix(good, "</xml>"),
		"two documents":            good + good,
		"text behind it":           good + "x",
		"a comment behind it":      good + "<!-- -->",
		"text before it":           "x" + good,
		"a byte order mark":        "\ufeff" + good,
		"a DTD":                    "<!DOCTYPE xml>" + good,
		"a declaration behind":     " <?xml version=\"1.0\"?>" + good,
		"an instruction":           "<?php ?>" + good,
		"another encoding":         `<?xml version="1.0" encoding="GBK"?>` + good,
		"an instruction inside":    in("<?x y?>"),
		"a comment inside":         in("<!-- -->"),
		"text between":             in("x"),
		"an element twice":         in("<out_trade_no>other</out_trade_no>"),
		"an empty element twice":   in("<out_trade_no/>"),
		"an element in a text":     strings.Replace(good, "order-1", "<b>order-1</b>", 1),
		"a comment in a text":      strings.Replace(good, "order-1", "order<!-- -->-1", 1),
		"an entity":                strings.Replace(good, "order-1", "&order;", 1),
		"an attribute":             strings.Replace(good, "<out_trade_no>", `<out_trade_no a="b">`, 1),
		"an attribute of the root": strings.Replace(good, "<xml>", `<xml xmlns="urn:x">`, 1),
		"a namespace":              strings.NewReplacer("<out_", "<a:out_", "</out_", "</a:out_").Replace(good),
		"a name with a dash":       in("<out-trade-no>x</out-trade-no>"),
		"a long name":              in("<" + strings.Repeat("a", 65) + "/>"),
		"bytes that are no text":   strings.Replace(good, "order-1", "order\xff", 1),
		"a control character":      strings.Replace(good, "order-1", "order&#1;", 1),
		"deep":                     strings.Repeat("<xml>", 9_000),
	} {
		refused(t, what, o, post(body), callback.Malformed)
	}
}

func TestNoticesAreBounded(t *testing.T) {
	o := throwaway(t)
	many := paid
	for i := range 256 - len(paid) - 1 {
		many = many.with(fmt.Sprintf("coupon_id_%d", i), "1")
	}
	one(t, o, many.signed(o).post())
	refused(t, "257 elements", o, many.with("one_more", "1").signed(o).post(), callback.Malformed)
	one(t, o, paid.with("attach", strings.Repeat("a", 60<<10)).signed(o).post())
	refused(t, "64 KiB", o, paid.with("attach", strings.Repeat("a", 64<<10)).signed(o).post(), callback.TooLarge)
}

// An entity is not resolved, whether it names a file or grows.
func TestXMLExternalEntity(t *testing.T) {
	o := throwaway(t)
	good := paid.signed(o).xml("xml")
	for _, dtd := range []string{
		`<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/hostname">]>`,
		`<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/x.dtd">`,
		`<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY x "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`,
	} {
		refused(t, dtd, o, post(dtd+strings.Replace(good, "order-1", "&x;", 1)), callback.Malformed)
		refused(t, dtd, o, post(dtd+good), callback.Malformed)
	}
	// Nor in what a refund's notice has inside.
	inside := `<!DOCTYPE root [<!ENTITY x SYSTEM "file:///etc/hostname">]>` + refund.with("out_trade_no", "").xml("root")
	refused(t, "inside", o, sealedText(t, o, strings.Replace(inside, "<out_trade_no>", "<out_trade_no>&x;", 1)),
		callback.DecryptFailed)
}
