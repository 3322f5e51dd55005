//go:build !linux

// Package epoll is empty on systems without epoll.
package epoll
