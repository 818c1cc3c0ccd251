import type { SignIn } from './backend';

const key = 'marain.token';

/** Where the page reads its own address and keeps the token; a window, or a stand-in for tests. */
export interface TokenHome {
  location: { hash: string; pathname: string; search: string };
  history: { replaceState(data: unknown, unused: string, url: string): void };
  sessionStorage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

/**
 * Holds the bearer token for one browser tab. A token in the address (`#token=...`) is taken out of it at once, so that
 * it is neither bookmarked nor shown; the part after `#` never reaches a server or its log.
 */
export class TokenStore implements SignIn {
  #token = '';

  constructor(private readonly home: TokenHome) {
    const fromAddress = new URLSearchParams(home.location.hash.replace(/^#/, '')).get('token');
    if (fromAddress) {
      home.history.replaceState(null, '', home.location.pathname + home.location.search);
      this.setToken(fromAddress);
    } else {
      this.#token = this.#stored();
    }
  }

  get token(): string {
    return this.#token;
  }

  hasToken(): boolean {
    return this.#token !== '';
  }

  setToken(token: string): void {
    this.#token = token.trim();
    try {
      if (this.#token) this.home.sessionStorage.setItem(key, this.#token);
      else this.home.sessionStorage.removeItem(key);
    } catch {
      // Storage is switched off: the token lives as long as this page does.
    }
  }

  #stored(): string {
    try {
      return this.home.sessionStorage.getItem(key) ?? '';
    } catch {
      return '';
    }
  }
}
