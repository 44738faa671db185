/** `spoor validate`: everything short of opening sockets and files. */
import { ConfigError } from '../config/problem.ts';
import { ackLines } from '../pipeline/acks.ts';
import { creationProblems } from '../pipeline/dry-run.ts';
import { parseArguments } from './arguments.ts';
import { readConfiguration } from './configuration.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { sources } = parseArguments(args);
  const { settings, warnings, located } = await readConfiguration(sources);
  const problems = creationProblems(settings);
  if (problems.length > 0) throw new ConfigError('invalid_config', problems.map(located));
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  for (const line of ackLines(settings)) process.stdout.write(`${line}\n`);
  return 0;
}
