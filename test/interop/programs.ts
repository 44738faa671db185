/** The three services under test, each ready to be asked: FastAPI under opentelemetry-instrument,
 *  Spring Boot with the starter, a plain JVM program with the javaagent. */
import { here, jvm, python } from './parts.ts';
import { Program } from './program.ts';
import type { Spoor, Target } from './spoor.ts';

export type Service = { readonly program: Program; readonly url: string };
export type ServiceOptions = Target & { readonly env?: Readonly<Record<string, string>> };

export async function startOrders(spoor: Spoor, options: ServiceOptions): Promise<Service> {
  const args = [python.bin('python'), '-m', 'uvicorn', 'app:app', '--port', '0'];
  const program = new Program(python.bin('opentelemetry-instrument'), {
    args,
    cwd: `${here}python`,
    env: {
      ...spoor.otelEnv(options),
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_SEMCONV_STABILITY_OPT_IN: 'http,database',
      PYTHONDONTWRITEBYTECODE: '1',
      ...options.env,
    },
  });
  return { program, url: await program.says(/running on (http:\S+)/) };
}

export async function startShop(spoor: Spoor, options: ServiceOptions): Promise<Service> {
  const program = new Program('java', {
    args: [...jvm.flags, '-cp', jvm.springClassPath, 'interop.Shop'],
    env: { ...spoor.otelEnv(options), SERVER_PORT: '0', ...options.env },
  });
  return { program, url: `http://127.0.0.1:${await program.says(/started on port (\d+)/)}` };
}

export async function startPlain(spoor: Spoor, options: ServiceOptions): Promise<Service> {
  const program = new Program('java', {
    args: [...jvm.flags, `-javaagent:${jvm.agent}`, '-cp', jvm.classes, 'interop.Plain'],
    env: { ...spoor.otelEnv(options), ...options.env },
  });
  return { program, url: await program.says(/listening on (http:\S+)/) };
}
