package client_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tillbell/tillbell/transport/client"
	"github.com/tillbell/tillbell/transport/wire"
)

// A till waits for its payer, for as long as the ticket allows.
func ExampleAwait() {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	out, err := client.Await(ctx, client.Options{
		URL:     "https://pay.shop.example",
		Payment: "order-1001",
		Ticket:  "eyJ…", // as the backend got it when it registered the payment
		OnEvent: func(e wire.Event) { fmt.Println("told:", e.Type) },
	})
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(out.Snapshot.Payment, "is", out.Status)
}
