/** The city that HotROD drives in: a grid of streets whose speeds differ, four customers and
 *  fifty drivers. Everything is derived from fixed seeds, so that two runs show the same city. */

export type Place = { readonly x: number; readonly y: number };
export type Customer = { readonly id: number; readonly name: string; readonly place: Place };
export type Driver = { readonly id: string; readonly car: string; readonly place: Place };

export const CITY_SIZE = 40;

export const customers: readonly Customer[] = [
  { id: 1, name: 'Hangang Books', place: { x: 8, y: 9 } },
  { id: 2, name: 'Marble Bakery', place: { x: 31, y: 6 } },
  { id: 3, name: 'Northgate Clinic', place: { x: 20, y: 34 } },
  { id: 4, name: 'Seoul Forest Cinema', place: { x: 34, y: 27 } },
];

const cars = ['Ioniq 5', 'Model 3', 'Kona', 'Zoe', 'Leaf'] as const;

export const drivers: readonly Driver[] = Array.from({ length: 50 }, (_, index) => ({
  id: `T7${String(index).padStart(2, '0')}`,
  car: cars[index % cars.length] ?? cars[0],
  place: { x: scatter(index * 2), y: scatter(index * 2 + 1) },
}));

/** The drivers nearest to a place, nearest first. */
export function nearestDrivers(place: Place, count: number): Driver[] {
  return drivers
    .map((driver) => ({ driver, distance: distance(driver.place, place) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ driver }) => driver);
}

/** Minutes by the fastest streets from one place to another: Dijkstra over the whole grid, with
 *  a plain array as the queue (1,600 crossings need nothing better). */
export function fastestMinutes(from: Place, to: Place): number {
  const best = new Float64Array(CITY_SIZE * CITY_SIZE).fill(Infinity);
  const open: { at: number; minutes: number }[] = [{ at: crossing(from), minutes: 0 }];
  best[crossing(from)] = 0;
  const goal = crossing(to);
  for (let next = takeNearest(open); next !== undefined; next = takeNearest(open)) {
    if (next.at === goal) break;
    for (const at of neighbours(next.at)) {
      const minutes = next.minutes + streetMinutes(next.at, at);
      if (minutes >= (best[at] ?? Infinity)) continue;
      best[at] = minutes;
      open.push({ at, minutes });
    }
  }
  return best[goal] ?? Infinity;
}

function takeNearest(open: { at: number; minutes: number }[]) {
  let nearest = 0;
  for (let i = 1; i < open.length; i++) {
    if ((open[i]?.minutes ?? Infinity) < (open[nearest]?.minutes ?? Infinity)) nearest = i;
  }
  const found = open[nearest];
  const last = open.pop();
  if (last !== undefined && nearest < open.length) open[nearest] = last;
  return found;
}

function neighbours(at: number): number[] {
  const x = at % CITY_SIZE;
  const found: number[] = [];
  if (x > 0) found.push(at - 1);
  if (x < CITY_SIZE - 1) found.push(at + 1);
  if (at >= CITY_SIZE) found.push(at - CITY_SIZE);
  if (at < CITY_SIZE * (CITY_SIZE - 1)) found.push(at + CITY_SIZE);
  return found;
}

function streetMinutes(a: number, b: number): number {
  return 0.5 + (hash(Math.min(a, b) * 4099 + Math.max(a, b)) % 100) / 50;
}

function crossing({ x, y }: Place): number {
  return clampToCity(y) * CITY_SIZE + clampToCity(x);
}

function clampToCity(value: number): number {
  return Math.min(CITY_SIZE - 1, Math.max(0, Math.round(value)));
}

function distance(a: Place, b: Place): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function scatter(seed: number): number {
  return hash(seed + 17) % CITY_SIZE;
}

function hash(value: number): number {
  const mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39) >>> 0;
}
