import { ModelFiles, type FileSystem } from '../../src/models/model-files.ts';

/** A model directory in memory: contents by path; values other than text are written as JSON. */
export function memoryFiles(contents: Readonly<Record<string, unknown>>): ModelFiles {
  return new ModelFiles(memoryFileSystem(contents), ['model']);
}

function memoryFileSystem(contents: Readonly<Record<string, unknown>>): FileSystem {
  const texts = new Map(Object.entries(contents).map(([name, content]) => [`model/${name}`, typeof content === 'string' ? content : JSON.stringify(content)]));
  return {
    readText: (path) => Promise.resolve(texts.get(path)),
    list: (path) => {
      const inside = [...texts]
        .filter(([name]) => name.startsWith(`${path}/`))
        .map(([name, text]) => ({ name: name.slice(path.length + 1), bytes: text.length }));
      return Promise.resolve(inside.length === 0 ? undefined : inside.filter(({ name }) => !name.includes('/')));
    },
  };
}
