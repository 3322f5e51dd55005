package wechatpayv2

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// notice is the text of the elements of a flat XML document, by name. Absent and empty are the same.
type notice map[string]string

// maxElements and maxName bound a notice. A payment with twenty coupons has under a hundred elements.
const (
	maxElements = 256
	maxName     = 64
)

// parse reads one element with text elements in it, each once. XML has more, but no notice does: a DTD, an entity of its
// own, a comment, a processing instruction, an attribute, a namespace or an element inside of a text is an error, and none of
// them is looked into. An error does not repeat the document.
func parse(document []byte) (notice, error) {
	d := xml.NewDecoder(bytes.NewReader(document))
	n := make(notice)
	if err := root(d); err != nil {
		return nil, err
	}
	for {
		token, err := d.Token()
		if err != nil {
			return nil, errNotXML
		}
		switch t := token.(type) {
		case xml.CharData:
			if !blank(t) {
				return nil, errors.New("there is text between the elements")
			}
		case xml.StartElement:
			if err := n.element(d, t); err != nil {
				return nil, err
			}
		case xml.EndElement:
			return n, end(d)
		default:
			return nil, errNotFlat
		}
	}
}

var (
	errNotXML  = errors.New("the body is not XML")
	errNotFlat = errors.New("there is more than elements with text in them")
)

// root reads up to the start of the outer element. An XML declaration may stand before it, at the very beginning.
func root(d *xml.Decoder) error {
	for {
		first := d.InputOffset() == 0
		token, err := d.Token()
		if err != nil {
			return errNotXML
		}
		switch t := token.(type) {
		case xml.StartElement:
			if !plain(t) {
				return errNotFlat
			}
			return nil
		case xml.CharData:
			if !blank(t) {
				return errNotXML
			}
		case xml.ProcInst:
			if !first || t.Target != "xml" {
				return errNotFlat
			}
		default:
			return errNotFlat
		}
	}
}

// element reads one element's text and its end.
func (n notice) element(d *xml.Decoder, start xml.StartElement) error {
	name := start.Name.Local
	if !plain(start) {
		return errNotFlat
	}
	if _, twice := n[name]; twice {
		return errors.New("an element is there twice")
	}
	if len(n) == maxElements {
		return fmt.Errorf("there are more than %d elements", maxElements)
	}
	var text strings.Builder // an element may have several texts: <![CDATA[a]]>b
	for {
		token, err := d.Token()
		if err != nil {
			return errNotXML
		}
		switch t := token.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			n[name] = text.String()
			return nil
		default:
			return errNotFlat
		}
	}
}

// end reads what is behind the outer element.
func end(d *xml.Decoder) error {
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if text, ok := token.(xml.CharData); err != nil || !ok || !blank(text) {
			return errors.New("there is something behind the document")
		}
	}
}

func plain(e xml.StartElement) bool {
	return e.Name.Space == "" && len(e.Attr) == 0 && elementName(e.Name.Local)
}

// elementName reports whether name is of the kind that all of WeChat Pay's are.
func elementName(name string) bool {
	other := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_'
	}
	return name != "" && len(name) <= maxName && !strings.ContainsFunc(name, other)
}

func blank(text []byte) bool { return len(bytes.Trim(text, " \t\r\n")) == 0 }

// document writes n as WeChat Pay does, with its elements sorted.
func (n notice) document(root string) []byte {
	var b bytes.Buffer
	b.WriteString("<" + root + ">")
	for _, name := range n.names() {
		b.WriteString("<" + name + "><![CDATA[")
		b.WriteString(strings.ReplaceAll(n[name], "]]>", "]]]]><![CDATA[>"))
		b.WriteString("]]></" + name + ">\n")
	}
	b.WriteString("</" + root + ">")
	return b.Bytes()
}

// names returns the names of the elements that are not empty, sorted.
func (n notice) names() []string {
	names := make([]string, 0, len(n))
	for name, text := range n {
		if text != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
