{{- define "cihu.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "cihu.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* labels of a part: dict "root" $ "part" "vault" */}}
{{- define "cihu.selector" -}}
app.kubernetes.io/name: cihu
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "cihu.labels" -}}
{{ include "cihu.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* the name of a part's Secret: dict "root" $ "part" "vault" "given" .Values.vault.existingSecret */}}
{{- define "cihu.secret" -}}
{{ .given | default (printf "%s-%s" (include "cihu.name" .root) .part) }}
{{- end }}

{{/* one environment variable out of a Secret: dict "name" "CIHU_X" "secret" "n" "key" "k" */}}
{{- define "cihu.fromSecret" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef: {name: {{ .secret }}, key: {{ .key }}}
{{- end }}

{{/* where the object store is */}}
{{- define "cihu.s3" -}}
{{- if .Values.minio.enabled -}}
- {name: CIHU_S3_ENDPOINT, value: "{{ include "cihu.name" . }}-minio:9000"}
- {name: CIHU_S3_SECURE, value: "false"}
{{- else -}}
- {name: CIHU_S3_ENDPOINT, value: {{ .Values.minio.external.endpoint | quote }}}
- {name: CIHU_S3_SECURE, value: {{ .Values.minio.external.secure | quote }}}
{{- end }}
- {name: CIHU_PRODUCT_BUCKET, value: {{ .Values.buckets.product | quote }}}
{{- end }}

{{/* what every service may know; no secret */}}
{{- define "cihu.shared" -}}
- {name: CIHU_HOME, value: /var/lib/cihu}
- {name: HOME, value: /tmp}
- {name: CIHU_VAULT_URL, value: "http://{{ include "cihu.name" . }}-vault:8602"}
- {name: CIHU_PORTAL_URL, value: {{ .Values.portal.url | quote }}}
- {name: CIHU_HUB_URL, value: {{ .Values.hub.url | quote }}}
- {name: CIHU_POLICIES, value: {{ ternary "/etc/cihu/policies" "/opt/cihu/policies" (ne .Values.policies.configMap "") }}}
- {name: PYTHONDONTWRITEBYTECODE, value: "1"}
{{- end }}

{{- define "cihu.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {{ toJson (.seccomp | default (dict "type" "RuntimeDefault")) }}
{{- end }}

{{- define "cihu.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "cihu.claim" -}}
metadata:
  name: state
spec:
  accessModes: [ReadWriteOnce]
  {{- with .className }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests: {storage: {{ .size }}}
{{- end }}

{{/* what cannot be guessed, and must be given */}}
{{- define "cihu.check" -}}
{{- if not .Values.postgres.enabled }}
{{- range $part := list "migration" "vault" "portal" }}
{{- if not (index $.Values $part "existingSecret") }}{{ fail (printf "postgres.enabled is false: give %s.existingSecret, with the address of your Postgres in its key database-url" $part) }}{{ end }}
{{- end }}
{{- if and .Values.networkPolicies.enabled (not .Values.postgres.external.peers) }}{{ fail "postgres.enabled is false: say where your Postgres is in postgres.external.peers, or no pod may reach it" }}{{ end }}
{{- end }}
{{- if not .Values.minio.enabled }}
{{- range $part := list "vault" "portal" }}
{{- if not (index $.Values $part "existingSecret") }}{{ fail (printf "minio.enabled is false: give %s.existingSecret, with s3-access-key and s3-secret-key" $part) }}{{ end }}
{{- end }}
{{- if not .Values.minio.external.endpoint }}{{ fail "minio.enabled is false: give minio.external.endpoint" }}{{ end }}
{{- if and .Values.networkPolicies.enabled (not .Values.minio.external.peers) }}{{ fail "minio.enabled is false: say where your object store is in minio.external.peers, or no pod may reach it" }}{{ end }}
{{- end }}
{{- if and (gt (int .Values.portal.replicas) 1) (not .Values.portal.sharedKeysSecret) }}{{ fail "portal.replicas is more than 1: give portal.sharedKeysSecret, or a second factor, a cursor or a link of one portal is unknown to the others (helm/README.md says how to make it)" }}{{ end }}
{{- if and (eq .Values.hub.seal.procMount "Unmasked") .Values.hub.seal.hostUsers }}{{ fail "hub.seal.procMount: Unmasked needs hub.seal.hostUsers: false (Kubernetes refuses it otherwise)" }}{{ end }}
{{- end }}
