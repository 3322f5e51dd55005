//go:build !linux

// Command matrix tries pages behind proxies, on Linux alone, where processes die with the one that started them.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "matrix: runs on Linux alone")
	os.Exit(2)
}
