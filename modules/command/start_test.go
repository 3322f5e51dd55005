package command

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkColdStart is from exec to the first answer of `serve` with the memory engine. It reports ms/start, the
// server's resident memory right after that answer, and the size of the binary as `make build` makes it. With taskset
// the server is kept on one core and this process asks from another.
func BenchmarkColdStart(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "tillbell")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "../..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	call := []string{binary, "serve"}
	if _, err := exec.LookPath("taskset"); err == nil {
		call = append([]string{"taskset", "-c", "0"}, call...)
	}
	var memory float64
	for b.Loop() {
		b.StopTimer() // until everything but the server is ready
		server, address := serveCommand(b, call)
		b.StartTimer()
		if err := server.Start(); err != nil {
			b.Fatal(err)
		}
		untilHealthy(b, server, address)
		b.StopTimer()
		memory = resident(server.Process.Pid)
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			b.Fatal(err)
		}
		if err := server.Wait(); err != nil {
			b.Fatalf("%v\n%s", err, server.Stderr)
		}
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/start")
	b.ReportMetric(memory, "MiB-RSS")
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB-binary")
}

// serveCommand returns a server that is configured by the environment, and where it will answer.
func serveCommand(b *testing.B, call []string) (*exec.Cmd, string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		b.Fatal(err)
	}
	server := exec.CommandContext(b.Context(), call[0], call[1:]...)
	server.Stderr = new(bytes.Buffer)
	server.Env = append(os.Environ(), "TILLBELL_LISTEN="+address, "TILLBELL_ADMIN=127.0.0.1:0",
		"TILLBELL_API_KEYS="+strings.Repeat("k", 32), "TILLBELL_TICKETS_SECRET="+strings.Repeat("s", 32))
	return server, address
}

// untilHealthy asks for /healthz again and again until it is answered with 200.
func untilHealthy(b *testing.B, server *exec.Cmd, address string) {
	deadline := time.Now().Add(20 * time.Second)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for {
		resp, err := client.Get("http://" + address + "/healthz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			_ = server.Process.Kill()
			b.Fatalf("no answer within 20 s: %v\n%s", err, server.Stderr)
		}
	}
}

// resident returns the resident memory of a process in MiB, or 0 where there is no /proc.
func resident(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseFloat(fields[1], 64)
			return kib / 1024
		}
	}
	return 0
}
