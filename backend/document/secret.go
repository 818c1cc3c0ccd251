package document

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Mask stands wherever a secret value would be shown.
const Mask = "••••••••"

// SecretKey reports whether the value of a config key with this name is a secret. A key is looked at word by word, in
// snake_case, kebab-case, camelCase or with dots: password, api_key, apiKey, private-key, clientSecret and access_token
// are secret; keyboard, monkey, keywords and tokenizer are not. A last word that says that the value is only a measure,
// a switch or a place (token_ttl, key_length, password_required, key_file), or max and min before it (max_tokens), makes
// it no secret. For a key path, ask for each key: everything below a secret key is secret.
func SecretKey(key string) bool {
	words := splitWords(key)
	if len(words) == 0 || !slices.ContainsFunc(words, isSecretWord) {
		return false
	}
	return !isHarmless(words[len(words)-1]) && !slices.Contains([]string{"max", "min", "num"}, words[0])
}

// SecretText reports whether a text is a secret whatever its key is: an address or a connection string with a password
// in it, or a private key.
func SecretText(text string) bool {
	return strings.Contains(text, "PRIVATE KEY-----") || strings.ContainsAny(text, ":=") && secretInText.MatchString(text)
}

// secretInText finds ann:password@ in an address, and password=... in an address or a connection string.
var secretInText = regexp.MustCompile(`://[^\s/:@]*:[^\s/@]+@|(?i:\b(?:password|passwd|pwd|secret|token|api_?key)=[^\s;&"']+)`)

func isSecretWord(word string) bool {
	word = strings.TrimRight(word, "0123456789")
	switch word {
	case "pass", "pwd", "key", "keys", "secrets", "tokens", "passwords", "credentials", "passphrase", "apikeys", "creds":
		return true
	}
	for _, end := range []string{"password", "passwd", "secret", "token", "credential", "apikey", "secretkey", "accesskey", "privatekey"} {
		if strings.HasSuffix(word, end) {
			return true
		}
	}
	return false
}

// isHarmless reports whether a last word says that the value is a measure, a switch or a place.
func isHarmless(word string) bool {
	switch word {
	case "ttl", "length", "size", "lifetime", "expiry", "expires", "timeout", "count", "limit", "rotation", "days",
		"hours", "minutes", "seconds", "ms", "mb", "algorithm", "enabled", "disabled", "required", "optional", "file", "path", "dir", "name":
		return true
	}
	return false
}

// splitWords splits an identifier into its words, in small letters.
func splitWords(key string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(key)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) ||
			i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return words
}

// HasSecrets reports whether the file holds a secret as plain text, so that its content must be masked wherever it is
// shown and encrypted where it is stored. A reference, such as {source: env, name: DB_PASSWORD}, is not a secret.
func (d *Document) HasSecrets() bool {
	found := false
	d.secrets(func(*Node) bool { found = true; return false })
	return found
}

// Confidential reports whether the file's text shows a secret anywhere, in a comment too, so that its content must be
// encrypted where it is stored.
func (d *Document) Confidential() bool {
	return d.HasSecrets() || d.MaskedText() != strings.TrimPrefix(string(d.Raw), byteOrderMark)
}

// SecretReference reports whether a value says where a secret is instead of what it is: a mapping with a source.
func SecretReference(n *Node) bool {
	source := n.Lookup("source")
	return source != nil && n.Kind == Mapping && source.Kind == Scalar && source.Raw != ""
}

// MaskedValue returns a value as [Node.Interface] does, with every secret in it replaced by [Mask]. The key is the last
// one of the value's key path; below a secret key it is that secret key.
func MaskedValue(key string, n *Node) any {
	if n == nil {
		return nil
	}
	return maskedValue(n, SecretKey(key))
}

func maskedValue(n *Node, secret bool) any {
	switch n.Kind {
	case Mapping:
		m := make(map[string]any, len(n.Entries))
		for i := range n.Entries {
			m[n.Entries[i].Key] = maskedValue(n.Entries[i].Value, secretBelow(n, n.Entries[i].Key, secret))
		}
		return m
	case Sequence:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = maskedValue(item, secret)
		}
		return list
	case Scalar:
	}
	if isSecretScalar(n, secret) {
		return Mask
	}
	return n.Value
}

// secretBelow reports whether what stands under a key of a mapping is secret.
func secretBelow(n *Node, key string, secret bool) bool {
	if secret {
		return !SecretReference(n) || !saysWhere(key)
	}
	return SecretKey(key)
}

// secrets visits every scalar that is a secret, in the order of the file, until visit returns false.
func (d *Document) secrets(visit func(*Node) bool) {
	if d.Kind != KindEntity {
		visitSecrets(d.Root, false, visit)
	}
}

func visitSecrets(n *Node, secret bool, visit func(*Node) bool) bool {
	switch n.Kind {
	case Mapping:
		for i := range n.Entries {
			e := &n.Entries[i]
			if !visitSecrets(e.Value, secretBelow(n, e.Key, secret), visit) {
				return false
			}
		}
	case Sequence:
		for _, item := range n.Items {
			if !visitSecrets(item, secret, visit) {
				return false
			}
		}
	case Scalar:
		if isSecretScalar(n, secret) {
			return visit(n)
		}
	}
	return true
}

// isSecretScalar leaves out what cannot be a secret: nothing, an empty text, and a switch.
func isSecretScalar(n *Node, secret bool) bool {
	if _, isSwitch := n.Value.(bool); isSwitch || n.isNull() || n.Raw == "" {
		return false
	}
	return secret || SecretText(n.Raw)
}

// saysWhere reports whether a key of a reference says where the secret is, so that its value may be shown.
func saysWhere(key string) bool {
	words := splitWords(key)
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "source", "name", "id", "path", "file", "variable", "var", "env", "region", "service", "version", "project",
		"vault", "mount", "providers", "optional", "required":
		return true
	}
	return key == "key"
}
