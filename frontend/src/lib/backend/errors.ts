import type { BackendError, ErrorCode } from './backend';
import { sentence, visible } from '../text/value';
import type { Plan } from './types';

export type Severity = 'info' | 'warning' | 'error';

export interface ErrorText {
  severity: Severity;
  title: string;
  /** What a person can do now. */
  next: string;
}

/** The one table from an error code to what the page says about it. */
const table: Record<ErrorCode, ErrorText> = {
  invalid: { severity: 'error', title: 'That could not be used', next: 'Correct what the message names and try again.' },
  unauthorized: { severity: 'warning', title: 'Sign in again', next: 'The token is in the file api.token in the data folder.' },
  forbidden: { severity: 'error', title: 'Not allowed', next: 'Open this page from the address that the server printed.' },
  not_found: { severity: 'warning', title: 'Not found', next: 'It may have been removed since. Press Reload to see what is there now.' },
  stale: {
    severity: 'warning',
    title: 'The files or the database changed since this plan was made',
    next: 'Nothing was applied. Look at the new plan, then decide again.',
  },
  blocked: { severity: 'warning', title: 'This cannot be applied yet', next: 'Answer the open questions or change the file, then try again.' },
  locked: { severity: 'warning', title: 'Somebody else is working on this project', next: 'Nothing was changed. Wait a moment and try again.' },
  conflict: {
    severity: 'warning',
    title: 'Later changes stand in the way',
    next: 'Roll the later ones back first, or go back to this point as a whole.',
  },
  cancelled: { severity: 'info', title: 'Cancelled', next: 'It waits as before.' },
  internal: { severity: 'error', title: 'Something went wrong', next: 'Nothing was half done: the last good state is still live. Try again, or look at the log.' },
  offline: { severity: 'error', title: 'No connection to Marain', next: 'It reconnects by itself. If it does not, check that the program is running.' },
  unexpected: { severity: 'error', title: 'Something went wrong', next: 'Press Reload. If it happens again, restart the program.' },
};

/** What to say about an error. A code from a newer program is treated as unexpected. */
export function explain(error: BackendError): ErrorText {
  return table[error.code] ?? table.unexpected;
}

/** An error in full: what happened, and what to do now. */
export function tell(error: BackendError): string {
  return [sentence(visible(error.message)), explain(error).next].filter(Boolean).join(' ');
}

/** The plan among an error's details, when there is one. */
export function planIn(details: unknown[]): Plan | undefined {
  return details.find((detail): detail is Plan => typeof detail === 'object' && detail !== null && 'plan_id' in detail);
}
