import { type Command, Option } from 'commander';
import { parseCount, parseFormats } from './parse-options.ts';

/** Where a command's model comes from and how it runs: the same flags for every command that has one. */
export interface ModelChoice {
  /** Id on the hub, directory, GGUF file or, with `baseUrl`, the name on the server. @default the bundled model */
  readonly model?: string;
  readonly tokenizer?: string;
  readonly dtype?: readonly string[];
  readonly device?: string;
  /** A draft model, or where drafts are looked up, or several of these with commas between them. */
  readonly draft?: string;
  readonly threads?: number;
  readonly baseUrl?: string;
  /** Name of the environment variable that holds the server's key. */
  readonly keyEnv?: string;
  readonly system?: string;
}

const DEVICES = ['auto', 'cpu', 'gpu', 'webgpu', 'cuda', 'vulkan', 'metal', 'coreml', 'dml'];

/** Adds the flags of `ModelChoice`. @param withoutModel - What runs when no model is named. */
export function addModelOptions(command: Command, withoutModel = 'the bundled demonstration model'): Command {
  return command
    .option(
      '-m, --model <model>',
      `id on the Hugging Face hub, model directory, GGUF file, or a name on the server of --base-url; ${withoutModel} when it is left out`,
    )
    .option('--base-url <url>', 'OpenAI-compatible server that runs the model, e.g. http://127.0.0.1:8000/v1')
    .option(
      '--key-env <variable>',
      'environment variable with the key for that server; LATENCY_TTS_SERVER_KEY, and at api.openai.com OPENAI_API_KEY, when it is left out',
    )
    .option('--dtype <formats>', 'weight format such as q4 or q8, or several, such as q4,q8; the best that the directory has when it is left out', parseFormats)
    .addOption(new Option('--device <device>', 'where the model is computed; the CPU, for GGUF files the best there is, when it is left out').choices(DEVICES))
    .option('--draft <draft>', 'drafts that the model verifies: a draft model, lookup, sibling, history, or several, such as sibling,lookup; none for none')
    .option('--tokenizer <directory>', 'tokenizer directory, where it is not the model directory')
    .option('--threads <count>', 'threads inside one operator', parseCount)
    .option('--system <text>', 'system message before every prompt that has none');
}
