package api

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"marain/backend/coordinator"
)

// missingPage is shown when the binary was built without the page.
const missingPage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Marain</title></head>
<body>
<h1>Marain is running</h1>
<p>The page is not part of this binary. Build one that has it with <code>make build</code>, or use the API under
<code>` + Prefix + `</code> and the commands (<code>marain help</code>).</p>
</body>
</html>
`

// page serves the files of the built page. They hold nothing of the project, so they need no token. A path that is
// not a file is a view of the page itself and gets index.html.
type page struct {
	files fs.FS // nil when there is no index.html
}

func newPage(files fs.FS) *page {
	if files != nil {
		if _, err := fs.Stat(files, "index.html"); err != nil {
			files = nil
		}
	}
	return &page{files: files}
}

// serve answers a GET or HEAD for anything outside the API.
func (p *page) serve(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return fail(http.StatusMethodNotAllowed, coordinator.CodeInvalid, "the page does not take the method %s", r.Method).
			with("Allow", "GET, HEAD")
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if p.files == nil {
		if path.Ext(name) != "" {
			return noFile()
		}
		return send(w, "index.html", []byte(missingPage))
	}
	if name == "" || !fs.ValidPath(name) {
		name = "index.html"
	}
	data, err := fs.ReadFile(p.files, name)
	if err != nil && path.Ext(name) == "" {
		name = "index.html"
		data, err = fs.ReadFile(p.files, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return noFile()
	}
	if err != nil {
		return fmt.Errorf("read %s of the page: %w", name, err)
	}
	return send(w, name, data)
}

func noFile() error {
	return fail(http.StatusNotFound, coordinator.CodeNotFound, "there is no such file")
}

// send writes a file. The names under assets/ hold a hash of the content, so those never change.
func send(w http.ResponseWriter, name string, data []byte) error {
	w.Header().Set("Content-Type", contentType(name))
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if strings.HasPrefix(name, "assets/") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write %s of the page: %w", name, err)
	}
	return nil
}

// contentType returns the type by a file's name. The ones that matter are fixed here, because the table of the machine
// that serves may be wrong and nosniff makes a browser refuse a script of a wrong type.
func contentType(name string) string {
	switch extension := strings.ToLower(path.Ext(name)); extension {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}
