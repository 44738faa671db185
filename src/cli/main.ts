/** The `spoor` command: finds the command asked for, runs it, and turns whatever goes wrong into one
 *  clear message and exit code 1. Commands are loaded when used, so that each starts quickly. */
import { systemCodeOf } from '../lib/errors.ts';
import { reportFailure } from './failure.ts';

/** What a command file exports. Resolves with the exit code. */
interface Command {
  run(args: readonly string[]): Promise<number>;
}

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: () => import('./run.ts'),
  validate: () => import('./validate.ts'),
  components: () => import('./components.ts'),
  'print-config': () => import('./print-config.ts'),
  'print-initial-config': () => import('./print-config.ts'),
  config: () => import('./config.ts'),
  featuregate: () => import('./featuregate.ts'),
  loadgen: () => import('./loadgen.ts'),
  store: () => import('./store.ts'),
  audit: () => import('./audit.ts'),
  version: () => import('./version.ts'),
  help: () => import('./help.ts'),
};

const flagsAsCommands: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
};

async function main(args: readonly string[]): Promise<number> {
  const [first = ''] = args;
  // These have flags of their own, and a help that lists them.
  const own = ['loadgen', 'audit', 'store'].includes(first) ? [] : args;
  const asked = own.find((arg) => Object.hasOwn(flagsAsCommands, arg));
  const named = asked === undefined ? first : (flagsAsCommands[asked] ?? 'help');
  if (Object.hasOwn(commands, named)) {
    const rest = named === first ? args.slice(1) : args;
    return (await load(named)).run(rest);
  }
  if (first === '' || first.startsWith('-')) return (await load('run')).run(args);
  const { unknownCommand } = await import('./help.ts');
  return unknownCommand(first, Object.keys(commands));
}

/** Whoever reads our output may leave, like `head`: then nothing is left to say, but a server serves
 *  on. */
function outliveReaders(args: readonly string[]): void {
  const [first = 'run'] = args;
  const isServer = first === 'run' || first.startsWith('-');
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', (error) => {
      if (systemCodeOf(error) !== 'EPIPE') throw error;
      if (!isServer) process.exit();
    });
  }
}

async function load(name: string): Promise<Command> {
  const command = commands[name];
  if (!command) throw new TypeError(`no command ${name}`);
  return command();
}

outliveReaders(process.argv.slice(2));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
