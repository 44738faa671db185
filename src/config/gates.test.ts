import { expect, test } from 'vitest';
import { gates, openGates } from './gates.ts';

test.for([
  [[], []],
  [['service.AllowNoPipelines'], ['service.AllowNoPipelines']],
  [['+service.AllowNoPipelines, confmap.enableMergeAppendOption'], gates.map(({ id }) => id)],
  [['service.AllowNoPipelines', '-service.AllowNoPipelines'], []],
  [['service.partialReload,'], []],
] as const)('%j opens %j', ([flags, expected]) => {
  expect([...openGates(flags)].toSorted()).toEqual([...expected].toSorted());
});

test('an unknown one is refused with those there are', () => {
  expect(() => openGates(['service.AllowNoPipeline'])).toThrow(
    /no feature gate "service.AllowNoPipeline", did you mean "service.AllowNoPipelines"\? \(valid: /,
  );
});
