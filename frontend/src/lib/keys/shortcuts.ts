export type Command = 'approve' | 'reload' | 'changes' | 'history' | 'drift' | 'storage' | 'help' | 'next' | 'previous' | 'only';

/** What the overlay shows, in this order. */
export const shortcuts: { keys: string[]; text: string }[] = [
  { keys: ['1'], text: 'Go to Changes' },
  { keys: ['2'], text: 'Go to History' },
  { keys: ['3'], text: 'Go to Drift' },
  { keys: ['4'], text: 'Go to Storage' },
  { keys: ['J', '↓'], text: 'Next in the list' },
  { keys: ['K', '↑'], text: 'Previous in the list' },
  { keys: ['Space'], text: 'Include the file, or leave it out' },
  { keys: ['O'], text: 'Only this file, or every file again' },
  { keys: ['Ctrl', 'Enter'], text: 'Approve the plan on screen' },
  { keys: ['Ctrl', 'R'], text: 'Read the files again' },
  { keys: ['?'], text: 'Show these shortcuts' },
  { keys: ['Esc'], text: 'Close a dialog' },
];

interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  /** Whether the focus is where letters are typed. */
  typing: boolean;
}

/** The command that a key press asks for. Letters that are being typed into a field are never commands. */
export function commandFor(press: Press): Command | undefined {
  const control = press.ctrlKey || press.metaKey;
  if (press.key === 'F5') return 'reload';
  if (press.altKey) return undefined;
  if (control) {
    if (press.key === 'Enter') return 'approve';
    return press.key.toLowerCase() === 'r' ? 'reload' : undefined;
  }
  return press.typing ? undefined : plain[press.key];
}

const plain: Record<string, Command> = { '1': 'changes', '2': 'history', '3': 'drift', '4': 'storage', '?': 'help', j: 'next', k: 'previous', o: 'only' };
