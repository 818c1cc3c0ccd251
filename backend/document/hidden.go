package document

import "unicode"

// Hidden reports whether a character does not show what it is on a screen: control characters (also tab and line
// breaks), characters that turn the direction of writing, zero-width characters, and characters that look like nothing.
// Such characters are refused in ids and keys, and shown escaped in diffs.
func Hidden(r rune) bool {
	switch {
	case r >= 0x20 && r < 0x7f:
		return false
	case r < 0xa0, r == 0xad, r == 0x34f, r == 0x61c, r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0:
		return true
	case r == 0x17b4, r == 0x17b5, r >= 0x180b && r <= 0x180f, r >= 0xfe00 && r <= 0xfe0f, r >= 0xfff0 && r <= 0xfffb:
		return true
	case r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// firstHidden returns the first hidden character of a text.
func firstHidden(text string) (rune, bool) {
	for _, r := range text {
		if Hidden(r) {
			return r, true
		}
	}
	return 0, false
}
