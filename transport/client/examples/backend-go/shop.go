package main

import (
	"context"
	"log"
	"sync"
	"time"
)

// order is what the shop sells. Its number is the payment's id at Tillbell and at the provider.
type order struct {
	Number    string `json:"order"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Fulfilled bool   `json:"fulfilled"`
}

// shop keeps its orders in memory. A real one keeps them, and how far it has read the feed, in its database.
type shop struct {
	tillbell tillbell

	mu     sync.Mutex
	orders map[string]*order
}

func (s *shop) add(o order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[o.Number] = &o
}

func (s *shop) find(number string) (order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, known := s.orders[number]
	if !known {
		return order{}, false
	}
	return *o, true
}

// follow reads the feed until ctx is done and fulfils what is paid. Without a position the feed begins with the oldest
// event that is kept, so a shop that starts again, or restores a backup, misses nothing: it sees some events twice.
func (s *shop) follow(ctx context.Context) {
	position := ""
	for ctx.Err() == nil {
		page, err := s.tillbell.events(ctx, position)
		if err != nil {
			if ctx.Err() == nil {
				log.Print(err)
			}
			pause(ctx, time.Second)
			continue
		}
		for _, item := range page.Events {
			// What was not applied contradicts the order: another amount, another account, a second outcome.
			if item.Applied && item.Event.Type == "payment.paid" {
				s.fulfil(item.Event.Subject, item.Event.Data.Amount, item.Event.Data.Currency)
			}
		}
		position = page.Position
	}
}

// fulfil does once what the payer paid for, however often the feed says so. In a database this and the position are one
// transaction.
func (s *shop) fulfil(number, amount, currency string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, known := s.orders[number]
	if !known || o.Fulfilled || amount != o.Amount || currency != o.Currency {
		return
	}
	o.Fulfilled = true
	log.Printf("%s is paid and leaves the house", number)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
