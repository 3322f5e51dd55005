package command

import (
	"context"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"
)

// natsServer runs a NATS server until the script ends, and sets $NATS to its host:port: "plain", or with JetStream. Who
// calls is sekrit:sekrit.
func natsServer(ts *testscript.TestScript, _ bool, args []string) {
	o := &server.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, Username: "sekrit", Password: "sekrit",
		JetStream: args[0] == "jetstream", StoreDir: ts.MkAbs("nats"),
	}
	s, err := server.NewServer(o)
	ts.Check(err)
	s.Start()
	ts.Defer(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		ts.Fatalf("the NATS server is not ready")
	}
	ts.Setenv("NATS", s.Addr().String())
}

// natsStream makes a stream on the server at $NATS, of the name and with the format that its metadata says.
func natsStream(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := nats.Connect("nats://sekrit:sekrit@" + ts.Getenv("NATS"))
	ts.Check(err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c := jetstream.StreamConfig{Name: args[0], Subjects: []string{args[0] + ".>"}}
	if len(args) > 1 {
		c.Metadata = map[string]string{"tillbell-format": args[1], "tillbell-epoch": "abcdefgh"}
	}
	_, err = js.CreateStream(ctx, c)
	ts.Check(err)
}
