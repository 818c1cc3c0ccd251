export type Choice = 'system' | 'light' | 'dark';

const key = 'marain.theme';

/** What the theme needs of a page; the browser's own, or stand-ins for tests. */
export interface ThemeHome {
  root: { dataset: DOMStringMap };
  storage: Pick<Storage, 'getItem' | 'setItem'> | undefined;
  /** Whether the desktop is dark, and a word when that changes. */
  system: Pick<MediaQueryList, 'matches' | 'addEventListener'>;
}

/** The theme that was chosen, remembered between starts. `system` follows the desktop. public/theme.js reads the same key. */
export class Theme {
  choice = $state<Choice>('system');

  constructor(private readonly home: ThemeHome) {
    const stored = this.#stored();
    if (stored === 'light' || stored === 'dark') this.choice = stored;
    home.system.addEventListener('change', () => this.#show());
    this.#show();
  }

  choose(choice: Choice): void {
    this.choice = choice;
    try {
      this.home.storage?.setItem(key, choice);
    } catch {
      // Storage is switched off: the choice lasts as long as this page.
    }
    this.#show();
  }

  #show(): void {
    const system = this.home.system.matches ? 'dark' : 'light';
    this.home.root.dataset.theme = this.choice === 'system' ? system : this.choice;
  }

  #stored(): string | null | undefined {
    try {
      return this.home.storage?.getItem(key);
    } catch {
      return undefined;
    }
  }
}

/** The theme of this page. */
export function pageTheme(page: Window): Theme {
  let storage: Storage | undefined;
  try {
    storage = page.localStorage;
  } catch {
    storage = undefined; // reading the property alone throws where storage is forbidden
  }
  return new Theme({ root: page.document.documentElement, storage, system: page.matchMedia('(prefers-color-scheme: dark)') });
}
