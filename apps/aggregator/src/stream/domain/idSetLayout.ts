/** Where things lie in an `IdStore`, and what they are. */

/** What the set says of an id. */
export const FIRST = 0;
export const DUPLICATE = 1;
export const CONFLICT = 2;

/** Which of the module's memories: the group's, and the store. */
export const GROUP = 0;
export const STORE = 1;

export const PAGE_BITS = 16;
export const PAGE_BYTES = 2 ** PAGE_BITS;

/** Slots that are looked at together: a line of the caches. */
export const LINE_SLOTS = 16;
export const LINE_BYTES = 4 * LINE_SLOTS;
/** A whole table is a page. */
export const TABLE_LINES = PAGE_BYTES / LINE_BYTES;

/** Of an id in the log. */
export const ID_BYTES = 16;
/** A page of the log has so many. */
export const LOG_PAGE_BITS = 12;
export const LOG_PAGE_IDS = 2 ** LOG_PAGE_BITS;

// A set of few ids lies in a nook, a quarter of a page: its only table, its log, and at the end what a set of
// more ids has in a page of its own.
export const NOOK_BYTES = PAGE_BYTES / 4;
export const NOOK_LINES = 64;
export const NOOK_LOG_AT = NOOK_LINES * LINE_BYTES;
export const NOOK_DIRECTORY_AT = NOOK_BYTES - LINE_BYTES;
export const NOOK_LOG_PAGES_AT = NOOK_DIRECTORY_AT + 4;

// That page: the directory and the log's pages, as two bytes each; the table that is the set's only one as long as it
// fits there. Other tables, and the log, have whole pages.
export const DIRECTORY_BITS_MAX = 13;
export const LOG_PAGES_AT = 2 * 2 ** DIRECTORY_BITS_MAX;
export const LOG_PAGES_MAX = 16_384;
export const FIRST_TABLE_AT = LOG_PAGES_AT + 2 * LOG_PAGES_MAX;
export const FIRST_LINES_MAX = (PAGE_BYTES - FIRST_TABLE_AT) / LINE_BYTES;

/** The last word of an id: eight bits of it, and the payload's, which are odd. */
export const ID_BITS = 0xff000000 | 0;
export const PAYLOAD_BITS = 0x00ffffff;
