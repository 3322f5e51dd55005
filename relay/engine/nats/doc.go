// Package nats is the engine that keeps its log in a stream of NATS JetStream, shared by all nodes: any node takes any
// callback, and any node holds any waiter.
//
// # The stream
//
// One stream is one log. It is named in the URL ([Options]), TILLBELL by default, kept in files by as many servers as
// the URL says, and made by the first node that starts. Its metadata has the version of its format and a random epoch,
// its subjects are
//
//	<stream>.<epoch>.<payment>
//
// with what is not a letter, a digit, - or _ in the payment's id written as %XX. Sequences of the stream are those of
// the positions. A message's header Nats-Expected-Last-Subject-Sequence, which the servers check when they store it, is
// the sequence of the payment's message before it, or 0: from its newest message a payment's log can be read backwards,
// and nothing can be missing. Messages leave the stream by age alone; deleting and purging are denied.
//
// A stream that exists with other settings, retention among them, is refused with each difference: a node that was
// started with a wrong configuration must not change what the others keep. A stream that is deleted under a running
// engine ends its tails; nothing is stored until a node starts and makes another, which has another epoch.
//
// # Append
//
// An append returns when a majority of the replicas has the message. It is published behind the newest message of its
// payment that this node knows of, which is none for most callbacks, and the stream's leader refuses it if there is a
// newer one. Then the payment's log is read, the event's id is looked for, and it is published behind that, as often as
// it takes. So an id is stored once over the whole retention, whatever two nodes do at the same time. Messages have no
// Nats-Msg-Id: it would spare nothing, since a repeated event is refused before it is stored, and the servers keep each
// id in memory for the length of their window.
//
// A message has the number of its Append, so that one whose acknowledgement was lost is known again. The time of an
// append is the node's clock, or a nanosecond after the newest such time of its payment.
//
// # Reads
//
// A Read asks the stream's leader how many entries the payment has, and then for the newest, from which it goes back. That
// is one request for a payment without entries, and one more for each entry; beyond eight, the rest is asked for at once.
// Only the number has to come from the leader: messages never change, so whoever has one tells the truth about it, and
// that somebody has none means nothing. A Read that does not find as many as the leader counted asks again. So does a
// Scan, whose end and whose gaps are the leader's.
//
// A leader that was cut off from the others believes for 10 to 20 s that it leads (nats-server, raft.go,
// lostQuorumInterval), while another is elected after 4 s at the earliest. So its word counts only if it says in the same
// answer that it has heard a majority less than 2.7 s ago, if no server that was elected later is believed, and if it has
// all that this engine has made known: a tail may be fed by a replica that has applied more. Otherwise calls ask again,
// and fail with their context. This rests on clocks that run at about the same speed, not on what they show. It does not
// cover the moment in which a server that was cut off comes back and is elected although the leader is well: until that
// one hears of the election, for milliseconds, it may answer without what was just appended at another node. This node's
// tail has not delivered that, and will.
//
// # Tail
//
// A Tail has one ordered consumer (in memory, without acknowledgements, with flow control), however many payments are
// waited for. A consumer that is silent for 1.5 s, lags 3 s behind the leader, or skips a delivery is replaced by
// another one behind what was delivered. The sequences that are delivered are dense: a Tail whose next entry has
// expired, or whose stream was made anew, fails.
//
// # Outages
//
// The connection is renewed for ever, at any of the servers. What cannot be sent at once is not kept for later: calls
// try again until their context is done, or 10 s, and fail. [Engine.Head] fails at once without a connection. When a
// stream's leader dies the others elect one after 4 to 9 s, and so long nothing is stored. A leader that stops in order
// hands over within milliseconds.
//
// Servers hand what they write to the system at once and sync it to disk every two minutes (sync_interval of
// nats-server). So what was acknowledged survives the end of any processes, but not any loss of power: of a majority at the
// same moment, up to two minutes of entries may be gone, and even a single server that comes back without what it had
// acknowledged may, with another that was paused or cut off, form a majority that never had it
// (jepsen.io/analyses/nats-2.12.1). With sync_interval: always every server syncs before it acknowledges. A log that has
// become shorter than what this engine knew of it is logged as such, and tails of it fail.
//
// Entries age by each server's wall clock. A server whose clock is set forward by more than the retention drops its copies.
//
// # Rights
//
// A user of NATS needs to publish to <stream>.>, $JS.API.> and $JS.FC.>, and to subscribe to _INBOX.>.
//
// # Cost
//
// Measured by the benchmarks here, on two cores of a virtual Xeon that servers and nodes shared, with events of 150
// bytes:
//
//	an append, one at a time       0.03 ms with one server, 0.11 ms with three; 0.2 and 0.35 ms with sync_interval: always
//	appends, 64 in flight          40,000 to 60,000/s with one server, 20,000 to 33,000/s with three; 7,000 to 10,000/s and
//	                               15,000 to 22,000/s with sync_interval: always (only replicas sync many entries at once)
//	processor time of an append    21 µs in the node that takes it, 55 µs in three servers together
//	... of an entry told           3.1 µs in each node, waited for there or not
//	memory of a payment            180 bytes in each server that keeps the stream, and up to 45 more for some minutes
//	disk of an entry               315 bytes in each of them
//
// With the cluster's total traffic grows what each node pays to be told: nodes × 3.1 µs for every callback, so that at
// 1, 3 and 5 nodes a callback takes 24, 30 and 37 µs in all nodes together. An entry nobody waits for ends there. With a
// node's own traffic and waiters grows the rest: 21 µs for a callback that it takes, one request for a waiter that comes.
// The servers' time did not depend on the number of nodes. Twice the memory of the heap may be taken, by GOGC.
//
// # How it goes on
//
// For 100 million waiters and 100,000 callbacks/s, at a million waiters a node, there are 100 nodes. With one stream, each
// is told everything: 0.31 of a core and 35 MB/s a node, which it can bear; the servers would send 10 million messages
// and 3.5 GB each second, and one leader would order 100,000 appends/s, which they cannot. So the log is parted by
// payment:
//
//   - P streams, TILLBELL-0 to TILLBELL-31 say, each with a leader of its own; hash(payment) mod P says which (a subject
//     transform with {{partition(32,…)}} does the same in the servers). Each takes 3,100 appends/s, all together 5.5
//     cores of servers. A payment lies in one stream, so a waiter's positions and their order stay what they are; only
//     the merchant's feed has to follow P of them.
//   - The front sends waits by the same hash: the payment is in their path. A partition has three nodes, and a node
//     follows only the streams it has waiters of. It is told 3,100 entries/s, 1 % of a core and 1.1 MB/s, and the servers
//     send 300,000 messages and 105 MB each second. Callbacks may still come to any node. Without such routing, a million
//     waiters are spread over all partitions and nothing is won.
//   - Memory is the bound: 100,000 payments/s for 72 hours are 26 thousand million, at 180 bytes 4.7 TB in each of three
//     replicas, and 8.2 TB of disk. If a day's mean is a tenth of the peak, 1.4 TB in all, and twice that with GOGC: 32
//     servers with 128 GB, which also have the cores. A retention of a day takes a third of that.
package nats
