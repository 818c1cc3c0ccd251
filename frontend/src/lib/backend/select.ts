import type { Backend } from './backend';
import { RestBackend } from './rest';
import { browserSharing } from './share';
import { TokenStore } from './token';
import { WailsBackend, type WailsGlobals } from './wails';

/** Picks the door once, when the page starts: the window's bindings when they are there, REST otherwise. */
export function selectBackend(home: Window & typeof globalThis): Backend {
  if ('go' in home) return new WailsBackend(home as unknown as WailsGlobals);
  return new RestBackend(new TokenStore(home), (input, init) => home.fetch(input, init), browserSharing(home));
}
