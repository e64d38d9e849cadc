import { describe, expect, test } from 'vitest';
import { LocalEngine } from '../../src/engines/local/local-engine.ts';
import { StopMatcher } from '../../src/engines/local/stop-matcher.ts';
import { HubTokenizer } from '../../src/models/hub-tokenizer.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';
import { TokenTexts } from '../../src/serve/token-texts.ts';
import { DEFAULT_SAMPLING } from '../../src/maths/sampling.ts';

const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
const PIECES = ['▁', '1', '2', '12', '▁12', 'T', 'h', 'e', 'Th', 'The', '▁The', '▁a', 'a', ':', '.'];
const TOKENS = ['<unk>', '<s>', '</s>', ...BYTES, ...PIECES];
const idOf = (token: string): number => TOKENS.indexOf(token);
const MERGES = ['1 2', '▁ 12', 'T h', 'Th e', '▁ The', '▁ a'];

/** The ways in which tokenizer.json says that a space stands before every text. */
const FORMS = {
  'a normalizer (Llama 2, Mistral)': {
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
  },
  'a pre-tokenizer': {
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', add_prefix_space: true, split: false },
    decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' }] },
  },
  'a pre-tokenizer for the first section': {
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false }] },
    decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first' }] },
  },
} as const;

function open(form: (typeof FORMS)[keyof typeof FORMS], config: object = {}): Promise<HubTokenizer> {
  const special = ['<unk>', '<s>', '</s>'].map((content, id) => ({
    id,
    content,
    special: true,
    normalized: false,
    lstrip: false,
    rstrip: false,
    single_word: false,
  }));
  const bos = { SpecialToken: { id: '<s>', type_id: 0 } };
  return HubTokenizer.fromFiles({
    tokenizer: {
      version: '1.0',
      added_tokens: special,
      ...form,
      post_processor: {
        type: 'TemplateProcessing',
        single: [bos, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [],
        special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
      },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])),
        merges: MERGES,
        unk_token: '<unk>',
        byte_fallback: true,
        fuse_unk: true,
      },
    },
    config: { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>', ...config },
  });
}

describe.each(Object.entries(FORMS))('a space before every text by %s', (_, form) => {
  test('stands before prompts', async () => {
    const tokenizer = await open(form);
    expect(tokenizer.encodePrompt({ text: 'The 12' })).toEqual([idOf('<s>'), idOf('▁The'), idOf('▁12')]);
    expect(tokenizer.encodePrompt('The')).toEqual([idOf('<s>'), idOf('▁The')]);
  });

  test('does not stand before text that follows', async () => {
    const tokenizer = await open(form);
    expect(tokenizer.encode('12')).toEqual([idOf('12')]);
    expect(tokenizer.encode(' 12')).toEqual([idOf('▁12')]);
    expect(tokenizer.encode(' ')).toEqual([idOf('▁')]);
  });

  test.each(['12', ' 12', 'The 12', ' The', '  12', '12 ', ': é', '\n12\n'])('%j comes back as it was', async (text) => {
    const tokenizer = await open(form);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  test('a stop string that ends in a space is found', async () => {
    const tokenizer = await open(form);
    const text = (tokens: readonly string[]): number[] => tokens.map(idOf);
    const matcher = (stop: string): StopMatcher => new StopMatcher(tokenizer, [stop], new Map());
    expect(matcher(': ').match(text(['▁The', ':', '▁']))).toBe(': ');
    expect(matcher(': ').match(text(['▁The', ':', '▁12']))).toBe(': ');
    expect(matcher(' ').match(text(['▁12']))).toBe(' ');
    expect(matcher('é').match(text(['<0xC3>', '<0xA9>']))).toBe('é');
    expect(matcher('é').match(text(['<0xC3>']))).toBeUndefined();
  });

  test('tokens are named with their spaces', async () => {
    const tokens = ['▁The', '▁12', '<0xC3>', '<0xA9>', '.'].map(idOf);
    const named = new TokenTexts(await open(form)).add({ tokens, logprobs: tokens.map(() => 0) });
    expect(named.map((token) => token.text)).toEqual([' The', ' 12', '', 'é', '.']);
  });

  test('an answer keeps the space it begins with, and forced text adds none', async () => {
    const tokenizer = await open(form);
    const written = [idOf('▁12'), idOf('.'), idOf('</s>')];
    const model = new ScriptedTokenModel({
      vocabularySize: TOKENS.length,
      endTokens: [],
      logits: (tokens) => {
        const next = written[tokens.length - tokenizer.encodePrompt({ text: 'The' }).length] ?? idOf('</s>');
        return Array.from({ length: TOKENS.length }, (__, id) => (id === next ? 30 : 0));
      },
    });
    const engine = new LocalEngine({ name: 'scripted', model, tokenizer, sampling: DEFAULT_SAMPLING, maxRows: 1 });
    const session = await engine.open({ text: 'The' }, {});
    const [branch] = session.branch(1);
    await branch!.advance({ until: { tokens: 8 } });
    expect(branch!.text).toBe(' 12.');
    const [forced] = session.branch(1);
    await forced!.force('12');
    expect(forced!.text).toBe('12');
    await engine.dispose();
  });
});
