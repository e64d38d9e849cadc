import { describe, expect, test } from 'vitest';
import { HubTokenizer } from '../../src/models/hub-tokenizer.ts';
import { readModelFacts } from '../../src/models/model-facts.ts';

const SPECIAL = ['<s>', '</s>', '<|im_start|>', '<|im_end|>', '<|eot_id|>', '<end_of_turn>', '<|end|>', '<|end|>\n', '<|user|>', '<|assistant|>'];

function open(config: object, chatTemplate?: string): Promise<HubTokenizer> {
  const added = SPECIAL.map((content, id) => ({ id, content, special: true, normalized: false, lstrip: false, rstrip: false, single_word: false }));
  return HubTokenizer.fromFiles({
    tokenizer: {
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
      model: { type: 'BPE', vocab: Object.fromEntries([...SPECIAL, '7'].map((token, id) => [token, id])), merges: [], unk_token: null },
    },
    config,
    chatTemplate,
  });
}

const endsOf = async (config: object, chatTemplate?: string): Promise<string[]> =>
  [...(await open(config, chatTemplate)).endTokens].map((id) => SPECIAL[id]!).sort();

describe('the token that ends a text by tokenizer_config.json', () => {
  test.each<[string, object]>([
    ['as text', { eos_token: '</s>' }],
    ['as an object', { eos_token: { content: '</s>', lstrip: false, normalized: false, rstrip: false, single_word: false } }],
    ['as an object that names its class', { eos_token: { __type: 'AddedToken', content: '</s>', lstrip: false } }],
  ])('%s', async (_, config) => {
    expect(await endsOf(config)).toEqual(['</s>']);
  });

  test.each<[string, object]>([
    ['null', { eos_token: null }],
    ['left out', {}],
    ['not in the vocabulary', { eos_token: '<|endoftext|>' }],
  ])('%s', async (_, config) => {
    expect(await endsOf(config)).toEqual([]);
  });
});

/** The loop that most templates are. */
const turns = (turn: string): string => `{{ bos_token }}{% for message in messages %}${turn}{% endfor %}`;

describe('the token that ends a turn by the chat template', () => {
  test.each<[string, string, string | undefined]>([
    ['ChatML', turns(`{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}`), '<|im_end|>'],
    ['Llama 3', turns(`{{ '<|im_start|>' + message['role'] + '\n\n' + message['content'] | trim + '<|eot_id|>' }}`), '<|eot_id|>'],
    ['Gemma', turns(`{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<end_of_turn>\n' }}`), '<end_of_turn>'],
    ['Phi 3, of two that begin alike', turns(`{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}`), '<|end|>\n'],
    [
      'Mistral, after a space',
      turns(`{% if message['role'] == 'user' %}[INST] {{ message['content'] }} [/INST]{% else %}{{ message['content'] + ' </s>' }}{% endif %}`),
      '</s>',
    ],
    ['none, where the next turn begins at once', turns(`{{ '<|' + message['role'] + '|>' + message['content'] }}`), undefined],
    ['none, where text follows', turns(`{{ message['content'] + '\nEND<|im_end|>' }}`), undefined],
    ['none, where it takes no such conversation', `{{ raise_exception('no') }}`, undefined],
  ])('%s', async (_, template, expected) => {
    expect(await endsOf({ bos_token: '<s>' }, template)).toEqual(expected === undefined ? [] : [expected]);
  });

  test('comes with the one of the configuration', async () => {
    expect(await endsOf({ eos_token: '</s>' }, turns(`{{ message['content'] + '<|im_end|>' }}`))).toEqual(['</s>', '<|im_end|>']);
  });
});

const CONFIG = { model_type: 'llama' };

describe('end tokens of a model are those of all its configurations', () => {
  test.each<[string, object, object | undefined, readonly number[]]>([
    ['a number and a list', { eos_token_id: 2 }, { eos_token_id: [4, 2] }, [2, 4]],
    ['the model’s alone', { eos_token_id: [2, 3] }, {}, [2, 3]],
    ['the model’s, without a generation configuration', { eos_token_id: 2 }, undefined, [2]],
    ['null', { eos_token_id: null }, { eos_token_id: null }, []],
    ['-1, which is no token', { eos_token_id: -1 }, { eos_token_id: 5 }, [5]],
    ['the text model’s', { eos_token_id: 2, text_config: { eos_token_id: 6 } }, { eos_token_id: [2, null] }, [2, 6]],
  ])('%s', (_, config, generation, expected) => {
    expect([...readModelFacts({ ...CONFIG, ...config }, generation).endTokens].sort()).toEqual(expected);
  });
});

describe('sampling by generation_config.json', () => {
  test.each<[object, object]>([
    [{ top_k: -1 }, { topK: 0 }],
    [{ top_k: 0 }, { topK: 0 }],
    [{ top_k: Infinity }, { topK: 0 }],
    [
      { top_k: null, top_p: null, min_p: null, temperature: null, repetition_penalty: null, do_sample: null },
      { topK: 0, topP: 1, minP: 0, temperature: 1, repetitionPenalty: 1 },
    ],
    [
      { top_p: 0, temperature: 0.7 },
      { topP: 1, temperature: 0 },
    ],
    [{ top_p: 1.5 }, { topP: 1 }],
    [{ temperature: 0 }, { temperature: 0 }],
    [{ temperature: 0.7, do_sample: false }, { temperature: 0 }],
    [{ min_p: -1 }, { minP: 0 }],
    [{ repetition_penalty: 0 }, { repetitionPenalty: 1 }],
    [
      { temperature: 0.7, top_k: 20, top_p: 0.8, repetition_penalty: 1.1 },
      { temperature: 0.7, topK: 20, topP: 0.8, repetitionPenalty: 1.1 },
    ],
  ])('%j', (generation, expected) => {
    expect(readModelFacts(CONFIG, generation).sampling).toMatchObject(expected);
  });
});

describe('sizes by config.json', () => {
  test.each<[string, object, object]>([
    [
      'null and Infinity are no sizes',
      { max_position_embeddings: Infinity, n_positions: null, head_dim: null, num_key_value_heads: null, num_attention_heads: 4, hidden_size: 64 },
      { contextTokens: undefined, keyValueHeads: 4, headWidth: 16 },
    ],
    ['a limit under another name', { max_position_embeddings: null, n_positions: 512 }, { contextTokens: 512 }],
    ['the text model’s before the whole’s', { max_position_embeddings: 512, text_config: { max_position_embeddings: 1024 } }, { contextTokens: 1024 }],
    ['the whole’s where the text model names none', { max_position_embeddings: 512, text_config: { max_position_embeddings: null } }, { contextTokens: 512 }],
    ['no text model', { max_position_embeddings: 512, text_config: null, is_encoder_decoder: null }, { contextTokens: 512 }],
  ])('%s', (_, config, expected) => {
    expect(readModelFacts({ ...CONFIG, ...config }, undefined)).toMatchObject(expected);
  });
});
