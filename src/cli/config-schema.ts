/** The JSON Schema of a whole configuration: the sections from the components' own schemas, under
 *  every name and id that they may have. */
import type { z } from 'zod';
import { signals } from '../component/consumer.ts';
import { sections, type Registry, type Section } from '../component/registry.ts';
import { ExtensionList, PipelineMap, TelemetrySettings } from '../config/document.ts';
import { definitions, fileSchema, orNothing, type JsonSchema } from '../config/json-schema.ts';

interface Listed {
  readonly type: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly config: z.ZodType;
}

export async function configSchema(registry: Registry): Promise<JsonSchema> {
  const defs: Record<string, unknown> = { ...definitions };
  const properties: Record<string, unknown> = {};
  for (const section of sections) {
    const listed: Listed[] = await Promise.all(
      Object.values(registry[section]).map(async (load) => (await load()).component),
    );
    for (const { type, summary, config } of listed) {
      defs[nameOf(section, type)] = { description: summary, ...fileSchema(config) };
    }
    properties[section] = sectionSchema(section, listed);
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Spoor configuration',
    description: "An OpenTelemetry Collector's YAML with Jaeger's extensions.",
    type: 'object',
    properties: { ...properties, service: serviceSchema() },
    additionalProperties: false,
    $defs: defs,
  };
}

function nameOf(section: Section, type: string): string {
  return `${section.slice(0, -1)}_${type}`;
}

/** Names are listed as keys, which editors offer, and as patterns, which take `/name`. */
function sectionSchema(section: Section, listed: readonly Listed[]): JsonSchema {
  const known = listed.flatMap(({ type, aliases = [] }) => [
    { name: type, schema: { $ref: `#/$defs/${nameOf(section, type)}` } },
    ...aliases.map((name) => ({
      name,
      schema: {
        $ref: `#/$defs/${nameOf(section, type)}`,
        deprecated: true,
        description: `Now called ${type}.`,
      },
    })),
  ]);
  return orNothing({
    type: 'object',
    properties: Object.fromEntries(known.map(({ name, schema }) => [name, schema])),
    patternProperties: Object.fromEntries(
      known.map(({ name, schema }) => [`^\\s*${name}\\s*/\\s*\\S+\\s*$`, schema]),
    ),
    additionalProperties: false,
  });
}

function serviceSchema(): JsonSchema {
  const pipeline = fileSchema(PipelineMap.unwrap().valueType);
  return orNothing({
    type: 'object',
    properties: {
      extensions: fileSchema(ExtensionList),
      telemetry: fileSchema(TelemetrySettings),
      pipelines: orNothing({
        type: 'object',
        properties: Object.fromEntries(signals.map((signal) => [signal, pipeline])),
        patternProperties: { [`^\\s*(${signals.join('|')})\\s*/\\s*\\S+\\s*$`]: pipeline },
        additionalProperties: false,
      }),
    },
    additionalProperties: false,
  });
}
