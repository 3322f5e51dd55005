//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
)

// told takes a frame: its kind, and its JSON.
func (c *client) told(kind string, data []byte, now time.Duration) error {
	switch kind {
	case "state":
		if err := c.own(data, "payment"); err != nil {
			return err
		}
		c.crowd.waiting.Add(1)
		return c.advance(waiting)
	case "event":
		return c.toldEvent(data, now)
	case "ping":
		if c.phase != waiting {
			return fmt.Errorf("ping while %s", c.phase)
		}
		c.crowd.pings.Add(1)
		return nil
	case "end":
		if code := member(data, "code"); string(code) != "done" {
			return fmt.Errorf("told the end %.20q", code)
		}
		return c.advance(ended)
	}
	return errors.New("a frame of an unknown kind")
}

// toldEvent takes an event, which must be the one that was posted for this client.
func (c *client) toldEvent(data []byte, now time.Duration) error {
	if err := c.own(data, "subject"); err != nil {
		return err
	}
	number, _, found := c.crowd.ledger.ids.Next(data)
	if !found {
		return errors.New("an event that nobody posted")
	}
	if err := c.crowd.ledger.told(number, c.number, member(data, "status"), now); err != nil {
		return err
	}
	switch status := member(data, "status"); string(status) {
	case "pending":
		if c.phase != waiting {
			return fmt.Errorf("pending while %s", c.phase)
		}
		return nil
	case "paid":
		return c.advance(paid)
	default:
		return fmt.Errorf("an event of the status %.20q", status)
	}
}

// own reports whether the member is this client's payment.
func (c *client) own(data []byte, name string) error {
	var room [maxPayment]byte
	if got := member(data, name); !bytes.Equal(got, payment(c.number).Append(room[:0])) {
		return fmt.Errorf("told about %.40q", got)
	}
	return nil
}

// payment returns what the client of the number waits for.
func payment(number uint32) message.Topic {
	return message.Topic{Prefix: "order-", Number: int(number)}
}

// maxPayment is room for a payment's id.
const maxPayment = 20

// member returns the first text of the name in a JSON object that the server has written, in which nothing that is
// looked for needs escaping.
func member(data []byte, name string) []byte {
	var room [32]byte
	key := append(append(append(room[:0], '"'), name...), `":"`...)
	_, behind, found := bytes.Cut(data, key)
	value, _, closed := bytes.Cut(behind, []byte{'"'})
	if !found || !closed {
		return nil
	}
	return value
}
