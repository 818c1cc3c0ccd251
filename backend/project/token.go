package project

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	tokenName  = "api.token" // in the data folder
	tokenBytes = 32
)

// Token makes a new random token of 256 bits for this start, writes it to the data folder where only its owner can
// read it, and returns it as hex text.
func (p *Project) Token() (string, error) {
	if err := p.MakeDataDir(); err != nil {
		return "", err
	}
	var random [tokenBytes]byte
	rand.Read(random[:]) // never fails
	token := hex.EncodeToString(random[:])
	if err := replaceFile(filepath.Join(p.DataDir, tokenName), []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("write the token: %w", err)
	}
	return token, nil
}

// TokenPath is where [Project.Token] writes the token.
func (p *Project) TokenPath() string { return filepath.Join(p.DataDir, tokenName) }

// replaceFile writes a file that only its owner can read, whole or not at all.
func replaceFile(path string, data []byte) error {
	handle, err := os.CreateTemp(filepath.Dir(path), ".marain-*.tmp") // mode 0600
	if err != nil {
		return err
	}
	_, err = handle.Write(data)
	err = errors.Join(err, handle.Sync(), handle.Close())
	if err == nil {
		err = os.Rename(handle.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(handle.Name()))
	}
	return nil
}
