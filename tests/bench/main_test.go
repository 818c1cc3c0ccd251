package bench

import (
	"os"
	"testing"

	"marain/tests/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
