package integration_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output is what a program says. It may be written and read at the same time.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// stopTime is how long a program that is told to stop may take.
const stopTime = 20 * time.Second

// runUntilEnd runs a program, with all the processes that it starts, until the test is over.
func runUntilEnd(t *testing.T, cmd *exec.Cmd, log *output) {
	t.Helper()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = stopTime
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", filepath.Base(cmd.Path), err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = cmd.Wait() // a program that is told to stop may say so as it likes
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-gone:
		case <-time.After(stopTime):
			t.Errorf("%s does not stop", filepath.Base(cmd.Path))
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-gone
		}
		if t.Failed() {
			t.Logf("%s says\n%s", filepath.Base(cmd.Path), log.String())
		}
	})
}

// springJars are where Debian's libspring-web-servlet-java, libjetty9-java and libjackson2-databind-java put what the
// Spring example is compiled and run with.
var springJars = []string{
	"spring3-aop", "spring3-beans", "spring3-context", "spring3-core", "spring3-expression", "spring3-web", "spring3-web.servlet",
	"commons-logging", "servlet-api", "jackson-annotations", "jackson-core", "jackson-databind",
	"jetty9-http", "jetty9-io", "jetty9-security", "jetty9-server", "jetty9-servlet", "jetty9-util", "jetty9-util-ajax",
}

// backendSpring compiles the example's controller with a main method that starts it in Jetty.
func backendSpring(t *testing.T) *exec.Cmd {
	t.Helper()
	java, javac := need(t, "java"), need(t, "javac")
	classes, sources := []string{t.TempDir()}, []string{"testdata/spring/Main.java"}
	for _, name := range springJars {
		jar := "/usr/share/java/" + name + ".jar"
		if _, err := os.Stat(jar); err != nil {
			missing(t, jar+" is not installed: it is in libspring-web-servlet-java, libjetty9-java or libjackson2-databind-java")
		}
		classes = append(classes, jar)
	}
	more, err := filepath.Glob(examples + "/backend-spring/src/main/java/shop/*.java")
	if err != nil || len(more) == 0 {
		t.Fatalf("the example has no source: %v", err)
	}
	args := append([]string{"--release", "11", "-Xlint:all,-processing,-classfile,-path", "-Werror", "-d", classes[0],
		"-cp", strings.Join(classes[1:], ":")}, append(sources, more...)...)
	if out, err := exec.CommandContext(t.Context(), javac, args...).CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	cmd := exec.Command(java, "-cp", strings.Join(classes, ":"), "Main")
	cmd.Dir = examples + "/backend-spring"
	return cmd
}
