/** `spoor featuregate [id]`: what can be switched by `--feature-gates`. */
import { gates, unknownGate, type Gate } from '../config/gates.ts';

export async function run([id]: readonly string[]): Promise<number> {
  const chosen = id === undefined ? gates : gates.filter((gate) => gate.id === id);
  if (id !== undefined && chosen.length === 0) throw unknownGate(id);
  process.stdout.write(id === undefined ? table(chosen) : chosen.map(detail).join('\n'));
  return 0;
}

function table(rows: readonly Gate[]): string {
  const width = Math.max(...rows.map(({ id }) => id.length)) + 2;
  const head = `${'id'.padEnd(width)}enabled  stage  description\n`;
  return head + rows.map((gate) => `${gate.id.padEnd(width)}${row(gate)}\n`).join('');
}

function row({ stage, summary }: Gate): string {
  return `${String(stage === 'beta').padEnd(9)}${stage.padEnd(7)}${summary}`;
}

function detail({ id, stage, summary }: Gate): string {
  return `id: ${id}\nenabled: ${stage === 'beta'}\nstage: ${stage}\ndescription: ${summary}\n`;
}
