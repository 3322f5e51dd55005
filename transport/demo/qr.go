package demo

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the margin around a QR code, in modules (ISO/IEC 18004, section 6.3.8).
const quiet = 4

// drawQR returns text as the QR code a phone scans, as an SVG with one unit for each module.
func drawQR(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("demo: draw code: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) { // outside of the code nothing is black
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	side := code.Size + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges" aria-hidden="true">`+
		`<path fill="currentColor" d="%s"/></svg>`, side, side, path.String()), nil
}
