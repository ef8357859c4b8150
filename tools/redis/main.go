// Serves the Redis protocol from memory, at the address given: what Argo CD's parts share.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
)

const moment = 100 * time.Millisecond

func main() {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Time passes, and keys expire, only when it is told so.
	for range time.Tick(moment) {
		server.FastForward(moment)
	}
}
