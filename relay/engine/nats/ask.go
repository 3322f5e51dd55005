package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tillbell/tillbell/relay"
)

// about is what is asked of the stream besides where it begins and ends (nats-server, JSApiStreamInfoRequest).
type about struct {
	Subject string `json:"subjects_filter,omitempty"` // how many messages it has
	Deleted bool   `json:"deleted_details,omitempty"` // which sequences are missing
}

// askInfo asks whoever holds itself to be the stream's leader about it.
func (e *Engine) askInfo(ctx context.Context, about about) (*jetstream.StreamInfo, error) {
	body, err := json.Marshal(about)
	if err != nil {
		return nil, err
	}
	reply, err := e.link.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+e.place.stream, body)
	if err != nil {
		return nil, err
	}
	var a struct {
		Error *jetstream.APIError `json:"error"`
		jetstream.StreamInfo
	}
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return nil, fmt.Errorf("answer of the stream's leader: %w", err)
	}
	if a.Error != nil {
		return nil, a.Error
	}
	return &a.StreamInfo, nil
}

// question is a request for messages, as JetStream's API has it (nats-server, JSApiMsgGetRequest).
type question struct {
	Seq     uint64 `json:"seq,omitempty"`
	LastFor string `json:"last_by_subj,omitempty"`
	NextFor string `json:"next_by_subj,omitempty"`
	Batch   int    `json:"batch,omitempty"`
}

// answer is what the stream's leader answers to one.
type answer struct {
	Error   *jetstream.APIError `json:"error"`
	Message struct {
		Subject string `json:"subject"`
		Seq     uint64 `json:"seq"`
		Header  []byte `json:"hdrs"`
		Data    []byte `json:"data"`
	} `json:"message"`
}

// askLeader asks whoever holds itself to be the stream's leader for one message. That may be one that was deposed and has
// not heard of it: a message that it has is genuine, that it has none means nothing.
func (e *Engine) askLeader(ctx context.Context, l *life, q question) (m stored, found bool, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return m, false, err
	}
	reply, err := e.link.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+e.place.stream, body)
	if err != nil {
		return m, false, err
	}
	var a answer
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return m, false, fmt.Errorf("answer of the stream's leader: %w", err)
	}
	if a.Error != nil {
		if a.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return m, false, nil
		}
		return m, false, a.Error
	}
	header, err := nats.DecodeHeadersMsg(a.Message.Header)
	if err != nil {
		return m, false, fmt.Errorf("headers of message %d of the stream: %w", a.Message.Seq, err)
	}
	m, err = l.parse(a.Message.Subject, header, a.Message.Data, a.Message.Seq)
	return m, err == nil, err
}

const (
	// batchLen is how many messages are asked for at once.
	batchLen = 500
	// batchTime bounds the wait for a replica, in whose place the leader can be asked.
	batchTime = 500 * time.Millisecond
)

// askAny asks any replica for up to q.Batch messages in the order of the stream, and whether there are more behind
// them. It may know less than the leader, or answer in part: the caller has to find out what is missing.
func (e *Engine) askAny(ctx context.Context, l *life, q question) (found []stored, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, batchTime)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return nil, false, err
	}
	inbox, replies := e.replies.expect()
	defer e.replies.forget(inbox)
	if err := e.link.PublishRequest("$JS.API.DIRECT.GET."+e.place.stream, inbox, body); err != nil {
		return nil, false, err
	}
	for {
		select {
		case <-ctx.Done():
			return found, true, nil // in part
		case reply := <-replies:
			switch reply.Header.Get("Status") {
			case "":
			case "204": // the end of the batch
				return found, reply.Header.Get("Nats-Num-Pending") != "0", nil
			case "404":
				return nil, false, nil
			case "503": // no replica listens, for a moment
				return nil, false, nats.ErrNoResponders
			default:
				return nil, false, errors.New("a replica refuses to read: " + reply.Header.Get("Description"))
			}
			seq, err := strconv.ParseUint(reply.Header.Get(jetstream.SequenceHeader), 10, 64)
			if err != nil {
				return nil, false, errors.New("a replica answers without a sequence")
			}
			m, err := l.parse(reply.Header.Get(jetstream.SubjectHeader), reply.Header, reply.Data, seq)
			if errors.Is(err, errForeign) { // it has a place, and nothing is there
				m, err = stored{Entry: relay.Entry{Position: relay.Position{Epoch: l.epoch, Seq: seq}}}, nil
			}
			if err != nil {
				return nil, false, err
			}
			found = append(found, m)
		}
	}
}

// replies hands answers of several messages to who asked. The whole engine has one subscription for them: one for each
// question would have to be told to every server of the cluster.
type replies struct {
	prefix string
	next   atomic.Uint64

	mu      sync.Mutex
	waiting map[string]chan *nats.Msg
}

func newReplies(c *nats.Conn) (*replies, error) {
	r := &replies{prefix: c.NewInbox() + ".", waiting: make(map[string]chan *nats.Msg)}
	_, err := c.Subscribe(r.prefix+"*", r.take)
	return r, err
}

// expect returns where an answer is to be sent and the channel it comes by, which holds a whole batch.
func (r *replies) expect() (inbox string, answer <-chan *nats.Msg) {
	c := make(chan *nats.Msg, batchLen+1)
	inbox = r.prefix + strconv.FormatUint(r.next.Add(1), 36)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[inbox] = c
	return inbox, c
}

func (r *replies) forget(inbox string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, inbox)
}

func (r *replies) take(m *nats.Msg) {
	if !strings.HasPrefix(m.Subject, r.prefix) {
		return
	}
	r.mu.Lock()
	c := r.waiting[m.Subject]
	r.mu.Unlock()
	select {
	case c <- m: // nil if nobody waits any more
	default:
	}
}
