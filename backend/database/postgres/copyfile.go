package postgres

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// copyMagic is the first line of a file with copied rows; the number is that of the format.
const copyMagic = "marain copy 1\n"

const (
	copyChunk   = 1 << 20  // bytes of rows that are written at a time
	largestPart = 64 << 20 // bytes that are read at a time, at most: more is no file of ours
)

// copyHeader says what is in a file with copied rows.
type copyHeader struct {
	Server string  `json:"server"` // its version
	Tables []shape `json:"tables"`
}

// copyWriter writes a file with copied rows: the header, then the rows of each table in the order of the header, as
// COPY writes them, in pieces that begin with their length. An empty piece ends a table; how many rows it has follows.
type copyWriter struct {
	file *os.File
	out  *bufio.Writer
}

// createCopy begins a file that is not there yet.
func createCopy(name string, header copyHeader) (*copyWriter, error) {
	text, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("write the header: %w", err)
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	w := &copyWriter{file: file, out: bufio.NewWriterSize(file, copyChunk)}
	_, err = w.out.WriteString(copyMagic)
	if err == nil {
		err = w.piece(text)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return w, nil
}

// piece writes a length and that many bytes.
func (w *copyWriter) piece(data []byte) error {
	if err := binary.Write(w.out, binary.BigEndian, uint32(len(data))); err != nil {
		return err
	}
	_, err := w.out.Write(data)
	return err
}

// Write writes some rows of the present table.
func (w *copyWriter) Write(rows []byte) (written int, err error) {
	for len(rows) > written {
		part := rows[written:min(len(rows), written+copyChunk)]
		if err := w.piece(part); err != nil {
			return written, err
		}
		written += len(part)
	}
	return written, nil
}

// end ends a table.
func (w *copyWriter) end(rows int64) error {
	if err := w.piece(nil); err != nil {
		return err
	}
	return binary.Write(w.out, binary.BigEndian, uint64(rows))
}

// close ends the file.
func (w *copyWriter) close() error {
	return errors.Join(w.out.Flush(), w.file.Close())
}

// copyReader reads a file with copied rows.
type copyReader struct {
	file   *os.File
	in     *bufio.Reader
	header copyHeader
	left   uint32 // of the present piece
	ended  bool   // the present table
	rows   int64  // of the table that ended
}

// openCopy opens a file and reads its header. The caller closes it.
func openCopy(name string) (*copyReader, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r := &copyReader{file: file, in: bufio.NewReaderSize(file, copyChunk)}
	if err := r.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", name, err), file.Close())
	}
	return r, nil
}

func (r *copyReader) begin() error {
	first := make([]byte, len(copyMagic))
	if _, err := io.ReadFull(r.in, first); err != nil || string(first) != copyMagic {
		return errors.New("it is no file with copied rows that this program knows")
	}
	size, err := r.length()
	if err != nil {
		return err
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r.in, text); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &r.header); err != nil {
		return fmt.Errorf("its header: %w", err)
	}
	return nil
}

func (r *copyReader) length() (uint32, error) {
	var n uint32
	if err := binary.Read(r.in, binary.BigEndian, &n); err != nil {
		return 0, fmt.Errorf("it is cut short: %w", err)
	}
	if n > largestPart {
		return 0, errors.New("it is damaged")
	}
	return n, nil
}

// Read reads rows of the present table, until its end.
func (r *copyReader) Read(into []byte) (int, error) {
	if r.ended {
		return 0, io.EOF
	}
	if r.left == 0 {
		n, err := r.length()
		if err != nil {
			return 0, err
		}
		if r.left = n; n == 0 {
			var rows uint64
			if err := binary.Read(r.in, binary.BigEndian, &rows); err != nil {
				return 0, fmt.Errorf("it is cut short: %w", err)
			}
			r.ended, r.rows = true, int64(rows)
			return 0, io.EOF
		}
	}
	n, err := r.in.Read(into[:min(len(into), int(r.left))])
	r.left -= uint32(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next begins the next table, after the rest of the present one was read or passed over.
func (r *copyReader) next() error {
	_, err := io.Copy(io.Discard, r)
	r.ended = false
	return err
}

// over proves that nothing follows the last table.
func (r *copyReader) over() error {
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("something follows its end"), err)
	}
	return nil
}

func (r *copyReader) close() error { return r.file.Close() }
