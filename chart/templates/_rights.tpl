{{/* Name of the roles and policies, and of the account that they are about. */}}
{{- define "kuik.rights.name" -}}
{{ .Release.Name }}
{{- end }}

{{- define "kuik.rights.labels" -}}
app.kubernetes.io/name: kuik
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The operator as roles name it. */}}
{{- define "kuik.rights.subjects" -}}
- kind: ServiceAccount
  name: {{ include "kuik.rights.name" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* The operator as the API server names it in a request. */}}
{{- define "kuik.rights.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "kuik.rights.name" . }}
{{- end }}

{{/*
What is done with Secrets, where it may be done: pull secrets are read where the Pods are; a credential
that a resource declares is copied there, kept as its source is, and removed again. Listed are only the
copies, watched are only the Secrets that resources name, each by its name. Nothing is ever updated.
A Pod is lent a pull secret only where its service account forbids none (`get`).
*/}}
{{- define "kuik.rights.secrets" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get]
{{- end }}
