//go:build !linux

// Command chaos hurts Tillbell's servers, on Linux alone: it needs namespaces and /proc.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "chaos: runs on Linux alone, with namespaces and /proc")
	os.Exit(2)
}
