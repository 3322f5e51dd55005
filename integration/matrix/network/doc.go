// Package network is the networks between a browser and Tillbell: proxies that other people wrote, run as they are found
// in the wild, and small ones that have one fault each. [Paths] lists them, [Path.Open] puts one in front of a server:
//
//	none                              localhost, or a load balancer that forwards TCP
//	nginx, default buffering          a shop whose nginx has one proxy_pass and nothing else: HTTP/1.0 to the server, no
//	                                  upgrades; event streams pass because X-Accel-Buffering asks for it
//	nginx, tuned                      the same with the lines that streams and WebSockets need
//	nginx, HTTP/2                     the same again behind TLS, as most shops are: one connection for all streams
//	haproxy                           a load balancer with its distribution's timeouts of 50 s
//	squid, forward                    an office or school whose browsers must use a proxy; a page over plain HTTP goes
//	                                  through it request by request, and its WebSockets' tunnels are refused
//	squid, reverse                    an accelerator from before WebSockets, which drops Upgrade
//	buffers until close               a virus scanner or secure web gateway, which reads all of a response before it lets
//	                                  any of it through (Sophos UTM: knowledge base 115656; Broadcom Cloud SWG: 406021)
//	accepts WebSocket, closes         the same with a filter that lets the handshake pass and drops what is not HTTP
//	accepts WebSocket, goes silent    the same, where the filter waits for a message's end as for a response's
//	holds the first 1 KiB             a proxy that waits for enough bytes to tell what a response is
//	cuts every 5 s                    a mobile network or a NAT that gives connections a short life
//	black hole                        a firewall that forgets streams and upgrades, and tells nobody
//	black hole after the first frame  the same a moment later, when the stream has proven itself
//	black hole but for quick answers  the same for everything that is not answered within a second, long polls too
//	HTTP/2                            a front written in Go, such as Caddy: one connection for all streams, and one of
//	                                  HTTP/1.1 for each WebSocket
//
// Every path begins with a line, a forwarder of TCP that can be cut. All of it listens on 127.0.0.1 alone, on ports that
// were free, and needs no rights. Programs die with the program that started them.
//
// The proxies with a fault stream and pass upgrades on, but for their fault. Where the fault is in WebSockets, event
// streams are buffered too: a client has no reason to try a WebSocket where a stream works.
package network
