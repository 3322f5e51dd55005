// Package relay is the event bus between those who learn what became of a payment and those who wait for it. This
// page is its contract; what the tests here and in engine/enginetest do not hold is not promised.
//
// # Nouns
//
// An [Event] is one notification about one payment. An [Engine] is the ordered, expiring log that events are appended
// to, and an [Entry] one event at its [Position]. A [State] is what a payment's log says, and its fold gives each entry
// a [Verdict]; both together are a [Record]. A [Relay] is the bus over one engine. A [Waiter] is told about one payment
// for as long as its [Subscription] lasts, and what it is told is [Told]. A [Registration] is what the merchant expects
// of a payment. A [Receipt] answers who publishes, an [Item] on a [Page] who reads everything.
//
// # The log is the truth
//
// [Relay.Publish] returns after the engine has stored the event as durably as it promises, and not before. An event is
// stored once for each payment and [Event.ID]. Nothing is decided outside of the log: registrations are entries too, so
// a State folded on any node, at any time, from the same entries is the same. Telling waiters is only a shorter way to
// what reading would give them.
//
// # What a waiter is told
//
// First the State. Then each applied event behind its cursor, in log order, over one subscription exactly once. Another
// State after each contradiction. Once, last, an end: [ErrDone] as soon as an outcome was delivered, or was had by the
// cursor already. Calls never overlap. Before [Relay.Subscribe] returns, the waiter was told all that was stored before
// the call: a subscription is registered first and reads the log second, so no event falls between the two, and
// positions tell what came both ways.
//
// Over reconnects it is at least once. The cursor saves repeats and nothing else: without any, or with one that the log
// does not know, a waiter is told everything from the start. Told.Position and State.Position are cursors.
//
// A waiter's methods return at once; it is for the waiter to notice that its client does not keep up and to close the
// subscription with [ErrSlow]. A slow one holds up others no longer than its call runs, and the waiters of a payment that
// very many wait for do not hold up those of other payments. What a slow one missed stays in the log. A subscription that ended holds neither memory nor a timer.
//
// If the engine cannot follow its log without a gap, every subscription is ended with the engine's error. Clients come
// back and read; who arrives before the log is followed again is ended once more, for the same reason.
//
// # How events fold
//
// The first final event decides the outcome. After that only paid becomes refunded. Among events that are not final
// the latest Event.Time decides. What contradicts is stored, not applied and never told; it sets State.Conflict, which
// stays. Events that do not contradict each other give the same State in any order. An entry is applied if it was told;
// what is older than the State, or repeats its outcome, is stored and neither applied nor a contradiction.
//
// Where the rules leave room, this is what holds:
//
//   - At the same time the lower of pending, failed, closed counts as the older one and is not told. An equal one is a
//     repeat and is told, for it may be the only one that a client hears of.
//   - Of events that say the same at the same rank, the amount of one with an amount, of the latest time, of the
//     greater id counts: the order of arrival must not.
//   - Two final statuses that differ, failed and closed, contradict each other as either does paid: an outcome is told
//     once.
//   - A second paid of another known amount or currency contradicts the first, registered or not: somebody was told the
//     first. One without an amount repeats it.
//   - A refund_failed after a refunded contradicts it, before it it does not: no order of arrival proves a refund undone,
//     and a refund may well succeed at the second attempt.
//   - A refund_failed implies that the payment was made, not how much it was: where an amount is registered it is not
//     told, and the paid event is waited for. A registered amount that comes after it contradicts it.
//   - A refund whose only payment is one that the registration refused is of that payment: it contradicts, and the wait for
//     the registered payment goes on.
//   - A refund that overtook its paid decides, and the paid that follows is not told: the outcome is the refund. A
//     further refund is applied if it changes the total.
//   - State.Refunded counts refunds in the payment's currency only, a sum of two currencies is none. A refund
//     without a currency counts as one in it.
//   - State.UpdatedAt is the deciding event's time, and of an outcome the latest time among the final events that agree
//     with it: a fact about what is known, not about when a callback arrived, so that it does not depend on the order.
//     A contradiction does not touch it.
//   - State.Amount is what was paid, else what was registered, else what the deciding event says, unless that is about a
//     refund.
//
// # Registration
//
// A registration binds source, amount and currency, as far as it names them. Only paid is compared with the amount;
// every event is compared with the source.
//
//   - Registrations merge: what a later one names and none before did is bound; what it omits is not compared. So a
//     checkout that knows the amount and a back office that knows the source may both register. One that differs is
//     refused with [ErrRegistered] and binds nothing, even if two were appended at the same moment: the log's order
//     decides.
//   - The merchant's own events are of the source [Merchant], a source like any other: a payment registered for a
//     provider's account is not completed by a publish. Who wants both names no source.
//   - [ErrPaidOtherwise] is about the outcome alone. If only something before the outcome came from another source,
//     Conflict shows it, and the registration stands.
//   - Events that wait for a registration are released by the first one, in log order, at its place in the log. Such an
//     event's position has a third part, Position.Sub, so that a cursor can lie between two of them. State.Position
//     has that of the last.
//   - Retention is per event and knows no payments: an entry goes when its time is over. A registration older than the
//     retention binds no more, and an outcome is folded from what is left.
//
// # Engines
//
// What an engine returned once, it returns from then on until it expires: a Read includes what Append, Tail, Head or an
// earlier Read of the same engine made known. The subscriptions of one payment rest on that, since they share one fold.
//
// # Guarantees
//
// What the whole program promises (DESIGN section 9), and the tests that hold it. Each engine's own promise is its
// package's first page; the suite that all engines pass is engine/enginetest.
//
// Guarantee 1. An acknowledged callback is never lost while the engine holds its promise: memory until the process ends;
// disk over kill -9 and power loss; nats over the loss of any minority of processes, and over power loss where NATS syncs
// on write, which the embedded cluster sets. Beside these tests integration/chaos kills, parts and starves whole processes
// under load.
//
//	transport/callback: TestAcknowledgedOnlyAfterTheAppend, TestFailedStoreIsNotAcknowledged, TestRetryStoresWhatIsMissing
//	relay/engine/memory: TestEngine
//	relay/engine/disk: TestEngine, TestPowerLoss, TestDamage, TestDiskFull, TestSyncFails, TestInUse
//	relay/engine/nats: TestEngine, TestEngineCluster, TestFaults, TestLostAcknowledgement, TestBelieve
//	relay/engine/nats/embedded: TestEngine, TestKill
//	integration/chaos: TestDisk
//
// Guarantee 2. Every waiter with a valid ticket that is connected, or comes back within the retention, is told the
// outcome: at least once over reconnects, exactly once over one connection, in order.
//
//	relay: TestInterleavings, TestStress, TestTailBreaks, TestTailBreaksDuringSubscribe
//	transport/sse: TestTransport, TestReconnect
//	transport/ws: TestTransport
//	transport/poll: TestTransport
//	relay/engine/nats: TestWaitsForKnown
//	integration: TestTutorial, TestClients
//	integration/chaos: TestDisk
//
// Guarantee 3. All waiters of one payment, on all nodes and transports, are told the same outcome, or its refund.
//
//	relay: TestOrderDoesNotMatter, TestLowerPositionDecides, TestOutcomeStays, TestFoldPositions
//	relay/engine/nats: TestEngineCluster, TestReadFindsAllOrNothing
//	integration/chaos/history: TestHonest, TestViolations, TestLinearizable
//
// Guarantee 4. A callback that does not verify changes nothing and tells the sender nothing but "no".
//
//	transport/callback: TestNothingIsStoredOfARefusedCallback, TestProbeIsRefusedLikeAnyForgery
//	transport/callback/wechatpay: TestVectors, TestBitFlips
//	transport/callback/alipay: TestVectors, TestBitFlips
//	transport/callback/stripe: TestVectors, TestBitFlips
//	transport/callback/standard: TestVectors, TestBitFlips
//
// Guarantee 5. Nobody awaits a payment without a ticket for exactly that payment; nobody completes a registered payment
// but its source with its amount.
//
//	transport/ticket: TestClaims, TestTampered, TestAlgorithmNeedsKey
//	transport: TestSnapshotAccess
//	transport/callback: TestConflictsAreAcknowledgedAndSaid
//	relay: TestPaidIsCompared, TestRegisteredAmountMustBeProven
//
// # Concurrency
//
// All methods of a Relay and a Subscription may be called at the same time. Locks are taken in this order:
//
//	an engine's own, a shard's, a subscription's
//	no engine and no waiter is called under a shard's or a subscription's lock
//
// A Relay has one goroutine, which follows the log and which [Relay.Stop] waits for, and another one while a payment with
// very many waiters has something to tell. Waiters are called by these, by the timing wheel's, by who subscribes and by who
// closes; whoever finds a waiter busy leaves a note and goes on.
package relay
