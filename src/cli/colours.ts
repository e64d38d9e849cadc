import picocolors from 'picocolors';
import type { CliHost, CliOutput } from './host.ts';

export type Colours = ReturnType<typeof picocolors.createColors>;

/** Colours for a stream, or functions that leave texts as they are. */
export function coloursFor(stream: CliOutput, env: CliHost['env']): Colours {
  return picocolors.createColors(wantsColour(stream, env));
}

/** `FORCE_COLOR` before `NO_COLOR` (no-color.org), as Node has it; else terminals that can. */
function wantsColour({ isTTY }: CliOutput, { FORCE_COLOR: force, NO_COLOR: no, TERM: term }: CliHost['env']): boolean {
  if (force !== undefined) return !/^(?:0|false)$/i.test(force);
  return no === undefined || no === '' ? isTTY === true && term !== 'dumb' : false;
}
