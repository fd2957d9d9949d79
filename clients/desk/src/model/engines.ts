/** The names of search engines, by the address that led to the site: pure. */

/** A host belongs to an engine if one of its labels, or its end, is named here. */
const ENGINES: readonly (readonly [match: RegExp, name: string])[] = [
  [/(^|\.)google\.(com|co|[a-z]{2})(\.[a-z]{2})?$/, "Google"],
  [/(^|\.)bing\.com$/, "Bing"],
  [/(^|\.)duckduckgo\.com$/, "DuckDuckGo"],
  [/(^|\.)search\.yahoo\.(com|co\.[a-z]{2}|[a-z]{2})$/, "Yahoo"],
  [/^([a-z]{2}\.)?yahoo\.com$/, "Yahoo"],
  [/(^|\.)ecosia\.org$/, "Ecosia"],
  [/(^|\.)qwant\.com$/, "Qwant"],
  [/(^|\.)search\.brave\.com$/, "Brave Search"],
  [/(^|\.)startpage\.com$/, "Startpage"],
  [/(^|\.)yandex\.(com|ru|by|kz|uz|eu|com\.tr)$/, "Yandex"],
  [/^ya\.ru$/, "Yandex"],
  [/(^|\.)baidu\.com$/, "Baidu"],
  [/(^|\.)sogou\.com$/, "Sogou"],
  [/(^|\.)search\.naver\.com$/, "Naver"],
  [/(^|\.)seznam\.cz$/, "Seznam"],
  [/(^|\.)kagi\.com$/, "Kagi"],
  [/(^|\.)mojeek\.com$/, "Mojeek"],
  [/(^|\.)swisscows\.com$/, "Swisscows"],
  [/(^|\.)presearch\.(com|org)$/, "Presearch"],
];

/** Hosts of the same names that are no search: mail, documents, shops. */
const NOT_SEARCH =
  /^(mail|docs|drive|accounts|calendar|meet|chat|groups|sites|translate|play|maps|news|photos|classroom|login|support)\./;

/** The search engine of an address; `undefined` if it is none. */
export function searchEngine(address: string): string | undefined {
  const host = hostOf(address);
  if (host === undefined || NOT_SEARCH.test(host)) {
    return undefined;
  }
  return ENGINES.find(([match]) => match.test(host))?.[1];
}

/** The host of an address of the web, without `www.`; `undefined` if it is none. */
export function hostOf(address: string): string | undefined {
  const url = safeUrl(address);
  return url === undefined ? undefined : new URL(url).hostname.replace(/^www\./, "");
}

/**
 * The address if a link may lead to it: of the web, not a script. What a visitor's browser says of
 * itself may be anything.
 */
export function safeUrl(address: string | undefined): string | undefined {
  if (address === undefined || !URL.canParse(address)) {
    return undefined;
  }
  const url = new URL(address);
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : undefined;
}
