import type { Span } from '../backend/types';

export type TokenKind = 'plain' | 'key' | 'text' | 'number' | 'word' | 'comment' | 'mark';

/** A run of characters of one line that is drawn in one way. */
export interface Piece {
  text: string;
  kind: TokenKind;
  changed: boolean;
}

export interface Token {
  text: string;
  kind: TokenKind;
}

/** Lays the tokens of a line over its changed and unchanged spans. The text stays exactly the same. */
export function pieces(spans: Span[], tokenise: (line: string) => Token[]): Piece[] {
  const tokens = tokenise(spans.map((span) => span.text).join(''));
  const result: Piece[] = [];
  let at = 0;
  let used = 0;
  for (const span of spans) {
    let left = span.text;
    while (left !== '') {
      const token = tokens[at];
      if (!token) {
        result.push({ text: left, kind: 'plain', changed: span.changed });
        break;
      }
      const take = Math.min(left.length, token.text.length - used);
      if (take > 0) result.push({ text: left.slice(0, take), kind: token.kind, changed: span.changed });
      left = left.slice(take);
      used += take;
      if (used >= token.text.length) {
        at++;
        used = 0;
      }
    }
  }
  return result;
}
