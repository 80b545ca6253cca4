import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { trace } from '@opentelemetry/api';
import { NodeTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-node';

/** A span as a line of the file that SPANS_FILE names. */
export interface SpanLine {
  readonly name: string;
  readonly trace: string;
  readonly span: string;
  readonly parent: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

// An SDK as an operator loads it with `--import`; only that its spans go to a file.
const file = process.env['SPANS_FILE'];

function write(span: ReadableSpan): void {
  const { traceId, spanId } = span.spanContext();
  const { name, attributes, parentSpanContext } = span;
  const line: SpanLine = { name, trace: traceId, span: spanId, parent: parentSpanContext?.spanId, attributes };
  appendFileSync(file!, `${JSON.stringify(line)}\n`);
}

if (file !== undefined) {
  const done = async (): Promise<void> => undefined;
  new NodeTracerProvider({
    spanProcessors: [{ onStart: () => undefined, onEnd: write, forceFlush: done, shutdown: done }],
  }).register();

  // As the instrumentation of fetch does, whoever's it is: it records the whole address.
  subscribe('undici:request:create', (message) => {
    const { request: { origin, path } } = message as { readonly request: { readonly origin: string; path: string } };
    trace.getTracer('fetch').startSpan(`fetch ${origin}${path}`).end();
  });
}
