{{/* What selects the operator's Pods; it never changes. */}}
{{- define "kuik.selectorLabels" -}}
app.kubernetes.io/name: kuik
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "kuik.labels" -}}
app.kubernetes.io/name: kuik
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "kuik.image" -}}
{{ .Values.manager.image.repository }}:{{ .Values.manager.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The one name that the operator's certificate is made for. */}}
{{- define "kuik.serviceName" -}}
kuik
{{- end }}

{{- define "kuik.priorityClassName" -}}
{{- if .Values.manager.priorityClassName }}
{{- .Values.manager.priorityClassName }}
{{- else if .Values.manager.priorityClass.create }}
{{- printf "%s-%s" .Release.Namespace .Release.Name }}
{{- end }}
{{- end }}

{{- define "kuik.certificateSecret" -}}
{{ .Release.Name }}-serving-certificate
{{- end }}

{{/* A Pod of ours that runs one command, as securely as the operator. */}}
{{- define "kuik.commandPod" -}}
restartPolicy: {{ .restartPolicy }}
serviceAccountName: {{ .serviceAccount }}
enableServiceLinks: false
{{- with .root.Values.manager.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.manager.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.manager.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.manager.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: kuik
    image: {{ include "kuik.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.manager.image.pullPolicy }}
    args:
      {{- toYaml .args | nindent 6 }}
    {{- with .root.Values.manager.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    resources:
      requests: { cpu: 50m, memory: 128Mi }
{{- end }}
