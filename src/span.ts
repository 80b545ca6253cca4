import {
  context, createContextKey, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type Span,
} from '@opentelemetry/api';
import { ConnectorError } from './errors.ts';

export type { Span };

const tracer = trace.getTracer('kafka-connect-8x8-work');

/** Names and attributes are those of OpenTelemetry's conventions where it has some. */
export interface SpanOf {
  readonly name: string;
  readonly kind: keyof typeof SpanKind;
  readonly attributes: Attributes;
}

/**
 * Runs `act` within a span of OpenTelemetry. Without an SDK, which only the operator can load, nothing is recorded.
 *
 * A span holds what a log line may hold: no row, no address with its query, no text of an error, only its code.
 */
export function inSpan<T>({ name, kind, attributes }: SpanOf, act: (span: Span) => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, { kind: SpanKind[kind], attributes }, async (span) => {
    try {
      return await act(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('error.type', error instanceof ConnectorError ? error.code : 'bug');
      throw error;
    } finally {
      span.end();
    }
  });
}

/** What messages carry of the span they are sent in: `traceparent` of W3C, or nothing without an SDK. */
export function traceHeaders(): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return headers;
}

/** OpenTelemetry's own key, which its API does not name. @see isTracingSuppressed of `@opentelemetry/core` */
const SUPPRESSED = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Runs `act` unseen by instrumentations: one of `fetch` would record the whole address, with its scroll id. */
export function unobserved<T>(act: () => T): T {
  return context.with(context.active().setValue(SUPPRESSED, true), act);
}
