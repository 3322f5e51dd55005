//go:build !unix

package modules

// maxWaiters returns the configured limit; there is no limit of descriptors to go by.
func maxWaiters(configured int) int { return configured }
