/** What a listener learns of each draft: where it stood in the branch's text and what it said. */
import { describe, expect, test } from 'vitest';
import type { DecidedDraft, Engine } from '../../../src/contracts/engine.ts';
import { hostEngine } from '../../../src/engines/port/host-engine.ts';
import { PortEngine } from '../../../src/engines/port/port-engine.ts';
import { RunEvents } from '../../../src/runtime/run-events.ts';
import { SelfConsistency } from '../../../src/strategies/self-consistency.ts';
import { portPair } from '../../port/port-pair.ts';
import { withSession } from '../engine-laws.ts';
import { scriptedModel, speculativeDecoder } from '../scripted-engines.ts';

const PROMPT = 'abba 12';
const BRANCHES = 3;

function behindPort(): Engine {
  const { near, far } = portPair();
  hostEngine(speculativeDecoder(scriptedModel()), far);
  return new PortEngine(near, async () => undefined);
}

type Told = DecidedDraft & { readonly branch: number };

/** Accepted tokens are the branch's text at their place; the first that did not stand is not. */
function expectToFit(drafts: readonly Told[], texts: readonly string[]): void {
  expect(new Set(drafts.map(({ branch }) => branch)).size).toBe(texts.length);
  expect(drafts.some(({ accepted, proposed }) => accepted < proposed)).toBe(true);
  for (const { branch, offset, drafted, proposed, accepted } of drafts) {
    expect(drafted).toHaveLength(proposed);
    const stood = drafted.slice(0, accepted).join('');
    const text = texts[branch]!;
    expect(text.slice(offset, offset + stood.length)).toBe(stood);
    const [refused] = drafted.slice(accepted);
    if (refused) expect(text.slice(offset + stood.length).startsWith(refused)).toBe(false);
  }
}

describe.each(Object.entries({ 'in the calling thread': () => speculativeDecoder(scriptedModel()), 'behind a port': behindPort }))('%s', (_, open) => {
  test('a draft is told with its place and its text', async () => {
    const drafts: Told[] = [];
    const texts = await withSession(open(), PROMPT, { onDraft: (branch, draft) => drafts.push({ branch, ...draft }) }, async (session) => {
      const branches = session.branch(BRANCHES);
      await Promise.all(branches.map((branch) => branch.advance()));
      return branches.map(({ text }) => text);
    });
    expectToFit(drafts, texts);
  });

  test('a draft that ends with the end of text has an empty text there', async () => {
    const drafts: DecidedDraft[] = [];
    const ends = await withSession(open(), PROMPT, { onDraft: (_, draft) => drafts.push(draft) }, async (session) => {
      const segments = await Promise.all(session.branch(8).map((branch) => branch.advance()));
      return segments.filter(({ finish }) => finish === 'end').length;
    });
    expect(ends).toBe(8);
    expect(drafts.some(({ drafted }) => drafted.at(-1) === '')).toBe(true);
    expect(drafts.every(({ drafted }) => drafted.slice(0, -1).every((text) => text !== ''))).toBe(true);
  });
});

test.each(
  Object.entries({
    'a run': new SelfConsistency({ branches: BRANCHES, earlyDecision: 'none' }),
    'a run within a run': new SelfConsistency({ source: new SelfConsistency({ branches: BRANCHES, earlyDecision: 'none' }) }),
  }),
)('%s passes it on', async (_, strategy) => {
  const drafts: Told[] = [];
  const events = new RunEvents();
  events.on('draft-verify', (draft) => drafts.push(draft));
  const { branches } = await strategy.run({ engine: speculativeDecoder(scriptedModel()), prompt: PROMPT, events });
  expectToFit(
    drafts,
    branches.map(({ text }) => text),
  );
});
