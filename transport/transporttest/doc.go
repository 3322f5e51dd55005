// Package transporttest is what a transport.Transport must hold, as a suite of tests, and a public listener with
// everything behind it to run them and others against.
package transporttest
