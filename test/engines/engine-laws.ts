/**
 * What every Engine keeps, as checks that throw. No test framework is involved: a test file runs each law by name.
 * Laws see an engine as strategies do; what needs a scripted model or a virtual clock is in `scripted-engine-laws.ts`.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { AdvanceOptions, Branch, BranchProgress, Engine, Segment, Session, SessionOptions } from '../../src/contracts/engine.ts';
import type { Prompt } from '../../src/contracts/prompt.ts';
import { argmax, logSumExp } from '../../src/maths/sampling.ts';

const NO_PROMPTS: readonly unknown[] = [undefined, 7, {}, [], { messages: [] }, { text: 7 }, [{ role: 'user' }], [null]];

export interface EngineSubject {
  /** An engine of its own; the law disposes it. */
  open(): Engine;
  /** Two prompts as plain text that can be continued at their end without a change to their tokens. */
  readonly prompts: readonly [string, string];
  /** Text the model may be made to say behind a prompt, of more than one token and without an end. */
  readonly forced: string;
  /** More of this than the context holds can be asked or forced. */
  readonly filler: string;
  /** Most tokens of one branch that one pass can give: more than 1 where the engine speculates. */
  readonly tokensAPass: number;
  /** Set where a seed fixes each segment, but not the text over segments: as on servers, whose every request starts its random numbers anew. */
  readonly drawsAnew?: boolean;
  /** Logits behind the prompt and behind each of the tokens but the last, from the model itself. */
  reference(prompt: string, tokens: readonly number[]): Promise<readonly Float32Array[]>;
}

export interface EngineLaw {
  readonly name: string;
  check(subject: EngineSubject): Promise<void>;
}

/** Longest text a law asks for; also ends branches of a model that never stops. */
const CAP = 60;

