package document

import (
	"reflect"
	"strings"
	"testing"
)

func TestSecretKey(t *testing.T) {
	secret := []string{
		"password", "Password", "PASSWORD", "db_password", "dbPassword", "db-password", "database.password", "passwords", "passwd", "pwd", "pass",
		"passphrase", "password2", "secret", "secrets", "client_secret", "clientSecret", "secret_value", "token", "tokens", "access_token",
		"accessToken", "token_v2", "key", "keys", "api_key", "apiKey", "APIKey", "API_KEY", "apikey", "private-key", "privateKey", "sshPrivateKey",
		"encryption_key", "key_id", "credential", "credentials", "AWSCredentials", "authtoken", "dbpassword", "mySQLPassword",
	}
	open := []string{
		"", "keyboard", "monkey", "keywords", "keystone", "tokenizer", "tokenize", "compass", "passenger", "passive", "secretary", "name", "level",
		"token_ttl", "tokenTTL", "key_length", "max_tokens", "min_password_length", "password_required", "key_file", "private_key_path",
		"secret_name", "credentialing", "bypass", "hockey", "turkey", "...", "user",
	}
	for _, key := range secret {
		if !SecretKey(key) {
			t.Errorf("%s is shown", key)
		}
	}
	for _, key := range open {
		if SecretKey(key) {
			t.Errorf("%s is hidden", key)
		}
	}
}

