package integration_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"os/exec"
	"strconv"
	"strings"
)

// curl waits with curl, which prints the response as it comes and does not come back by itself.
func curl(ctx context.Context, r request, tell func(line)) {
	args := []string{"--silent", "--show-error", "--no-buffer", "--include", "--noproxy", "*", "--max-time", "60",
		"--header", "Authorization: Bearer " + r.ticket}
	if r.cursor != "" {
		args = append(args, "--header", "Last-Event-ID: "+r.cursor)
	}
	process(ctx, tell, func(out io.Reader) { readResponse(bufio.NewReader(out), tell) }, "curl", append(args, r.target("sse", nil))...)
}

// process runs a program and has what it prints read, until it ends or ctx is done.
func process(ctx context.Context, tell func(line), read func(io.Reader), name string, args ...string) {
	cmd := exec.CommandContext(ctx, name, args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		tell(line{Kind: "error", Data: err.Error()})
		return
	}
	read(out)
	err = cmd.Wait()
	const partial = 18 // curl: the connection was lost amid the response
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && name == "curl" && exit.ExitCode() == partial {
		return
	}
	if err != nil && ctx.Err() == nil {
		tell(line{Kind: "error", Data: name + ": " + err.Error() + ": " + complaints.String()})
	}
}

// readResponse reads an HTTP response as curl prints it: the status, the headers, the body without its encoding.
func readResponse(out *bufio.Reader, tell func(line)) {
	text := textproto.NewReader(out)
	status, err := text.ReadLine()
	if err != nil {
		return
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		return
	}
	fields := strings.Fields(status)
	code, _ := strconv.Atoi(fields[min(1, len(fields)-1)])
	if code != http.StatusOK {
		tell(line{Kind: "refused", HTTP: code})
		_, _ = io.Copy(io.Discard, out)
		return
	}
	if kind := header.Get("Content-Type"); kind != "text/event-stream" {
		tell(line{Kind: "error", Data: "the Content-Type is " + kind})
		return
	}
	tell(line{Kind: "opened"})
	readStream(text, tell)
}

// readStream reads Server-Sent Events as far as Tillbell writes them: one data line each.
func readStream(text *textproto.Reader, tell func(line)) {
	var l line
	for {
		s, err := text.ReadLine()
		if err != nil {
			return
		}
		field, value, _ := strings.Cut(s, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case s == "" && l.Data != "":
			if l.Kind == "" {
				l.Kind = "event"
			}
			tell(l)
			l = line{Retry: l.Retry}
		case field == "event":
			l.Kind = value
		case field == "data":
			l.Data = value
		case field == "id":
			l.ID = value
		case field == "retry":
			l.Retry, _ = strconv.Atoi(value)
		}
	}
}

// npmEventSource waits with the npm package eventsource, npmWebSocket with ws. Their scripts print JSON lines.
func npmEventSource(ctx context.Context, r request, tell func(line)) {
	node(ctx, tell, "eventsource.mjs", r.target("sse", nil), r.ticket, r.cursor)
}

func npmWebSocket(ctx context.Context, r request, tell func(line)) {
	node(ctx, tell, "ws.mjs", r.target("ws", nil), r.ticket, r.cursor)
}

func node(ctx context.Context, tell func(line), script string, args ...string) {
	process(ctx, tell, func(out io.Reader) {
		for d := json.NewDecoder(out); ; {
			var l line
			if err := d.Decode(&l); err != nil {
				return
			}
			tell(l)
		}
	}, "node", append([]string{"testdata/npm/" + script}, args...)...)
}