export const engineLaws: readonly EngineLaw[] = [
  law('the same seed gives the same tokens and another seed gives others', async (engine, { prompts: [prompt] }) => {
    const first = await tokensOf(engine, prompt, { seed: 11 }, 4);
    assert.deepEqual(await tokensOf(engine, prompt, { seed: 11 }, 4), first);
    assert.notDeepEqual(await tokensOf(engine, prompt, { seed: 12 }, 4), first);
  }),
  law('a branch does not depend on how many others there are or when it is advanced', async (engine, { prompts: [prompt] }) => {
    const [fourth] = (await tokensOf(engine, prompt, {}, 4)).slice(3);
    assert.deepEqual((await tokensOf(engine, prompt, {}, 8))[3], fourth);
    await withSession(engine, prompt, {}, async (session) => {
      const alone = session.branch(1).concat(session.branch(3))[3]!;
      assert.equal(alone.number, 3);
      assert.deepEqual((await complete(alone)).tokens, fourth, 'branch 3 advanced alone');
    });
  }),
  law('branches draw their tokens apart from each other', async (engine, { prompts: [prompt] }) => {
    // So hot that nearly every draw takes another token; a shared random number would make all the same.
    const firsts = await withSession(engine, prompt, { sampling: { temperature: 50 } }, (session) =>
      Promise.all(session.branch(24).map(async (branch) => (await branch.advance({ until: { tokens: 3 } })).tokens.join())),
    );
    assert.ok(new Set(firsts).size >= 18, `only ${new Set(firsts).size} of 24 branches began differently`);
  }),
  law('temperature 0 takes the likeliest token, and logprobs are the model’s own at any temperature', async (engine, { prompts: [prompt], reference }) => {
    for (const temperature of [0, 0.7, 3]) {
      await withSession(engine, prompt, { sampling: { temperature } }, async (session) => {
        const { tokens, logprobs } = await session.branch(1)[0]!.advance({ until: { tokens: 20 } });
        assert.equal(logprobs.length, tellsLogprobs(engine) ? tokens.length : 0);
        const rows = await reference(prompt, tokens);
        for (const [index, token] of tokens.entries()) {
          const expected = rows[index]![token]! - logSumExp(rows[index]!);
          if (tellsLogprobs(engine)) assertClose(logprobs[index]!, expected, `logprob ${index} at temperature ${temperature}`);
          if (temperature === 0) assert.equal(token, argmax(rows[index]!));
        }
      });
    }
  }),
  law('branches of one session can choose their tokens in other ways, and forks as their parents', async (engine, { prompts: [prompt], drawsAnew }) => {
    const hot = { temperature: 3 };
    const [likeliest] = (await tokensOf(engine, prompt, { sampling: { temperature: 0 } }, 1)) as [readonly number[]];
    const [sampled] = (await tokensOf(engine, prompt, { sampling: hot }, 1)) as [readonly number[]];
    await withSession(engine, prompt, { sampling: hot }, async (session) => {
      const branches = [...session.branch(1), ...session.branch(1, { sampling: { temperature: 0 } }), ...session.branch(1, {})] as const;
      const [first, greedy] = branches as unknown as readonly [Branch, Branch];
      const [beginning, own] = await Promise.all([greedy.advance({ until: { tokens: 3 } }), complete(first)]);
      if (!drawsAnew) assert.deepEqual(own.tokens, sampled, 'sampled beside a greedy branch');
      const fork = greedy.fork();
      for (const branch of [fork, greedy]) {
        const rest = await complete(branch);
        assert.deepEqual([...beginning.tokens, ...rest.tokens], likeliest, `branch ${branch.number}`);
      }
      for (const temperature of [-1, NaN, '0']) {
        throwsWith(() => session.branch(1, { sampling: { temperature: temperature as number } }), 'LTTS_INVALID_OPTION');
      }
    });
  }),
  law(
    'segments tell the likeliest tokens with their log-probabilities, and the self-certainty of every token, from the model’s own distribution',
    async (engine, { prompts: [prompt], reference, drawsAnew }) => {
      const sampling = { temperature: 0.7, topK: 5, ...steady(drawsAnew).sampling };
      const isCertain = await tellsSelfCertainty(engine);
      const plain = await tokensOf(engine, prompt, { sampling }, 1);
      if (mostTopLogprobs(engine) === 0) return;
      await withSession(engine, prompt, { sampling, topLogprobs: 7, selfCertainty: true }, async (session) => {
        const [branch] = session.branch(1) as [Branch];
        const segments = await completeInSegments(branch, [1, 9, CAP]);
        const tokens = segments.flatMap((segment) => segment.tokens);
        assert.deepEqual([tokens], plain, 'asking changed what is written');
        const rows = await reference(prompt, tokens);
        const told = segments.flatMap(({ topLogprobs, topTokens, selfCertainty }) =>
          topLogprobs!.map((list, index) => ({ list, ids: topTokens?.[index], certainty: selfCertainty?.[index] })),
        );
        const namesThem = engine.capabilities?.topTokens ?? true;
        assert.equal(told.length, tokens.length);
        for (const [index, { list, ids, certainty }] of told.entries()) {
          assert.equal(ids?.length, namesThem ? list.length : undefined);
          for (const [rank, id] of (ids ?? []).entries())
            assertClose(list[rank]!, rows[index]![id]! - logSumExp(rows[index]!), `the token ${rank} beside token ${index}`);
          assert.equal(new Set(ids).size, ids?.length ?? 0);
          const logprobs = Array.from(rows[index]!, (logit) => logit - logSumExp(rows[index]!)).sort((left, right) => right - left);
          assert.equal(list.length, 7);
          for (const [rank, logprob] of list.entries()) assertClose(logprob, logprobs[rank]!, `log-probability ${rank} of token ${index}`);
          const divergence = -logprobs.reduce((sum, logprob) => sum + logprob + Math.log(logprobs.length), 0) / logprobs.length;
          if (isCertain) assertClose(certainty!, divergence, `self-certainty of token ${index}`);
        }
      });
    },
  ),
  law('the log-probabilities of a text can be asked for, where an engine can tell, and change nothing', async (engine, { prompts: [prompt] }) => {
    const plain = await tokensOf(engine, prompt, {}, 4);
    await withSession(engine, prompt, {}, async (session) => {
      const [writer, reader, ...others] = session.branch(4) as [Branch, Branch, Branch, Branch];
      if (!writer.logprobsOf) return;
      const first = await writer.advance({ until: { tokens: 5 } });
      const then = await writer.advance({ until: { tokens: 4 } });
      // Asked together, right behind the prompt, and again: the same each time, up to the rounding of rows of one pass.
      const asked = [first.text + then.text, first.text, first.text];
      const [whole, part, again] = await Promise.all([reader, ...others].map((branch, index) => branch.logprobsOf!(asked[index]!)));
      const written = [...first.logprobs, ...then.logprobs].slice(0, whole!.length);
      for (const [index, logprob] of written.entries()) assertClose(whole![index]!, logprob, `log-probability ${index} of the whole`);
      assert.ok(whole!.length > 1 && part!.length > 1 && part!.length < whole!.length);
      for (const [index, logprob] of part!.entries()) assertClose(whole![index]!, logprob, `log-probability ${index} of a part`);
      assert.equal(again!.length, part!.length);
      for (const [index, logprob] of again!.entries()) assertClose(logprob, part![index]!, `log-probability ${index} asked again`);
      assert.deepEqual(await reader.logprobsOf!(''), []);
      assert.deepEqual([reader.text, reader.tokenCount, reader.ended], ['', 0, undefined]);
      // In the middle of a branch.
      const opened = await reader.advance({ until: { tokens: 5 } });
      const rest = await reader.logprobsOf!(then.text);
      assert.ok(rest!.every((logprob) => logprob <= 0));
      const reason = new Error('enough');
      await assert.rejects(reader.logprobsOf!(then.text, { signal: AbortSignal.abort(reason) }), reason);
      const closed = await complete(reader);
      assert.deepEqual([...opened.tokens, ...closed.tokens], plain[1], 'asking changed what is written');
    });
  }),
  law('segments tell of confidence only what was asked for', async (engine, { prompts: [prompt] }) => {
    const isCertain = await tellsSelfCertainty(engine);
    const hasTop = mostTopLogprobs(engine) > 0;
    const namesTokens = engine.capabilities?.topTokens ?? true;
    for (const [options, fields] of [
      [{}, []],
      [{ topLogprobs: 0, selfCertainty: false }, []],
      [{ topLogprobs: 2 }, ['topLogprobs', 'topTokens']],
      [{ selfCertainty: true }, ['selfCertainty']],
    ] as const) {
      const segment = await withSession(engine, prompt, options, (session) => session.branch(1)[0]!.advance({ until: { tokens: 3 } }));
      assert.deepEqual(
        Object.keys(segment).filter((field) => ['topLogprobs', 'topTokens', 'selfCertainty'].includes(field)),
        fields.filter((field) => (field === 'selfCertainty' ? isCertain : hasTop && (namesTokens || field !== 'topTokens'))),
      );
    }
    await rejectsWith(engine.open({ text: prompt }, { topLogprobs: -1 }), 'LTTS_INVALID_OPTION');
    await rejectsWith(engine.open({ text: prompt }, { topLogprobs: 1.5 }), 'LTTS_INVALID_OPTION');
  }),
  law('segments of any size together are what one segment is', async (engine, { prompts: [prompt], drawsAnew }) => {
    const options = steady(drawsAnew);
    const whole = await withSession(engine, prompt, options, (session) => complete(session.branch(2)[1]!));
    for (const sizes of [[1], [3], [1, 7, 2, 30]]) {
      await withSession(engine, prompt, options, async (session) => {
        const branch = session.branch(2)[1]!;
        const segments = await completeInSegments(branch, sizes);
        assert.deepEqual(
          segments.flatMap(({ tokens }) => tokens),
          whole.tokens,
        );
        assert.equal(segments.map(({ text }) => text).join(''), whole.text);
        assert.equal(branch.text, whole.text);
        assert.equal(branch.tokenCount, whole.tokens.length);
        const logprobs = segments.flatMap((segment) => segment.logprobs);
        for (const [index, logprob] of logprobs.entries()) assertClose(logprob, whole.logprobs[index]!, `logprob ${index}`);
      });
    }
  }),
  law('a segment has no more tokens than asked for', async (engine, { prompts: [prompt] }) => {
    await withSession(engine, prompt, {}, async (session) => {
      for (const count of [1, 2, 5]) {
        const { tokens, finish } = await session.branch(1)[0]!.advance({ until: { tokens: count } });
        assert.ok(tokens.length === count ? finish === 'length' || finish === 'end' : finish === 'end', `${tokens.length} tokens, finish ${finish}`);
      }
    });
  }),
  law('a stop string ends the segment with the token that completes it, also across tokens', async (engine, { prompts: [prompt] }) => {
    const sampling = { temperature: 0 };
    const { text } = await withSession(engine, prompt, { sampling }, (session) => complete(session.branch(1)[0]!));
    assert.ok(text.length > 8, 'the model says too little for this law');
    for (const [from, length] of [
      [0, 1],
      [2, 3],
      [4, 4],
      [text.length - 3, 3],
    ] as const) {
      const stop = text.slice(from, from + length);
      await withSession(engine, prompt, { sampling }, async (session) => {
        const [stopped, shorter] = session.branch(2) as [Branch, Branch];
        const segment = await stopped.advance({ until: { stop: ['never said', stop] } });
        assert.equal(segment.finish, 'stop');
        assert.equal(segment.stop, stop);
        assert.ok(segment.text.includes(stop) && text.startsWith(segment.text), `${JSON.stringify(segment.text)} for ${JSON.stringify(stop)}`);
        if (segment.tokens.length > 1) {
          const before = await shorter.advance({ until: { tokens: segment.tokens.length - 1, stop: [stop] } });
          assert.equal(before.finish, 'length', 'a token earlier the stop string was complete already');
        }
        assert.equal(stopped.ended, undefined);
        const rest = await complete(stopped);
        assert.equal(segment.text + rest.text, text, 'going on behind a stop');
      });
    }
  }),
  law('the end of the text ends the branch for good', async (engine, { prompts: [prompt] }) => {
    await withSession(engine, prompt, { sampling: { temperature: 0 } }, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const { finish } = await branch.advance({ until: { tokens: 200 } });
      assert.equal(finish, 'end', 'the model does not end within 200 tokens');
      assert.equal(branch.ended, 'end');
      await rejectsWith(branch.advance(), 'LTTS_INVALID_OPTION');
      await rejectsWith(branch.force('more'), 'LTTS_INVALID_OPTION');
      throwsWith(() => branch.fork(), 'LTTS_INVALID_OPTION');
      branch.abort();
      assert.equal(branch.ended, 'end');
    });
  }),
  law('a full context ends the branch with exactly as many tokens as it holds', async (engine, { prompts: [prompt], filler }) => {
    await engine.ready();
    const contextTokens = engine.contextTokens!;
    await withSession(engine, prompt, { sampling: { temperature: 3 }, seed: 3 }, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      while (session.promptTokens + branch.tokenCount < contextTokens - 8) await branch.force(filler);
      const { finish } = await branch.advance();
      assert.equal(finish, 'context');
      assert.equal(branch.ended, 'context');
      assert.equal(session.promptTokens + branch.tokenCount, contextTokens);
      await rejectsWith(branch.advance(), 'LTTS_INVALID_OPTION');
    });
  }),
  law('a fork goes on from the same text with draws of its own and changes nothing for its parent', async (engine, { prompts: [prompt] }) => {
    const play = (withForks: boolean): Promise<readonly string[]> =>
      withSession(engine, prompt, { sampling: { temperature: 3 }, seed: 5 }, async (session) => {
        const [parent, other] = session.branch(2) as [Branch, Branch];
        await parent.advance({ until: { tokens: 4 } });
        if (parent.ended) throw new Error('the branch ended before it could be forked');
        const stem = parent.text;
        const forks = withForks ? [parent.fork(), parent.fork()] : [];
        for (const [index, fork] of forks.entries()) {
          assert.deepEqual([fork.number, fork.text, fork.tokenCount, fork.ended], [2 + index, stem, parent.tokenCount, undefined]);
        }
        const [parentSegment, otherSegment, ...forkSegments] = await Promise.all([parent, other, ...forks].map((branch) => complete(branch)));
        for (const [index, fork] of forks.entries()) assert.equal(fork.text, stem + forkSegments[index]!.text);
        return [parentSegment!, otherSegment!, ...forkSegments].map(({ tokens }) => tokens.join());
      });
    const forked = await play(true);
    assert.deepEqual((await play(false)).slice(0, 2), forked.slice(0, 2), 'the fork changed its parent or a sibling');
    assert.deepEqual(await play(true), forked, 'the same calls gave another fork');
    assert.equal(new Set([forked[0], forked[2], forked[3]]).size, 3, 'forks repeat their parent or each other');
  }),
  law('forced text is continued as if the model had written it', async (engine, { prompts: [prompt], forced }) => {
    const sampling = { temperature: 0 };
    const expected = await withSession(engine, prompt + forced, { sampling }, (session) => complete(session.branch(1)[0]!));
    await withSession(engine, prompt, { sampling }, async (session) => {
      const [atOnce, later] = session.branch(2) as [Branch, Branch];
      await atOnce.force(forced);
      assert.equal(atOnce.text, forced);
      const forcedTokens = atOnce.tokenCount;
      assert.ok(forcedTokens > 1);
      assert.equal(session.usage().forcedTokens, forcedTokens);
      const segment = await complete(atOnce);
      assert.deepEqual(segment.tokens, expected.tokens);
      assert.equal(segment.text, expected.text);
      assert.equal(atOnce.text, forced + expected.text);
      assert.equal(session.usage().completionTokens, segment.tokens.length);

      const said = await later.advance({ until: { tokens: 3 } });
      await later.force(forced);
      assert.equal(later.text, said.text + forced);
      assert.equal(later.tokenCount, 3 + forcedTokens);
      assert.equal(later.fork().text, later.text);
    });
  }),
  law('forcing an empty text changes nothing', async (engine, { prompts: [prompt], drawsAnew }) => {
    const options = steady(drawsAnew);
    const expected = await tokensOf(engine, prompt, options, 1);
    await withSession(engine, prompt, options, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      await branch.force('');
      const first = await branch.advance({ until: { tokens: 2 } });
      await branch.force('');
      const rest = await complete(branch);
      assert.deepEqual([[...first.tokens, ...rest.tokens]], expected);
      assert.equal(session.usage().forcedTokens, 0);
    });
  }),
  law('an aborted branch returns what it has and the others go on', async (engine, { prompts: [prompt], drawsAnew }) => {
    const options = steady(drawsAnew);
    const expected = await tokensOf(engine, prompt, options, 3);
    await withSession(engine, prompt, options, async (session) => {
      const branches = session.branch(3);
      const [aborted] = branches as [Branch];
      await aborted.advance({ until: { tokens: 1 } });
      const open = Promise.all(branches.map((branch) => complete(branch)));
      aborted.abort();
      aborted.abort();
      const [cut, ...others] = await open;
      assert.ok(cut!.finish === 'aborted' || cut!.finish === 'end');
      assert.equal(aborted.ended, cut!.finish);
      assert.deepEqual(cut!.tokens, expected[0]!.slice(1, 1 + cut!.tokens.length));
      assert.equal(aborted.tokenCount, 1 + cut!.tokens.length);
      assert.deepEqual(
        others.map(({ tokens }) => tokens),
        expected.slice(1),
      );
      await rejectsWith(aborted.advance(), 'LTTS_INVALID_OPTION');
      throwsWith(() => aborted.fork(), 'LTTS_INVALID_OPTION');
    });
  }),
  law('a branch at rest can be aborted', async (engine, { prompts: [prompt] }) => {
    await withSession(engine, prompt, {}, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      branch.abort();
      assert.equal(branch.ended, 'aborted');
      await rejectsWith(branch.advance(), 'LTTS_INVALID_OPTION');
    });
  }),
  law('a caller’s signal rejects with its own reason and leaves the branch as it was', async (engine, { prompts: [prompt], drawsAnew }) => {
    const options = steady(drawsAnew);
    const expected = await tokensOf(engine, prompt, options, 2);
    await withSession(engine, prompt, options, async (session) => {
      const [first, second] = session.branch(2) as [Branch, Branch];
      const reason = { why: 'the caller has left' };
      await rejectsWithReason(first.advance({ signal: AbortSignal.abort(reason) }), reason);
      assert.deepEqual([first.tokenCount, first.text, first.ended], [0, '', undefined]);

      const start = await first.advance({ until: { tokens: 2 } });
      const controller = new AbortController();
      const open = [first.advance({ signal: controller.signal, until: { tokens: CAP } }), complete(second)] as const;
      controller.abort(reason);
      await rejectsWithReason(open[0], reason);
      assert.deepEqual([first.tokenCount, first.text, first.ended], [2, start.text, undefined]);
      assert.deepEqual((await open[1]).tokens, expected[1], 'the other branch');

      const rest = await complete(first);
      assert.deepEqual([...start.tokens, ...rest.tokens], expected[0], 'going on behind the aborted call');
      assert.equal(first.text, start.text + rest.text);
    });
  }),
  law('opening under an aborted signal rejects with its reason', async (engine, { prompts: [prompt] }) => {
    const reason = new Error('not now');
    await rejectsWithReason(engine.open({ text: prompt }, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const opening = engine.open({ text: prompt }, { signal: controller.signal });
    controller.abort(reason);
    await rejectsWithReason(opening, reason);
    await rejectsWithReason(engine.ready({ signal: AbortSignal.abort(reason) }), reason);
  }),
  law('a passed deadline ends the segment with what there is, and the branch can go on', async (engine, { prompts: [prompt], drawsAnew }) => {
    const options = steady(drawsAnew);
    const [expected] = await tokensOf(engine, prompt, options, 1);
    await withSession(engine, prompt, options, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const start = await branch.advance({ until: { tokens: 2 } });
      const late = await branch.advance({ deadlineAt: start.startedAt });
      assert.deepEqual([late.finish, late.text, late.tokens, late.logprobs], ['deadline', '', [], []]);
      assert.equal(branch.ended, undefined);
      assert.ok(late.endedAt >= late.startedAt && late.startedAt >= start.endedAt, 'segments are out of order in time');
      const rest = await complete(branch);
      assert.deepEqual([...start.tokens, ...rest.tokens], expected);
    });
  }),
  law('sessions of two prompts at once do not touch', async (engine, { prompts }) => {
    const alone = [await tokensOf(engine, prompts[0], { seed: 1 }, 3), await tokensOf(engine, prompts[1], { seed: 2 }, 3)];
    const together = await Promise.all(prompts.map((prompt, index) => tokensOf(engine, prompt, { seed: 1 + index }, 3)));
    assert.deepEqual(together, alone);
  }),
  law('one branch takes one call at a time', async (engine, { prompts: [prompt] }) => {
    const [expected] = await tokensOf(engine, prompt, {}, 1);
    await withSession(engine, prompt, {}, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const open = complete(branch);
      await rejectsWith(branch.advance(), 'LTTS_INVALID_OPTION');
      await rejectsWith(branch.force('x'), 'LTTS_INVALID_OPTION');
      throwsWith(() => branch.fork(), 'LTTS_INVALID_OPTION');
      assert.deepEqual((await open).tokens, expected);
    });
  }),
  law('boundaries and options that make no sense are refused', async (engine, { prompts: [prompt] }) => {
    await withSession(engine, prompt, {}, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const wrong: AdvanceOptions[] = [
        { until: { tokens: 0 } },
        { until: { tokens: 1.5 } },
        { until: { stop: [''] } },
        { reserveSteps: -1 },
        { deadlineAt: Number.NaN },
        { until: { stop: 'x' as never } },
        { until: { token: 1 } as never },
        { untill: {} } as never,
        { deadlineMs: 5 } as never,
        null as never,
      ];
      for (const options of wrong) await rejectsWith(branch.advance(options), 'LTTS_INVALID_OPTION');
      assert.equal((await branch.advance({ until: { tokens: 1 } })).tokens.length, 1);
    });
    const refused: SessionOptions[] = [
      { deadlineMs: 5 } as never,
      { sead: 1 } as never,
      { topLogprobs: -1 },
      { progressIntervalMs: Number.NaN },
      { expectedBranches: 0 },
      { onProgress: 5 as never },
      { seed: -1 },
      { seed: 0.5 },
      { sampling: { temperature: -1 } },
      { sampling: { topP: 0 } },
      { sampling: { topK: 1.5 } },
      undefined as never,
    ];
    for (const options of refused) await rejectsWith(engine.open({ text: prompt }, options), 'LTTS_INVALID_OPTION');
    await rejectsWith(engine.open({ text: '' }, {}), 'LTTS_INVALID_OPTION');
    for (const prompt of NO_PROMPTS) await rejectsWith(engine.open(prompt as never, {}), 'LTTS_INVALID_OPTION');
  }),
  law('a number of branches that makes no sense is refused and adds none', async (engine, { prompts: [prompt] }) => {
    await withSession(engine, prompt, {}, async (session) => {
      const wrong = [0, -1, 1.5, Number.NaN, Infinity, '2', undefined];
      for (const options of [{ samplings: {} }, { temperature: 0 }, { sampling: { temprature: 0 } }, null])
        assert.throws(() => session.branch(1, options as never), { code: 'LTTS_INVALID_OPTION' });
      for (const count of wrong) throwsWith(() => session.branch(count as number), 'LTTS_INVALID_OPTION');
      const branches = session.branch(2);
      assert.deepEqual(
        branches.map(({ number }) => number),
        [0, 1],
      );
      const segments = await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 1 } })));
      assert.equal(session.usage().completionTokens, segments.length);
    });
  }),
  law('a prompt that leaves no room is refused with its length', async (engine, { filler }) => {
    await engine.ready();
    const contextTokens = engine.contextTokens!;
    const error = await rejectsWith(engine.open({ text: filler.repeat(contextTokens) }, {}), 'LTTS_CONTEXT_LENGTH');
    assert.equal(error['contextTokens'], contextTokens);
    assert.ok((error['neededTokens'] as number) >= contextTokens);
  }),
  law('usage counts what was computed', async (engine, { prompts: [prompt], forced, tokensAPass }) => {
    await withSession(engine, prompt, {}, async (session) => {
      const before = session.usage();
      assert.ok(session.promptTokens > 1);
      assert.deepEqual([before.promptTokens, before.completionTokens, before.forcedTokens], [session.promptTokens, 0, 0]);
      const branches = session.branch(3);
      const segments = await Promise.all(branches.map((branch) => complete(branch)));
      const [fork] = session.branch(1) as [Branch];
      await fork.force(forced);
      const last = await fork.advance({ until: { tokens: 2 } });
      const after = session.usage();
      assert.equal(
        after.completionTokens,
        [...segments, last].reduce((sum, { tokens }) => sum + tokens.length, 0),
      );
      assert.equal(after.forcedTokens, fork.tokenCount - last.tokens.length);
      const longest = Math.max(...segments.map(({ tokens }) => tokens.length));
      const passes = after.forwardCount - before.forwardCount;
      // The first token of a segment needs no pass where the logits are known; behind forced text it does.
      assert.ok(
        passes >= (longest - 1) / tokensAPass && passes <= longest + last.tokens.length,
        `${passes} passes for ${longest} and ${last.tokens.length} tokens`,
      );
    });
  }),
  law('drafts are no longer than the session asks for', async (engine, { prompts: [prompt] }) => {
    for (const draftLength of [0, 1]) {
      await withSession(engine, prompt, { draftLength }, async (session) => {
        await Promise.all(session.branch(2).map((branch) => complete(branch)));
        const positions = session.usage().speculation?.byPosition ?? [];
        assert.ok(
          positions.slice(draftLength).every(({ proposed }) => proposed === 0),
          `drafts of more than ${draftLength} tokens`,
        );
      });
    }
  }),
  law('progress tells of growing texts', async (engine, { prompts: [prompt] }) => {
    const seen = new Map<number, BranchProgress[]>();
    const onProgress = (progress: readonly BranchProgress[]): void => {
      for (const entry of progress) seen.set(entry.branch, [...(seen.get(entry.branch) ?? []), entry]);
    };
    await withSession(engine, prompt, { onProgress, progressIntervalMs: 0 }, async (session) => {
      const branches = session.branch(2);
      await Promise.all(branches.map((branch) => complete(branch)));
      for (const branch of branches) {
        const entries = seen.get(branch.number) ?? [];
        assert.ok(entries.length > 1, 'no progress was told');
        for (const [index, { tokenCount, text }] of entries.entries()) {
          const previous = entries[index - 1];
          assert.ok(!previous || tokenCount > previous.tokenCount, 'tokens did not grow');
          assert.ok(branch.text.startsWith(text), 'progress tells another text than the branch');
        }
      }
    });
  }),
  law('disposing a session ends its branches and leaves the engine open', async (engine, { prompts: [prompt], drawsAnew }) => {
    const options = steady(drawsAnew);
    const expected = await tokensOf(engine, prompt, options, 2);
    const session = await engine.open({ text: prompt }, options);
    const [open, resting] = session.branch(2) as [Branch, Branch];
    await open.advance({ until: { tokens: 1 } });
    const pending = open.advance();
    await Promise.all([session.dispose(), session.dispose()]);
    const cut = await pending;
    assert.equal(cut.finish, 'aborted');
    assert.deepEqual(cut.tokens, expected[0]!.slice(1, 1 + cut.tokens.length));
    assert.deepEqual([open.ended, resting.ended], ['aborted', 'aborted']);
    await rejectsWith(resting.advance(), 'LTTS_INVALID_OPTION');
    throwsWith(() => resting.fork(), 'LTTS_INVALID_OPTION');
    throwsWith(() => session.branch(1), 'LTTS_DISPOSED');
    await session.dispose();
    assert.deepEqual(await tokensOf(engine, prompt, options, 2), expected, 'the next session');
  }),
  {
    name: 'a disposed engine refuses work, and what was open ends',
    async check({ open, prompts: [prompt] }) {
      const engine = open();
      const session = await engine.open({ text: prompt }, {});
      const [branch, resting] = session.branch(2) as [Branch, Branch];
      const pending = branch.advance();
      await Promise.all([engine.dispose(), rejectsWith(pending, 'LTTS_DISPOSED')]);
      await engine.dispose();
      await rejectsWith(engine.open({ text: prompt }, {}), 'LTTS_DISPOSED');
      await rejectsWith(engine.ready(), 'LTTS_DISPOSED');
      await rejectsWith(resting.advance(), 'LTTS_DISPOSED');
      resting.abort();
      await session.dispose();
    },
  },
];

