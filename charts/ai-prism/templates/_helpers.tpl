{{/* The enabled workloads by name, each with the defaults filled in. */}}
{{- define "ai-prism.workloads" -}}
{{- $accounts := .Values.handover.serviceAccounts }}
{{- range $name, $own := .Values.workloads }}
{{- if $own.enabled }}
{{- $fullname := printf "%s-%s" $.Chart.Name $name }}
{{- $derived := dict
  "fullname" $fullname
  "image" (printf "%s:%s" (index $.Values.handover.images $name) $.Values.image.tag)
  "serviceAccount" (get $accounts $name | default $fullname)
  "hosts" (eq $name "api" | ternary (prepend $own.hosts $.Values.handover.host) $own.hosts)
}}
{{ dict $name (mergeOverwrite (deepCopy $.Values.defaults) (deepCopy $own) $derived) | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* The selector. It is the same for all versions, because selectors are immutable. Flagger appends -primary to it. */}}
{{- define "ai-prism.selector" -}}
app: {{ .fullname }}
{{- end }}

{{/* Labels of an object; takes a list of the root and the name of the part. None of them changes with a release,
since Flagger copies them to the primary's autoscaler. */}}
{{- define "ai-prism.labels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/part-of: {{ $root.Chart.Name }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}

{{/* Gateways of a route. It applies to requests from other workloads in the mesh and to requests from outside. */}}
{{- define "ai-prism.gateways" -}}
{{- $root := index . 0 -}}
{{- if (index . 1).hosts -}}
- {{ $root.Chart.Name }}-gateway
{{ end -}}
- mesh
{{- end }}

{{/* Label of the services to scrape: each pod is behind exactly one service with this label. */}}
{{- define "ai-prism.scraped" -}}
app.kubernetes.io/part-of: {{ .Chart.Name }}
{{- end }}

{{/* Environment variables of a workload; takes a list of the root and the workload. They come from the hand-over and from
its access; `settings` adds others, and overrides those of the same name. */}}
{{- define "ai-prism.settings" -}}
{{- $root := index . 0 -}}
{{- $access := (index . 1).access -}}
{{- $handover := $root.Values.handover -}}
{{- $settings := dict
  "ENVIRONMENT" $root.Values.environment
  "AWS_REGION" $handover.region
  "DOCUMENTS_BUCKET" $handover.documentsBucket
  "OTEL_EXPORTER_OTLP_ENDPOINT" $handover.collectorUrl
  "OTEL_EXPORTER_OTLP_PROTOCOL" "grpc"
-}}
{{- /* OTEL_*: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */ -}}
{{- /* Secrets are files, one per key: a file is updated by a rotation while the process runs, a variable is not. */ -}}
{{- if has "database" $access -}}
{{- $settings = merge $settings (dict
  "DATABASE_HOST" $handover.database.host
  "DATABASE_READER_HOST" $handover.database.readerHost
  "DATABASE_PORT" "5432"
  "DATABASE_NAME" $handover.database.name
  "DATABASE_USER" $handover.database.user
  "DATABASE_CREDENTIALS_PATH" "/var/run/secrets/ai-prism/database"
) -}}
{{- end -}}
{{- if has "cache" $access -}}
{{- $settings = merge $settings (dict
  "CACHE_HOST" $handover.cache.host
  "CACHE_READER_HOST" $handover.cache.readerHost
  "CACHE_REPLICATION_GROUP" $handover.cache.replicationGroup
  "CACHE_PORT" "6379"
  "CACHE_USER" $handover.cache.user
  "CACHE_TLS" "true"
) -}}
{{- end -}}
{{- if has "apiKeys" $access -}}
{{- $settings = merge $settings (dict "API_KEYS_PATH" "/var/run/secrets/ai-prism/api-keys") -}}
{{- end -}}
{{- mergeOverwrite $settings $root.Values.settings | toYaml -}}
{{- end }}

{{/* Interval of Flagger's checks, by strategy. */}}
{{- define "ai-prism.interval" -}}
{{- .Values.delivery.strategy | eq "blueGreen" | ternary .Values.delivery.blueGreen.interval .Values.delivery.interval -}}
{{- end }}

{{/* The same in seconds. */}}
{{- define "ai-prism.seconds" -}}
{{- mul (regexFind "^[0-9]+" .) (hasSuffix "m" . | ternary 60 1) -}}
{{- end }}

{{/* Duration of the load: almost the interval between two checks, so that each check measures it. It must not be longer:
the load tester skips a load while the same one runs, and the following check would find no requests.
https://github.com/fluxcd/flagger/blob/v1.44.0/pkg/loadtester/runner.go */}}
{{- define "ai-prism.load" -}}
{{- sub (include "ai-prism.interval" . | include "ai-prism.seconds" | int) 5 -}}s
{{- end }}

{{/* Checks that a schema cannot express. */}}
{{- define "ai-prism.check" -}}
{{- $delivery := .Values.delivery -}}
{{- range $name, $workload := include "ai-prism.workloads" . | fromYaml }}
{{- with $workload.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- fail (printf "workloads.%s.autoscaling.minReplicas is %v, and more than workloads.%s.autoscaling.maxReplicas, which is %v" $name .minReplicas $name .maxReplicas) }}
{{- end }}
{{- end }}
{{- with $workload.rollout }}
{{- if and (has (toString .maxSurge) (list "0" "0%")) (has (toString .maxUnavailable) (list "0" "0%")) }}
{{- fail (printf "rollout.maxSurge and rollout.maxUnavailable of workloads.%s are both 0: no pod could be replaced" $name) }}
{{- end }}
{{- end }}
{{- with $workload.probes.startup }}
{{- $wait := add (int .initialDelaySeconds) (mul (int .periodSeconds) (int .failureThreshold)) }}
{{- if le (int $delivery.progressDeadlineSeconds) (int $wait) }}
{{- fail (printf "delivery.progressDeadlineSeconds is %v, but the probes.startup of workloads.%s waits %d s: give it more" $delivery.progressDeadlineSeconds $name $wait) }}
{{- end }}
{{- end }}
{{- end }}
{{- if lt (include "ai-prism.interval" . | include "ai-prism.seconds" | int) 10 }}
{{- fail (printf "delivery.interval or delivery.blueGreen.interval is %s, but Flagger takes 10s and more" (include "ai-prism.interval" .)) }}
{{- end }}
{{- if gt (int $delivery.canary.stepWeight) (int $delivery.canary.maxWeight) }}
{{- fail (printf "delivery.canary.stepWeight is %v, and more than delivery.canary.maxWeight, which is %v" $delivery.canary.stepWeight $delivery.canary.maxWeight) }}
{{- end }}
{{- $before := 0 }}
{{- range $delivery.blueGreen.stepWeights }}
{{- if le (int .) $before }}
{{- fail (printf "delivery.blueGreen.stepWeights must rise, but %v follows %v" . $before) }}
{{- end }}
{{- $before = int . }}
{{- end }}
{{- end }}
