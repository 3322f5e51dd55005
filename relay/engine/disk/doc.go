// Package disk is the engine that keeps its log in a folder: one process, nothing else to install, and what was
// acknowledged is there after kill -9 and after a power loss. This page is its contract; the tests here and in enginetest
// hold it.
//
// # Durability
//
// [Engine.Append] returns after the log file that holds the event has been synced (fdatasync on Linux). While one sync
// runs, the events that come meanwhile gather; the next sync makes all of these durable. An entry is shown to nobody,
// by Read, Scan, Head or Tail, before it is durable: a waiter is never told what a crash could take back.
//
// The power may fail at any step. What was acknowledged is there when the engine is opened again, the log has no hole,
// and nothing is in it that was not appended. An event whose Append had not returned may be there or not.
//
// After a sync has failed, nobody can know what the disk holds (the system may drop what it could not write and report
// success the next time). The engine then stops: every call returns [ErrStopped], nothing is acknowledged, and the files
// stay as they are. The process has to be started again, which reads what is really there. Other errors of writing the
// log or the store's list of files do the same.
//
// # A full disk
//
// When less than 64 MiB are free, or the sixteenth part of a smaller file system, appends return [ErrFull] at once; so
// they do when a write finds the disk full before that. Reading goes on, and so does expiry, for which that space is
// kept. The write that found no space waits for it, so nothing is lost that was acknowledged. The engine goes on by itself
// when there is space. One line is logged when the disk becomes full, one when it no longer is. A start on a full disk is
// an error. A quota counts as a full disk, but nothing can be kept back from it: where one is used up, somebody has to raise
// it or make space, for expiry cannot.
//
// # Damage
//
// At the start the engine reads the log files and up to 1 GiB of tables, the newest first, and compares checksums. It also
// compares what lies in the folder with what the store knows of. If something is damaged or missing, it copies every
// entry that is whole into a fresh store, which needs as much space again, moves the old one to damaged-TIME with the
// files that were not whole, and logs which files these are, what is wrong with them, and how many entries are missing.
// The log goes on at a higher position than any that was given before, so positions and cursors stay unambiguous. What
// was set aside is for whoever wants to look at it, and is never read again.
//
// The end of a log file that a power loss tore was never acknowledged, and is no damage. For the same reason two losses
// cannot be noticed after the process was killed: that the newest log file was cut at its end, and a flipped bit in the
// very last group. After a Close they are noticed.
//
// Damage that shows later is an error of the call that met it and a line in the log. No checksum, no entry: what is served
// was appended.
//
// # Retention
//
// Entries age by the log's own clock. It goes with the machine's monotonic clock while the process runs, so a step of the
// wall clock, by NTP or by hand, expires nothing and keeps nothing longer; it is noted within a hundredth of the
// retention, or 10 seconds. Over a restart the clock goes on by what the wall clock says has passed since it was noted last,
// and stands still if that is less than nothing. So there is one case in which entries go early: the wall clock is set
// forward while the engine is closed, or right before it is killed.
//
// The committer removes what has expired between two groups, at most 256 entries at a time, so that no append waits for
// more than that. The space of what has expired is given back as the store merges its tables; on a full disk it is merged
// at once.
//
// Times that the engine sets ([relay.Event] without one) are the wall clock's, and increase along the payment's log.
//
// # The folder
//
//	TILLBELL        whose folder it is: version, epoch, checksum
//	lock, pid       held as long as the engine is open; the process that holds it
//	bounds          how far the log may reach, and where it ended when it was closed
//	store/          the store: log files (*.log), tables (*.sst), MANIFEST-*, OPTIONS-*, markers
//	damaged-TIME/   what was set aside
//
// The folder belongs to one process. A second one is refused with [ErrInUse], and so are a folder that holds something
// else, one of another version, and one that cannot be written; nothing in these is changed. A path that does not exist is
// made, with the mode 0700. The folder must be on a local file system: locks and syncs of network file systems vary.
//
// To back it up, stop the process and copy the folder.
//
// # The store
//
// The store is github.com/cockroachdb/pebble/v2, with two keys for an event: its sequence, which leads to the event, and
// its payment and id, which lead to the sequence. Read costs what the payment has, an append one look-up of its id. Where
// that lies in the bottom of a log that is larger than the memory, it is one read of the disk, and such reads come one
// after the other: on a disk where one takes 0.1 ms, no more than 10,000 events a second are stored. It takes some 100 MB of
// memory at most, up to 256 descriptors, and up to five log files of 16 MiB beside the entries, which take some 100 to 200
// bytes each.
//
// It was chosen over go.etcd.io/bbolt behind one committing goroutine; BenchmarkAcknowledged compares them. With 64
// appends in flight it makes at least half as many again durable in a second: one sync for each group, where bbolt needs
// two and rewrites a page for each payment, which grows dearer with the log. It has checksums over all it stores, where
// bbolt has them over its two meta pages alone, gives space back to the system, and removes a range of the log with one
// key. What speaks for bbolt is its weight (pebble adds some 9 MB to a binary, bbolt 0.3 MB) and that it returns errors
// where pebble ends the process: the engine gives pebble a file system that keeps such errors from it.
package disk
