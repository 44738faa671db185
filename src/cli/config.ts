/** `spoor config schema`: a JSON Schema of the whole configuration, for editors. */
import { suggestion } from '../config/nearest.ts';
import { registry } from '../registry.ts';
import { UsageError } from './arguments.ts';
import { configSchema } from './config-schema.ts';

export async function run(args: readonly string[]): Promise<number> {
  const [topic = '', ...rest] = args;
  if (topic !== 'schema' || rest.length > 0) {
    const message = topic === 'schema' ? `"${rest.join(' ')}" is not known` : notATopic(topic);
    throw new UsageError('usage', message, { hint: '`spoor config schema` prints a JSON Schema' });
  }
  process.stdout.write(`${JSON.stringify(await configSchema(registry))}\n`);
  return 0;
}

function notATopic(topic: string): string {
  if (topic === '') return 'config needs to be told what to do';
  return `config cannot do "${topic}"${suggestion(topic, ['schema'])}`;
}