function law(name: string, check: (engine: Engine, subject: EngineSubject) => Promise<void>): EngineLaw {
  return {
    name,
    async check(subject) {
      const engine = subject.open();
      try {
        await check(engine, subject);
      } finally {
        await engine.dispose();
      }
    },
  };
}

/** What a law opens a session with whose segments together are to be what one segment is. */
function steady(drawsAnew: boolean | undefined): SessionOptions {
  return drawsAnew ? { sampling: { temperature: 0 } } : {};
}

async function tellsSelfCertainty(engine: Engine): Promise<boolean> {
  await engine.ready();
  return engine.capabilities?.selfCertainty ?? true;
}

function tellsLogprobs(engine: Engine): boolean {
  return engine.capabilities?.logprobs ?? true;
}

function mostTopLogprobs(engine: Engine): number {
  return engine.capabilities?.topLogprobs ?? Infinity;
}

export async function withSession<Result>(
  engine: Engine,
  prompt: string,
  options: SessionOptions,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  const session = await engine.open({ text: prompt } satisfies Prompt, options);
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}

/** Advances to the end, or to the cap over all segments. */
export function complete(branch: Branch): Promise<Segment> {
  return branch.advance({ until: { tokens: Math.max(1, CAP - branch.tokenCount) } });
}

async function completeInSegments(branch: Branch, sizes: readonly number[]): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (let turn = 0; !branch.ended && branch.tokenCount < CAP; turn++) {
    segments.push(await branch.advance({ until: { tokens: Math.min(sizes[turn % sizes.length]!, CAP - branch.tokenCount) } }));
  }
  return segments;
}

