//go:build tools

// Package tools names the TiDB server that the end-to-end tests build and run, so that
// go.mod pins it. Nothing here is compiled into tidegate.
package tools

import _ "github.com/pingcap/tidb/cmd/tidb-server"
