/** `spoor validate`: everything short of opening sockets and files. */
import { ackLines } from '../pipeline/acks.ts';
import { parseArguments } from './arguments.ts';
import { readConfiguration } from './configuration.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { sources } = parseArguments(args);
  const { settings, warnings } = await readConfiguration(sources);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  for (const line of ackLines(settings)) process.stdout.write(`${line}\n`);
  return 0;
}
