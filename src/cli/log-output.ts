/** Where log lines go: stderr, stdout, files, or several of them. */
import { createWriteStream } from 'node:fs';
import type { LogOutput } from '../lib/logger.ts';

export function logOutput(paths: readonly string[]): LogOutput {
  const outputs = paths.map(outputFor);
  return {
    write(line) {
      for (const output of outputs) output.write(line);
    },
  };
}

function outputFor(path: string): LogOutput {
  if (path === 'stdout') return process.stdout;
  if (path === 'stderr') return process.stderr;
  const file = createWriteStream(path, { flags: 'a' });
  file.on('error', (error) => process.stderr.write(`cannot write the log: ${error.message}\n`));
  return file;
}
