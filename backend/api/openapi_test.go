package api

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/event"
	"marain/backend/history"
)

// schema is as much of a JSON schema as the document uses.
type schema struct {
	Type       string             `json:"type"`
	Ref        string             `json:"$ref"`
	Required   []string           `json:"required"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	OneOf      []*schema          `json:"oneOf"`
	Enum       []string           `json:"enum"`
	Additional json.RawMessage    `json:"additionalProperties"`
}

type operation struct {
	Parameters []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"responses"`
}

type openDocument struct {
	Servers []struct {
		URL string `json:"url"`
	} `json:"servers"`
	Security   []map[string][]string           `json:"security"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

func readOpenAPI(t *testing.T) openDocument {
	t.Helper()
	var doc openDocument
	if err := json.Unmarshal(OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// goTypes says which Go type each schema describes; a nil type is a plain text.
func goTypes() map[string]reflect.Type {
	return map[string]reflect.Type{
		"Category": reflect.TypeFor[diff.Category](), "Kind": nil, "FileEvent": nil,
		"ErrorAnswer": reflect.TypeFor[errorBody](), "Error": reflect.TypeFor[coordinator.Error](),
		"Problem": reflect.TypeFor[document.Problem](), "Change": reflect.TypeFor[diff.Head](),
		"PendingChange": reflect.TypeFor[coordinator.PendingChange](), "Held": reflect.TypeFor[coordinator.Held](),
		"LastResult": reflect.TypeFor[coordinator.LastResult](), "DatabaseStatus": reflect.TypeFor[coordinator.DatabaseStatus](),
		"WatcherStatus": reflect.TypeFor[coordinator.WatcherStatus](), "ProjectStatus": reflect.TypeFor[coordinator.ProjectStatus](),
		"Status": reflect.TypeFor[coordinator.Status](), "Action": reflect.TypeFor[action.Action](), "Check": reflect.TypeFor[action.Check](),
		"Question": reflect.TypeFor[action.Question](), "Span": reflect.TypeFor[diff.Span](), "Side": reflect.TypeFor[diff.Side](),
		"Row": reflect.TypeFor[diff.Row](), "Hunk": reflect.TypeFor[diff.Hunk](), "Block": reflect.TypeFor[action.Block](),
		"PlanFile": reflect.TypeFor[action.File](), "Rehearsal": reflect.TypeFor[action.Rehearsal](), "Leg": reflect.TypeFor[action.Leg](),
		"Running": reflect.TypeFor[coordinator.Running](), "CancelRequest": reflect.TypeFor[coordinator.CancelRequest](), "CancelResult": reflect.TypeFor[coordinator.CancelResult](),
		"Plan": reflect.TypeFor[action.Plan](), "Unwritten": reflect.TypeFor[action.Unwritten](),
		"DiffRequest": reflect.TypeFor[coordinator.DiffRequest](), "ReloadRequest": reflect.TypeFor[coordinator.ReloadRequest](),
		"RollbackRequest": reflect.TypeFor[coordinator.RollbackRequest](), "Failure": reflect.TypeFor[coordinator.Failure](),
		"ApplyResult": reflect.TypeFor[coordinator.ApplyResult](), "RejectRequest": reflect.TypeFor[coordinator.RejectRequest](),
		"RejectResult": reflect.TypeFor[coordinator.RejectResult](), "BatchFile": reflect.TypeFor[coordinator.BatchFile](),
		"BatchSummary": reflect.TypeFor[coordinator.BatchSummary](), "History": reflect.TypeFor[coordinator.History](),
		"Batch": reflect.TypeFor[coordinator.Batch](), "Draft": reflect.TypeFor[coordinator.Draft](), "Drafts": reflect.TypeFor[draftList](),
		"Backup": reflect.TypeFor[coordinator.Backup](), "Backups": reflect.TypeFor[coordinator.Backups](),
		"Tombstone": reflect.TypeFor[coordinator.Tombstone](), "Tombstones": reflect.TypeFor[coordinator.Tombstones](),
		"Place": reflect.TypeFor[coordinator.Place](), "VersionRange": reflect.TypeFor[coordinator.VersionRange](),
		"PurgeRequest": reflect.TypeFor[coordinator.PurgeRequest](), "PurgeResult": reflect.TypeFor[coordinator.PurgeResult](),
		"Destroyed":      reflect.TypeFor[history.Destroyed](),
		"RestoreRequest": reflect.TypeFor[draftRequest](), "ValidateResult": reflect.TypeFor[coordinator.ValidateResult](),
		"Fault": reflect.TypeFor[coordinator.Fault](), "VerifyResult": reflect.TypeFor[coordinator.VerifyResult](), "Event": reflect.TypeFor[event.Event](),
		"Drift": reflect.TypeFor[coordinator.Drift](), "DriftDifference": reflect.TypeFor[coordinator.DriftDifference](),
		"Unmanaged": reflect.TypeFor[coordinator.Unmanaged](), "UnmanagedObject": reflect.TypeFor[coordinator.UnmanagedObject](), "UnmanagedColumn": reflect.TypeFor[coordinator.UnmanagedColumn](),
		"Adoption": reflect.TypeFor[coordinator.Adoption](), "AdoptionEdit": reflect.TypeFor[coordinator.AdoptionEdit](),
		"AdoptRequest":  reflect.TypeFor[coordinator.AdoptRequest](),
		"RepairRequest": reflect.TypeFor[coordinator.RepairRequest](), "DriftStatus": reflect.TypeFor[coordinator.DriftStatus](),
	}
}

// TestOpenAPIRoutes compares the document's operations with the server's.
func TestOpenAPIRoutes(t *testing.T) {
	doc := readOpenAPI(t)
	if len(doc.Servers) != 1 || doc.Servers[0].URL+"/" != Prefix {
		t.Errorf("servers are %v, want %s", doc.Servers, Prefix)
	}
	if len(doc.Security) != 1 || doc.Security[0]["token"] == nil {
		t.Error("the token is not asked for everywhere")
	}
	server, err := New(newEngine(), testToken)
	if err != nil {
		t.Fatal(err)
	}
	var served, described []string
	for _, route := range server.routes() {
		served = append(served, strings.ToLower(route.method)+" /"+route.path)
		var query []string
		for _, parameter := range doc.Paths["/"+route.path][strings.ToLower(route.method)].Parameters {
			if parameter.In == "query" {
				query = append(query, parameter.Name)
			}
		}
		if !slices.Equal(query, route.query) {
			t.Errorf("%s: the document has the parameters %v, the server takes %v", route.path, query, route.query)
		}
	}
	for path, methods := range doc.Paths {
		for method, operation := range methods {
			described = append(described, method+" "+path)
			if len(operation.Responses["200"].Content) != 1 {
				t.Errorf("%s %s has no answer", method, path)
			}
			if (method == "post") != (operation.RequestBody != nil) {
				t.Errorf("%s %s: a body belongs to POST alone", method, path)
			}
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("the document describes\n%q\nthe server answers\n%q", described, served)
	}
}

// TestOpenAPISchemas compares every schema with its Go type: names, what is always there, and the JSON types.
func TestOpenAPISchemas(t *testing.T) {
	doc := readOpenAPI(t)
	types := goTypes()
	if got, want := slices.Sorted(maps.Keys(doc.Components.Schemas)), slices.Sorted(maps.Keys(types)); !slices.Equal(got, want) {
		t.Fatalf("the document has the schemas\n%q\nthe test knows\n%q", got, want)
	}
	for name, goType := range types {
		t.Run(name, func(t *testing.T) {
			described := doc.Components.Schemas[name]
			if goType == nil || goType.Kind() != reflect.Struct {
				if described.Type != "string" || len(described.Enum) == 0 {
					t.Error("want a text with a list of values")
				}
				return
			}
			fields, always := jsonFields(goType)
			if got, want := slices.Sorted(maps.Keys(described.Properties)), slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
				t.Errorf("the document has the properties\n%q\nGo has\n%q", got, want)
			}
			slices.Sort(always)
			required := slices.Sorted(slices.Values(described.Required))
			if strings.HasSuffix(name, "Request") {
				if string(described.Additional) != "false" {
					t.Error("a request takes no other fields")
				}
			}
			if !slices.Equal(required, always) {
				t.Errorf("the document requires\n%q\nGo always writes\n%q", required, always)
			}
			for property, fieldType := range fields {
				if s := described.Properties[property]; s != nil {
					checkType(t, doc, name+"."+property, s, fieldType)
				}
			}
		})
	}
}

// TestOpenAPIComplete walks from the engine's methods to every type that a caller can meet: each has a schema.
func TestOpenAPIComplete(t *testing.T) {
	known := map[reflect.Type]bool{
		reflect.TypeFor[coordinator.Actor]():          true, // from the headers
		reflect.TypeFor[coordinator.HistoryRequest](): true, // from the query
		reflect.TypeFor[event.Subscription]():         true, // a stream of Event
	}
	for _, goType := range goTypes() {
		if goType != nil {
			known[goType] = true
		}
	}
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type, from string)
	visit = func(goType reflect.Type, from string) {
		switch goType.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(goType.Elem(), from)
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[goType] || marshalsItself(goType) {
			return
		}
		seen[goType] = true
		if !known[goType] {
			t.Errorf("%s, which %s has, is not in the document", goType, from)
		}
		fields, _ := jsonFields(goType)
		for _, field := range fields {
			visit(field, goType.String())
		}
	}
	methods := reflect.TypeFor[Engine]()
	for i := range methods.NumMethod() {
		method := methods.Method(i)
		for j := range method.Type.NumIn() {
			visit(method.Type.In(j), method.Name)
		}
		for j := range method.Type.NumOut() {
			visit(method.Type.Out(j), method.Name)
		}
	}
}

// TestOpenAPIReferences resolves every reference and finds no schema that nothing uses.
func TestOpenAPIReferences(t *testing.T) {
	doc := readOpenAPI(t)
	used := map[string]bool{}
	for _, match := range regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllSubmatch(OpenAPI(), -1) {
		used[string(match[1])] = true
	}
	if got, want := slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(doc.Components.Schemas)); !slices.Equal(got, want) {
		t.Errorf("used are\n%q\ndefined are\n%q", got, want)
	}
}

// jsonFields returns the JSON names of a struct with their Go types, and those that are always written.
func jsonFields(goType reflect.Type) (fields map[string]reflect.Type, always []string) {
	fields = map[string]reflect.Type{}
	for i := range goType.NumField() {
		field := goType.Field(i)
		if field.Anonymous {
			inner, innerAlways := jsonFields(field.Type)
			maps.Copy(fields, inner)
			always = append(always, innerAlways...)
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if name == "" {
			name = field.Name
		}
		fields[name] = field.Type
		if options == "" {
			always = append(always, name)
		}
	}
	return fields, always
}

// checkType compares a property's JSON type with its Go type.
func checkType(t *testing.T, doc openDocument, where string, described *schema, goType reflect.Type) {
	t.Helper()
	for described.Ref != "" || len(described.OneOf) > 0 {
		if len(described.OneOf) > 0 {
			if goType.Kind() != reflect.Pointer {
				t.Errorf("%s can be null in the document and not in Go", where)
			}
			described = described.OneOf[0]
			continue
		}
		name := strings.TrimPrefix(described.Ref, "#/components/schemas/")
		if want := goTypes()[name]; want != nil && want != indirect(goType) {
			t.Errorf("%s is a %s in the document and a %s in Go", where, name, goType)
		}
		described = doc.Components.Schemas[name]
	}
	want := jsonType(indirect(goType))
	if described.Type != want {
		t.Errorf("%s is %q in the document, want %q", where, described.Type, want)
	}
	if want == "array" && described.Items != nil {
		checkType(t, doc, where+"[]", described.Items, goType.Elem())
	}
}

func indirect(goType reflect.Type) reflect.Type {
	if goType.Kind() == reflect.Pointer {
		return goType.Elem()
	}
	return goType
}

// jsonType returns the JSON type that a Go type is written as; nothing when it can be any.
func jsonType(goType reflect.Type) string {
	if goType == reflect.TypeFor[diff.Category]() || marshalsItself(goType) {
		return "string"
	}
	switch goType.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	default:
		return ""
	}
}
