/**
 * How an answer ended, by the word a server has for it. OpenAI has five of these words; other servers and gateways have
 * dozens, and only some of them mean that the text is complete.
 *
 * @module
 */

/**
 * `end`: the model ended its text. `length`: the limit of the request. `context`: the model's context is full. `broken`: the
 * server gave up, which another request may survive. `withheld`: the server keeps the rest to itself.
 */
export type Ending = 'end' | 'length' | 'context' | 'broken' | 'withheld';

export interface ToldFinish {
  readonly ending: Ending;
  /** The server's own word. */
  readonly word: string;
}

/** The first that matches counts; a word that none does ends the text. */
const ENDINGS: readonly (readonly [RegExp, Ending])[] = [
  [/^(?:model.?length|context)|context.?(?:window|length|size|limit|exceed|full|overflow)|max.?context|cache.?full/i, 'context'],
  [/filter|safety|sensitiv|recitation|block|prohibit|moderat|refus|policy|censor|guardrail|armor|toxic|inspection|spii|^language$/i, 'withheld'],
  // What was cut short by a rule of the server can be asked for its answer as it stands.
  [/length|limit|max.?(?:new.?|output.?|completion.?|predicted.?)?(?:tokens|time)|budget|truncat|incomplete|partial|pause|repetition|loop/i, 'length'],
  [
    /error|exception|abort|cancel|interrupt|insufficient|resource|time.?out|overload|network|fail|unavailable|preempt|shut.?down|evict|connect|malformed|kill|crash|stall|expire|unload|reset|restart|halt|user.?(?:stop|request)|^(?:other|unknown|load)$/i,
    'broken',
  ],
];
/** What stands for "not yet" besides null. */
const NOTHING = /^\s*(?:null|none|undefined|unspecified|finish_reason_unspecified|in_progress)?\s*$/i;

/** Reads a `finish_reason`; `undefined` while the answer goes on. Some servers send an object with the word in it. */
export function readFinish(value: unknown): ToldFinish | undefined {
  if (typeof value === 'object' && value !== null) {
    const { type, reason, finish_reason: inner, name, [0]: first } = value as Readonly<Record<string | number, unknown>>;
    // Something without a word is still a sign of the end.
    return readFinish([type, reason, inner, name, first].find((word) => typeof word === 'string') ?? 'stop');
  }
  if (typeof value !== 'string' || NOTHING.test(value)) return undefined;
  return { ending: ENDINGS.find(([pattern]) => pattern.test(value))?.[1] ?? 'end', word: value };
}