/** Tokens of `count` branches run to their ends together. */
export function tokensOf(engine: Engine, prompt: string, options: SessionOptions, count: number): Promise<(readonly number[])[]> {
  return withSession(engine, prompt, options, (session) => Promise.all(session.branch(count).map(async (branch) => (await complete(branch)).tokens)));
}

export async function rejectsWith(promise: Promise<unknown>, code: string): Promise<Record<string, unknown>> {
  let found: Record<string, unknown> | undefined;
  await assert.rejects(promise, (error: Record<string, unknown>) => {
    found = error;
    assert.equal(error['code'], code, String(error));
    return true;
  });
  return found!;
}

function throwsWith(call: () => unknown, code: string): void {
  assert.throws(call, (error: Record<string, unknown>) => error['code'] === code);
}

export async function rejectsWithReason(promise: Promise<unknown>, reason: unknown): Promise<void> {
  const outcome = await promise.then(
    () => ({ settled: 'resolved' }),
    (error: unknown) => ({ settled: 'rejected', error }),
  );
  assert.equal(outcome.settled, 'rejected');
  assert.ok('error' in outcome && outcome.error === reason, `rejected with ${'error' in outcome ? String(outcome.error) : ''}`);
}

function assertClose(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 1e-4 * Math.max(1, Math.abs(expected)), `${what} is ${actual}, not ${expected}`);
}
