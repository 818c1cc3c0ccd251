import type { Token, TokenKind } from './pieces';

/** A line longer than this is drawn without colours: nobody reads it by them, and it would cost time. */
const longest = 2_000;

const yamlLine = /^(\s*(?:- +)*)((?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:"'[\]{},][^#:]*?)(?=\s*:(?:\s|$)))?(\s*:(?=\s|$))?(.*)$/s;

/** Colours one line of YAML. It is a guess by the look of the line, good enough to read by. */
export function yamlTokens(line: string): Token[] {
  if (line.length > longest) return [{ text: line, kind: 'plain' }];
  const [, indent = '', key = '', colon = '', rest = ''] = yamlLine.exec(line) ?? ['', '', '', '', line];
  return keep([
    { text: indent, kind: 'mark' },
    { text: key, kind: 'key' },
    { text: colon, kind: 'mark' },
    ...yamlValue(rest),
  ]);
}

const quoted = /^(\s*)("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(.*)$/s;

function yamlValue(rest: string): Token[] {
  const string = quoted.exec(rest);
  if (string) return [{ text: string[1]!, kind: 'plain' }, { text: string[2]!, kind: 'text' }, ...comment(string[3]!)];
  const hash = rest.search(/(^|\s)#/);
  const value = hash < 0 ? rest : rest.slice(0, hash);
  return [{ text: value, kind: scalarKind(value.trim()) }, ...comment(rest.slice(value.length))];
}

function scalarKind(value: string): TokenKind {
  if (/^[-+]?(\d|\.\d)[\d._eE+-]*$/.test(value)) return 'number';
  if (/^(true|false|null|~)$/.test(value)) return 'word';
  return /^[[\]{},|>&*!-]*$/.test(value) ? 'mark' : 'text';
}

function comment(text: string): Token[] {
  return [{ text, kind: text.trimStart().startsWith('#') ? 'comment' : 'plain' }];
}

const sqlPart =
  /(--[^\n]*)|('(?:[^']|'')*')|("(?:[^"]|"")*")|\b(\d+(?:\.\d+)?)\b|\b(ALTER|TABLE|ADD|COLUMN|RENAME|TO|CREATE|UNIQUE|INDEX|ON|DROP|SET|NOT|NULL|DEFAULT|PRIMARY|KEY|REFERENCES|CASCADE|DELETE|UPDATE|INSERT|INTO|VALUES|SELECT|FROM|WHERE|AND|OR|IS|IF|EXISTS|AS|COUNT|GROUP|BY|HAVING|ORDER|LIMIT|TEXT|INTEGER|REAL|TIMESTAMP|CURRENT_TIMESTAMP|CONSTRAINT|CHECK|IN|DISTINCT|CASE|WHEN|THEN|ELSE|END|BEGIN|COMMIT)\b/gi;
const sqlKinds: TokenKind[] = ['comment', 'text', 'key', 'number', 'word'];

/** Colours SQL: words, quoted names, strings, numbers and comments. */
export function sqlTokens(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (const match of sql.matchAll(sqlPart)) {
    const kind = sqlKinds[match.slice(1).findIndex((group) => group !== undefined)] ?? 'plain';
    tokens.push({ text: sql.slice(at, match.index), kind: 'plain' }, { text: match[0], kind });
    at = match.index + match[0].length;
  }
  tokens.push({ text: sql.slice(at), kind: 'plain' });
  return keep(tokens);
}

function keep(tokens: Token[]): Token[] {
  return tokens.filter((token) => token.text !== '');
}
