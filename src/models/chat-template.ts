/**
 * Chat templates of a model directory. The hub has had several places for them, and newer ones take precedence: files of
 * their own (`chat_template.jinja`, `additional_chat_templates/`), `chat_template.json`, and `tokenizer_config.json`.
 *
 * @module
 */
import * as v from 'valibot';
import { InvalidOptionError, ModelLoadError } from '../errors.ts';
import type { ModelFiles } from './model-files.ts';

/** Templates by name. */
export type ChatTemplates = ReadonlyMap<string, string>;

/** The template of models that have one only. */
const DEFAULT = 'default';
const NAMED_FOLDER = 'additional_chat_templates';
const JINJA = '.jinja';

const Templates = v.union([v.string(), v.array(v.looseObject({ name: v.string(), template: v.string() })), v.record(v.string(), v.string())]);
const WithTemplates = v.looseObject({ chat_template: v.nullish(Templates) });

/**
 * @param config - `tokenizer_config.json`.
 * @throws {v.ValiError} for templates of a form that is not known.
 */
export async function readChatTemplates(files: ModelFiles, config: unknown): Promise<ChatTemplates> {
  return new Map([
    ...templatesOf(config),
    ...templatesOf(await files.readJson('chat_template.json')),
    ...(await namedTemplates(files)),
    ...templatesOf({ chat_template: await files.readText('chat_template.jinja') }),
  ]);
}

/** The templates in `tokenizer_config.json`. @throws {v.ValiError} for a form that is not known. */
export function templatesOf(config: unknown): ChatTemplates {
  const { chat_template: templates } = v.parse(WithTemplates, config ?? {});
  if (templates === null || templates === undefined) return new Map();
  if (typeof templates === 'string') return new Map([[DEFAULT, templates]]);
  return new Map(Array.isArray(templates) ? templates.map(({ name, template }) => [name, template]) : Object.entries(templates));
}

async function namedTemplates(files: ModelFiles): Promise<ChatTemplates> {
  const names = (await files.list(NAMED_FOLDER)).map(({ name }) => name).filter((name) => name.endsWith(JINJA));
  const texts = await Promise.all(names.map(async (name) => [name.slice(0, -JINJA.length), (await files.readText(`${NAMED_FOLDER}/${name}`)) ?? ''] as const));
  return new Map(texts);
}

/**
 * The template to use.
 *
 * @param chosen - Name of one of the templates, or a template; what a model without one may be given.
 * @returns `undefined` where the model has none.
 * @throws {InvalidOptionError} for a name that no template has.
 * @throws {ModelLoadError} where there are several and none of them is the default.
 */
export function chooseChatTemplate(source: string, templates: ChatTemplates, chosen: string | undefined): string | undefined {
  const names = [...templates.keys()].map((name) => `'${name}'`).join(', ');
  if (chosen !== undefined) {
    const named = templates.get(chosen);
    if (named !== undefined) return named;
    if (/\{[{%]/.test(chosen)) return chosen;
    throw new InvalidOptionError('chatTemplate', templates.size > 0 ? `one of ${names}, or a Jinja template` : 'a Jinja template', chosen);
  }
  if (templates.size === 0) return undefined;
  const template = templates.get(DEFAULT);
  if (template !== undefined) return template;
  throw new ModelLoadError(source, `${source} has several chat templates and none of them is the default. Pass one of ${names} as \`chatTemplate\`.`);
}
