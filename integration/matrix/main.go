//go:build linux

// Command matrix shows that a page learns the outcome of its payment whatever lies between it and the server, and
// whatever happens to the page. Each cell of the matrix is a headless Chromium that loads the client as the server
// serves it and awaits a payment, on one path through the network (a row: none, nginx, a proxy that buffers, …) and in
// one state (a column: hidden, frozen, offline, …), against the real server with callbacks signed as a provider signs
// them.
//
//	go run ./integration/matrix                            everything, in some seven minutes
//	go run ./integration/matrix -quick                     a few cells of each kind, in less than one
//	go run ./integration/matrix -only '^none/|/restart'    cells whose "path/state" fits
//
// A cell measures how long after the callback's acknowledgement, or after the page could learn it, the page showed the
// outcome; over which transport it was learnt; and how many requests it took. A path that needs a program which is not
// installed is left out, and with -require fails the run.
//
// All traffic stays on 127.0.0.1. Whatever is started here is ended here. The exit code is 0 if every page showed its
// outcome and none asked more often than it may, 1 if not or if the run failed, 2 if the command line is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

func main() {
	o, err := flags(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	quick   bool
	require bool
	verbose bool
	only    *regexp.Regexp // nil for all
	binary  string
	out     string
	lanes   int
}

var errUsage = errors.New("wrong usage")

func flags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("matrix", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "a representative part")
	f.BoolVar(&o.require, "require", false, "fail if a program is missing that a path needs")
	f.BoolVar(&o.verbose, "v", false, "print what each page says and asks for")
	f.IntVar(&o.lanes, "lanes", 6, "run so `many` cells at a time; what is measured is kept from being disturbed by the others")
	only := f.String("only", "", "run the cells whose \"path/state\" the regular `expression` fits")
	f.StringVar(&o.binary, "tillbell", "", "run the program at this `path` instead of building it")
	f.StringVar(&o.out, "o", "", "write the table to this `file`; else to integration/matrix/results")
	if err := f.Parse(args); err != nil || f.NArg() > 0 || o.lanes < 1 {
		return o, errUsage
	}
	if *only != "" {
		var err error
		if o.only, err = regexp.Compile(*only); err != nil {
			return o, fmt.Errorf("-only: %w", err)
		}
	}
	return o, nil
}
