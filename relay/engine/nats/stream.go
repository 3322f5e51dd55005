package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What the stream's metadata says. Format is the version of subjects, payloads and settings.
const (
	metaFormat = "tillbell-format"
	metaEpoch  = "tillbell-epoch"
	format     = "1"
)

// config is the stream as this program makes it.
func (p place) config(epoch string, retention time.Duration) jetstream.StreamConfig {
	maxBytes := p.maxBytes
	if maxBytes == 0 {
		maxBytes = -1
	}
	return jetstream.StreamConfig{
		Name:              p.stream,
		Description:       "Payment events of Tillbell",
		Subjects:          []string{p.prefix(epoch) + "*"},
		Retention:         jetstream.LimitsPolicy,
		MaxConsumers:      -1,
		MaxMsgs:           -1,
		MaxBytes:          maxBytes,
		Discard:           jetstream.DiscardNew, // a full stream refuses; it never forgets
		MaxAge:            retention,
		MaxMsgsPerSubject: -1,
		MaxMsgSize:        -1,
		Storage:           jetstream.FileStorage,
		Replicas:          p.replicas,
		Duplicates:        min(retention, 2*time.Minute), // the servers' default: no message has an id
		AllowDirect:       true,
		DenyDelete:        true,
		DenyPurge:         true,
		Metadata:          map[string]string{metaFormat: format, metaEpoch: epoch},
	}
}

// prefix is what stands before a payment's token in its subject. The epoch is in it so that nothing meant for one life
// of the stream is ever stored in, or read from, another.
func (p place) prefix(epoch string) string { return p.stream + "." + epoch + "." }

// open returns the stream's info. A stream that does not exist is made; of several nodes that make it at the same time
// one wins, and the others read what it made.
func (p place) open(ctx context.Context, js jetstream.JetStream, retention time.Duration) (*jetstream.StreamInfo, error) {
	s, err := js.Stream(ctx, p.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, p.config(strings.ToLower(rand.Text()[:8]), retention))
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			s, err = js.Stream(ctx, p.stream)
		}
	}
	if err != nil {
		return nil, err
	}
	info := s.CachedInfo()
	return info, p.check(info.Config, retention)
}

// check refuses a stream that was not made by this version of the program or has other settings.
func (p place) check(has jetstream.StreamConfig, retention time.Duration) error {
	epoch := has.Metadata[metaEpoch]
	switch v := has.Metadata[metaFormat]; {
	case v == "" || epoch == "":
		return &mismatch{fmt.Errorf("stream %s exists and is not Tillbell's: delete it, or set stream= to another name", p.stream)}
	case v != format:
		return &mismatch{fmt.Errorf("stream %s has format %s, this program reads format %s: use the version that made it, or set stream= to another name", p.stream, v, format)}
	}
	wants := p.config(epoch, retention)
	var wrong []string
	for _, s := range settings {
		if h, w := s.of(&has), s.of(&wants); h != w {
			wrong = append(wrong, fmt.Sprintf("%s is %v, wanted %v", s.name, h, w))
		}
	}
	if len(wrong) > 0 {
		return &mismatch{fmt.Errorf("stream %s has other settings: %s; change the configuration, or the stream with nats stream edit",
			p.stream, strings.Join(wrong, "; "))}
	}
	return nil
}

// mismatch is an error that waiting does not cure.
type mismatch struct{ error }

// settings are what a stream must have as config says, by the names of NATS. What is not among them may differ:
// placement, compression, description, the window of duplicates.
var settings = []struct {
	name string
	of   func(*jetstream.StreamConfig) any
}{
	{"subjects", func(c *jetstream.StreamConfig) any { return strings.Join(c.Subjects, ", ") }},
	{"max_age (retention)", func(c *jetstream.StreamConfig) any { return c.MaxAge }},
	{"num_replicas (replicas)", func(c *jetstream.StreamConfig) any { return c.Replicas }},
	{"max_bytes", func(c *jetstream.StreamConfig) any { return c.MaxBytes }},
	{"storage", func(c *jetstream.StreamConfig) any { return c.Storage }},
	{"retention", func(c *jetstream.StreamConfig) any { return c.Retention }},
	{"discard", func(c *jetstream.StreamConfig) any { return c.Discard }},
	{"max_consumers", func(c *jetstream.StreamConfig) any { return c.MaxConsumers }},
	{"max_msgs", func(c *jetstream.StreamConfig) any { return c.MaxMsgs }},
	{"max_msgs_per_subject", func(c *jetstream.StreamConfig) any { return c.MaxMsgsPerSubject }},
	{"max_msg_size", func(c *jetstream.StreamConfig) any { return c.MaxMsgSize }},
	{"no_ack", func(c *jetstream.StreamConfig) any { return c.NoAck }},
	{"sealed", func(c *jetstream.StreamConfig) any { return c.Sealed }},
	{"deny_delete", func(c *jetstream.StreamConfig) any { return c.DenyDelete }},
	{"deny_purge", func(c *jetstream.StreamConfig) any { return c.DenyPurge }},
	{"allow_direct", func(c *jetstream.StreamConfig) any { return c.AllowDirect }},
	{"allow_rollup_hdrs", func(c *jetstream.StreamConfig) any { return c.AllowRollup }},
	{"allow_msg_ttl", func(c *jetstream.StreamConfig) any { return c.AllowMsgTTL }},
	{"allow_msg_counter", func(c *jetstream.StreamConfig) any { return c.AllowMsgCounter }},
	{"persist_mode", func(c *jetstream.StreamConfig) any { return c.PersistMode }},
	{"subject_transform", func(c *jetstream.StreamConfig) any { return c.SubjectTransform != nil }},
	{"mirror", func(c *jetstream.StreamConfig) any { return c.Mirror != nil }},
	{"sources", func(c *jetstream.StreamConfig) any { return len(c.Sources) }},
}

// probe finds out at the start whether this user may publish and read: it publishes what the leader must refuse.
func (p place) probe(ctx context.Context, js jetstream.JetStream, l *life) error {
	m := nats.NewMsg(l.prefix + probeToken)
	_, err := js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(1), jetstream.WithRetryAttempts(0))
	if c := code(err); err == nil || c == jetstream.JSErrCodeStreamWrongLastSequence || c == jetstream.JSErrCodeStreamWrongLastSequenceConstant {
		return nil
	}
	return err
}
