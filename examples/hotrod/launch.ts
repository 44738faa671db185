/** The launcher behind `npm run demo`: starts the processes, says where to look, orders rides if
 *  asked to, and stops everything on Ctrl-C (a second one stops at once). */
import { connect } from 'node:net';

import { Children } from './children.ts';
import { HELP, parseFlags, type Flags } from './flags.ts';
import { Load } from './load.ts';

export async function main(args: readonly string[]): Promise<number> {
  // Whoever read our output may be gone: no reason to die and leave the services behind.
  process.stdout.on('error', () => {});
  try {
    const flags = parseFlags(args, process.env);
    if (flags.help) {
      say(HELP);
      return 0;
    }
    return await run(flags);
  } catch (error) {
    process.stderr.write(`hotrod: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

async function run(flags: Flags): Promise<number> {
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const children = new Children(flags, (name) => end(`${name} ended by itself`));
  stopOnSignal(children, end);
  try {
    const frontend = `http://localhost:${await children.start()}`;
    await greet(flags, frontend);
    const load = new Load(frontend, say);
    if (flags.load > 0) load.start(flags.load);
    if (flags.durationS > 0) setTimeout(() => end('done'), flags.durationS * 1000).unref();
    const reason = await ended;
    say(`\nHotROD stops: ${reason}`);
    await load.stop();
    return reason.endsWith('by itself') ? 1 : 0;
  } finally {
    await children.stop();
  }
}

function stopOnSignal(children: Children, end: (reason: string) => void): void {
  let asked = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (asked) {
      children.kill();
      process.exit(130);
    }
    asked = true;
    end(signal === 'SIGINT' ? 'Ctrl-C (again to stop at once)' : signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

async function greet(flags: Flags, frontend: string): Promise<void> {
  say(`HotROD  order rides   ${frontend}/`);
  say(`Spoor   see traces    ${flags.ui}/search?service=frontend`);
  if (!(await isListening(flags.endpoint))) {
    say(
      `Spoor does not answer at ${flags.endpoint}, so the traces are lost: start it with ` +
        '"npm start" in another terminal (HotROD need not be restarted).',
    );
  }
}

function isListening(endpoint: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(endpoint);
  const fallback = protocol === 'https:' ? 443 : 80;
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: port === '' ? fallback : Number(port) });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, () => settle(false));
    socket.on('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
