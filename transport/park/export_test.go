package park

import "fmt"

// Link returns the name of the type of the connection's link, "" before it has one.
func (c *Conn) Link() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil {
		return ""
	}
	return fmt.Sprintf("%T", c.link)
}

// Blocked reports whether the client has to take out first.
func (c *Conn) Blocked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blocked
}

// Pending returns how much was added since the client did not take any.
func (c *Conn) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out == nil {
		return 0
	}
	return c.out.added
}

// Open returns how many connections and goroutines Stop would wait for.
func (p *Park) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}
