/** What stops a command before it starts: one sentence for the person at the terminal, no stack. */

export const root = new URL('../../', import.meta.url);

export class SetupProblem extends Error {}

/** Progress goes to stderr, so that stdout belongs to the command itself. */
export function say(line) {
  process.stderr.write(`spoor: ${line}\n`);
}

/** Runs a script's main function and turns its answer into the exit code. */
export async function main(run) {
  try {
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
