{{- /* The environment of each server, up to its extraEnvs. */ -}}
{{- define "environment-apiserver" }}
- {name: CLEARML__HOSTS__MONGO__BACKEND__HOST, value: "mongodb://{{ .Release.Name }}-mongodb:27017/backend"}
- {name: CLEARML__HOSTS__MONGO__AUTH__HOST, value: "mongodb://{{ .Release.Name }}-mongodb:27017/auth"}
- {name: CLEARML_REDIS_SERVICE_HOST, value: {{ .Release.Name }}-redis-master}
- {name: CLEARML_ELASTIC_SERVICE_HOST, value: clearml-elastic-master}
- {name: CLEARML_CONFIG_PATH, value: /opt/clearml/config}
- {name: CLEARML__APISERVER__AUTH__SESSION_AUTH_COOKIE_NAME, value: {{ .Values.clearml.cookieName | quote }}}
{{- with .Values.clearml.cookieDomain }}
- {name: CLEARML__APISERVER__AUTH__COOKIES__DOMAIN, value: {{ printf ".%s" . | quote }}}
{{- end }}
{{- include "keys" (list . "CLEARML__secure__credentials__apiserver__user_key" "apiserver_key"
      "CLEARML__secure__credentials__apiserver__user_secret" "apiserver_secret"
      "CLEARML__secure__auth__token_secret" "secure_auth_token_secret") }}
- {name: CLEARML__apiserver__default_company_name, value: {{ .Values.clearml.defaultCompany | quote }}}
{{- include "keys" (list . "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY" "test_user_key"
      "CLEARML__SECURE__CREDENTIALS__TESTS__USER_SECRET" "test_user_secret") }}
{{- end }}

{{- define "environment-apiserver-asyncdelete" }}
- {name: CLEARML__HOSTS__MONGO__BACKEND__HOST, value: "mongodb://{{ .Release.Name }}-mongodb:27017/backend"}
- {name: CLEARML__HOSTS__MONGO__AUTH__HOST, value: "mongodb://{{ .Release.Name }}-mongodb:27017/auth"}
- {name: CLEARML_REDIS_SERVICE_HOST, value: {{ .Release.Name }}-redis-master}
- {name: CLEARML_ELASTIC_SERVICE_HOST, value: clearml-elastic-master}
{{- include "keys" (list . "CLEARML__secure__auth__token_secret" "secure_auth_token_secret") }}
- {name: CLEARML__apiserver__default_company_name, value: {{ .Values.clearml.defaultCompany | quote }}}
- {name: CLEARML__apiserver__default_company, value: ""}
{{- end }}

{{- define "environment-fileserver" }}
- {name: CLEARML_REDIS_SERVICE_HOST, value: {{ .Release.Name }}-redis-master}
- {name: CLEARML__HOSTS__API_SERVER, value: "http://{{ .Release.Name }}-apiserver:{{ .Values.apiserver.service.port }}"}
- {name: CLEARML_CONFIG_PATH, value: /opt/clearml/config}
{{- if .Values.clearml.cookieDomain }}
- {name: CLEARML__FILESERVER__AUTH__COOKIE_NAMES, value: "[ {{ .Values.clearml.cookieName }} ]"}
{{- end }}
{{- include "keys" (list . "USER_KEY" "fileserver_key" "USER_SECRET" "fileserver_secret") }}
{{- end }}

{{- define "environment-webserver" }}
- {name: NGINX_APISERVER_ADDRESS, value: "http://{{ .Release.Name }}-apiserver:{{ .Values.apiserver.service.port }}"}
- {name: NGINX_FILESERVER_ADDRESS, value: "http://{{ .Release.Name }}-fileserver:{{ .Values.fileserver.service.port }}"}
{{- end }}

{{- /* Variables from keys of the Secret: (list . NAME KEY NAME KEY …). */ -}}
{{- define "keys" }}
{{- $secret := (first .).Values.clearml.existingSecret | default "clearml-conf" }}
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
- {name: configs, configMap: {name: {{ $.Release.Name }}-apiserver-configmap}}
{{- end }}
{{- end }}
{{- end }}
