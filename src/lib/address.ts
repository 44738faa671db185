/** An address as somebody on this machine can use it: "every interface" is none to connect to. */
export function reachableAddress(host: string, port: number): string {
  const name = host === '' || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}
