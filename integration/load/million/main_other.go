//go:build !linux

// Command million measures Tillbell with a million waiters, on Linux alone: it reads /proc.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "million: measures on Linux alone, with /proc")
	os.Exit(2)
}
