// Package main is the registry of the tests for measuring: it can hold up each request for a
// while, as a network does, and says at /-/counts what it was asked for.
package main

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

type counts struct {
	mutex     sync.Mutex
	requests  map[string]int
	blobBytes int64
}

var classes = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"upload", regexp.MustCompile(`^/v2/.+/blobs/uploads/`)},
	{"blob", regexp.MustCompile(`^/v2/.+/blobs/`)},
	{"manifest", regexp.MustCompile(`^/v2/.+/manifests/`)},
	{"ping", regexp.MustCompile(`^/v2/?$`)},
}

func classOf(path string) string {
	for _, class := range classes {
		if class.pattern.MatchString(path) {
			return class.name
		}
	}
	return "other"
}

// written counts what is sent of a blob.
type written struct {
	http.ResponseWriter
	counts *counts
}

func (w written) Write(part []byte) (int, error) {
	n, err := w.ResponseWriter.Write(part)
	w.counts.mutex.Lock()
	w.counts.blobBytes += int64(n)
	w.counts.mutex.Unlock()
	return n, err
}

func main() {
	delay, _ := time.ParseDuration(os.Getenv("BENCH_REQUEST_DELAY"))
	seen := &counts{requests: map[string]int{}}
	registry.RegisterHandler(func(_ *configuration.Configuration, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/-/counts" {
				seen.answer(w, r.Method == http.MethodDelete)
				return
			}
			class := classOf(r.URL.Path)
			seen.mutex.Lock()
			seen.requests[r.Method+" "+class]++
			seen.mutex.Unlock()
			time.Sleep(delay)
			if class == "blob" {
				w = written{w, seen}
			}
			next.ServeHTTP(w, r)
		})
	})
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}

func (c *counts) answer(w http.ResponseWriter, forget bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"requests": c.requests, "blobBytes": c.blobBytes})
	if forget {
		c.requests = map[string]int{}
		c.blobBytes = 0
	}
}
