//go:build !linux

package park_test

import "testing"

// plain is the link to a plain TCP connection.
const plain = "*park.blocking"

// systemKinds are none.
var systemKinds []kind

// wasReset cannot tell.
func wasReset(*testing.T, *client) bool { return false }
