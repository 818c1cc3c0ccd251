package document

import (
	"fmt"
	"path"
)

func configKeys() []string {
	return []string{"id", "name", "description", "provider", "version", "values"}
}

// buildConfig reads a config; what is wrong is reported.
func buildConfig(rep *report, root *Node, file string) *Config {
	id, environment, _ := configName(path.Base(file))
	c := &Config{Environment: environment}
	if root.Kind != Mapping {
		rep.at(root, "not_a_mapping", "a config is a mapping with keys, and this is "+root.shape(), "start with id: and values:")
		return c
	}
	r := reader{report: rep, at: root, what: "a config"}
	r.knownKeys(configKeys())
	r.require("id", "values")
	c.ID = r.configID(id)
	c.Name = r.text("name")
	c.Description = r.text("description")
	c.Provider = r.text("provider")
	c.Version = r.text("version")
	if values := r.value("values"); values != nil {
		if values.Kind != Mapping {
			rep.at(values, "wrong_type", `"values" must be a mapping, and is `+values.shape(), "write keys with values under it, or {} for none")
		}
		c.Values = values
	}
	return c
}

// configID reads the id, which must be the one of the file's name.
func (r reader) configID(want string) string {
	id := r.filled("id")
	switch {
	case id == "":
		return ""
	case !isConfigID(id):
		r.report.at(r.value("id"), "invalid_id", fmt.Sprintf("%s is not an id", quote(id)),
			"use letters, digits, underscores and hyphens, and start with a letter")
		return ""
	case id != want:
		r.report.at(r.value("id"), "id_not_file_name", fmt.Sprintf("the id is %q, and the file's name says %s", id, quote(want)),
			fmt.Sprintf("write id: %s, or rename the file to config.%s.yaml", want, id))
		return ""
	}
	return id
}

func isConfigID(id string) bool {
	for i := range len(id) {
		c := id[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '_' && c != '-') {
			return false
		}
	}
	return id != ""
}
