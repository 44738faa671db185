/** Where a worker's or child process's program lies. In the repository it is TypeScript that Node
 *  runs as it is; in the published package it was compiled, since Node strips no types under
 *  node_modules. Sources name the `.ts` file and the extension of the caller decides.
 *
 *    new Worker(entryUrl('./encoder-worker.ts', import.meta.url)) */
export function entryUrl(file: string, importMetaUrl: string): URL {
  const isCompiled = new URL(importMetaUrl).pathname.endsWith('.js');
  return new URL(isCompiled ? file.replace(/\.ts$/, '.js') : file, importMetaUrl);
}
