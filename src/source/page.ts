import { ConnectorError } from '../errors.ts';
import type { RawRow } from '../streams/stream.ts';

/** One page of a report. */
export interface Page {
  readonly rows: readonly RawRow[];
  /** Asks for the page after this one; `undefined` if the report has ended. */
  readonly nextScrollId: string | undefined;
  /** How many rows the window has, by its own count; undefined if it does not count. */
  readonly total: number | undefined;
}

/** 8x8's word for the end, in place of a scrollId. */
const END_MARKER = 'No Data';

/** A scrollId travels in the URL. Those documented are about 70 characters long. */
const SCROLL_ID_LENGTH_MAX = 4_096;

/**
 * Reads the answer of a report.
 *
 * Shape       { meta: { totalRecordCount: number, scrollId: string }, data: RawRow[] }
 * End         the marker "No Data" or an empty `data`, and nothing else. Documented: the last page with rows
 *             still brings a scrollId; the page after it is empty, with the marker and a count of 0.
 * Throws      ConnectorError SOURCE_MALFORMED for any other shape; rows without a scrollId, because that is no
 *             documented end; and an empty page without the marker that itself counts more rows than
 *             `receivedCount`, those of this window so far: a window must never be cut short in silence.
 * Source      https://developer.8x8.com/analytics/docs/work-analytics-call-legs
 * UNVERIFIED  what an empty window answers. We take the documented end, with or without its marker.
 */
export function parsePage(json: unknown, receivedCount: number): Page {
  if (!isObject(json)) throw malformed('its answer is not an object');
  const { meta, data } = json;
  if (!isObject(meta)) throw malformed('its answer has no meta');
  if (!Array.isArray(data)) throw malformed('its answer has no data');
  if (!data.every(isObject)) throw malformed('one of its rows is not an object');

  const { scrollId, totalRecordCount } = meta;
  const total = typeof totalRecordCount === 'number' ? totalRecordCount : undefined;
  if (scrollId === END_MARKER) return { rows: data, nextScrollId: undefined, total };
  if (data.length === 0) {
    if (total !== undefined && total > receivedCount) {
      throw malformed(`it counts more rows than the ${receivedCount} it gave, and gives no more`);
    }
    return { rows: data, nextScrollId: undefined, total };
  }
  if (typeof scrollId !== 'string' || scrollId === '' || scrollId.length > SCROLL_ID_LENGTH_MAX) {
    throw malformed('a page with rows has no usable scrollId and is not marked as the last one');
  }
  return { rows: data, nextScrollId: scrollId, total };
}

function isObject(value: unknown): value is RawRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(why: string): ConnectorError {
  return new ConnectorError('SOURCE_MALFORMED', `8x8 answered out of shape: ${why}`);
}
