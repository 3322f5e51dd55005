// Package front accepts the connections of plain HTTP/1.1 and answers there and then what comes in great numbers: callbacks
// and the beginning of waits. All else it leaves to net/http, with every byte that it has read.
package front
