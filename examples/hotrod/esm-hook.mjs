/** Lets the OpenTelemetry instrumentations see what ES modules import (they patch `require` by
 *  themselves). Loaded by --import before a service; no service knows of it. */
import { register } from 'node:module';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
