package main

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// A store keeps each callback in a transaction of its own, which bbolt syncs to the disk, one after the other under
// bbolt's lock. It is how the transport of Mercure that survives a restart works:
// https://github.com/dunglas/mercure/blob/main/bolt.go
type store struct{ db *bbolt.DB }

var updates = []byte("updates")

func openStore(file string) (store, error) {
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		return store{}, fmt.Errorf("open %s: %w", file, err)
	}
	return store{db}, nil
}

// keep stores a callback under the next sequence number.
func (s store) keep(body []byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists(updates)
		if err != nil {
			return err
		}
		bucket.FillPercent = 1 // it only grows at its end
		seq, err := bucket.NextSequence()
		if err != nil {
			return err
		}
		return bucket.Put(binary.BigEndian.AppendUint64(nil, seq), body)
	})
}
