//go:build linux

// Command chaos kills, pauses, parts and starves Tillbell's servers while callbacks are posted and clients wait, and
// checks that nothing acknowledged is lost and everybody is told the same. It builds what it runs: real processes, real
// sockets, callbacks signed as the providers sign them.
//
//	go run ./integration/chaos                      every engine and fault, in half an hour
//	go run ./integration/chaos -quick               a few of them in a minute
//	go run ./integration/chaos -engines disk -faults "kill,full disk" -minutes 5
//
// As root it runs in network and mount namespaces of its own, so that links, mounts and loop devices are gone with it.
// Without root some faults cannot be injected; the table lists them as not run, and with -require they fail the run.
// -clock allows the one that moves the clock of the whole machine.
//
// Traffic stays on 127.0.0.0/8 and in those namespaces. Whatever is started here is ended here. The exit code is 0 if
// no guarantee was broken, 1 if one was or the run failed, 2 if the command line is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
	"github.com/tillbell/tillbell/integration/chaos/fault"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "guard" {
		exit(fault.Guard(os.Args[2:], os.Stdin))
	}
	o, err := flags(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !inside() && canEnter() {
		os.Exit(enter(ctx))
	}
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options are what the command line says.
type options struct {
	engines []string
	faults  []string
	time    time.Duration // of faults, over all rows
	rate    float64
	watch   int
	quick   bool
	require bool
	clock   bool
	binary  string
	server  string
	out     string
	keep    bool
	// patience is how long after the last fault everything must be acknowledged, told and checked.
	patience time.Duration
}

// patience is options' unless a test is in a hurry.
const patience = time.Minute

var errUsage = errors.New("wrong usage")

func flags(args []string) (options, error) {
	o := options{patience: patience}
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	engines := f.String("engines", "", "`engines` to run, as in disk,nats-embedded; all durable ones if empty")
	faults := f.String("faults", "", "`faults` to inject, all if empty: "+strings.Join(fault.Names(), ", "))
	minutes := f.Float64("minutes", 0, "`minutes` of faults, over all engines and faults; 0 is 30, with -quick a third of one")
	f.Float64Var(&o.rate, "rate", 0, "`callbacks` a second at most; 0 is as many as the servers take, with -quick 500")
	f.IntVar(&o.watch, "watch", 10, "give one in how many `payments` waiters and readers")
	f.BoolVar(&o.quick, "quick", false, "a minute's worth of it: the disk engine killed, the nodes of the embedded cluster killed and parted")
	f.BoolVar(&o.require, "require", false, "fail if a fault cannot be injected here")
	f.BoolVar(&o.clock, "clock", false, "allow steps of the machine's clock")
	f.BoolVar(&o.keep, "keep", false, "keep the servers' folders and logs")
	f.StringVar(&o.binary, "tillbell", "", "run the program at this `path` instead of building it")
	f.StringVar(&o.server, "nats-server", "", "run the nats-server at this `path` instead of building it")
	f.StringVar(&o.out, "o", "", "write the table to this `file`; else to integration/chaos/results")
	if err := f.Parse(args); err != nil {
		return o, errUsage
	}
	known := []string{cluster.Memory, cluster.Disk, cluster.Embedded, cluster.NATS}
	o.engines, o.faults, o.time = list(*engines), list(*faults), time.Duration(*minutes*float64(time.Minute))
	for _, e := range o.engines {
		if !slices.Contains(known, e) {
			return o, fmt.Errorf("-engines: %q is none of %s", e, strings.Join(known, ", "))
		}
	}
	for _, name := range o.faults {
		if !slices.Contains(fault.Names(), name) {
			return o, fmt.Errorf("-faults: %q is none of %s", name, strings.Join(fault.Names(), ", "))
		}
	}
	o.fill(known)
	return o, nil
}

// fill sets what the command line leaves open.
func (o *options) fill(known []string) {
	switch {
	case len(o.engines) > 0:
	case o.quick:
		o.engines = []string{cluster.Disk, cluster.Embedded}
	default:
		o.engines = known[1:]
	}
	switch {
	case o.time > 0:
	case o.quick:
		o.time = 20 * time.Second
	default:
		o.time = 30 * time.Minute
	}
	if o.quick && len(o.faults) == 0 {
		o.faults = []string{"kill", "mixed"}
		if !canEnter() {
			o.faults[1] = "kill each node"
		}
	}
	if o.quick && o.rate == 0 {
		o.rate = 500
	}
}

// list parts the words of a list.
func list(text string) []string {
	var words []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}
