//go:build linux

// Command abuse posts at a server, as a whole process with every provider as a source, what somebody would who knows
// everything but the keys: callbacks that were changed, signed with another key, cut or seen before, and made-up ids where
// nothing is signed. It does so at full speed, over every source, while genuine callbacks come at a modest rate, and says
// what becomes of those, of the server's memory and log, and of its questions to providers' APIs, for which it has stand-ins.
//
//	go run ./integration/abuse           in some three minutes
//	go run ./integration/abuse -quick    in one
//
// With two cores or more the server runs on the first one and the attack on the second, which it leaves to the genuine
// callbacks whenever they want it. Figures of different runs or machines do not compare.
//
// All traffic stays on 127.0.0.0/8. Whatever is started here is ended here. The exit code is 0 if everything could be
// measured, whether targets were met or not, 1 if something could not or the run failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "attack" {
		exit(attackMain(os.Stdin, os.Stdout))
	}
	runtime.LockOSThread() // children die with the thread that started them
	o := flags()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	exit(run(ctx, o))
}

// limit is when a run ends that does not end by itself.
const limit = 10 * time.Minute

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "abuse:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options are what the command line says.
type options struct {
	name   string
	quiet  time.Duration // of genuine callbacks alone, before and after
	attack time.Duration // of each way to attack
	each   time.Duration // on one source alone
	conns  int           // of the attack
	rate   float64       // of genuine callbacks, over all sources, a second
	binary string
	out    string
}

func flags() options {
	o := options{name: "full", quiet: 20 * time.Second, attack: 30 * time.Second, each: time.Second}
	quick := flag.Bool("quick", false, "a minute's worth of it")
	flag.DurationVar(&o.attack, "attack", o.attack, "`time` of each way to attack")
	flag.IntVar(&o.conns, "conns", 64, "`connections` of the attack")
	flag.Float64Var(&o.rate, "rate", 40, "genuine `callbacks` a second")
	flag.StringVar(&o.binary, "tillbell", "", "attack the program at this `path` instead of building it")
	flag.StringVar(&o.out, "o", "", "write the table to this `file`; else to integration/abuse/results")
	flag.Parse()
	if *quick {
		o.name, o.quiet, o.attack, o.each = "quick", 5*time.Second, 8*time.Second, 300*time.Millisecond
	}
	return o
}
