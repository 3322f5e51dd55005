//go:build !linux

// Command load measures Tillbell under load, on Linux alone: it needs epoll and /proc.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "load: measures on Linux alone, with epoll and /proc")
	os.Exit(2)
}
