import { EventEmitter } from 'eventemitter3';
import type { RunEventMap } from '../contracts/event.ts';

/** Typed emitter that runs report to: pass it as `events`. */
export class RunEvents extends EventEmitter<RunEventMap> {}
