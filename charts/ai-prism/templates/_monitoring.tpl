{{/*
The API's workload in metrics. Flagger runs the serving version as <name>-primary, and the version under analysis as
<name>: https://docs.flagger.app/usage/how-it-works
*/}}
{{- define "ai-prism.monitoring.workload" -}}
{{ .Chart.Name }}-api
{{- end }}

{{- define "ai-prism.monitoring.workloads" -}}
{{ include "ai-prism.monitoring.workload" . }}(-primary)?
{{- end }}

{{/*
Requests as the pods' sidecars count them; Flagger uses the same metric:
https://github.com/fluxcd/flagger/blob/v1.44.0/pkg/metrics/observers/istio.go
*/}}
{{- define "ai-prism.monitoring.requests" -}}
reporter="destination", destination_workload_namespace="{{ .Release.Namespace }}", destination_workload=~"{{ include "ai-prism.monitoring.workloads" . }}"
{{- end }}
