import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { safeUrl } from "../../model/profile.ts";
import type { Conversation, Profile } from "../../model/types.ts";
import { texts } from "../../texts.ts";
import { PageLink } from "../conversation/system.tsx";
import { clockTime, countryName, duration, languageName, moment, number } from "../format.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { DeviceIcon } from "../parts/device.tsx";
import { Elapsed } from "../parts/elapsed.tsx";
import { Flag } from "../parts/flag.tsx";
import { Globe, Link2, Search, Star, X } from "../parts/icons.ts";
import { PastConversations } from "./past.tsx";

/** Pages shown before one asks for all of them. */
const PAGES_SHOWN = 4;

/** Who the visitor is: where they came from, what they saw, what was said before. */
export function VisitorPanel({
  conversation,
  onClose,
}: {
  conversation: Conversation;
  onClose?: () => void;
}) {
  const t = texts().panel;
  const profile = conversation.profile.value;
  return (
    <section class="panel" aria-label={t.name}>
      <div class="panel-head">
        <h2>{t.name}</h2>
        {onClose !== undefined && (
          <IconButton label={texts().close} onClick={onClose}>
            <X aria-hidden="true" />
          </IconButton>
        )}
      </div>
      <div class="panel-body">
        <Part title={t.provenance}>
          <Provenance profile={profile} />
        </Part>
        <Part title={t.navigation}>
          <Navigation
            profile={profile}
            closed={conversation.closed.value}
            last={conversation.items.value.at(-1)?.time}
          />
        </Part>
        <Part title={t.profile}>
          <Who conversation={conversation} profile={profile} />
        </Part>
        <Part title={t.past}>
          <PastConversations conversation={conversation} />
        </Part>
        <Part title={t.data}>
          <Data data={profile.data} />
        </Part>
      </div>
    </section>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="panel-part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Provenance({ profile }: { profile: Profile }) {
  const t = texts().panel;
  const { kind, engine, referrer } = profile.provenance;
  const url = safeUrl(referrer);
  const Icon = { search: Search, link: Link2, direct: Globe }[kind];
  const words = {
    search: engine === undefined ? t.searchUnknown : t.search(engine),
    link: t.link,
    direct: t.direct,
  }[kind];
  return (
    <>
      <p class="provenance">
        <Icon aria-hidden="true" />
        {words}
      </p>
      {referrer !== undefined &&
        (url === undefined ? (
          <p class="muted break">{referrer}</p>
        ) : (
          <a class="referrer cut" href={url} target="_blank" rel="noopener noreferrer" title={url}>
            {bare(url)}
          </a>
        ))}
    </>
  );
}

function Navigation({
  profile,
  closed,
  last,
}: {
  profile: Profile;
  closed: boolean;
  last: number | undefined;
}) {
  const t = texts().panel;
  const all = useSignal(false);
  const { pages, started, visits } = profile.navigation;
  const latest = [...pages].reverse();
  const shown = all.value ? latest : latest.slice(0, PAGES_SHOWN);
  return (
    <>
      <dl class="figures">
        <div>
          <dt>{t.timeOnSite}</dt>
          <dd>
            {closed && last !== undefined ? duration(last - started) : <Elapsed since={started} />}
          </dd>
        </div>
        <div>
          <dt>{t.pagesSeen}</dt>
          <dd>{number(pages.length)}</dd>
        </div>
        <div>
          <dt>{t.visits}</dt>
          <dd>{number(visits)}</dd>
        </div>
      </dl>
      <ol class="pages">
        {shown.map((visit, index) => (
          <li key={visit.time + visit.page.url} class={index === 0 ? "page-now" : ""}>
            <span class="cut">
              <PageLink {...visit.page} />
            </span>
            <span class="muted" title={moment(visit.time)}>
              {visit.stay === undefined ? clockTime(visit.time) : duration(visit.stay)}
            </span>
          </li>
        ))}
      </ol>
      {latest.length > shown.length && (
        <Button
          kind="quiet"
          class="small"
          onClick={() => {
            all.value = true;
          }}
        >
          {t.morePages(latest.length - shown.length)}
        </Button>
      )}
    </>
  );
}

function Who({ conversation, profile }: { conversation: Conversation; profile: Profile }) {
  const t = texts();
  const lines: [string, ComponentChildren][] = [];
  const country = countryName(profile.country);
  if (country !== undefined) {
    lines.push([
      t.panel.country,
      <>
        <Flag country={profile.country} /> {country}
      </>,
    ]);
  }
  lines.push([
    t.panel.device,
    <>
      <DeviceIcon device={profile.device} /> {t.devices[profile.device]}
    </>,
  ]);
  if (profile.browser !== undefined) lines.push([t.panel.browser, profile.browser]);
  if (profile.os !== undefined) lines.push([t.panel.system, profile.os]);
  const language = languageName(profile.language);
  if (language !== undefined) lines.push([t.panel.language, language]);
  if (profile.rating !== undefined) lines.push([t.panel.rating, <Rating {...profile.rating} />]);
  lines.push([t.panel.session, <code class="break">{conversation.session}</code>]);
  return <Lines lines={lines} />;
}

/** What a visitor thought of it. */
export function Rating({ score, comment }: { score: number; comment?: string }) {
  return (
    <span class="rating">
      <span role="img" aria-label={texts().panel.stars(score)} class="stars">
        {[1, 2, 3, 4, 5].map((star) => (
          <Star key={star} class={star <= score ? "star star-on" : "star"} aria-hidden="true" />
        ))}
      </span>
      {comment !== undefined && <span class="rating-comment">“{comment}”</span>}
    </span>
  );
}

function Data({ data }: { data: Readonly<Record<string, string>> }) {
  const t = texts().panel;
  const lines = Object.entries(data);
  if (lines.length === 0) return <p class="muted">{t.dataNone}</p>;
  return (
    <>
      <Lines lines={lines} />
      <p class="muted small">{t.dataHint}</p>
    </>
  );
}

function Lines({ lines }: { lines: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="lines">
      {lines.map(([name, value]) => (
        <div key={name}>
          <dt class="cut" title={name}>
            {name}
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function bare(url: string): string {
  return url.replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, "");
}
