// Package main is the registry of the distribution project as tests and the demo run it: images in
// a folder, users in a file. The project's own program also stands on the libraries of three clouds
// and on their images' stores, a fifth of all that a first run would have to compile.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}
