package api

import (
	"encoding"
	"encoding/json"
	"reflect"
)

// Marshal returns v as JSON in the form that every door uses: lists and maps that are nil are written as [] and {},
// so that no reader has to tell "none" from "empty". The value is not changed; it may be shared with others.
func Marshal(v any) ([]byte, error) {
	if v == nil {
		return []byte("null"), nil
	}
	return json.Marshal(filled(reflect.ValueOf(v)).Interface())
}

// filled returns a copy of v in which no list and no map is nil. What writes its own JSON is kept as it is.
func filled(v reflect.Value) reflect.Value {
	if marshalsItself(v.Type()) {
		return v
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(filled(v.Elem()))
		return out
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type()).Elem()
		out.Set(filled(v.Elem()))
		return out
	case reflect.Slice:
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(filled(v.Index(i)))
		}
		return out
	case reflect.Map:
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for entries := v.MapRange(); entries.Next(); {
			out.SetMapIndex(entries.Key(), filled(entries.Value()))
		}
		return out
	case reflect.Struct:
		return filledStruct(v)
	default:
		return v
	}
}

// filledStruct fills the fields that end up in the JSON.
func filledStruct(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.IsExported() && field.Tag.Get("json") != "-" {
			out.Field(i).Set(filled(v.Field(i)))
		}
	}
	return out
}

// marshalsItself reports whether the type, or a pointer to it, decides its own JSON; bytes count, they become text.
func marshalsItself(t reflect.Type) bool {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		return true
	}
	if t.Kind() == reflect.Interface {
		return false
	}
	pointer := reflect.PointerTo(t)
	return pointer.Implements(reflect.TypeFor[json.Marshaler]()) || pointer.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}
