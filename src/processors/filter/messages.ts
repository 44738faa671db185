/** Filtering of metrics and logs. Order: resources, metrics or log records, data points. A metric
 *  that lost all its points goes with them, so do scopes and resources without anything left. */
import { withMessage, type MessageBatch } from '../../component/message-batch.ts';
import { included, matchLog, matchMetric } from '../../filter/match-items.ts';
import { mapPoints, type Metric } from '../../model/metrics.ts';
import {
  mapItems,
  mapResources,
  type Around,
  type SignalMessage,
} from '../../model/signal-message.ts';
import type { Predicate } from '../../ottl/compile.ts';
import { resourceOf } from '../../ottl/contexts/around.ts';
import { datapointContext } from '../../ottl/contexts/datapoint.ts';
import { logContext } from '../../ottl/contexts/log.ts';
import { metricContext } from '../../ottl/contexts/metric.ts';
import { resourceContext } from '../../ottl/contexts/resource.ts';
import type { ResourceValue } from '../../model/batch/view.ts';
import { logsCodec, metricsCodec } from '../../wire/otlp-messages/codec.ts';
import type { Conditions } from './conditions.ts';
import type { FilterConfig } from './config.ts';

export type MessageFilter = (batch: MessageBatch) => MessageBatch;

export function metricsFilter(config: FilterConfig, conditions: Conditions): MessageFilter {
  const isResourceGone = conditions.any('resource', resourceContext);
  const isMetricGone = conditions.any('metric', metricContext);
  const isPointGone = conditions.any('datapoint', datapointContext);
  const isChosen = included(matchMetric, config.metrics ?? {});
  const keptPoints = (metric: Metric, around: Around): Metric | undefined => {
    if (isPointGone === undefined || metric.data === undefined) return metric;
    const data = mapPoints(metric.data, (point) =>
      isPointGone({ point, metric, around }) ? undefined : point,
    );
    if (data === metric.data) return metric;
    return data.points.length === 0 ? undefined : { ...metric, data };
  };
  return (batch) => {
    const message = withoutResources(batch.payload.message(metricsCodec), isResourceGone);
    const kept = mapItems(message, (metric, around) => {
      if (isMetricGone?.({ metric, around }) === true || !isChosen(metric, around))
        return undefined;
      return keptPoints(metric, around);
    });
    return withMessage(batch, metricsCodec, kept);
  };
}

export function logsFilter(config: FilterConfig, conditions: Conditions): MessageFilter {
  const isResourceGone = conditions.any('resource', resourceContext);
  const isRecordGone = conditions.any('log', logContext);
  const isChosen = included(matchLog, config.logs ?? {});
  return (batch) => {
    const message = withoutResources(batch.payload.message(logsCodec), isResourceGone);
    const kept = mapItems(message, (record, around) =>
      isRecordGone?.({ record, around }) === true || !isChosen(record, around) ? undefined : record,
    );
    return withMessage(batch, logsCodec, kept);
  };
}

function withoutResources<Item>(
  message: SignalMessage<Item>,
  isGone: Predicate<ResourceValue> | undefined,
): SignalMessage<Item> {
  if (isGone === undefined) return message;
  return mapResources(message, (resource) =>
    isGone(resourceOf({ resource })) ? undefined : resource,
  );
}
