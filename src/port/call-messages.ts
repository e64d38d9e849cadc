/**
 * What both sides of a port say, whatever is hosted there. Messages travel in lists: those of one turn together (`Outbox`).
 * `call` numbers what will be answered; nothing else carries one.
 *
 * @module
 */
import type { TransferredError } from './transferred-error.ts';

export type HostRequest =
  /** The caller's signal was aborted: give the call up. */
  | { readonly type: 'cancel'; readonly target: number }
  /** Answered when no model pass is under way and the models are freed: only then may the other side be ended. */
  | { readonly type: 'dispose'; readonly call: number };

/** `sentAt` is a time on the system clock, which all threads of a process share. */
export type CallAnswer<Value> = { readonly call: number; readonly sentAt: number } & (
  { readonly type: 'result'; readonly value: Value } | { readonly type: 'error'; readonly error: TransferredError }
);
