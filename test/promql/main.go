// Command promql does what the tests need of Prometheus: `test rules FILE...` runs unit tests of
// alerting rules as `promtool test rules` does, and `query` evaluates expressions over given samples.
// promtool itself is built from three times as many packages: it knows every cloud there is.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 2 && args[0] == "test" && args[1] == "rules" {
		return testRuleFiles(args[2:])
	}
	if len(args) == 1 && args[0] == "query" {
		var request queryRequest
		if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(answer(request))
	}
	return fmt.Errorf("expected `test rules FILE...` or `query`, got %q", args)
}