func TestSecretText(t *testing.T) {
	for text, want := range map[string]bool{
		"postgres://ann:hunter2@db/app":                     true,
		"redis://:hunter2@db":                               true,
		"https://example.com/a:b@c":                         false,
		"postgres://ann@db/app":                             false,
		"host=db password=hunter2":                          true,
		"https://example.com/?token=hunter2":                true,
		"https://example.com/?apikey=hunter2":               true,
		"password=":                                         false,
		"http://localhost:3000":                             false,
		"-----BEGIN RSA PRIVATE KEY-----\nx":                true,
		"-----BEGIN PUBLIC KEY-----":                        false,
		"write the password to ann@example.com: it is fine": false,
	} {
		if SecretText(text) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

const secretConfig = `# password: hunter2
id: x
name: X # token = hunter2
values:
  password: hunter2 # was "hunter2"? password: hunter2
  'api key': "hunter2 \" hunter2" # shown
  client-secret: 'hunter2 '' hunter2'
  é: {token: hunter2, keyboard: shown, pwd: 'hunter2'}
  number_key: 31337
  enabled_key: true
  empty_key: ''
  null_key:
  token_ttl: 3600
  long_token: |
    hunter2

      hunter2
    # hunter2
  folded_token: >-
     hunter2
     hunter2

  plain_token: hunter2
    hunter2
    hunter2
  quoted_token: "hunter2
    hunter2" # shown
  flow: {secret: hunter2
    hunter2, after: shown}
  keys:
    - hunter2
    - [hunter2, "hunter2"]
    - name: hunter2
      more: hunter2
  address: postgres://ann:hunter2@db/app
  reference:
    password: {source: env, name: SHOWN, fallback: hunter2}
    token: {source: file, path: /shown}
    secret:
      source: aws
      secret_id: shown
      providers:
        aws: {region: shown, secret_name: shown}
  last_secret: hunter2
`

const secretMasked = `# password: ••••••••
id: x
name: X # token = ••••••••
values:
  password: •••••••• # was "hunter2"? password: ••••••••
  'api key': •••••••• # shown
  client-secret: ••••••••
  é: {token: ••••••••, keyboard: shown, pwd: ••••••••}
  number_key: ••••••••
  enabled_key: true
  empty_key: ''
  null_key:
  token_ttl: 3600
  long_token: ••••••••
    ••••••••

      ••••••••
    ••••••••
  folded_token: ••••••••
     ••••••••
     ••••••••

  plain_token: ••••••••
    ••••••••
    ••••••••
  quoted_token: ••••••••
    •••••••• # shown
  flow: {secret: ••••••••
    ••••••••after: shown}
  keys:
    - ••••••••
    - [••••••••, ••••••••]
    - name: ••••••••
      more: ••••••••
  address: ••••••••
  reference:
    password: {source: env, name: SHOWN, fallback: ••••••••}
    token: {source: file, path: /shown}
    secret:
      source: aws
      secret_id: shown
      providers:
        aws: {region: shown, secret_name: shown}
  last_secret: ••••••••
`

func TestMaskedText(t *testing.T) {
	doc := mustLoad(t, "config/config.x.yaml", secretConfig)
	if got := doc.MaskedText(); got != secretMasked {
		t.Errorf("got\n%s", got)
	}
	windows := mustLoad(t, "config/config.x.yaml", "\ufeff"+strings.ReplaceAll(secretConfig, "\n", "\r\n"))
	if got := windows.MaskedText(); got != strings.ReplaceAll(secretMasked, "\n", "\r\n") {
		t.Errorf("with CRLF got\n%s", got)
	}
	for _, text := range []string{"token: |\n  hunter2", "token: hunter2", "token:\n  hunter2\n  hunter2", "a: [{token: hunter2\n hunter2}]", "token: >\n\n\n  hunter2\n\n# end\n", "? token\n: hunter2\n  hunter2\n? b\n: c\n"} {
		got := mustLoad(t, "config/menu.yaml", text).MaskedText()
		if strings.Contains(got, "hunter2") || strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
	schema := entityText("a", "id: password, type: text, default: shown")
	if got := mustLoad(t, "schemas/a.schema.yaml", schema).MaskedText(); got != schema {
		t.Errorf("an entity is masked: %s", got)
	}
}

func TestHasSecrets(t *testing.T) {
	for text, want := range map[string]bool{
		secretConfig:                                                        true,
		"id: x\nvalues: {password: x}\n":                                    true,
		"id: x\nvalues: {url: \"amqp://a:b@c\"}\n":                          true,
		"id: x\nvalues: {a: {keys: [[{b: x}]]}}\n":                          true,
		"id: x\nvalues: {password: }\n":                                     false,
		"id: x\nvalues: {password: true}\n":                                 false,
		"id: x\nvalues: {level: info}\n":                                    false,
		"id: x\nvalues: {password: {source: env}}\n":                        false,
		"id: x\nvalues: {password: {source: env, name: A, value: b}}\n":     true,
		"id: x\nvalues: {password: {source: aws, providers: {name: a}}}\n":  false,
		"id: x\nvalues: {password: {source: [env], name: hunter2}}\n":       true,
		"id: x\nvalues: {password: {source: '', name: hunter2}}\n":          true,
		"id: x\nvalues: {db: {password: {source: env, variable: DB_PASS}}}": false,
	} {
		if got := mustLoad(t, "config/config.x.yaml", text).HasSecrets(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if mustLoad(t, "schemas/a.schema.yaml", entityText("a", "id: password, type: text, default: x")).HasSecrets() {
		t.Error("an entity has secrets")
	}
}

func TestMaskedValue(t *testing.T) {
	values := mustLoad(t, "config/config.x.yaml", "id: x\nvalues:\n  db: {password: hunter2, port: 1, on: true, none: ~}\n  keys: [hunter2, 3]\n  token: {source: env, name: A, fallback: hunter2}\n").Config.Values
	want := map[string]any{
		"db":    map[string]any{"password": Mask, "port": int64(1), "on": true, "none": nil},
		"keys":  []any{Mask, Mask},
		"token": map[string]any{"source": "env", "name": "A", "fallback": Mask},
	}
	if got := MaskedValue("values", values); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got := MaskedValue("password", values.Lookup("db", "port")); got != Mask {
		t.Errorf("a secret is shown as %v", got)
	}
	if got := MaskedValue("password", nil); got != nil {
		t.Errorf("nothing is shown as %v", got)
	}
}

func TestMaskText(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a: 1\npassword: \"hunter2\nb: 2\n", "a: 1\npassword: ••••••••\nb: 2\n"},
		{"password: |\n  hunter2\n\n   hunter2\nb: 2", "password: ••••••••\n  ••••••••\n\n   ••••••••\nb: 2"},
		{"db:\n  password:\n    hunter2\n  port: 1\n", "db:\n  password:\n    ••••••••\n  port: 1\n"},
		{"- {user: a, apiKey: hunter2, b: hunter2\n", "- {user: a, apiKey: ••••••••\n"},
		{"# token = hunter2\r\nb: 'x\r\n", "# token = ••••••••\r\nb: 'x\r\n"},
		{"keys:\n  - hunter2\n  - hunter2\nb: 1", "keys:\n  - ••••••••\n  - ••••••••\nb: 1"},
		{"url: redis://:hunter2@x\n", "url: redis••••••••\n"},
		{"name: caf\xe9\n", "name: caf\ufffd\n"},
		{"\tsecret : hunter2", "\tsecret : ••••••••"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := MaskText([]byte(tt.text)); got != tt.want {
			t.Errorf("%q is shown as %q, want %q", tt.text, got, tt.want)
		}
	}
	if got := MaskText([]byte(secretConfig)); strings.Count(got, "\n") != strings.Count(secretConfig, "\n") {
		t.Error("lines moved")
	}
}
