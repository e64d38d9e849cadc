import type { RunView } from './run/run-view.ts';
import type { DemoState } from './state.ts';

/** What panels draw: the state, and the run as it stood at the moment shown. */
export interface Frame {
  readonly state: DemoState;
  /** `undefined` before the first run. */
  readonly view: RunView | undefined;
  /** Milliseconds since the start of the run. */
  readonly shownMs: number;
  /** Whether the run is shown at its end. */
  readonly isAtEnd: boolean;
}

/** Draws its part of the page; called at most once a frame. */
export type Panel = (frame: Frame) => void;
