//go:build !linux

// Command abuse attacks a server, on Linux alone: it needs /proc and the addresses of 127.0.0.0/8.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "abuse: attacks on Linux alone, with /proc and the addresses of 127.0.0.0/8")
	os.Exit(1)
}
