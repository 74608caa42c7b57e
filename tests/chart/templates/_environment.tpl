{{- /* The environment of each server, up to its extraEnvs. */ -}}
{{- define "environment-apiserver" }}
{{- include "databases" . }}
{{- include "redis" . }}
- {name: CLEARML_CONFIG_PATH, value: /opt/clearml/config}
- name: CLEARML__APISERVER__AUTH__SESSION_AUTH_COOKIE_NAME
  value: {{ .Values.clearml.cookieName }}
{{- with .Values.clearml.cookieDomain }}
- {name: CLEARML__APISERVER__AUTH__COOKIES__DOMAIN, value: {{ printf ".%v" . | quote }}}
{{- end }}
{{- include "keys" (list . "CLEARML__secure__credentials__apiserver__user_key" "apiserver_key"
      "CLEARML__secure__credentials__apiserver__user_secret" "apiserver_secret"
      "CLEARML__secure__auth__token_secret" "secure_auth_token_secret") }}
- {name: CLEARML__apiserver__default_company_name, value: {{ .Values.clearml.defaultCompany | quote }}}
{{- include "keys" (list . "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY" "test_user_key"
      "CLEARML__SECURE__CREDENTIALS__TESTS__USER_SECRET" "test_user_secret") }}
{{- end }}

{{- define "environment-apiserver-asyncdelete" }}
{{- include "databases" . }}
{{- include "redis" . }}
{{- include "keys" (list . "CLEARML__secure__auth__token_secret" "secure_auth_token_secret") }}
{{- if semverCompare ">=7.11.0, <7.12.0" .Chart.Version }}
{{- include "keys" (list . "CLEARML__secure__auth__token_secret" "secure_auth_token_secret") }}
{{- end }}
- {name: CLEARML__apiserver__default_company_name, value: {{ .Values.clearml.defaultCompany | quote }}}
- {name: CLEARML__apiserver__default_company, value: {{ .Values.clearml.defaultCompanyGuid | quote }}}
{{- if semverCompare ">=7.14.6" .Chart.Version }}
{{- with (.Values.apiserver.asyncdelete | default dict).extraEnvs }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "environment-fileserver" }}
{{- include "redis" . }}
- {name: CLEARML__HOSTS__API_SERVER, value: "http://{{ include "name" . }}-apiserver:{{ .Values.apiserver.service.port }}"}
- {name: CLEARML_CONFIG_PATH, value: /opt/clearml/config}
{{- if .Values.clearml.cookieDomain }}
- {name: CLEARML__FILESERVER__AUTH__COOKIE_NAMES, value: "[ {{ .Values.clearml.cookieName }} ]"}
{{- end }}
{{- include "keys" (list . "USER_KEY" "fileserver_key" "USER_SECRET" "fileserver_secret") }}
{{- end }}

{{- define "environment-webserver" }}
- {name: NGINX_APISERVER_ADDRESS, value: "http://{{ include "name" . }}-apiserver:{{ .Values.apiserver.service.port }}"}
- {name: NGINX_FILESERVER_ADDRESS, value: "http://{{ include "name" . }}-fileserver:{{ .Values.fileserver.service.port }}"}
{{- end }}

{{- define "databases" }}
{{- with .Values.externalServices }}
{{- if $.Values.mongodb.enabled }}
- {name: CLEARML_MONGODB_SERVICE_CONNECTION_STRING, value: "mongodb://{{ $.Release.Name }}-mongodb:27017"}
{{- else }}
- {name: CLEARML__HOSTS__MONGO__BACKEND__HOST, value: {{ .mongodbConnectionStringBackend | quote }}}
- {name: CLEARML__HOSTS__MONGO__AUTH__HOST, value: {{ .mongodbConnectionStringAuth | quote }}}
{{- end }}
{{- $elastic := list (dict "host" "clearml-elastic-master" "port" 9200) | toJson }}
- {name: CLEARML__HOSTS__ELASTIC__EVENTS__HOSTS, value: {{ $.Values.elasticsearch.enabled | ternary $elastic .elasticsearchConnectionString | quote }}}
{{- end }}
{{- end }}

{{- define "redis" }}
- name: CLEARML_REDIS_SERVICE_HOST
  value: {{ .Values.redis.enabled | ternary (printf "%s-redis-master" .Release.Name) .Values.externalServices.redisHost }}
{{- end }}

{{- /* Variables from keys of the Secret: (list . NAME KEY NAME KEY …). Charts before 7.2.1 know no other Secret. */ -}}
{{- define "keys" }}
{{- $own := semverCompare ">=7.2.1" (first .).Chart.Version | ternary (first .).Values.clearml.existingSecret "" }}
{{- $secret := $own | default "clearml-conf" }}
{{- range chunk 2 (rest .) }}
- name: {{ first . }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ last . }}}}
{{- end }}
{{- end }}

{{- /* The folder of configuration, which the file server and the web server do not have. */ -}}
{{- define "configs" }}
{{- with .Values.apiserver }}
{{- if .existingAdditionalConfigsConfigMap }}
- {name: configs, configMap: {name: {{ .existingAdditionalConfigsConfigMap }}}}
{{- else if .existingAdditionalConfigsSecret }}
- {name: configs, secret: {secretName: {{ .existingAdditionalConfigsSecret }}}}
{{- else if .additionalConfigs }}
- {name: configs, configMap: {name: {{ include "name" $ }}-apiserver-configmap}}
{{- end }}
{{- end }}
{{- end }}

{{- /* The image of a server: (list . NAME). */ -}}
{{- define "image" }}
{{- $image := (get (first .).Values (last .)).image }}
{{- $registry := $image.registry | default (first .).Values.global.imageRegistry }}
{{- with $registry }}{{ . }}/{{ end }}{{ $image.repository }}:{{ $image.tag }}
{{- end }}

{{- /* What the names of the servers begin with. */ -}}
{{- define "name" }}
{{- $chart := .Values.nameOverride | default "clearml" }}
{{- $long := contains $chart .Release.Name | ternary .Release.Name (list .Release.Name $chart | join "-") }}
{{- .Values.fullnameOverride | default $long | trunc 63 | trimSuffix "-" }}
{{- end }}
