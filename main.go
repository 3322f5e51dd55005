// Tillbell is a payment-callback relay: a payment provider posts a signed callback, and whoever waits for that payment
// learns the outcome within milliseconds.
package main

import (
	"os"

	"github.com/tillbell/tillbell/modules/command"
)

func main() { os.Exit(command.Main()) }
