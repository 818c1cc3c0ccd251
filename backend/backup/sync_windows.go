package backup

// syncFolder makes new names in a folder last. Windows does so by itself and cannot be asked.
func syncFolder(string) error { return nil }
