package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"marain/backend/coordinator"
)

// maxDepth is how deep a request's JSON may nest; the deepest real one has two levels.
const maxDepth = 16

// readBody returns the request's body, at most [MaxBody] bytes of it. A body must say that it is JSON: what a form or
// a tag of a page can send never counts.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fail(http.StatusRequestEntityTooLarge, coordinator.CodeInvalid, "the body is larger than %d bytes", MaxBody)
	}
	if err != nil {
		return nil, fail(http.StatusRequestTimeout, coordinator.CodeInvalid, "the body did not arrive whole").with("Connection", "close")
	}
	if len(body) == 0 {
		return nil, nil
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || kind != "application/json" || (charset != "" && charset != "utf-8") {
		return nil, fail(http.StatusUnsupportedMediaType, coordinator.CodeInvalid, "the body must be JSON: send it with Content-Type: application/json")
	}
	return body, nil
}

// decode reads the body strictly into a T: one object, only known fields in their own spelling, no field twice. An
// empty body is the zero T, since every field that a request must have is asked for by the engine.
func decode[T any](body []byte) (T, error) {
	var out T
	if len(body) == 0 {
		return out, nil
	}
	if !utf8.Valid(body) {
		return out, invalid("the body is not UTF-8")
	}
	if err := checkObject(body, fieldNames(reflect.TypeFor[T]())); err != nil {
		return out, err
	}
	if err := json.Unmarshal(body, &out); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return out, invalid("%s must be %s, not a JSON %s", wrong.Field, article(wrong.Type), wrong.Value)
		}
		return out, invalid("the body is not valid: %s", err)
	}
	return out, nil
}

// fieldNames returns the JSON names of a struct's fields.
func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// article names a Go type in a caller's words.
func article(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	case reflect.Slice:
		return "a list of texts"
	case reflect.Map:
		return "an object of texts"
	case reflect.String:
		return "a text"
	default:
		return "a " + t.Kind().String()
	}
}

// checkObject reports what encoding/json lets through: something after the object, a key twice, a top-level key that
// is not one of names in exactly that spelling.
func checkObject(body []byte, names []string) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // how large a number may be is for its field to say
	first, err := decoder.Token()
	if err != nil {
		return invalid("the body is not valid JSON: %s", err)
	}
	if first != json.Delim('{') {
		return invalid("the body must be a JSON object")
	}
	if err := checkMembers(decoder, "", names, 1); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return invalid("there is something after the JSON object")
	}
	return nil
}

// checkMembers walks the rest of an object whose opening brace was read.
func checkMembers(decoder *json.Decoder, path string, names []string, depth int) error {
	if depth > maxDepth {
		return invalid("the body nests deeper than %d levels", maxDepth)
	}
	seen := map[string]bool{}
	for {
		token, err := decoder.Token()
		if err != nil {
			return invalid("the body is not valid JSON: %s", err)
		}
		key, ok := token.(string)
		if !ok { // the closing brace
			return nil
		}
		if names != nil && !slices.Contains(names, key) {
			return invalid("unknown field %q; known are %s", key, strings.Join(names, ", "))
		}
		if seen[key] {
			return invalid("the field %q is there twice", path+key)
		}
		seen[key] = true
		if err := checkValue(decoder, path+key, depth); err != nil {
			return err
		}
	}
}

// checkValue walks one value.
func checkValue(decoder *json.Decoder, path string, depth int) error {
	token, err := decoder.Token()
	if err != nil {
		return invalid("the body is not valid JSON: %s", err)
	}
	switch token {
	case json.Delim('{'):
		return checkMembers(decoder, path+".", nil, depth+1)
	case json.Delim('['):
		if depth >= maxDepth {
			return invalid("the body nests deeper than %d levels", maxDepth)
		}
		for i := 0; decoder.More(); i++ {
			if err := checkValue(decoder, fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
				return err
			}
		}
		if _, err := decoder.Token(); err != nil {
			return invalid("the body is not valid JSON: %s", err)
		}
	}
	return nil
}
