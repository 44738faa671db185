/** `spoor store`: looks after the directory in which traces are kept, whether a server uses it or
 *  not. One file a command, in `store/`. */
import { suggestion } from '../config/nearest.ts';

interface StoreCommand {
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

const commands: Readonly<Record<string, () => Promise<StoreCommand>>> = {
  check: () => import('./store/check.ts'),
  stats: () => import('./store/stats.ts'),
  backup: () => import('./store/backup.ts'),
  export: () => import('./store/export.ts'),
  import: () => import('./store/import.ts'),
  delete: () => import('./store/delete.ts'),
};

const HELP = `spoor store: look after stored traces, while a server is running or not

  spoor store check [dir]        read every file, verify every checksum, name what is damaged
  spoor store stats [dir]        sizes by day, service and column
  spoor store backup <dir>       a copy of the whole store, which can be opened as it is
  spoor store export <file>      traces of a time, a filter or ids as lines of OTLP JSON, or Parquet
  spoor store import <file>      take exported traces in; what is there already is left out
  spoor store delete             delete traces, from the disk too

\`spoor store <command> --help\` tells more.
`;

export async function run(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    const known = suggestion(name, Object.keys(commands));
    process.stderr.write(`spoor: there is no command "store ${name}"${known}\n${HELP}`);
    return 1;
  }
  const command = await load();
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(command.help);
    return 0;
  }
  return command.run(rest);
}
