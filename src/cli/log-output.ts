/** Where log lines go: stderr, stdout, files, or several of them. */
import { createWriteStream } from 'node:fs';
import type { LogOutput } from '../lib/logger.ts';

export interface ClosableOutput extends LogOutput {
  /** What was written is still flushed. */
  close(): void;
}

export function logOutput(paths: readonly string[]): ClosableOutput {
  const outputs = paths.map(outputFor);
  return {
    write(line) {
      for (const output of outputs) output.write(line);
    },
    close() {
      for (const output of outputs) output.close();
    },
  };
}

function outputFor(path: string): ClosableOutput {
  if (path === 'stdout') return stream(process.stdout);
  if (path === 'stderr') return stream(process.stderr);
  const file = createWriteStream(path, { flags: 'a' });
  file.on('error', (error) => process.stderr.write(`cannot write the log: ${error.message}\n`));
  return { write: (line) => void file.write(line), close: () => void file.end() };
}

function stream(output: NodeJS.WriteStream): ClosableOutput {
  return { write: (line) => void output.write(line), close: () => {} };
}
