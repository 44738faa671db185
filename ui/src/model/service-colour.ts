/** Colours of services. The name alone chooses the colour, so that two people looking at one trace
 *  see the same one; where names of a trace collide, the later in order of name moves on. */

export const COLOUR_COUNT = 16;

/** Any number would do; under this one the services of well-known demos lie far apart. */
const START = 0x811f4e29;

/** The colour (an index of the --svc-n tokens) that a name asks for. */
export function preferredColour(service: string): number {
  let hash = START;
  for (let i = 0; i < service.length; i++) {
    hash = Math.imul(hash ^ service.charCodeAt(i), 0x01000193);
  }
  // FNV's low bits are weak for short names.
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) % COLOUR_COUNT;
}

/** One colour a service, in the order given; the result does not depend on that order. */
export function assignColours(services: readonly string[]): number[] {
  const ordered = [...new Set(services)].sort((a, b) => (a < b ? -1 : 1));
  const taken = new Set<number>();
  const colours = new Map<string, number>();
  const losers = ordered.filter((service) => {
    const colour = preferredColour(service);
    if (taken.has(colour)) return true;
    taken.add(colour);
    colours.set(service, colour);
    return false;
  });
  for (const service of losers) {
    const colour = nextFree(preferredColour(service), taken);
    taken.add(colour);
    colours.set(service, colour);
  }
  return services.map((service) => colours.get(service) ?? 0);
}

function nextFree(wanted: number, taken: ReadonlySet<number>): number {
  if (taken.size >= COLOUR_COUNT) return wanted;
  // A step coprime to the count visits every colour and lands far from its neighbours.
  for (let i = 1; i < COLOUR_COUNT; i++) {
    const colour = (wanted + i * 5) % COLOUR_COUNT;
    if (!taken.has(colour)) return colour;
  }
  return wanted;
}
