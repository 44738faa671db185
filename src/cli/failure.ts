/** How a failure reads at the terminal: a sentence and what to do about it. Only what nobody
 *  foresaw shows a stack. */
import { ConfigError, problemLine } from '../config/problem.ts';
import { SpoorError } from '../lib/errors.ts';

export function reportFailure(error: unknown): void {
  process.stderr.write(`${failureText(error)}\n`);
}

export function failureText(error: unknown): string {
  if (!(error instanceof SpoorError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `spoor: unexpected failure, please report it\n${stack}`;
  }
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  const isOneSentence = error.code !== 'invalid_config' && !error.message.includes('\n');
  if (isOneSentence || !(error instanceof ConfigError)) return `spoor: ${error.message}${hint}`;
  const lines = error.problems.map((problem) => `  ${problemLine(problem)}`);
  return ['spoor: invalid configuration:', ...lines].join('\n');
}
