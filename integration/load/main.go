//go:build linux

// Command load measures Tillbell as a whole process against the targets it sets itself, beside Debian's Nchan, where
// that is installed, and two yardsticks on net/http. It builds what it measures, starts each server afresh for each
// measurement, loads it from a second process, and writes a Markdown table.
//
//	go run ./integration/load           everything, in some thirteen minutes
//	go run ./integration/load -quick    the same with small numbers, in one or two
//	go run ./integration/load -n N      N waiters with real sockets in one process, if this machine can
//
// With two cores or more the server runs on the first one and the generator on the second. Measurements are repeated
// in rounds (A B C, A B C), so that a slow minute of the machine does not meet one target only, and medians are shown.
// Figures of different runs or machines do not compare.
//
// All traffic stays on 127.0.0.0/8. Whatever is started here is ended here. The exit code is 0 if everything could be
// measured, whether targets were met or not, 1 if something could not, 2 if this machine does not allow the run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/tillbell/tillbell/integration/load/generator"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "generate" {
		exit(generator.Main(os.Stdin, os.Stdout))
	}
	runtime.LockOSThread() // children die with the thread that started them
	o := flags()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	var short *shortage
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &short):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}

// options are what the command line says.
type options struct {
	size
	only   string
	binary string
	out    string
}

func flags() options {
	var o options
	quick := flag.Bool("quick", false, "small numbers and one round")
	n := flag.Int("n", 0, "hold `N` waiters in one process and measure nothing else")
	only := flag.String("only", "", "`numbers` of the measurements to make, as in 1,3; all if empty")
	rounds := flag.Int("rounds", 0, "`rounds` of each measurement; 0 is three, with -quick one")
	settle := flag.Duration("settle", 0, "`time` between the last waiter and the reading of memory; 0 is 15s, with -quick 8s")
	flag.StringVar(&o.binary, "tillbell", "", "measure the program at this `path` instead of building it")
	flag.StringVar(&o.out, "o", "", "write the table to this `file`; else to integration/load/results")
	flag.Parse()
	o.size, o.only = full, *only
	if *quick {
		o.size = small
	}
	if *n > 0 {
		o.many, o.only = *n, "2"
	}
	if *rounds > 0 {
		o.rounds = *rounds
	}
	if *settle > 0 {
		o.settle = *settle
	}
	return o
}
