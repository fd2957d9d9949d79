/** Every number that bounds the desk's model, by name. */

/** Sites of one operator that are connected at once; those beyond it are connected while shown. */
export const SITES_CONNECTED_MAX = 16;

/** Conversations that are open in tabs at once, per site. The protocol lets one connection follow 256. */
export const CONVERSATIONS_MAX = 32;

/** Cards that are taken for visible before the list has said how many are. */
export const VISIBLE_FIRST = 30;

/** Cards that are loaded above and below what is visible. */
export const LOOK_MARGIN = 40;

/** How near to the end of what is loaded one may scroll before the window moves. */
export const LOOK_EDGE = 12;

/** Cards in one window; the protocol's own bound is 500. */
export const WINDOW_CARDS_MAX = 300;

/** Cards kept from earlier stretches, so that scrolling back shows them at once. */
export const KEPT_CARDS_MAX = 1_000;

/** How long typing in the search box pauses before it is searched. */
export const SEARCH_PAUSE_MS = 200;

/** Bytes of a search. */
export const SEARCH_BYTES_MAX = 256;

/** Bytes of a message or note. */
export const TEXT_BYTES_MAX = 16_384;

/** Messages of one conversation that wait to be sent or were refused. */
export const PENDING_MAX = 20;

/** Conversations whose composed text is kept. */
export const DRAFTS_MAX = 100;

/** Conversations whose unread messages are counted, per site. */
export const UNREAD_SESSIONS_MAX = 1_000;

/** How long somebody is shown as typing after their last signal. */
export const TYPING_SHOWN_MS = 6_000;

/** How long a bot's draft is shown after its last signal. */
export const BOT_DRAFT_SHOWN_MS = 30_000;

/** The operator's typing is told at most this often. */
export const TYPING_EVERY_MS = 2_000;

/** Pages kept in a profile: the latest. */
export const PROFILE_PAGES_MAX = 200;

/** Past conversations that are shown at first, and for each further asking. */
export const PAST_FIRST = 3;
export const PAST_MORE = 20;

/** Past conversations that are listed at most. */
export const PAST_SESSIONS_MAX = 500;

/** Events of a past conversation that are read at most, and in one page. */
export const PAST_EVENTS_MAX = 5_000;
export const HISTORY_PAGE = 500;

/** A visitor who waits rings again after this long, and this many times in all. */
export const RING_AGAIN_MS = 15_000;
export const RING_ROUNDS_MAX = 8;

/** Conversations that ring at once; beyond it the oldest falls silent. */
export const RINGING_MAX = 64;

/** Two sounds are at least this far apart; what comes in between is heard as one. */
export const SOUND_GAP_MS = 300;

/** A desk that cannot reach the engine asks again after so long, twice as long each time. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_MAX_MS = 30_000;

/** How long a request to the HTTP API may take. */
export const HTTP_TIMEOUT_MS = 15_000;

/** What the title counts up to. */
export const TITLE_UNREAD_MAX = 99;
