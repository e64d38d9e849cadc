import { describe, expect, test } from 'vitest';
import { RememberingModel } from '../../bench/support/simulation/remembering-model.ts';
import { SimulationClock } from '../../bench/support/simulation/simulation-clock.ts';
import type { TokenSequence } from '../../src/contracts/token-model.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';

const ALPHABET = 'abcdefghij#0123456789 \n';
const END = ALPHABET.length;
const HASH = ALPHABET.indexOf('#');
const PASS_MS = 10;

/** Logits that depend on every token. After six letters or more it may say its answer, and then it ends. */
function logitsOf(tokens: readonly number[]): Float32Array {
  const logits = new Float32Array(END + 1).fill(-30);
  const hash = tokens.lastIndexOf(HASH);
  if (hash >= 0 && tokens.length - hash > 4) logits[END] = 1;
  else if (hash >= 0) logits[[HASH, HASH, HASH, ALPHABET.indexOf(' '), ALPHABET.indexOf('1') + (tokens.length % 2)][tokens.length - hash]!] = 1;
  else for (let letter = 0; letter < 10; letter++) logits[letter] = ((tokens.reduce((sum, token) => sum + 7 * token + 3, 0) * (letter + 1)) % 11) / 5;
  if (hash < 0 && tokens.length % 13 > 6) logits[HASH] = 2;
  if (hash >= 0 && tokens.length - hash < 3) {
    logits.fill(-30);
    logits[HASH] = 1;
  }
  return logits;
}

const scripted = (): ScriptedTokenModel => new ScriptedTokenModel({ vocabularySize: END + 1, endTokens: [END], contextTokens: 200, logits: logitsOf });

describe('a clock for simulations', () => {
  test('leaps from moment to moment, in order, and not while it is held', async () => {
    const clock = new SimulationClock();
    const seen: [string, number][] = [];
    const note = (name: string) => (): void => void seen.push([name, clock.now()]);
    const work = clock.hold(new Promise((resolve) => setImmediate(() => setImmediate(resolve)))).then(note('held'));
    await Promise.all([clock.wait(20).then(note('late')), clock.wait(10).then(note('early')), clock.wait(0).then(note('at once')), work]);
    expect(seen).toEqual([
      ['at once', 0],
      ['held', 0],
      ['early', 10],
      ['late', 20],
    ]);
  });

  test('an abort ends a wait at the moment it comes', async () => {
    const clock = new SimulationClock();
    const controller = new AbortController();
    void clock.wait(10).then(() => controller.abort());
    await clock.wait(1_000, controller.signal);
    expect(clock.now()).toBe(10);
  });
});

describe('a model that computes every text once', () => {
  test('says what the model says, whatever was forked, rolled back and forgotten before', async () => {
    const model = scripted();
    const remembering = new RememberingModel(model, new SimulationClock(), () => 0);
    let state = 1;
    const draw = (below: number): number => (state = (state * 48_271) % 0x7fffffff) % below;
    for (let round = 0; round < 3; round++) {
      const open: { readonly sequence: TokenSequence; tokens: number[] }[] = [{ sequence: remembering.openSequence(), tokens: [] }];
      for (let step = 0; step < 150; step++) {
        const one = open[draw(open.length)]!;
        const action = draw(6);
        if (action === 0 && open.length < 5) open.push({ sequence: one.sequence.fork(), tokens: [...one.tokens] });
        if (action === 1) {
          one.tokens.length = Math.max(0, one.tokens.length - draw(4));
          one.sequence.truncate(one.tokens.length);
        }
        if (action < 2 || one.tokens.length > 20) continue;
        const others = open.filter((other) => other !== one && other.tokens.length < 20).slice(0, draw(3));
        const rows = [one, ...others].map(({ sequence }) => {
          const tokens = Array.from({ length: 1 + draw(3) }, () => draw(3));
          return { sequence, tokens, logitCount: draw(tokens.length + 1) };
        });
        const logits = await remembering.forward(rows);
        const expected: number[] = [];
        for (const [index, { tokens, logitCount }] of rows.entries()) {
          const held = [one, ...others][index]!;
          for (const [place, token] of tokens.entries()) {
            held.tokens.push(token);
            if (place >= tokens.length - logitCount) expected.push(...logitsOf(held.tokens));
          }
          expect(held.sequence.length).toBe(held.tokens.length);
        }
        expect([...logits]).toEqual(expected);
      }
      for (const { sequence } of open) sequence.dispose();
      expect(model.openSequences).toBe(0);
      if (round === 1) remembering.forget();
    }
    expect(remembering.counts.computed).toBeLessThan(remembering.counts.asked);
  });

  test('runs of strategies are what they are on the model, take simulated time, and compute nothing again', async () => {
    const clock = new SimulationClock();
    const model = new RememberingModel(scripted(), clock, () => PASS_MS);
    const engine = new Decoder({ model: localModelOf(model, characterTokenizer(ALPHABET)), thread: 'main' });
    const plain = new Decoder({ model: localModelOf(scripted(), characterTokenizer(ALPHABET)), thread: 'main' });
    const strategy = new SelfConsistency({ branches: 6, earlyDecision: 'none' });
    const run = async (deadlineMs = Infinity) => strategy.run({ engine, clock, prompt: 'a', seed: 3, deadlineMs });
    const direct = await strategy.run({ engine: plain, prompt: 'a', seed: 3 });
    const first = await run();
    const { computed } = model.counts;
    const second = await run();
    expect(model.counts.computed).toBe(computed);
    for (const { branches, answer } of [first, second]) {
      expect(answer).toBe(direct.answer);
      expect(branches.map(({ text }) => text)).toEqual(direct.branches.map(({ text }) => text));
    }
    expect(second.timing.totalMs).toBe(PASS_MS * second.usage.forwardCount);
    const cut = await run(55);
    expect(cut.timing.totalMs).toBeLessThanOrEqual(55 + PASS_MS);
    for (const { branch, text } of cut.branches) expect(direct.branches[branch]!.text.startsWith(text.split('\n')[0]!)).toBe(true);
    await Promise.all([engine.dispose(), plain.dispose()]);
  });
});
