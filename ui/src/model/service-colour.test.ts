import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignColours, COLOUR_COUNT, preferredColour } from './service-colour.ts';

test('a name alone chooses its colour', () => {
  expect(assignColours(['frontend'])).toEqual([preferredColour('frontend')]);
});

test('no two services share a colour while there are enough, in whatever order they come', () => {
  const services = fc.uniqueArray(fc.string(), { maxLength: COLOUR_COUNT });
  fc.assert(
    fc.property(services, (names) => {
      const colours = assignColours(names);
      expect(new Set(colours).size).toBe(names.length);
      expect(assignColours(names.toReversed()).toReversed()).toEqual(colours);
    }),
  );
});

test('more services than colours still have one each', () => {
  const names = Array.from({ length: 60 }, (_, i) => `service-${i}`);
  for (const colour of assignColours(names)) expect(colour).toBeLessThan(COLOUR_COUNT);
  expect(new Set(assignColours(names)).size).toBe(COLOUR_COUNT);
});
