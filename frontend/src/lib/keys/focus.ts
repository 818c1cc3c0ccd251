/** What the focus keeper needs of a page. */
export type FocusHome = Pick<Document, 'activeElement' | 'body' | 'querySelector'>;

/**
 * Gives the focus a place when what had it is gone, as after the last file was approved: the selected row of the list
 * on screen, or else the status line. A focus that is still somewhere stays there.
 */
export function keepFocus(page: FocusHome): void {
  const at = page.activeElement;
  if (at && at !== page.body && !(at as HTMLButtonElement).disabled) return;
  const place = page.querySelector<HTMLElement>('main [data-row][aria-current]') ?? page.querySelector<HTMLElement>('[role=status]');
  place?.focus();
}
