package demo_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// screen is what somebody sees the page on.
type screen struct {
	language, scheme string
	width, height    int64
	scale            float64 // device pixels of a CSS pixel
}

// resize makes the tab such a screen, on which nothing moves: a picture is of a moment.
func (p *tab) resize(s screen) {
	p.t.Helper()
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(s.scale)}
	if s.width < 768 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulatePortrait)
	}
	p.do(chromedp.EmulateViewport(s.width, s.height, options...))
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: s.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
}

// shot is a picture for the README.
type shot struct {
	name   string
	screen screen
	scene  func(*tab) // brings about what it shows
}

var shots = []shot{
	{"demo-desktop.png", screen{"en", "light", 1280, 960, 1}, func(p *tab) {
		p.press("fault", "bad-signature")
		p.wantText("#answer", "401")
		p.click("#pay")
		p.wantStatus("paid", "Paid")
		p.wantText("#told", "after the callback, ")
		p.is(`document.activeElement.blur(), scrollTo(0, 0), ""`)
	}},
	{"demo-phone.png", screen{"zh", "dark", 390, 844, 2}, func(p *tab) { p.wantStatus("pending", "等待支付") }},
}

// TestShots makes the pictures of the README in the folder TILLBELL_SHOTS; without one it sees that the same pages can
// be brought about. Nothing may reach over the edge on any width.
func TestShots(t *testing.T) {
	folder := os.Getenv("TILLBELL_SHOTS")
	for _, shot := range shots {
		t.Run(shot.name, func(t *testing.T) {
			s, p := newShop(t), newTab(t)
			p.resize(shot.screen)
			p.open(s, "?lang="+shot.screen.language)
			shot.scene(p)
			if folder != "" {
				p.shoot(filepath.Join(folder, shot.name))
			}
			for _, width := range []int64{360, 768, 1280} {
				shot.screen.width = width
				p.resize(shot.screen)
				p.wantNoOverflow(width)
			}
		})
	}
}

// shoot writes what the screen shows to a file.
func (p *tab) shoot(path string) {
	p.t.Helper()
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		p.t.Fatal(err)
	}
	var small bytes.Buffer // the browser is quick rather than thorough
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, withPalette(img)); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, small.Bytes(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// withPalette returns the picture in its 256 most frequent colours, none of them much like another: a page of flat ones
// looks the same, in half the bytes.
func withPalette(img image.Image) image.Image {
	count := make(map[color.RGBA]int)
	bounds := img.Bounds()
	each := func(f func(x, y int, c color.RGBA)) {
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			for x := bounds.Min.X; x < bounds.Max.X; x++ {
				f(x, y, color.RGBAModel.Convert(img.At(x, y)).(color.RGBA))
			}
		}
	}
	each(func(_, _ int, c color.RGBA) { count[c]++ })
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return count[b] - count[a] })
	var palette color.Palette
	alike := make(map[[3]uint8]bool)
	for _, c := range colours {
		if like := [3]uint8{c.R >> 3, c.G >> 3, c.B >> 3}; !alike[like] && len(palette) < 256 {
			alike[like] = true
			palette = append(palette, c)
		}
	}
	index := make(map[color.RGBA]uint8)
	for _, c := range colours {
		index[c] = uint8(palette.Index(c))
	}
	flat := image.NewPaletted(bounds, palette)
	each(func(x, y int, c color.RGBA) { flat.SetColorIndex(x, y, index[c]) })
	return flat
}

// wantNoOverflow sees that the page is as wide as the screen, and that no text is cut off.
func (p *tab) wantNoOverflow(width int64) {
	p.t.Helper()
	p.until(fmt.Sprintf(`matchMedia("(width: %dpx)").matches`, width))
	if wide := p.is(`String(document.documentElement.scrollWidth)`); wide != fmt.Sprint(width) {
		p.t.Errorf("on %d pixels the page is %s wide", width, wide)
	}
	over := p.is(`[...document.querySelectorAll("main *")].filter((e) => {
		const { left, right, width } = e.getBoundingClientRect();
		const hidden = e.closest("[hidden], svg") || width <= 1 || getComputedStyle(e).visibility === "hidden";
		return !hidden && (left < 0 || right > innerWidth + 0.5 || e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline");
	}).map((e) => e.id || e.className || e.tagName + ":" + e.textContent.slice(0, 20)).join(", ")`)
	if over != "" {
		p.t.Errorf("on %d pixels these reach over an edge: %s", width, over)
	}
}
