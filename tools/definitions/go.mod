// Modules of whose files only some are read, so that none is imported; `go mod tidy` would remove them.
module ai-prism/tools/definitions

go 1.26.0

require (
	github.com/prometheus-operator/prometheus-operator v0.93.1
	istio.io/api v1.30.3
)
