// Package wire is the JSON that clients see, the same over every transport: what the server writes and the Go client
// reads.
package wire

import (
	"encoding/json"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// ContentType of JSON answers.
const ContentType = "application/json"

// sourcePrefix stands before a source's name in an event's source member.
const sourcePrefix = "/sources/"

// Event is one event as a CloudEvent 1.0 in structured mode (github.com/cloudevents/spec, section 3).
type Event struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Subject     string `json:"subject"`
	Time        string `json:"time"` // RFC 3339, UTC
	Data        Data   `json:"data"`
}

// Data is what the event says of the payment. Unknown members are absent.
type Data struct {
	Payment        string       `json:"payment"`
	Status         relay.Status `json:"status"`
	Final          bool         `json:"final"`
	Amount         relay.Amount `json:"amount,omitempty"`
	Currency       string       `json:"currency,omitempty"`
	Provider       string       `json:"provider,omitempty"`
	TransactionID  string       `json:"transaction_id,omitempty"`
	ProviderStatus string       `json:"provider_status,omitempty"`
}

// NewEvent returns e in the form of the wire.
func NewEvent(e relay.Event) Event {
	source := e.Source
	if source != "" {
		source = sourcePrefix + source
	}
	return Event{
		SpecVersion: "1.0",
		ID:          e.ID,
		Source:      source,
		Type:        "payment." + string(e.Status),
		Subject:     e.Payment,
		Time:        Time(e.Time),
		Data: Data{
			Payment: e.Payment, Status: e.Status, Final: e.Final,
			Amount: e.Amount, Currency: e.Currency,
			Provider: e.Provider, TransactionID: e.TransactionID, ProviderStatus: e.ProviderStatus,
		},
	}
}

// Time is how the wire writes a time; the zero time is empty.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Snapshot is the state of a payment. Unknown members are absent.
type Snapshot struct {
	Payment   string       `json:"payment"`
	Status    relay.Status `json:"status"`
	Final     bool         `json:"final"`
	Conflict  bool         `json:"conflict"`
	Amount    relay.Amount `json:"amount,omitempty"`
	Refunded  relay.Amount `json:"refunded,omitempty"`
	Currency  string       `json:"currency,omitempty"`
	UpdatedAt string       `json:"updated_at,omitempty"`
	Position  string       `json:"position"`
}

// NewSnapshot returns s in the form of the wire.
func NewSnapshot(s relay.State) Snapshot {
	return Snapshot{
		Payment: s.Payment, Status: s.Status, Final: s.Final, Conflict: s.Conflict,
		Amount: s.Amount, Refunded: s.Refunded, Currency: s.Currency,
		UpdatedAt: Time(s.UpdatedAt), Position: s.Position.String(),
	}
}

// Item is an event at its place in the log: in the merchant's feed, and in the snapshot that an API key sees.
type Item struct {
	Position string `json:"position"`
	Applied  bool   `json:"applied"`
	Event    Event  `json:"event"`
}

// Conflict is an entry of the log that contradicts the rest, with the reason in words.
type Conflict struct {
	Position string `json:"position"`
	Reason   string `json:"reason"`
	Event    Event  `json:"event"`
}

// End says how a wait ended: one of the codes of transport's End table.
type End struct {
	Code string `json:"code"`
}

// Poll is the answer of a long poll. Position is the cursor for the next one; End is null while the wait goes on.
type Poll struct {
	Events   []Event  `json:"events"`
	State    Snapshot `json:"state"`
	Position string   `json:"position"`
	End      *End     `json:"end"`
}

// Message is one WebSocket text message. Type is state (with the Snapshot's members), event, ping or end.
type Message struct {
	Type string `json:"type"`
	*Snapshot
	Position string `json:"position,omitempty"`
	Event    *Event `json:"event,omitempty"`
	Code     string `json:"code,omitempty"`
}

// Marshal returns v as JSON. The types of this package always have a JSON form.
func Marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("wire: " + err.Error())
	}
	return b
}
