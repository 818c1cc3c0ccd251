package history

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"marain/backend/database"

	"github.com/klauspost/compress/zstd"
)

// keySize is the size of the project's key in bytes: AES-256.
const keySize = 32

// Vault compresses contents and seals those that hold a secret. It is safe for concurrent use.
type Vault struct {
	file    string // where the key lies when it is not given
	given   string // MARAIN_KEY
	encoder *zstd.Encoder
	decoder *zstd.Decoder

	mu  sync.Mutex
	key []byte
}

// NewVault returns a vault whose key is the given text, or lies in the named file, which is made with mode 0600 when
// the first secret is stored.
func NewVault(keyFile, given string) (*Vault, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, fmt.Errorf("prepare decompression: %w", err)
	}
	return &Vault{file: keyFile, given: given, encoder: encoder, decoder: decoder}, nil
}

func (v *Vault) aead(create bool) (cipher.AEAD, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.key == nil {
		key, err := v.load(create)
		if err != nil {
			return nil, err
		}
		v.key = key
	}
	block, err := aes.NewCipher(v.key)
	if err != nil {
		return nil, fmt.Errorf("prepare the project's key: %w", err)
	}
	return cipher.NewGCM(block)
}

func (v *Vault) load(create bool) ([]byte, error) {
	if v.given != "" {
		sum := sha256.Sum256([]byte(v.given))
		return sum[:], nil
	}
	text, err := os.ReadFile(v.file)
	if errors.Is(err, fs.ErrNotExist) && create {
		return v.make()
	}
	if err != nil {
		return nil, fmt.Errorf("read the project's key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("the project's key %s is damaged: put its copy back, or give MARAIN_KEY", v.file)
	}
	return key, nil
}

// make writes a new key. Two programs may do so at once: the file that is there first wins.
func (v *Vault) make() ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make the project's key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(v.file), 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(v.file), ".key-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("write the project's key: %w", err)
	}
	_, err = temp.WriteString(hex.EncodeToString(key) + "\n")
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Link(temp.Name(), v.file)
	}
	err = errors.Join(ignoreExists(err), os.Remove(temp.Name()))
	if err != nil {
		return nil, fmt.Errorf("write the project's key: %w", err)
	}
	text, err := os.ReadFile(v.file)
	if err != nil {
		return nil, fmt.Errorf("read the project's key: %w", err)
	}
	return hex.DecodeString(strings.TrimSpace(string(text)))
}

func ignoreExists(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// pack compresses a content and seals it when asked to.
func (v *Vault) pack(hash string, raw []byte, sealed bool) (string, error) {
	body := v.encoder.EncodeAll(raw, nil)
	if sealed {
		aead, err := v.aead(true)
		if err != nil {
			return "", err
		}
		nonce := make([]byte, aead.NonceSize())
		if _, err := rand.Read(nonce); err != nil {
			return "", fmt.Errorf("seal a content: %w", err)
		}
		body = aead.Seal(nonce, nonce, body, []byte(hash))
	}
	return base64.StdEncoding.EncodeToString(body), nil
}

func (v *Vault) unpack(hash, text string, sealed bool) ([]byte, error) {
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("content %s is damaged: %w", hash, err)
	}
	if sealed {
		aead, err := v.aead(false)
		if err != nil {
			return nil, err
		}
		if len(body) < aead.NonceSize() {
			return nil, fmt.Errorf("content %s is damaged", hash)
		}
		body, err = aead.Open(nil, body[:aead.NonceSize()], body[aead.NonceSize():], []byte(hash))
		if err != nil {
			return nil, fmt.Errorf("content %s cannot be opened with the project's key: %w", hash, err)
		}
	}
	raw, err := v.decoder.DecodeAll(body, nil)
	if err != nil {
		return nil, fmt.Errorf("content %s is damaged: %w", hash, err)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != hash {
		return nil, fmt.Errorf("content %s is damaged: it has another hash", hash)
	}
	return raw, nil
}

// PutContent keeps the bytes of a file by their hash; sealed encrypts them. What is there already is left as it is.
func (s *Store) PutContent(ctx context.Context, q database.Querier, hash string, raw []byte, sealed bool) error {
	var n int
	if err := q.QueryRow(ctx, `SELECT count(*) FROM marain_contents WHERE hash = ?`, hash).Scan(&n); err != nil {
		return fmt.Errorf("look for a content: %w", err)
	}
	if n > 0 {
		return nil
	}
	body, err := s.vault.pack(hash, raw, sealed)
	if err != nil {
		return err
	}
	flag := 0
	if sealed {
		flag = 1
	}
	if _, err := q.Exec(ctx, `INSERT INTO marain_contents (hash, sealed, size, body) VALUES (?, ?, ?, ?)`, hash, flag, len(raw), body); err != nil {
		return fmt.Errorf("keep a content: %w", err)
	}
	return nil
}

// Content returns the bytes with that hash, proved by it.
func (s *Store) Content(ctx context.Context, q database.Querier, hash string) ([]byte, error) {
	var body string
	var sealed int
	err := q.QueryRow(ctx, `SELECT sealed, body FROM marain_contents WHERE hash = ?`, hash).Scan(&sealed, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("content %s: %w", hash, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read a content: %w", err)
	}
	return s.vault.unpack(hash, body, sealed != 0)
}
